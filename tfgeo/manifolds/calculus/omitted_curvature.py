"""The second derivatives of curve energies that Gauss-Newton's model leaves out."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import tensorflow as tf

__all__ = ["curvature_of_differences", "difference_step"]

# Step of a difference of slopes, relative to the distance of the ends. Its error is that share of what the third
# derivatives change between the ends; of smaller steps rounding is the larger error, and the kinks of a piecewise
# linear decoder, where all its curvature is, would mostly lie between.
RELATIVE_STEP = 5e-3
# Least step in units of the rounding of coordinates.
MIN_ROUNDINGS = 1e3


def curvature_of_differences(
    embedding_fn: Callable[[tf.Tensor], tf.Tensor],
    points: tf.Tensor,
    scale: float,
    slopes: tf.Tensor | None = None,
    step: tf.Tensor | None = None,
) -> tf.Tensor:
    """What Gauss-Newton's model of `scale sum_i |f(z_{i+1}) - f(z_i)|^2` leaves out: `[B, K, d, d]`, symmetric.

    With the energy's derivative `w_i = -2 scale (f_{i+1} - 2 f_i + f_{i-1})` in the value f_i these are the second
    derivatives of `w_i . f(z_i)` in each of the K = T - 2 inner points, w_i held fixed; points interact through
    f's first derivatives alone. They are differences of its slopes, which need no second derivative of f, and see
    the kinks of a piecewise linear f. 2 d decoder passes, on top of the values of all points.

    Args:
      embedding_fn: f, `[..., d]` to `[..., M]`.
      points: `[B, T, d]`.
      scale: factor of the energy.
      slopes: `[B, K, d]` gradient of the energy in the inner points, or None, and one pass more finds it.
      step: `[B]` length of the steps of differences, by default `difference_step(points)`.
    """
    values = embedding_fn(points)
    forces = -2.0 * scale * (values[:, 2:] - 2.0 * values[:, 1:-1] + values[:, :-2])
    inner = points[:, 1:-1]
    step = (difference_step(points) if step is None else step)[:, None, None]

    def slopes_at(moved: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            tape.watch(moved)
            values = embedding_fn(moved)
        return tape.gradient(values, moved, forces, unconnected_gradients=tf.UnconnectedGradients.ZERO)

    here = slopes_at(inner) if slopes is None else slopes

    def row(axis: tf.Tensor) -> tf.Tensor:
        moved = inner + step * axis
        # What rounding made of the step, not what it was to be.
        length = tf.reduce_sum((moved - inner) * axis, axis=-1, keepdims=True)
        return (slopes_at(moved) - here) / length

    # One direction after the other: a single graph, and no more memory than a gradient takes.
    axes = tf.eye(points.shape[-1], dtype=points.dtype)
    rows = tf.map_fn(row, axes, parallel_iterations=1)
    rows = tf.ensure_shape(rows, [axes.shape[0], *points.shape[:1], points.shape[1] - 2, axes.shape[0]])
    blocks = tf.transpose(rows, [1, 2, 0, 3])
    return 0.5 * (blocks + tf.linalg.matrix_transpose(blocks))


def difference_step(points: tf.Tensor) -> tf.Tensor:
    """Length `[B]` of the steps by which points of curves `[B, T, d]` are moved for a difference of slopes."""
    distance = tf.norm(points[:, -1] - points[:, 0], axis=-1)
    rounding = np.finfo(points.dtype.as_numpy_dtype).eps * tf.reduce_max(tf.abs(points), axis=[1, 2])
    # Ends that agree have no distance, and a pair that is not finite no step: neither may divide by 0.
    return tf.maximum(RELATIVE_STEP * distance, MIN_ROUNDINGS * rounding) + np.finfo(np.float32).tiny
