"""Count data: an encoder of their logarithms, and decoders of Poisson and of negative binomial counts."""

from __future__ import annotations

import math

import keras
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfgeo.errors import check_counts
from tfgeo.layers.half_precision import widened
from tfgeo.models.encoders import GaussianEncoder

__all__ = ["CountEncoder", "NegativeBinomialDecoder", "PoissonDecoder"]

tfd = tfp.distributions

# Bound of log mean counts, so that means, variances and their roots' slopes are finite in float32 wherever a curve
# goes: means stay between 2e-9 and 5e8.
MAX_LOG_MEAN = 20.0
# Total count at which training starts. From 1, where the deviation is that of an exponential distribution, all data
# are noise at first, and the posterior collapses to the prior.
TOTAL_COUNT = 10.0


@keras.saving.register_keras_serializable(package="tfgeo")
class CountEncoder(GaussianEncoder):
    """A `GaussianEncoder` of counts, which sees `log(1 + x)`: raw counts range over orders of magnitude.

    Arguments are those of `GaussianEncoder`. Samples of different depth, such as cells with more or fewer molecules
    in all, are not brought to a common one.
    """

    def call(self, x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """`[..., D]` counts to the posterior's mean and standard deviation, each `[..., d]`."""
        return super().call(tf.math.log1p(x))


@keras.saving.register_keras_serializable(package="tfgeo")
class PoissonDecoder(keras.layers.Layer):
    """Independent Poisson counts, `p(x | z) = prod_j Poisson(x_j; exp(b tanh(f_j(z) / b)))`.

    The network gives log means, so that differences between latent points are ratios of counts. They are bounded by
    b = 20 without a kink.

    Args:
      network: layer f, `[..., d]` to `[..., D]`.
    """

    def __init__(self, network: keras.layers.Layer, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.network = network

    def build(self, latent_shape: tuple[int | None, ...]) -> None:
        self.network.build(latent_shape)
        self.built = True

    def log_mean(self, z: tf.Tensor) -> tf.Tensor:
        """Logarithm of the mean counts: `[..., d]` to `[..., D]`."""
        return MAX_LOG_MEAN * tf.tanh(widened(self.network(z), self.compute_dtype) / MAX_LOG_MEAN)

    def call(self, z: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """`[..., d]` latent points to mean and standard deviation, each `[..., D]`."""
        distribution = self.distribution(z)
        return distribution.mean(), distribution.stddev()

    def distribution(self, z: tf.Tensor) -> tfd.Distribution:
        """`[..., d]` latent points to p(x | z), batch shape `[...]`, event shape `[D]`."""
        return tfd.Independent(tfd.Poisson(log_rate=self.log_mean(z)), 1)

    def log_prob(self, x: tf.Tensor, z: tf.Tensor) -> tf.Tensor:
        """`log p(x | z)` of `[..., D]` counts and `[..., d]` latent points: `[...]`, in nats."""
        return self.distribution(z).log_prob(x)

    def stabilize(self, z: tf.Tensor) -> tf.Tensor:
        """The embedding `2 sqrt(mean)`, whose pull-back metric is the Fisher-Rao metric of p(x | z).

        In it counts of any mean have about unit variance (Anscombe 1948): `[..., d]` to `[..., D]`.
        """
        return 2.0 * tf.exp(0.5 * self.log_mean(z))

    def check_support(self, values: np.ndarray, name: str) -> None:
        """Refuses `[n, D]` data, called `name`, that are no counts, with a `UserError`."""
        check_counts(values, name)

    def get_config(self) -> dict:
        return super().get_config() | {"network": keras.saving.serialize_keras_object(self.network)}

    @classmethod
    def from_config(cls, config: dict) -> PoissonDecoder:
        config["network"] = keras.saving.deserialize_keras_object(config["network"])
        return cls(**config)


@keras.saving.register_keras_serializable(package="tfgeo")
class NegativeBinomialDecoder(PoissonDecoder):
    """Independent negative binomial counts of mean m_j(z) and variance `m_j + m_j^2 / r_j`.

    Poisson counts whose rates vary by a gamma distribution of shape r_j, the total count (or inverse dispersion) of
    output j, which is learned and does not depend on z. The mean is that of `PoissonDecoder`.

    Args:
      network: layer f, `[..., d]` to `[..., D]`.
    """

    def build(self, latent_shape: tuple[int | None, ...]) -> None:
        if not self.built:
            width = self.network.compute_output_shape(latent_shape)[-1]
            start = keras.initializers.Constant(math.log(TOTAL_COUNT))
            self.log_total_count = self.add_weight(shape=(width,), initializer=start, name="log_total_count")
        super().build(latent_shape)

    @property
    def total_count(self) -> tf.Tensor:
        """r: `[D]`; it starts at 10."""
        return tf.exp(tf.convert_to_tensor(self.log_total_count))

    def distribution(self, z: tf.Tensor) -> tfd.Distribution:
        """`[..., d]` latent points to p(x | z), batch shape `[...]`, event shape `[D]`."""
        counts = tfd.NegativeBinomial(
            self.total_count,
            logits=self.log_mean(z) - self.log_total_count,
            require_integer_total_count=False,
        )
        return tfd.Independent(counts, 1)

    def stabilize(self, z: tf.Tensor) -> tf.Tensor:
        """The embedding `2 sqrt(r) arsinh(sqrt(mean / r))`, whose pull-back is the Fisher-Rao metric of p(x | z).

        In it counts of any mean have about unit variance (Anscombe 1948): `[..., d]` to `[..., D]`.
        """
        log_ratio = self.log_mean(z) - self.log_total_count
        return 2.0 * tf.sqrt(self.total_count) * tf.asinh(tf.exp(0.5 * log_ratio))
