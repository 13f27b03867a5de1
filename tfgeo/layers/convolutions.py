"""Convolutions between rows of pixel values and features, for encoders and decoders of images."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from tfgeo.layers.mlp import MLP

__all__ = ["Convolutions", "TransposedConvolutions"]

# Pixels of a filter along each side, and by how many it moves: each layer halves an image's sides.
KERNEL, STRIDE = 3, 2


@keras.saving.register_keras_serializable(package="tfgeo")
class Convolutions(keras.layers.Layer):
    """Images as rows `[..., D]` to features of ever smaller images, as rows.

    Args:
      image_shape: height and width, with product D.
      filters: filters of each layer, which halves both, rounding up.
      activation: what follows each layer.
    """

    def __init__(
        self, image_shape: Sequence[int], filters: Sequence[int], activation: str = "relu", **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.image_shape, self.filters, self.activation = tuple(image_shape), tuple(filters), activation
        self.layers = [
            keras.layers.Conv2D(
                number, KERNEL, STRIDE, "same", activation=activation, kernel_initializer=_initializer(activation)
            )
            for number in self.filters
        ]

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        shape: tuple[int | None, ...] = (None, *self.image_shape, 1)
        for layer in self.layers:
            _build(layer, shape, self.trainable)
            shape = layer.compute_output_shape(shape)
        self.built = True

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """`[..., D]` to `[..., M]`."""
        images = tf.reshape(inputs, [-1, *self.image_shape, 1])
        for layer in self.layers:
            images = layer(images)
        return _as_rows(images, inputs, math.prod(images.shape[1:]))

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        height, width = _halved(self.image_shape, len(self.filters))
        return (*input_shape[:-1], height * width * self.filters[-1])

    def get_config(self) -> dict:
        return super().get_config() | {
            "image_shape": self.image_shape, "filters": self.filters, "activation": self.activation
        }  # fmt: skip


@keras.saving.register_keras_serializable(package="tfgeo")
class TransposedConvolutions(keras.layers.Layer):
    """Latent points `[..., d]` to images as rows `[..., D]`, by fully connected layers, then ever larger images.

    Args:
      image_shape: height and width, with product D.
      hidden_units: widths of the fully connected layers before.
      filters: filters of each image that is doubled, the first and smallest image's first.
      activation: what follows each layer but the last.
      output_activation: what follows the last one; None is the identity.
    """

    def __init__(
        self,
        image_shape: Sequence[int],
        hidden_units: Sequence[int],
        filters: Sequence[int],
        activation: str = "relu",
        output_activation: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.image_shape, self.filters = tuple(image_shape), tuple(filters)
        self.hidden_units = tuple(hidden_units)
        self.activation, self.output_activation = activation, output_activation
        self.small = (*_halved(self.image_shape, len(self.filters)), self.filters[0])
        self.dense = MLP((*self.hidden_units, math.prod(self.small)), activation)
        self.layers = [
            keras.layers.Conv2DTranspose(
                number, KERNEL, STRIDE, "same", activation=activation, kernel_initializer=_initializer(activation)
            )
            for number in self.filters[1:]
        ]
        self.layers.append(keras.layers.Conv2DTranspose(1, KERNEL, STRIDE, "same", activation=output_activation))

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        _build(self.dense, input_shape, self.trainable)
        shape: tuple[int | None, ...] = (None, *self.small)
        for layer in self.layers:
            _build(layer, shape, self.trainable)
            shape = layer.compute_output_shape(shape)
        self.built = True

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """`[..., d]` to `[..., D]`."""
        images = tf.reshape(self.dense(inputs), [-1, *self.small])
        for layer in self.layers:
            images = layer(images)
        # Sides that are no multiple of what the layers double to are cut at the end.
        height, width = self.image_shape
        return _as_rows(images[:, :height, :width, 0], inputs, height * width)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (*input_shape[:-1], math.prod(self.image_shape))

    def get_config(self) -> dict:
        return super().get_config() | {
            "image_shape": self.image_shape,
            "hidden_units": self.hidden_units,
            "filters": self.filters,
            "activation": self.activation,
            "output_activation": self.output_activation,
        }


def _initializer(activation: str) -> str:
    return "he_uniform" if activation == "relu" else "glorot_uniform"


def _halved(sides: Sequence[int], times: int) -> tuple[int, int]:
    """Height and width after so many layers, each rounding up."""
    height, width = (-(-side // STRIDE**times) for side in sides)
    return height, width


def _build(layer: keras.layers.Layer, shape: tuple[int | None, ...], trainable: bool) -> None:
    if not layer.built:  # that of a loaded network is
        layer.build(shape)
    if not trainable:  # Keras does not freeze the layers inside a loaded, frozen one
        layer.trainable = False


def _as_rows(images: tf.Tensor, inputs: tf.Tensor, width: int) -> tf.Tensor:
    """Images `[n, ...]` as rows of the leading dimensions that the inputs have."""
    rows = tf.reshape(images, tf.concat([tf.shape(inputs)[:-1], [width]], axis=0))
    return tf.ensure_shape(rows, [*inputs.shape[:-1], width])
