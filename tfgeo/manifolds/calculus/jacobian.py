"""Jacobians of functions with few inputs and many outputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import tensorflow as tf

from tfgeo.errors import UserError
from tfgeo.manifolds.calculus.resizing import register_gradients

__all__ = ["differentiate", "jacobian_columns", "nan_unless_finite", "pushforward", "value_and_columns"]

# A function may not depend on its input at all, such as a constant variance: its derivatives are 0.
UNCONNECTED = tf.UnconnectedGradients.ZERO

register_gradients()


def pushforward(
    function: Callable[[tf.Tensor], tf.Tensor], z: tf.Tensor, directions: Sequence[tf.Tensor]
) -> tuple[tf.Tensor, list[tf.Tensor]]:
    """Values `[..., M]` of `function` and its derivatives J v, each `[..., M]`, along directions v.

    Forward mode, as the transpose of reverse mode: the vector-Jacobian product is linear in its vector, and
    its derivative in that vector along v is J v. In a graph the vector-Jacobian product itself is never
    evaluated, so that the cost is one pass through `function` and one for each direction;
    `tf.autodiff.ForwardAccumulator` repeats the values for each direction.

    Args:
      function: `[..., d]` to `[..., M]`.
      z: `[..., d]`.
      directions: `[..., d]` each.
    """
    with tf.GradientTape(persistent=True) as transpose:
        with tf.GradientTape() as tape:
            tape.watch(z)
            values = function(z)
        vector = tf.zeros_like(values)
        transpose.watch(vector)
        product = differentiate(tape, values, z, vector)
    derivatives = [differentiate(transpose, product, vector, direction) for direction in directions]
    for derivative in derivatives:
        # Where the batch is open, derivatives of broadcasts lose the shape that they share with the values.
        # No `tf.ensure_shape`: eager forward mode, which goes over this function, fails on it.
        derivative.set_shape(values.shape)
    return values, derivatives


def differentiate(tape: tf.GradientTape, values: tf.Tensor, z: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """The gradient of `<weights, values>` in `z`, 0 where they do not depend on it.

    Raises:
      UserError: if TensorFlow has no derivative of an operation, or fails in taking it.
    """
    try:
        return tape.gradient(values, z, output_gradients=weights, unconnected_gradients=UNCONNECTED)
    except (LookupError, TypeError) as error:  # of TensorFlow's own gradient functions
        reason = str(error).splitlines()[0]
        raise UserError(
            f"TensorFlow cannot differentiate an operation of the decoder ({reason}); use another one, "
            "or return a TFP distribution in place of its mean()"
        ) from error


def value_and_columns(
    function: Callable[[tf.Tensor], tf.Tensor], z: tf.Tensor
) -> tuple[tf.Tensor, list[tf.Tensor]]:
    """Values `[..., M]` of `function` and the d columns `[..., M]` of its Jacobian, at 1 + d passes."""
    axes = tf.unstack(tf.eye(z.shape[-1], dtype=z.dtype))
    return pushforward(function, z, [tf.broadcast_to(axis, tf.shape(z)) for axis in axes])


def jacobian_columns(function: Callable[[tf.Tensor], tf.Tensor], z: tf.Tensor) -> tf.Tensor:
    """Jacobian of `function`: `[..., d]` to `[..., M, d]`, at 1 + d passes through `function`."""
    return tf.stack(value_and_columns(function, z)[1], axis=-1)


def nan_unless_finite(values: tf.Tensor) -> tf.Tensor:
    """Factors 1, or NaN where a value is not finite: `[..., M]` to `[...]`.

    What is made of derivatives alone takes it: those of log at -1 are finite, although it has no value there. As a
    factor it makes derivatives of the product NaN too.
    """
    finite = tf.reduce_all(tf.math.is_finite(values), axis=-1)
    return tf.where(finite, tf.ones([], values.dtype), tf.constant(float("nan"), values.dtype))
