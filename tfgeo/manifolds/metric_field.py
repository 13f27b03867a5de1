"""Manifolds that are known by their metric tensor alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from tfgeo.manifolds.calculus.metric_derivatives import MetricDerivatives, differentiate_twice
from tfgeo.manifolds.calculus.points import as_points
from tfgeo.manifolds.calculus.quadratic_model import QuadraticModel, join_segments
from tfgeo.manifolds.manifold import Manifold, check_points

__all__ = ["MetricField", "TensorField"]

# Of the sum of the terms of u^T G u without their signs, in units of the dtype's precision.
ROUNDING = 8.0


class MetricField(Manifold):
    """A metric with no embedding: a subclass gives `metric_tensor`, all else follows.

    The squared length of a segment from a to b is `(b - a)^T G((a + b) / 2) (b - a)`, the midpoint rule:
    energies and lengths of a smooth curve cut into T - 1 segments are wrong by O(1 / (T - 1)^2).
    """

    def segment_energies(self, points: tf.Tensor) -> tf.Tensor:
        points = as_points(points)
        first, second = points[..., :-1, :], points[..., 1:, :]
        step = second - first
        metric = self.metric_tensor(0.5 * (first + second))
        step = tf.cast(step, metric.dtype)
        squares = tf.einsum("...i,...ij,...j->...", step, metric, step)
        # Rounding can push the square of a step that the metric shrinks to nothing below it; what is farther below
        # is no metric, and has no length.
        terms = tf.einsum("...i,...ij,...j->...", tf.abs(step), tf.abs(metric), tf.abs(step))
        is_rounding = (squares < 0.0) & (squares > -ROUNDING * np.finfo(metric.dtype.as_numpy_dtype).eps * terms)
        return tf.where(is_rounding, 0.0 * squares, squares)

    def derivatives(self, z: tf.Tensor) -> MetricDerivatives:
        """The metric with its first and second derivatives, by automatic differentiation.

        Args:
          z: `[..., d]`.

        Returns:
          Metric `[..., d, d]`; first `[..., d, d, d]`, last index the coordinate; second `[..., d, d, d, d]`.
        """
        return differentiate_twice(self.metric_tensor, as_points(z))

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

    def __repr__(self) -> str:
        return f"TensorField({getattr(self._metric_fn, '__name__', type(self._metric_fn).__name__)})"

    def metric_tensor(self, z: tf.Tensor) -> tf.Tensor:
        return self._metric_fn(as_points(z))
