"""Parallel transport of tangent vectors along curves."""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from tfgeo.curves import CubicSpline, Curve, LinearCurve, Polyline, Quadratic
from tfgeo.errors import UserError
from tfgeo.geodesics.latents import as_latents, check_manifold, working_dtype
from tfgeo.geodesics.maps.exponential_map import check_tangents, choose_tolerance
from tfgeo.geodesics.maps.ode import solve_in_batches, solve_ode
from tfgeo.geodesics.result import Geodesics
from tfgeo.geodesics.solvers.smoothness import check_smooth
from tfgeo.manifolds import Manifold

__all__ = ["parallel_transport"]

# Keeps a division finite where a curve or a vector has no length.
TINY = 1e-30


def parallel_transport(
    manifold: Manifold, path: Geodesics | np.ndarray, v: np.ndarray, tolerance: float | None = None
) -> np.ndarray:
    """Tangent vectors moved along curves from their first to their last point, as parallel as the metric allows.

    Solves `V' = -Gamma(c', V)` by the method of Dormand and Prince. Along any curve, geodesic or not, inner
    products of transported vectors stay what they are; the velocity of a geodesic is carried to its velocity.

    Args:
      manifold: the manifold, with a metric that has continuous derivatives.
      path: the curves, as `connect` returned them, or `[B, T, d]` points (or `[T, d]` of one curve) at steps of
        equal parameter, through which a cubic spline is laid.
      v: `[B, d]` vectors at the first points, or `[d]` for the same vector on every curve.
      tolerance: of the ODE solver per step, relative and absolute; by default 1.2e-8 in float32, 1e-10 in float64.

    Returns:
      `[B, d]` vectors at the last points, or `[d]` for a `[T, d]` path; NaN for curves through a point where the
      metric is not positive definite, or that are not finite.

    Raises:
      UserError: if the shapes do not match, or the metric jumps (ReLU decoders).
    """
    check_manifold(manifold)
    curve, parameters, start, end, single = _as_curves(path)
    start, v = check_tangents(start, v)
    if start.shape != end.shape:
        raise UserError(f"`v` has {len(v)} rows but `path` has {len(end)} curves; give one vector per curve or [d]")
    latent_dtype, dtype = start.dtype, working_dtype(manifold, start)
    start, v, parameters, end = (part.astype(dtype) for part in (start, v, parameters, end))
    middle = curve.points(
        tf.constant(parameters), tf.constant(start), tf.constant(end), tf.constant([0.5], start.dtype)
    )
    check_smooth(
        manifold, start, middle.numpy()[:, 0], "parallel_transport"
    )  # not to the end: a path may be closed
    tolerance = choose_tolerance(tolerance, start.dtype)
    compiled = _compile_transport(manifold, curve)

    def solve(*arrays: np.ndarray) -> tf.Tensor:
        return compiled(*map(tf.constant, arrays), tf.constant(tolerance, start.dtype))

    # The equation is linear in V: one of the size of 1 is transported, since an error is absolute too.
    size = np.linalg.norm(v, axis=-1, keepdims=True) + TINY
    moved = solve_in_batches(solve, 1, v.shape[-1], (v / size).astype(v.dtype), parameters, start, end)[0] * size
    moved = moved.astype(latent_dtype, copy=False)
    return moved[0] if single else moved


def _as_curves(path: Geodesics | np.ndarray) -> tuple[Curve, np.ndarray, np.ndarray, np.ndarray, bool]:
    """Curve family, parameters `[B, P]`, start and end `[B, d]`, and whether it was one curve without B."""
    if isinstance(path, Geodesics):
        return path.curve, path.parameters, path.start, path.end, False
    points = as_latents(path, "path", (2, 3), "[B, T, d] or [T, d]")
    if points.shape[-2] < 2:
        raise UserError(
            f"`path` {points.shape} {points.dtype} must be what `connect` returns, or [B, T, d] floats with T of "
            "at least 2"
        )
    single = points.ndim == 2
    points = points.reshape(-1, *points.shape[-2:])
    # A spline with a knot at each point goes through all of them; two points are a straight line.
    curve = CubicSpline(points.shape[1] - 1) if points.shape[1] > 2 else Quadratic()
    return curve, curve.fit(points).numpy(), points[:, 0], points[:, -1], single


@functools.lru_cache(maxsize=16)
def _compile_transport(manifold: Manifold, curve: Curve) -> Callable[..., tf.Tensor]:
    @tf.function(autograph=False)
    def transport(
        v: tf.Tensor, parameters: tf.Tensor, start: tf.Tensor, end: tf.Tensor, tolerance: tf.Tensor
    ) -> tf.Tensor:
        def derivative(t: tf.Tensor, v: tf.Tensor) -> tf.Tensor:
            return _contract(manifold, *_follow(curve, parameters, start, end, t), v)

        num_pieces = curve.num_nodes + 1 if isinstance(curve, Polyline) else 1
        return solve_ode(derivative, v, tf.ones([1], v.dtype), tolerance, num_pieces)

    return transport


def _follow(
    curve: Curve, parameters: tf.Tensor, start: tf.Tensor, end: tf.Tensor, t: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Point and velocity of each of B curves at a time `[B]` of its own: `[B, d]` both."""
    if isinstance(curve, LinearCurve):
        nodes = tf.reshape(parameters, [-1, curve.num_nodes, start.shape[-1]])
        points = start + t[:, None] * (end - start) + tf.einsum("bk,bkd->bd", curve.basis(t), nodes)
        return points, end - start + tf.einsum("bk,bkd->bd", curve.basis_derivative(t), nodes)

    def one(row: tuple[tf.Tensor, ...]) -> tuple[tf.Tensor, tf.Tensor]:
        parameters, start, end, time = row
        points = curve.points(parameters, start, end, time[None])
        return points[0], curve.derivative(parameters, start, end, time[None])[0]

    return tf.vectorized_map(one, (parameters, start, end, t))


def _contract(manifold: Manifold, z: tf.Tensor, u: tf.Tensor, v: tf.Tensor) -> tf.Tensor:
    """`-Gamma(u, v)` by polarization: `-1/4 [Gamma(u + v, u + v) - Gamma(u - v, u - v)]`, `[B, d]` each."""
    # u is brought to the size of v, or the smaller one would be lost in rounding.
    scale = (tf.norm(v, axis=-1, keepdims=True) + TINY) / (tf.norm(u, axis=-1, keepdims=True) + TINY)
    u = scale * u
    both = tf.concat([u + v, u - v], axis=0)
    plus, minus = tf.split(manifold.geodesic_acceleration(tf.concat([z, z], axis=0), both), 2, axis=0)
    return 0.25 * (plus - minus) / scale
