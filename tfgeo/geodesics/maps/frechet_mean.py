"""The Frechet mean: the point with the least mean squared distance."""

from __future__ import annotations

import warnings
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tfgeo.curves import Curve
from tfgeo.errors import UserError, check_count, check_positive
from tfgeo.geodesics.connect import connect
from tfgeo.geodesics.latents import as_latents, check_manifold, working_dtype
from tfgeo.geodesics.maps.degenerate import describe_degenerate
from tfgeo.geodesics.maps.exponential_map import integrate_geodesics
from tfgeo.geodesics.maps.logarithm_map import Logarithms, metric_of, shoot
from tfgeo.geodesics.solvers.smoothness import check_smooth
from tfgeo.geodesics.solvers.solver import Solver
from tfgeo.manifolds import Manifold

__all__ = ["FrechetMean", "frechet_mean"]

# Steps of each logarithm.
MAX_SHOTS = 40
# Smallest share of a Karcher step that is tried: below it the search ends.
MIN_SHARE = 1e-3
# Relative difference of two variances that the distances' own error can make.
ROUNDING = 1e-5


class FrechetMean(NamedTuple):
    """A mean and how it was found.

    Attributes:
      point: `[d]`.
      variance: weighted mean of the squared distances to the points.
      converged: whether the last step was within the tolerance.
      num_iterations: steps tried.
      variances: `[num_iterations + 1]` variance before each step and at the end; those of dropped steps too.
      steps: `[num_iterations + 1]` Riemannian norm of the mean logarithm at the same places, which is 0 at a mean.
    """

    point: np.ndarray
    variance: float
    converged: bool
    num_iterations: int
    variances: np.ndarray
    steps: np.ndarray


