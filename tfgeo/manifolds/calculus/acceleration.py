"""The acceleration of geodesics, without Christoffel symbols."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from tfgeo.manifolds.calculus.jacobian import differentiate, nan_unless_finite

__all__ = ["differentiate_metric", "embedded_acceleration", "metric_acceleration"]

ZERO = tf.UnconnectedGradients.ZERO


def metric_acceleration(metric_fn: Callable[[tf.Tensor], tf.Tensor], z: tf.Tensor, v: tf.Tensor) -> tf.Tensor:
    """`-Gamma(v, v)` from the Euler-Lagrange equation of `L = 1/2 v^T G(z) v`.

    `d/dt (G v) = 1/2 grad_z (v^T G v)` gives `G a = 1/2 grad_z (v^T G v) - (dG/dt) v`: one gradient by reverse
    mode, and dG/dt along v by reverse mode over it. No array of d^3 derivatives is formed.

    Args:
      metric_fn: `[..., d]` to `[..., d, d]`.
      z: `[..., d]` points.
      v: `[..., d]` velocities.

    Returns:
      `[..., d]`, NaN where the metric is not positive definite.
    """
    metric, force, change = differentiate_metric(metric_fn, z, v)
    return _solve(metric, 0.5 * force - tf.linalg.matvec(change, v))


def differentiate_metric(
    metric_fn: Callable[[tf.Tensor], tf.Tensor], z: tf.Tensor, v: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """G `[..., d, d]`, `grad_z (v^T G v)` `[..., d]` and dG/dt along v `[..., d, d]`, from one evaluation of G.

    By reverse mode twice: `r(U) = grad_z <U, G>` is linear in U, and the derivative of `<r(U), v>` in U is dG/dt.
    Metrics of embeddings are built by forward mode, and TensorFlow (2.21) fails in forward mode over forward mode
    where a model calls `tf.shape` (IndexError in `_backward_function`).
    """
    weights = v[..., :, None] * v[..., None, :]
    with tf.GradientTape() as outer:
        outer.watch(weights)
        with tf.GradientTape() as inner:
            inner.watch(z)
            metric = metric_fn(z)
        force = inner.gradient(metric, z, output_gradients=weights, unconnected_gradients=ZERO)
    return metric, force, outer.gradient(force, weights, output_gradients=v, unconnected_gradients=ZERO)


def embedded_acceleration(
    embedding_fn: Callable[[tf.Tensor], tf.Tensor], columns: tf.Tensor, z: tf.Tensor, v: tf.Tensor
) -> tf.Tensor:
    """`-Gamma(v, v)` of the metric that an embedding f pulls back: `-(J^T J)^-1 J^T d^2 f[v, v]`.

    A geodesic of an embedded surface accelerates along the surface's normal only: J^T (J a + d^2 f[v, v]) = 0.
    The second derivative is reverse mode three times: of `<w, f>` in z and of the result along v in z, which is
    linear in w, and of that along v in w. `tf.autodiff.ForwardAccumulator` fails where a decoder has an operation
    with a shape among its attributes, such as `tf.ensure_shape`, and takes longer to trace.

    Args:
      embedding_fn: `[..., d]` to `[..., M]`.
      columns: `[..., M, d]` its Jacobian J at z.
      z: `[..., d]` points.
      v: `[..., d]` velocities.

    Returns:
      `[..., d]`, NaN where the metric is not positive definite or the embedding not finite.
    """
    with tf.GradientTape() as transpose:
        with tf.GradientTape() as outer:
            outer.watch(z)
            with tf.GradientTape() as inner:
                inner.watch(z)
                values = embedding_fn(z)
            weights = tf.zeros_like(values)
            transpose.watch(weights)
            gradient = differentiate(inner, values, z, weights)
        change = differentiate(outer, gradient, z, v)
    curvature = differentiate(transpose, change, weights, v)
    metric = tf.einsum("...mi,...mj->...ij", columns, columns)
    force = -tf.einsum("...mi,...m->...i", columns, curvature)
    return _solve(metric, force * nan_unless_finite(values)[..., None])


def _solve(metric: tf.Tensor, force: tf.Tensor) -> tf.Tensor:
    return tf.linalg.cholesky_solve(tf.linalg.cholesky(metric), force[..., None])[..., 0]
