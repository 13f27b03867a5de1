"""Multi-layer perceptron with residual connections."""

from __future__ import annotations

import keras
import tensorflow as tf

from tfgeo.errors import UserError
from tfgeo.layers.mlp import MLP

__all__ = ["ResidualMLP"]


@keras.saving.register_keras_serializable(package="tfgeo")
class ResidualMLP(MLP):
    """Fully connected layers of one width, each but the first adding to what it is given: `h + act(W h + b)`.

    Table 3 of Chen et al. (2018), arXiv:1711.01204: residual layers "additionally to the input and output layer",
    so that `hidden_units=(128,) * 8` are an input layer and 7 residual ones. Arguments are those of `MLP`.

    Raises:
      UserError: if the hidden layers have different widths.
    """

    def __init__(
        self,
        hidden_units: tuple[int, ...],
        activation: str = "tanh",
        output_units: int | None = None,
        output_activation: str | None = None,
        **kwargs: object,
    ) -> None:
        super().__init__(hidden_units, activation, output_units, output_activation, **kwargs)
        if len(set(self.hidden_units)) != 1:
            raise UserError(
                f"residual layers must all have one width, but `hidden_units` is {self.hidden_units}; "
                "give (128, 128, 128) or the like"
            )

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        first, *residual = self.dense_layers[: len(self.hidden_units)]
        hidden = first(inputs)
        for layer in residual:
            hidden = hidden + layer(hidden)
        return hidden if self.output_units is None else self.dense_layers[-1](hidden)
