"""The logarithm map: the velocity of the geodesic that leads from one point to another."""

from __future__ import annotations

import functools
import warnings
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tfgeo.curves import Curve
from tfgeo.errors import check_count
from tfgeo.geodesics.connect import connect
from tfgeo.geodesics.latents import as_pairs, check_manifold, working_dtype
from tfgeo.geodesics.maps.degenerate import describe_degenerate
from tfgeo.geodesics.maps.exponential_map import choose_tolerance, integrate_geodesics
from tfgeo.geodesics.result import Geodesics
from tfgeo.geodesics.solvers.smoothness import check_smooth
from tfgeo.geodesics.solvers.solver import Solver
from tfgeo.geodesics.starts.warm_start import WarmStart
from tfgeo.manifolds import Manifold

__all__ = ["Logarithms", "logarithm_map"]

# Error of exp(log), relative to |end - start|, at which shooting stops by default: some tens of the ODE
# solver's own.
DEFAULT_TOLERANCE = {np.dtype(np.float32): 1e-4, np.dtype(np.float64): 1e-7}
# A geodesic this much longer than the curve that it began from is another one.
MAX_LENGTH_RATIO = 1.05
# A pair whose steps only help when they are shorter than this share of a whole one has come to an end.
SMALLEST_SHARE = 2.0**-10
# A step that leaves more of the error than this is not what its Jacobian promised.
FAST = 0.5
# Keeps a division by the speed of a curve that stands still finite.
TINY = 1e-30


class Logarithms(NamedTuple):
    """Initial velocities of the geodesics of B pairs.

    Attributes:
      velocity: `[B, d]`, so that `exponential_map(manifold, start, velocity)` is the end point.
      distance: `[B]`, its Riemannian norm, the length of the geodesic.
      error: `[B]`, latent distance between the end point and where the geodesic comes out; NaN where it ran
        into a singular point.
      converged: `[B]` bool: the error is within the tolerance, and the geodesic no longer than the curve found.
      num_iterations: `[B]` int32, steps tried.
    """

    velocity: np.ndarray
    distance: np.ndarray
    error: np.ndarray
    converged: np.ndarray
    num_iterations: np.ndarray


def logarithm_map(
    manifold: Manifold,
    start: np.ndarray,
    end: np.ndarray,
    curve: str | Curve = "cubic_spline",
    solver: str | Solver | None = None,
    warm_start: WarmStart | None = None,
    num_points: int | None = None,
    max_iterations: int = 40,
    tolerance: float | None = None,
    warn: bool = True,
) -> Logarithms:
    """Velocities at `start` of the geodesics that are at `end` at time 1.

    The curve that `connect` finds, without the potential of an energy that has one, gives the first guess, c'(0)
    with the curve's length as its norm; Broyden's method then shoots: it solves `exp_start(v) = end`, all pairs in
    one ODE solution per step, with a Jacobian that begins as that of flat space and learns from every step. Where a
    step leaves more than half of the error the Jacobian is taken anew, from differences of the exponential map in
    all d directions; what then still comes out farther from `end` is halved.

    Args:
      manifold: the manifold, with a metric that has continuous derivatives.
      start: `[B, d]`.
      end: `[B, d]`. Computed in the decoder's dtype, where it has one, and given back as float64 where these are.
      curve: family of the first guess, as for `connect`.
      solver: solver of the first guess, as for `connect`.
      warm_start: as for `connect`.
      num_points: points on the curve of the first guess.
      max_iterations: steps; 0 gives the first guess, with its error.
      tolerance: error relative to |end - start|; by default 1e-4 in float32, 1e-7 in float64.
      warn: whether to warn when pairs did not converge.

    Returns:
      `Logarithms`; NaN velocity and distance for pairs that are not finite.

    Raises:
      UserError: as for `connect`, or if the metric jumps (ReLU decoders).
    """
    check_count("max_iterations", max_iterations, minimum=0)
    check_manifold(manifold)
    start, end = as_pairs(start, end)
    latent_dtype, dtype = start.dtype, working_dtype(manifold, start)
    start, end = start.astype(dtype), end.astype(dtype)
    metric = metric_of(manifold)
    geodesics = connect(metric, start, end, curve, solver, warm_start, num_points, warn=False)
    check_smooth(manifold, geodesics.start, geodesics.end, "logarithm_map")
    logarithms = shoot(manifold, geodesics, max_iterations, tolerance)
    if warn and not logarithms.converged.all():
        remedy = describe_degenerate(manifold, geodesics.start[~logarithms.converged]) or (
            "raise max_iterations or num_points, or give a curve with more parameters, for a better first guess"
        )
        warnings.warn(
            f"{np.sum(~logarithms.converged)} of {len(geodesics)} logarithms did not converge; {remedy}",
            stacklevel=2,
        )
    is_known = np.isfinite(logarithms.velocity).all(axis=1, keepdims=True)
    return logarithms._replace(
        velocity=np.where(is_known, logarithms.velocity, np.nan).astype(latent_dtype, copy=False),
        distance=logarithms.distance.astype(latent_dtype, copy=False),
        error=logarithms.error.astype(latent_dtype, copy=False),
    )


@functools.lru_cache(maxsize=16)
def metric_of(manifold: Manifold) -> Manifold:
    """The manifold without its potential: always the same one, for which problems are compiled once."""
    return manifold.without_potential()


