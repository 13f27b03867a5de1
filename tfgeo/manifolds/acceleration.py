"""The acceleration of geodesics, without Christoffel symbols."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

__all__ = ["embedded_acceleration", "metric_acceleration"]

ZERO = tf.UnconnectedGradients.ZERO


def metric_acceleration(metric_fn: Callable[[tf.Tensor], tf.Tensor], z: tf.Tensor, v: tf.Tensor) -> tf.Tensor:
    """`-Gamma(v, v)` from the Euler-Lagrange equation of `L = 1/2 v^T G(z) v`.

    `d/dt (G v) = 1/2 grad_z (v^T G v)` gives `G a = 1/2 grad_z (v^T G v) - (dG/dt) v`: one gradient by reverse
    mode, and dG/dt along v by forward mode. No array of d^3 derivatives is formed.

    Args:
      metric_fn: `[..., d]` to `[..., d, d]`.
      z: `[..., d]` points.
      v: `[..., d]` velocities.

    Returns:
      `[..., d]`, NaN where the metric is not positive definite.
    """
    with tf.GradientTape() as tape:
        tape.watch(z)
        speed = tf.einsum("...i,...ij,...j->...", v, metric_fn(z), v)
    force = 0.5 * tape.gradient(speed, z, unconnected_gradients=ZERO)
    with tf.autodiff.ForwardAccumulator(z, v) as accumulator:
        metric = metric_fn(z)
    change = accumulator.jvp(metric, unconnected_gradients=ZERO)
    return _solve(metric, force - tf.linalg.matvec(change, v))


def embedded_acceleration(
    embedding_fn: Callable[[tf.Tensor], tf.Tensor], columns: tf.Tensor, z: tf.Tensor, v: tf.Tensor
) -> tf.Tensor:
    """`-Gamma(v, v)` of the metric that an embedding f pulls back: `-(J^T J)^-1 J^T d^2 f[v, v]`.

    A geodesic of an embedded surface accelerates along the surface's normal only: J^T (J a + d^2 f[v, v]) = 0.
    The second derivative is forward mode over forward mode.

    Args:
      embedding_fn: `[..., d]` to `[..., M]`.
      columns: `[..., M, d]` its Jacobian J at z.
      z: `[..., d]` points.
      v: `[..., d]` velocities.

    Returns:
      `[..., d]`, NaN where the metric is not positive definite.
    """
    with tf.autodiff.ForwardAccumulator(z, v) as outer:
        with tf.autodiff.ForwardAccumulator(z, v) as inner:
            values = embedding_fn(z)
        slope = inner.jvp(values, unconnected_gradients=ZERO)
    curvature = outer.jvp(slope, unconnected_gradients=ZERO)
    metric = tf.einsum("...mi,...mj->...ij", columns, columns)
    return _solve(metric, -tf.einsum("...mi,...m->...i", columns, curvature))


def _solve(metric: tf.Tensor, force: tf.Tensor) -> tf.Tensor:
    return tf.linalg.cholesky_solve(tf.linalg.cholesky(metric), force[..., None])[..., 0]
