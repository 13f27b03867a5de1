"""Manifolds that are known by their metric tensor alone."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from tfgeo.manifolds.calculus.jacobian import value_and_columns
from tfgeo.manifolds.calculus.points import as_points
from tfgeo.manifolds.calculus.quadratic_model import QuadraticModel, join_segments
from tfgeo.manifolds.manifold import Manifold, check_points

__all__ = ["MetricField", "TensorField"]


class MetricField(Manifold):
    """A metric with no embedding: a subclass gives `metric_tensor`, all else follows.

    The squared length of a segment from a to b is `(b - a)^T G((a + b) / 2) (b - a)`, the midpoint rule:
    energies and lengths of a smooth curve cut into T - 1 segments are wrong by O(1 / (T - 1)^2).
    """

    def segment_energies(self, points: tf.Tensor) -> tf.Tensor:
        points = as_points(points)
        first, second = points[..., :-1, :], points[..., 1:, :]
        step = second - first
        return self.inner_product(0.5 * (first + second), step, step)

    def derivatives(self, z: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """The metric with its first and second derivatives, by automatic differentiation.

        Args:
          z: `[..., d]`.

        Returns:
          Metric `[..., d, d]`; first `[..., d, d, d]`, last index the coordinate; second `[..., d, d, d, d]`.
        """
        z = as_points(z)
        size = z.shape[-1]

        def metric(z: tf.Tensor) -> tf.Tensor:
            return _flatten(self.metric_tensor(z), 2)

        def metric_and_first(z: tf.Tensor) -> tf.Tensor:
            values, columns = value_and_columns(metric, z)
            return tf.concat([values, _flatten(tf.stack(columns, axis=-1), 2)], axis=-1)

        values, columns = value_and_columns(metric_and_first, z)
        second = tf.stack([column[..., size**2 :] for column in columns], axis=-1)
        return (
            _split(values[..., : size**2], size, 2),
            _split(values[..., size**2 :], size, 3),
            _split(_flatten(second, 2), size, 4),
        )

    def quadratic_model(self, points: tf.Tensor, definite: bool = False) -> QuadraticModel:
        """The exact second-order model, or with `definite` the one of GEORCE, which holds the metric fixed.

        With u = b - a, G at the middle of a segment, M_k = d_k G u and Q_kl = u^T d_kl G u, the segment's energy
        u^T G u has the second derivatives 2 G -+ (M + M^T) + Q / 4 in a and b, -2 G - M + M^T + Q / 4 between.
        """
        points = check_points(points)
        first_ends, second_ends = points[:, :-1], points[:, 1:]
        step = second_ends - first_ends
        metric, first, second = self.derivatives(0.5 * (first_ends + second_ends))
        cost = tf.linalg.matvec(metric, step)
        change = tf.einsum("...ijk,...j->...ik", first, step)
        slope = 0.5 * tf.einsum("...ik,...i->...k", change, step)
        slopes = (slope - 2.0 * cost, slope + 2.0 * cost)
        outer, between = 2.0 * metric, -2.0 * metric
        if definite:
            blocks = (outer, between, outer)
        else:
            bend = 0.25 * tf.einsum("...ijkl,...i,...j->...kl", second, step, step)
            turned = tf.linalg.matrix_transpose(change)
            twist = change + turned
            blocks = (outer - twist + bend, between - change + turned + bend, outer + twist + bend)
        energies = tf.einsum("...i,...i->...", cost, step)
        return join_segments(energies, slopes, blocks, self.energy_scale(points.shape[-2]))


class TensorField(MetricField):
    """A user's own metric.

    `check_metric` says where, if anywhere, `metric_fn` is no metric.

    Args:
      metric_fn: function `[..., d]` to `[..., d, d]` of TensorFlow operations, symmetric positive definite.
    """

    def __init__(self, metric_fn: Callable[[tf.Tensor], tf.Tensor]) -> None:
        self._metric_fn = metric_fn

    def metric_tensor(self, z: tf.Tensor) -> tf.Tensor:
        return self._metric_fn(as_points(z))


def _flatten(values: tf.Tensor, num_axes: int) -> tf.Tensor:
    """Joins the last axes into one."""
    size = 1
    for length in values.shape[-num_axes:]:
        size *= length
    return tf.reshape(values, tf.concat([tf.shape(values)[:-num_axes], [size]], axis=0))


def _split(values: tf.Tensor, size: int, num_axes: int) -> tf.Tensor:
    """Splits the last axis into `num_axes` of length `size`."""
    return tf.reshape(values, tf.concat([tf.shape(values)[:-1], [size] * num_axes], axis=0))
