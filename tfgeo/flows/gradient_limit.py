"""A bound on the gradient that flows back through a point."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

__all__ = ["limit_gradient"]


def limit_gradient(points: tf.Tensor, limit: Any) -> tf.Tensor:
    """The same points, through which no gradient longer than `limit` flows back.

    Through a chain of stiff steps gradients grow by a factor at each, beyond all float32 numbers, while the
    points themselves stay finite. A longer one is shortened and keeps its direction; one that is not finite
    becomes 0.

    Args:
      points: `[..., d]`.
      limit: the largest length, over the last axis; a scalar tensor or a number. None leaves all as it is.
    """
    if limit is None:
        return points

    @tf.custom_gradient
    def limited(points: tf.Tensor) -> tuple[tf.Tensor, Any]:
        def gradient(upstream: tf.Tensor) -> tf.Tensor:
            bound = tf.cast(limit, upstream.dtype)
            largest = tf.reduce_max(tf.abs(upstream), axis=-1, keepdims=True)
            # In units in which no entry is above 1: the squares of large finite numbers are not finite.
            unit = tf.maximum(largest, bound)
            scaled = upstream / unit
            length = tf.norm(scaled, axis=-1, keepdims=True)
            shortened = tf.where(length > bound / unit, scaled * (bound / length), upstream)
            is_finite = tf.reduce_all(tf.math.is_finite(upstream), axis=-1, keepdims=True)
            return tf.where(is_finite, shortened, tf.zeros_like(upstream))

        return tf.identity(points), gradient

    return limited(points)
