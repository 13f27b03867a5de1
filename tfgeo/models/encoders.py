"""Inference networks q(z | x)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from tfgeo.layers import MLP

__all__ = ["GaussianEncoder"]

tfd = tfp.distributions

# Smallest posterior standard deviation; keeps log q finite where the activation underflows to 0.
MIN_STDDEV = 1e-5


@keras.saving.register_keras_serializable(package="tfgeo")
class GaussianEncoder(keras.layers.Layer):
    """Gaussian posterior with diagonal covariance: H-enc, M-enc and S-enc of Yang et al. (2018), Fig. 6.

    Args:
      latent_dim: latent dimension d.
      hidden_units: widths of H-enc.
      activation: activation of H-enc.
      stddev_activation: activation of S-enc, which gives the standard deviation; "exponential" makes the
        network's output its logarithm.
      gives_variance: whether S-enc gives the variance instead, as in Chen et al. (2018).
      features: layer `[..., D]` to `[..., M]` before H-enc, such as `tfgeo.layers.Convolutions`; None for none.
    """

    def __init__(
        self,
        latent_dim: int,
        hidden_units: Sequence[int],
        activation: str = "relu",
        stddev_activation: str = "softplus",
        gives_variance: bool = False,
        features: keras.layers.Layer | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.latent_dim = latent_dim
        self.hidden_units = tuple(hidden_units)
        self.activation = activation
        self.stddev_activation = stddev_activation
        self.gives_variance = gives_variance
        self.features = features
        self.hidden = MLP(hidden_units, activation, name="h_enc")
        self.mean = keras.layers.Dense(latent_dim, name="m_enc")
        self.stddev = keras.layers.Dense(latent_dim, activation=stddev_activation, name="s_enc")

    @property
    def networks(self) -> list[keras.layers.Layer]:
        """What comes before the heads."""
        return [self.hidden] if self.features is None else [self.features, self.hidden]

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        if self.features is not None:
            self.features.build(input_shape)
            input_shape = self.features.compute_output_shape(input_shape)
        self.hidden.build(input_shape)
        hidden_shape = self.hidden.compute_output_shape(input_shape)
        for head in (self.mean, self.stddev):
            if not head.built:  # that of a loaded network is
                head.build(hidden_shape)
        if not self.trainable:  # Keras does not freeze the layers inside a loaded, frozen one
            for layer in (self.hidden, self.mean, self.stddev, *([] if self.features is None else [self.features])):
                layer.trainable = False
        self.built = True

    def call(self, x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """`[..., D]` data to the posterior's mean and standard deviation, each `[..., d]`."""
        hidden = self.hidden(x if self.features is None else self.features(x))
        spread = self.stddev(hidden)
        if self.gives_variance:
            # The floor within the root, whose slope at 0 is infinite.
            return self.mean(hidden), tf.sqrt(spread + MIN_STDDEV**2)
        return self.mean(hidden), spread + MIN_STDDEV

    def distribution(self, x: tf.Tensor) -> tfd.Distribution:
        """`[..., D]` data to q(z | x), batch shape `[...]`, event shape `[d]`."""
        mean, stddev = self(x)
        return tfd.Independent(tfd.Normal(mean, stddev), 1)

    def get_config(self) -> dict:
        return super().get_config() | {
            "latent_dim": self.latent_dim,
            "hidden_units": self.hidden_units,
            "activation": self.activation,
            "stddev_activation": self.stddev_activation,
            "gives_variance": self.gives_variance,
            "features": None if self.features is None else keras.saving.serialize_keras_object(self.features),
        }

    @classmethod
    def from_config(cls, config: dict) -> GaussianEncoder:
        features = config.get("features")
        return cls(**config | {"features": features and keras.saving.deserialize_keras_object(features)})
