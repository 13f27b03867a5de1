"""Generator networks p(x | z)."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfgeo.errors import check_unit_interval
from tfgeo.layers import Precision
from tfgeo.layers.half_precision import widened

__all__ = ["BernoulliDecoder", "GaussianDecoder"]

tfd = tfp.distributions

LOG_TWO_PI = math.log(2.0 * math.pi)


@keras.saving.register_keras_serializable(package="tfgeo")
class GaussianDecoder(keras.layers.Layer):
    """`p(x | z) = N(mu(z), sigma^2(z) I)` with a constant or a fitted variance; Eq. 2 of Yang et al. (2018).

    With `learn_variance` sigma^2 is one number, learned with the networks: Sec. 4.1 of Chen et al. (2018).

    Trained in two stages: the mean under the constant `variance`, then `precision` with all else frozen
    (`fit_variance`), after which `uses_precision` is True and sigma^2(z) is the precision layer's.

    Args:
      mean_network: layer `[..., d]` to `[..., D]`.
      variance: constant sigma^2 of the first stage, in squared data units.
      precision: layer for 1 / sigma^2(z), or None for a decoder that keeps the constant.
      uses_precision: whether sigma^2(z) comes from `precision` already.
      learn_variance: whether the constant is learned, by its logarithm; `variance` is then where it starts.
    """

    def __init__(
        self,
        mean_network: keras.layers.Layer,
        variance: float = 1.0,
        precision: Precision | None = None,
        uses_precision: bool = False,
        learn_variance: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.mean_network = mean_network
        self.learn_variance = learn_variance
        if learn_variance:
            start = keras.initializers.Constant(math.log(variance))
            self.log_variance = self.add_weight(shape=(), initializer=start, name="log_variance")
        self.constant_variance = variance
        self.precision = precision
        self.uses_precision = uses_precision

    @property
    def uses_precision(self) -> bool:
        """Whether sigma^2(z) is the precision layer's. Its weights are trainable exactly then: no others matter."""
        return self._uses_precision

    @uses_precision.setter
    def uses_precision(self, value: bool) -> None:
        if self.precision is not None:
            self.precision.trainable = value
        elif value:
            raise ValueError("`uses_precision` is True but `precision` is None: give a precision layer")
        self._uses_precision = value

    @property
    def network(self) -> keras.layers.Layer:
        """The network of the mean."""
        return self.mean_network

    def build(self, latent_shape: tuple[int | None, ...]) -> None:
        self.mean_network.build(latent_shape)
        if self.precision is not None:
            self.precision.build(latent_shape)
        self.built = True

    def variance(self, z: tf.Tensor, mean: tf.Tensor) -> tf.Tensor:
        """sigma^2 at `z`, in the shape of `mean`."""
        if self.precision is not None and self.uses_precision:
            return self.precision.variance(z)
        if self.learn_variance:
            return tf.fill(tf.shape(mean), tf.exp(tf.cast(self.log_variance, mean.dtype)))
        return tf.fill(tf.shape(mean), tf.cast(self.constant_variance, mean.dtype))

    def call(self, z: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """`[..., d]` latent points to mean and standard deviation, each `[..., D]`."""
        mean = widened(self.mean_network(z), self.compute_dtype)
        return mean, tf.sqrt(self.variance(z, mean))

    def distribution(self, z: tf.Tensor) -> tfd.Distribution:
        """`[..., d]` latent points to p(x | z), batch shape `[...]`, event shape `[D]`."""
        return tfd.Independent(tfd.Normal(*self(z)), 1)

    def log_prob(self, x: tf.Tensor, z: tf.Tensor) -> tf.Tensor:
        """`log p(x | z)` of `[..., D]` data and `[..., d]` latent points: `[...]`."""
        if not self.learn_variance or self.uses_precision:
            return self.distribution(z).log_prob(x)
        # With one variance for all, what the distribution gives takes fewer passes over the data.
        mean = widened(self.mean_network(z), self.compute_dtype)
        log_variance = tf.cast(self.log_variance, mean.dtype)
        squares = tf.reduce_sum(tf.math.squared_difference(mean, x), axis=-1)
        size = float(mean.shape[-1])
        return -0.5 * (squares * tf.exp(-log_variance) + size * (log_variance + LOG_TWO_PI))

    def get_config(self) -> dict:
        return super().get_config() | {
            "mean_network": keras.saving.serialize_keras_object(self.mean_network),
            "variance": self.constant_variance,
            "precision": keras.saving.serialize_keras_object(self.precision),
            "uses_precision": self.uses_precision,
            "learn_variance": self.learn_variance,
        }

    @classmethod
    def from_config(cls, config: dict) -> GaussianDecoder:
        for part in ("mean_network", "precision"):
            config[part] = keras.saving.deserialize_keras_object(config[part])
        return cls(**config)


@keras.saving.register_keras_serializable(package="tfgeo")
class BernoulliDecoder(keras.layers.Layer):
    """Independent Bernoulli pixels. Values in [0, 1] that are not binary give the cross-entropy.

    Args:
      logits_network: layer `[..., d]` to `[..., D]` logits.
    """

    def __init__(self, logits_network: keras.layers.Layer, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.logits_network = logits_network

    @property
    def network(self) -> keras.layers.Layer:
        """The network of the logits."""
        return self.logits_network

    def build(self, latent_shape: tuple[int | None, ...]) -> None:
        self.logits_network.build(latent_shape)
        self.built = True

    def logits(self, z: tf.Tensor) -> tf.Tensor:
        """`[..., d]` latent points to `[..., D]` logits."""
        return widened(self.logits_network(z), self.compute_dtype)

    def call(self, z: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """`[..., d]` latent points to mean and standard deviation, each `[..., D]`."""
        mean = tf.sigmoid(self.logits(z))
        return mean, tf.sqrt(mean * (1.0 - mean))

    def distribution(self, z: tf.Tensor) -> tfd.Distribution:
        """`[..., d]` latent points to p(x | z), batch shape `[...]`, event shape `[D]`."""
        return tfd.Independent(tfd.Bernoulli(logits=self.logits(z), dtype=z.dtype), 1)

    def log_prob(self, x: tf.Tensor, z: tf.Tensor) -> tf.Tensor:
        """`log p(x | z)` of `[..., D]` data and `[..., d]` latent points: `[...]`.

        As the distribution gives it, in fewer passes over the pixels: flows differentiate it twice.
        """
        logits = self.logits(z)
        return tf.reduce_sum(x * logits - _softplus(logits), axis=-1)

    def check_support(self, values: np.ndarray, name: str) -> None:
        """Refuses `[n, D]` data, called `name`, that are not in [0, 1], with a `UserError`."""
        check_unit_interval(values, name)

    def get_config(self) -> dict:
        network = keras.saving.serialize_keras_object(self.logits_network)
        return super().get_config() | {"logits_network": network}

    @classmethod
    def from_config(cls, config: dict) -> BernoulliDecoder:
        config["logits_network"] = keras.saving.deserialize_keras_object(config["logits_network"])
        return cls(**config)


@tf.custom_gradient
def _softplus(values: tf.Tensor) -> tuple[tf.Tensor, Any]:
    """`log(1 + e^x)` with its derivative as a sigmoid, whose own derivative costs no exponentials."""
    return tf.math.softplus(values), lambda upstream: upstream * tf.sigmoid(values)
