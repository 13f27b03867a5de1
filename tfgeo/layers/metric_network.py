"""The network behind a learned metric."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from tfgeo.errors import UserError, check_count
from tfgeo.layers.mlp import MLP

__all__ = ["MetricNetwork"]

DIAGONALS = ("exponential", "softplus")


@keras.saving.register_keras_serializable(package="tfgeo")
class MetricNetwork(keras.layers.Layer):
    """Data to lower triangular matrices with a positive diagonal: `m_psi` of Chadebec et al. (2020), Table 1.

    One trunk with two linear heads, for the diagonal and for what is below it. The heads start at 0: an untrained
    network gives the identity with the exponential, as Algorithm 1 starts, and no direction is preferred to others.

    Args:
      latent_dim: d.
      hidden_units: widths of the trunk.
      activation: activation of the trunk.
      diagonal: what makes the diagonal positive. "exponential": the head's output is its logarithm, as is usual
        for the scale of a Gaussian; "softplus" grows linearly, for data on which the exponential overflows.

    Raises:
      UserError: if `latent_dim` is below 1 or `diagonal` is unknown.
    """

    def __init__(
        self,
        latent_dim: int,
        hidden_units: Sequence[int] = (150,),
        activation: str = "relu",
        diagonal: str = "exponential",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if diagonal not in DIAGONALS:
            raise UserError(f"`diagonal` must be one of {', '.join(DIAGONALS)}, but is {diagonal!r}; change it.")
        self.latent_dim = check_count("latent_dim", latent_dim)
        self.hidden_units = tuple(hidden_units)
        self.activation = activation
        self.diagonal = diagonal
        self.hidden = MLP(hidden_units, activation, name="trunk")
        self.diagonal_head = keras.layers.Dense(
            latent_dim, activation=diagonal, kernel_initializer="zeros", name="diagonal"
        )
        # In one dimension there is nothing below the diagonal, and Keras has no layer without units.
        num_below = latent_dim * (latent_dim - 1) // 2
        self.lower_head = (
            keras.layers.Dense(num_below, kernel_initializer="zeros", name="lower") if num_below else None
        )

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.hidden.build(input_shape)
        hidden_shape = self.hidden.compute_output_shape(input_shape)
        for head in (self.diagonal_head, self.lower_head):
            if head is not None and not head.built:  # that of a loaded network is
                head.build(hidden_shape)
        self.built = True

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """`[n, D]` data to `[n, d, d]` factors."""
        hidden = self.hidden(x)
        diagonal = self.diagonal_head(hidden)
        if self.lower_head is None:
            return diagonal[..., None]
        # A triangle of width d - 1, moved down by a row, is what lies below the diagonal of one of width d.
        below = tf.pad(tfp.math.fill_triangular(self.lower_head(hidden)), [[0, 0], [1, 0], [0, 1]])
        return tf.linalg.set_diag(below, diagonal)

    def get_config(self) -> dict:
        return super().get_config() | {
            "latent_dim": self.latent_dim,
            "hidden_units": self.hidden_units,
            "activation": self.activation,
            "diagonal": self.diagonal,
        }
