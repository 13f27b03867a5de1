"""Jacobians of functions with few inputs and many outputs."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

__all__ = ["jacobian_columns", "value_and_columns"]

# A function may not depend on its input at all, such as a constant variance: its derivatives are 0.
UNCONNECTED = tf.UnconnectedGradients.ZERO


def value_and_columns(
    function: Callable[[tf.Tensor], tf.Tensor], z: tf.Tensor
) -> tuple[tf.Tensor, list[tf.Tensor]]:
    """Values of `function` and the columns of its Jacobian: `[..., d]` to `[..., M]` and d times `[..., M]`.

    Forward mode, as the transpose of reverse mode: the vector-Jacobian product is linear in its vector, and
    its derivative in that vector along e_p is column p. In a graph the vector-Jacobian product itself is
    never evaluated, so that the cost is 1 + d passes through `function`; `tf.autodiff.ForwardAccumulator`
    takes 2 d and more, since it repeats the values for each direction.
    """
    with tf.GradientTape(persistent=True) as transpose:
        with tf.GradientTape() as tape:
            tape.watch(z)
            values = function(z)
        vector = tf.zeros_like(values)
        transpose.watch(vector)
        product = tape.gradient(values, z, output_gradients=vector, unconnected_gradients=UNCONNECTED)
    columns = []
    for direction in tf.unstack(tf.eye(z.shape[-1], dtype=z.dtype)):
        along = tf.broadcast_to(direction, tf.shape(z))
        column = transpose.gradient(product, vector, output_gradients=along, unconnected_gradients=UNCONNECTED)
        # Where the batch is open, derivatives of broadcasts lose the shape that they share with the values.
        columns.append(tf.ensure_shape(column, values.shape))
    return values, columns


def jacobian_columns(function: Callable[[tf.Tensor], tf.Tensor], z: tf.Tensor) -> tf.Tensor:
    """Jacobian of `function`: `[..., d]` to `[..., M, d]`, at 1 + d passes through `function`."""
    return tf.stack(value_and_columns(function, z)[1], axis=-1)
