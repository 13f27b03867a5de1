"""The metric that an embedding pulls back from data space."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from tfgeo.manifolds.acceleration import embedded_acceleration
from tfgeo.manifolds.manifold import Manifold

__all__ = ["Pullback", "differences", "flatten_last_two", "jacobian_columns"]


class Pullback(Manifold):
    """`G(z) = J(z)^T J(z)` for the Jacobian J of `embedding_fn`; Eq. 10 of Yang et al. (2018).

    Metrics are built by forward mode, one pass per latent dimension; energies and lengths are sums over
    decoded differences and need no Jacobian.

    Args:
      embedding_fn: function `[..., d]` to `[..., M]` of TensorFlow operations.
    """

    def __init__(self, embedding_fn: Callable[[tf.Tensor], tf.Tensor]) -> None:
        self._embedding_fn = embedding_fn

    def embedding(self, z: tf.Tensor) -> tf.Tensor:
        """`[..., d]` to `[..., M]`: the points whose Euclidean differences are measured."""
        return self._embedding_fn(z)

    def metric_tensor(self, z: tf.Tensor) -> tf.Tensor:
        columns = jacobian_columns(self.embedding, tf.convert_to_tensor(z))
        return tf.einsum("...mi,...mj->...ij", columns, columns)

    def geodesic_acceleration(self, z: tf.Tensor, v: tf.Tensor) -> tf.Tensor:
        return embedded_acceleration(self.embedding, jacobian_columns(self.embedding, z), z, v)

    def residuals(self, points: tf.Tensor) -> tf.Tensor:
        return flatten_last_two(differences(self.embedding(points)))

    def segment_energies(self, points: tf.Tensor) -> tf.Tensor:
        return tf.reduce_sum(tf.square(differences(self.embedding(points))), axis=-1)


def jacobian_columns(function: Callable[[tf.Tensor], tf.Tensor], z: tf.Tensor) -> tf.Tensor:
    """Jacobian of `function` by forward mode: `[..., d]` to `[..., M, d]`."""
    columns = []
    for tangent in tf.unstack(tf.eye(z.shape[-1], dtype=z.dtype)):
        with tf.autodiff.ForwardAccumulator(z, tf.broadcast_to(tangent, tf.shape(z))) as accumulator:
            values = function(z)
        columns.append(accumulator.jvp(values, unconnected_gradients=tf.UnconnectedGradients.ZERO))
    return tf.stack(columns, axis=-1)


def differences(values: tf.Tensor) -> tf.Tensor:
    """Differences of neighbouring points: `[..., T, M]` to `[..., T - 1, M]`."""
    return values[..., 1:, :] - values[..., :-1, :]


def flatten_last_two(values: tf.Tensor) -> tf.Tensor:
    """`[..., S, M]` to `[..., S M]`."""
    shape = tf.shape(values)
    return tf.reshape(values, tf.concat([shape[:-2], [shape[-2] * shape[-1]]], axis=0))