def frechet_mean(
    manifold: Manifold,
    points: np.ndarray,
    weights: np.ndarray | None = None,
    initial: np.ndarray | None = None,
    curve: str | Curve = "cubic_spline",
    solver: str | Solver | None = None,
    num_points: int | None = None,
    max_iterations: int = 50,
    tolerance: float = 1e-4,
    warn: bool = True,
) -> FrechetMean:
    """The point m that minimizes `sum_i w_i d(m, x_i)^2`, by Karcher's iteration.

    `m <- exp_m(sum_i w_i log_m(x_i))`, Karcher (1977, "Riemannian center of mass and mollifier smoothing"); the
    logarithms of all points are taken in one batch. A step that raises the variance is halved. The minimum is
    the nearest local one, which is the only one where the points lie close together.

    Args:
      manifold: the manifold, with a metric that has continuous derivatives.
      points: `[n, d]`. Computed in the decoder's dtype, where it has one, and given back as float64 if these are.
      weights: `[n]`, not negative; by default equal. Only their ratios count.
      initial: `[d]` where to start; by default the weighted mean of the coordinates.
      curve: family of the curves that logarithms start from, as for `connect`.
      solver: solver of these curves, as for `connect`.
      num_points: points on each of these curves.
      max_iterations: steps after which it stops unconverged.
      tolerance: it has converged when the mean logarithm is at most this times the root of the variance.
      warn: whether to warn when it did not converge, or logarithms on the way to it did not.

    Returns:
      `FrechetMean`.

    Raises:
      UserError: if an argument has the wrong shape or is not finite, the metric jumps (ReLU decoders), or a
        point cannot be reached.
    """
    check_manifold(manifold)
    points = as_latents(points, "points")
    latent_dtype = points.dtype
    points = points.astype(working_dtype(manifold, points), copy=False)
    points, weights, mean = _check_points(points, weights, initial)
    check_count("max_iterations", max_iterations, minimum=0)
    check_positive("tolerance", tolerance)
    metric = metric_of(manifold)
    check_smooth(manifold, np.broadcast_to(mean, points.shape), points, "frechet_mean")

    def logarithms(mean: np.ndarray) -> Logarithms:
        start = np.ascontiguousarray(np.broadcast_to(mean, points.shape))
        geodesics = connect(metric, start, points, curve, solver, num_points=num_points, warn=False)
        found = shoot(manifold, geodesics, MAX_SHOTS, None)
        if not (np.isfinite(found.velocity).all() and np.isfinite(found.distance).all()):
            row = int(np.argmin(np.isfinite(found.distance) & np.isfinite(found.velocity).all(axis=-1)))
            raise UserError(
                f"`points` row {row} {points[row].tolist()} cannot be reached from {mean.tolist()}: the metric is "
                "not finite on the way; leave it out, or give an `initial` nearer to it"
            )
        return found

    def look(mean: np.ndarray) -> tuple[float, np.ndarray, float, int]:
        """Variance, mean logarithm, its norm, and how many logarithms did not converge."""
        found = logarithms(mean)
        velocity = (weights @ found.velocity).astype(points.dtype)
        norm = float(manifold.norm(tf.constant(mean), tf.constant(velocity)))
        return float(weights @ found.distance**2), velocity, norm, int(np.sum(~found.converged))

    variance, velocity, norm, num_failed = look(mean)
    variances, steps = [variance], [norm]
    share, one = 1.0, np.ones(1, points.dtype)
    while norm > tolerance * np.sqrt(variance) and len(steps) <= max_iterations and share > MIN_SHARE:
        move = (share * velocity).astype(points.dtype)
        trial = integrate_geodesics(manifold, mean[None], move[None], one, None)[0][0, 0]
        if not np.isfinite(trial).all():
            variances.append(float("nan"))
            steps.append(float("nan"))
            share *= 0.5
            continue
        trial_variance, trial_velocity, trial_norm, trial_failed = look(trial)
        variances.append(trial_variance)
        steps.append(trial_norm)
        # Near the mean variances differ by less than rounding: there the smaller logarithm decides.
        level = abs(trial_variance - variance) <= ROUNDING * variance
        if trial_norm < norm if level else trial_variance < variance:
            mean, variance, velocity, norm, num_failed = (
                trial,
                trial_variance,
                trial_velocity,
                trial_norm,
                trial_failed,
            )
        else:
            share *= 0.5
    converged = norm <= tolerance * np.sqrt(variance)
    singular = describe_degenerate(manifold, mean[None]) if warn and (num_failed or not converged) else ""
    if warn and not converged:
        warnings.warn(
            f"the mean did not converge in {len(steps) - 1} steps: the mean logarithm is {norm:.2g}, the deviation "
            f"{np.sqrt(variance):.2g}; {singular or 'raise max_iterations or tolerance'}",
            stacklevel=2,
        )
    if warn and num_failed:
        warnings.warn(
            f"{num_failed} of {len(points)} logarithms at the mean did not converge; "
            f"{singular or 'raise num_points'}",
            stacklevel=2,
        )
    mean = mean.astype(latent_dtype, copy=False)
    return FrechetMean(mean, variance, bool(converged), len(steps) - 1, np.array(variances), np.array(steps))


def _check_points(
    points: np.ndarray, weights: np.ndarray | None, initial: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points `[n, d]`, weights `[n]` of sum 1 and the initial mean `[d]`, of one dtype."""
    if not len(points):
        raise UserError(f"`points` {points.shape} {points.dtype} must be [n, d] real numbers with n of at least 1")
    if not np.isfinite(points).all():
        row = int(np.argmin(np.isfinite(points).all(axis=-1)))
        raise UserError(f"`points` row {row} is not finite: {points[row].tolist()}; leave it out")
    weights = np.ones(len(points)) if weights is None else np.asarray(weights, np.float64)
    if weights.shape != (len(points),) or not (weights >= 0.0).all() or not 0.0 < weights.sum() < np.inf:
        raise UserError(
            f"`weights` {weights.shape} must be [n]={[len(points)]} finite numbers, none negative, not all 0"
        )
    weights = (weights / weights.sum()).astype(points.dtype)
    initial = weights @ points if initial is None else np.asarray(initial, points.dtype)
    if initial.shape != points.shape[1:] or not np.isfinite(initial).all():
        raise UserError(f"`initial` {initial.tolist()} must be [d]={[points.shape[1]]} finite numbers")
    return points, weights, initial