def shoot(manifold: Manifold, geodesics: Geodesics, max_iterations: int, tolerance: float | None) -> Logarithms:
    """Broyden's method on `exp_start(v) = end` from the curves given."""
    start, end = geodesics.start, geodesics.end
    dtype, latent_dim = start.dtype, start.shape[-1]
    tolerance = DEFAULT_TOLERANCE[dtype] if tolerance is None else choose_tolerance(tolerance, dtype)
    velocity = _first_guess(manifold, geodesics)
    # The best difference step balances its square against rounding over it; see Nocedal and Wright (2006), 8.1.
    difference = float(np.cbrt(np.finfo(dtype).eps))

    def miss(rows: np.ndarray, velocity: np.ndarray) -> np.ndarray:
        """Errors of the geodesics of some rows: velocities `[B, ..., d]` to `[B, ..., d]`."""
        first, last = (
            np.broadcast_to(end_[rows].reshape(len(rows), *[1] * (velocity.ndim - 2), latent_dim), velocity.shape)
            for end_ in (start, end)
        )
        flat = (first.reshape(-1, latent_dim), velocity.reshape(-1, latent_dim))
        points = integrate_geodesics(manifold, *flat, np.ones(1, dtype), None)[0]
        return points.reshape(velocity.shape) - last

    def differentiate(rows: np.ndarray) -> np.ndarray:
        """Jacobians `[B, d, d]` of the errors of some rows, where they are now."""
        sizes = difference * np.linalg.norm(velocity[rows], axis=-1)[:, None, None] + TINY
        moved = miss(rows, velocity[rows, None] + sizes * np.eye(latent_dim, dtype=dtype))
        return np.swapaxes((moved - residual[rows, None]) / sizes, -1, -2)

    scale = np.linalg.norm(end - start, axis=-1)
    residual = np.zeros_like(start)
    # In flat space the exponential map moves its end as its velocity.
    jacobian = np.broadcast_to(np.eye(latent_dim, dtype=dtype), (*start.shape, latent_dim)).copy()
    is_exact = np.zeros(len(start), bool)
    moving = np.flatnonzero(scale != 0.0)
    residual[moving] = miss(moving, velocity[moving])
    share = np.ones_like(scale)
    num_iterations = np.zeros(len(start), np.int32)
    for iteration in range(max_iterations):
        error = np.linalg.norm(residual, axis=-1)
        # False where NaN: such a pair has no step.
        rows = np.flatnonzero((error > tolerance * scale) & (share >= SMALLEST_SHARE))
        if not len(rows):
            break
        steps = share[rows, None] * _newton_steps(jacobian[rows], residual[rows])
        trial = velocity[rows] - steps
        num_iterations[rows] += 1
        trial_residual = miss(rows, trial)
        trial_error = np.linalg.norm(trial_residual, axis=-1)
        better, fast = trial_error < error[rows], trial_error < FAST * error[rows]
        taken = rows[better]
        jacobian[taken] = _correct(jacobian[taken], -steps[better], trial_residual[better] - residual[taken])
        velocity[taken], residual[taken] = trial[better], trial_residual[better]
        # A whole Jacobian costs d shots: only where the one that was learned is not good enough.
        renewed = rows[~fast & ~is_exact[rows]]
        share[rows] = np.where(
            better, np.minimum(1.0, 2.0 * share[rows]), np.where(is_exact[rows], 0.5, 1.0) * share[rows]
        )
        is_exact[taken] = False
        if len(renewed) and iteration < max_iterations - 1:
            jacobian[renewed], is_exact[renewed] = differentiate(renewed), True
    error = np.linalg.norm(residual, axis=-1)
    distance = manifold.norm(tf.constant(start), tf.constant(velocity)).numpy()
    same = distance <= MAX_LENGTH_RATIO * geodesics.length
    return Logarithms(velocity, distance, error, (error <= tolerance * scale) & same, num_iterations)


def _first_guess(manifold: Manifold, geodesics: Geodesics) -> np.ndarray:
    """c'(0), with the curve's length for its norm: a better speed than that of its first instant."""
    parameters, start, end = map(tf.constant, (geodesics.parameters, geodesics.start, geodesics.end))
    velocity = geodesics.curve.derivative(parameters, start, end, tf.zeros([1], start.dtype))[:, 0]
    speed = manifold.norm(start, velocity).numpy()
    ratio = np.divide(geodesics.length, speed, out=np.ones_like(speed), where=speed > TINY)
    return velocity.numpy() * ratio[:, None]


def _correct(jacobian: np.ndarray, steps: np.ndarray, changes: np.ndarray) -> np.ndarray:
    """The nearest Jacobians `[B, d, d]` that turn steps into changes, `[B, d]` each (Broyden 1965)."""
    missing = changes - np.einsum("bij,bj->bi", jacobian, steps)
    squares = np.einsum("bj,bj->b", steps, steps) + TINY
    return jacobian + missing[:, :, None] * steps[:, None, :] / squares[:, None, None]


def _newton_steps(jacobian: np.ndarray, residual: np.ndarray) -> np.ndarray:
    """Newton steps `[B, d]`: of least norm where a Jacobian is singular (conjugate points), 0 where not finite."""
    steps = np.zeros_like(residual)
    finite = np.isfinite(jacobian).all(axis=(1, 2))
    if finite.any():
        inverse = np.linalg.pinv(jacobian[finite], rcond=np.finfo(jacobian.dtype).eps * jacobian.shape[-1])
        steps[finite] = np.einsum("bij,bj->bi", inverse, residual[finite])
    return steps
