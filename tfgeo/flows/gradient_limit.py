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
            length = tf.norm(upstream, axis=-1, keepdims=True)
            shortened = upstream * (bound / tf.maximum(length, bound))
            return tf.where(tf.math.is_finite(length), shortened, 0.0)

        return tf.identity(points), gradient

    return limited(points)
