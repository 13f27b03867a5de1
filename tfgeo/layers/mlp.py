"""Multi-layer perceptron."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

__all__ = ["MLP"]


@keras.saving.register_keras_serializable(package="tfgeo")
class MLP(keras.layers.Layer):
    """Fully connected layers, one after the other, with the same hidden activation.

    Args:
      hidden_units: width of each hidden layer; may be empty.
      activation: name of the hidden activation.
      output_units: width of a last layer, or None for no layer after the hidden ones.
      output_activation: activation of that last layer; None is the identity.
    """

    def __init__(
        self,
        hidden_units: Sequence[int],
        activation: str = "relu",
        output_units: int | None = None,
        output_activation: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.hidden_units = tuple(hidden_units)
        self.activation = activation
        self.output_units = output_units
        self.output_activation = output_activation
        # He's initialisation keeps the variance through ReLU, Glorot's through the smooth activations.
        initializer = "he_uniform" if activation == "relu" else "glorot_uniform"
        self.dense_layers = [
            keras.layers.Dense(units, activation=activation, kernel_initializer=initializer)
            for units in self.hidden_units
        ]
        if output_units is not None:
            self.dense_layers.append(keras.layers.Dense(output_units, activation=output_activation))

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        for layer in self.dense_layers:
            if not layer.built:  # those of a loaded network are
                layer.build(input_shape)
            if not self.trainable:  # nor does Keras freeze the layers inside a loaded, frozen one
                layer.trainable = False
            input_shape = layer.compute_output_shape(input_shape)
        self.built = True

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """`[..., in]` to `[..., out]`."""
        for layer in self.dense_layers:
            inputs = layer(inputs)
        return inputs

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        for layer in self.dense_layers:
            input_shape = layer.compute_output_shape(input_shape)
        return input_shape

    def get_config(self) -> dict:
        return super().get_config() | {
            "hidden_units": self.hidden_units,
            "activation": self.activation,
            "output_units": self.output_units,
            "output_activation": self.output_activation,
        }
