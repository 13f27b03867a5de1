"""First and second derivatives of a network of tanh layers, in closed form."""

from __future__ import annotations

from typing import NamedTuple

import keras
import tensorflow as tf

__all__ = ["TanhNetwork"]


class _Layer(NamedTuple):
    """A tanh layer at n points.

    Attributes:
      value: `[n, H]` of its units.
      columns: `[n, d, H]` derivatives of what the units take, before tanh.
    """

    value: tf.Tensor
    columns: tf.Tensor


class TanhNetwork:
    """`f(z) = h_L(z) W + b` with `h_l = tanh(h_{l-1} W_l + b_l)` and a standardized `h_0`, at points `[n, d]`.

    The tapes of TensorFlow do the same with a pass for each direction and each second derivative as a difference;
    here the one product of matrices that all directions share gives both. Points have the network's precision.

    Args:
      network: a normalization, then dense layers, all with tanh but the last.
    """

    def __init__(self, network: keras.Sequential) -> None:
        self._standardize, *self._hidden, self._last = network.layers

    def jacobian(self, z: tf.Tensor) -> tf.Tensor:
        """`[n, d]` to the transposed Jacobian `[n, d, m]`."""
        value, columns = self._layers(z)[-1]
        return _times((1.0 - tf.square(value))[:, None, :] * columns, self._last.kernel)

    def second_derivative(self, z: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
        """`sum_k w_k d^2 f_k / dz^2` for weights `[n, m]`: `[n, d, d]`."""
        slope = tf.matmul(weights, self._last.kernel, transpose_b=True)
        total = tf.zeros([tf.shape(z)[0], z.shape[1], z.shape[1]], z.dtype)
        # From the last layer to the first: each bends what it is given, by tanh'' = -2 tanh (1 - tanh^2).
        for layer, (value, columns) in zip(reversed(self._hidden), reversed(self._layers(z)), strict=True):
            slope *= 1.0 - tf.square(value)
            bent = (-2.0 * slope * value)[:, None, :] * columns
            total += tf.matmul(bent, columns, transpose_b=True)
            slope = tf.matmul(slope, layer.kernel, transpose_b=True)
        return total

    def _layers(self, z: tf.Tensor) -> list[_Layer]:
        """The tanh layers, the first one first."""
        layers: list[_Layer] = []
        value, origin = self._standardize(z), tf.zeros([1, z.shape[1]], z.dtype)
        # The same at every point, as the first layer's columns are.
        moves = (self._standardize(tf.eye(z.shape[1], dtype=z.dtype)) - self._standardize(origin))[None]
        for layer in self._hidden:
            columns = _times(moves, layer.kernel)
            value = layer(value)
            moves = (1.0 - tf.square(value))[:, None, :] * columns
            layers.append(_Layer(value, columns))
        return layers


def _times(columns: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    """`[n, d, H]` times `[H, K]` as one product of matrices, which a batched one is not."""
    product = tf.matmul(tf.reshape(columns, [-1, columns.shape[-1]]), kernel)
    return tf.reshape(product, [-1, *columns.shape[1:-1], kernel.shape[-1]])
