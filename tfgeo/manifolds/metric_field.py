"""Manifolds that are known by their metric tensor alone."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from tfgeo.manifolds.manifold import Manifold

__all__ = ["MetricField", "TensorField"]


class MetricField(Manifold):
    """A metric with no embedding: a subclass gives `metric_tensor`, all else follows.

    The squared length of a segment from a to b is `(b - a)^T G((a + b) / 2) (b - a)`, the midpoint rule:
    energies and lengths of a smooth curve cut into T - 1 segments are wrong by O(1 / (T - 1)^2).
    """

    def segment_energies(self, points: tf.Tensor) -> tf.Tensor:
        points = tf.convert_to_tensor(points)
        first, second = points[..., :-1, :], points[..., 1:, :]
        step = second - first
        return self.inner_product(0.5 * (first + second), step, step)


class TensorField(MetricField):
    """A user's own metric.

    `check_metric` says where, if anywhere, `metric_fn` is no metric.

    Args:
      metric_fn: function `[..., d]` to `[..., d, d]` of TensorFlow operations, symmetric positive definite.
    """

    def __init__(self, metric_fn: Callable[[tf.Tensor], tf.Tensor]) -> None:
        self._metric_fn = metric_fn

    def metric_tensor(self, z: tf.Tensor) -> tf.Tensor:
        return self._metric_fn(tf.convert_to_tensor(z))
