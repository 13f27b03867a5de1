"""The exponential map: geodesics from a point and a velocity."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from tfgeo.errors import UserError, check_positive
from tfgeo.geodesics.latents import as_latents, check_manifold, working_dtype
from tfgeo.geodesics.maps.degenerate import describe_degenerate
from tfgeo.geodesics.maps.ode import DEFAULT_TOLERANCE, solve_in_batches, solve_ode
from tfgeo.geodesics.solvers.smoothness import check_smooth
from tfgeo.manifolds import Manifold

__all__ = ["exponential_map", "geodesic_flow"]


def exponential_map(
    manifold: Manifold, z: np.ndarray, v: np.ndarray, t: float = 1.0, tolerance: float | None = None
) -> np.ndarray:
    """Where the geodesic from `z` with velocity `v` is at time `t`: `exp_z(t v)`.

    Args:
      manifold: the manifold, with a metric that has continuous derivatives.
      z: `[B, d]` points, or `[d]`.
      v: `[B, d]` velocities in latent units per unit of time, or `[d]`; both broadcast.
      t: time, greater than 0.
      tolerance: of the ODE solver per step, relative and absolute; by default 1.2e-8 in float32, 1e-10 in float64.

    Returns:
      `[B, d]`, or `[d]` where both are `[d]`; NaN for pairs that run into a point where the metric is not
      positive definite, or that are not finite.

    Raises:
      UserError: if the shapes do not match, `t` is not positive, or the metric jumps (ReLU decoders).
    """
    t = check_positive("t", t)
    return geodesic_flow(manifold, z, v, np.array([t]), tolerance)[0][..., 0, :]


def geodesic_flow(
    manifold: Manifold, z: np.ndarray, v: np.ndarray, times: np.ndarray, tolerance: float | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Points and velocities of geodesics at several times; see `exponential_map`.

    Solves `z'' = -Gamma(z', z')` by the method of Dormand and Prince, all pairs at once, each with its own steps.

    Args:
      manifold: the manifold.
      z: `[B, d]` or `[d]`.
      v: `[B, d]` or `[d]`.
      times: `[T]`, increasing, each greater than 0.
      tolerance: as for `exponential_map`.

    Returns:
      Points and velocities, each `[B, T, d]` or `[T, d]`.

    Raises:
      UserError: as for `exponential_map`, or if `times` do not increase.
    """
    check_manifold(manifold)
    z, v = check_tangents(z, v)
    latent_dtype, dtype = z.dtype, working_dtype(manifold, z)
    single = z.ndim == 1
    z, v = np.atleast_2d(z).astype(dtype), np.atleast_2d(v).astype(dtype)
    times = np.asarray(times, z.dtype)
    if times.ndim != 1 or not len(times) or not (np.diff(times, prepend=0.0) > 0.0).all():
        raise UserError(f"`times` {times.tolist()} must be positive and increase; sort them and leave out 0")
    check_smooth(manifold, z, z + times[-1] * v, "exponential_map")
    found = integrate_geodesics(manifold, z, v, times, tolerance)
    lost = ~np.isfinite(found[0]).all(axis=(1, 2)) & np.isfinite(z).all(axis=1) & np.isfinite(v).all(axis=1)
    singular = describe_degenerate(manifold, z[lost]) if lost.any() else ""
    if singular:
        warnings.warn(f"{np.sum(lost)} of {len(z)} geodesics are NaN; {singular}", stacklevel=3)
    points, velocities = (part.astype(latent_dtype, copy=False) for part in found)
    return (points[0], velocities[0]) if single else (points, velocities)


def integrate_geodesics(
    manifold: Manifold, z: np.ndarray, v: np.ndarray, times: np.ndarray, tolerance: float | None
) -> tuple[np.ndarray, np.ndarray]:
    """`geodesic_flow` of `[B, d]` arrays that have been checked."""
    latent_dim = z.shape[-1]
    tolerance = choose_tolerance(tolerance, z.dtype)

    def solve(state: np.ndarray) -> tf.Tensor:
        compiled = _compile_flow(manifold, *state.shape, tf.as_dtype(state.dtype))
        return compiled(tf.constant(state), tf.constant(times), tf.constant(tolerance, z.dtype))

    states = solve_in_batches(solve, len(times), 2 * latent_dim, np.concatenate([z, v], axis=-1))
    states = np.swapaxes(states, 0, 1)
    return states[..., :latent_dim], states[..., latent_dim:]


def check_tangents(z: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points and vectors of one floating dtype and one shape `[B, d]` or `[d]`."""
    z, v = (as_latents(part, name, (1, 2), "[B, d] or [d]") for part, name in ((z, "z"), (v, "v")))
    dtype = np.result_type(z, v)
    if z.shape[-1] != v.shape[-1]:
        raise UserError(f"`z` {z.shape} and `v` {v.shape} must be [B, d] or [d] with the same d; reshape them")
    try:
        z, v = np.broadcast_arrays(z.astype(dtype), v.astype(dtype))
    except ValueError as error:
        raise UserError(f"`z` {z.shape} and `v` {v.shape} have different B; give one vector per point") from error
    return z, v


def choose_tolerance(tolerance: float | None, dtype: np.dtype) -> float:
    """The tolerance given, or the default of the dtype."""
    return DEFAULT_TOLERANCE[np.dtype(dtype)] if tolerance is None else check_positive("tolerance", tolerance)


@functools.lru_cache(maxsize=32)
def _compile_flow(
    manifold: Manifold, batch_size: int, state_size: int, dtype: tf.DType
) -> Callable[..., tf.Tensor]:
    latent_dim = state_size // 2

    def derivative(t: tf.Tensor, state: tf.Tensor) -> tf.Tensor:
        del t
        z, v = state[:, :latent_dim], state[:, latent_dim:]
        return tf.concat([v, manifold.geodesic_acceleration(z, v)], axis=-1)

    signature = [
        tf.TensorSpec([batch_size, state_size], dtype),
        tf.TensorSpec([None], dtype),
        tf.TensorSpec([], dtype),
    ]

    @tf.function(input_signature=signature, autograph=False)
    def flow(state: tf.Tensor, times: tf.Tensor, tolerance: tf.Tensor) -> tf.Tensor:
        return solve_ode(derivative, state, times, tolerance)

    return flow
