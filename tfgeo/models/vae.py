"""Variational autoencoder."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfgeo.models.decoders import BernoulliDecoder, GaussianDecoder
from tfgeo.models.encoders import GaussianEncoder
from tfgeo.randomness import derive_seed

__all__ = ["VAE"]

tfd = tfp.distributions


@keras.saving.register_keras_serializable(package="tfgeo")
class VAE(keras.Model):
    """Variational autoencoder with a standard normal prior, trained on the evidence lower bound.

    `compile` takes an optimizer, `fit` takes the data alone; `tfgeo.models.fit` adds stateless batches and
    progress. The networks emit tensors; `encode`, `decode` and `prior` make TFP distributions of them.

    Args:
      encoder: `GaussianEncoder` for q(z | x).
      decoder: `GaussianDecoder` or `BernoulliDecoder` for p(x | z).
      seed: seed of the reparametrization noise; the noise of a step depends on the seed and the step alone.
    """

    def __init__(
        self,
        encoder: GaussianEncoder,
        decoder: GaussianDecoder | BernoulliDecoder,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.encoder = encoder
        self.decoder = decoder
        self.seed = seed
        self.metric_trackers = [keras.metrics.Mean(name) for name in ("loss", "reconstruction", "kl_divergence")]

    @property
    def latent_dim(self) -> int:
        """Latent dimension d."""
        return self.encoder.latent_dim

    @property
    def prior(self) -> tfd.Distribution:
        """p(z) = N(0, I), event shape `[d]`."""
        return tfd.Independent(tfd.Normal(tf.zeros(self.latent_dim), tf.ones(self.latent_dim)), 1)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.encoder.build(input_shape)
        self.decoder.build((*input_shape[:-1], self.latent_dim))
        self.built = True

    def call(self, x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """`[..., D]` data to mean and standard deviation of p(x | z) at the posterior mean, each `[..., D]`."""
        return self.decoder(self.encoder(x)[0])

    def encode(self, x: tf.Tensor) -> tfd.Distribution:
        """q(z | x) of `[..., D]` data: batch shape `[...]`, event shape `[d]`."""
        return _distribution_of(self.encoder, self._as_tensor(x))

    def decode(self, z: tf.Tensor) -> tfd.Distribution:
        """p(x | z) of `[..., d]` latent points: batch shape `[...]`, event shape `[D]`."""
        return _distribution_of(self.decoder, self._as_tensor(z))

    def elbo_terms(self, x: tf.Tensor, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Both terms of Eq. 7 of Yang et al. (2018) with one sample of z.

        Args:
          x: `[n, D]` data.
          seed: stateless seed, `[2]` int32.

        Returns:
          `log p(x | z)` at a sample of q, and `KL(q(z | x) || p(z))` in closed form; each `[n]`, in nats.
        """
        x = self._as_tensor(x)
        posterior = self.encode(x)
        log_likelihood = self.decode(posterior.sample(seed=seed)).log_prob(x)
        return log_likelihood, tfd.kl_divergence(posterior, self.prior)

    def elbo(self, x: tf.Tensor, seed: tf.Tensor | None = None) -> tf.Tensor:
        """Evidence lower bound of `[n, D]` data by one sample each: `[n]`, in nats."""
        log_likelihood, divergence = self.elbo_terms(x, self._default_seed(seed, "elbo"))
        return log_likelihood - divergence

    def log_likelihood(self, x: tf.Tensor, num_samples: int = 200, seed: tf.Tensor | None = None) -> tf.Tensor:
        """Log p(x) by importance sampling with the posterior as proposal.

        Args:
          x: `[n, D]` data.
          num_samples: samples of z for each x.
          seed: stateless seed, `[2]` int32.

        Returns:
          `[n]` float64 estimates in nats, summed in float64; unbiased for p(x), a lower bound of log p(x) in
          expectation.
        """
        x = self._as_tensor(x)
        posterior = self.encode(x)
        z = posterior.sample(num_samples, seed=self._default_seed(seed, "log_likelihood"))
        log_joint = self.decode(z).log_prob(x) + self.prior.log_prob(z)
        log_weights = tf.cast(log_joint - posterior.log_prob(z), tf.float64)
        return tf.reduce_logsumexp(log_weights, axis=0) - tf.math.log(tf.cast(num_samples, tf.float64))

    def sample(self, num: int, seed: tf.Tensor | None = None) -> tf.Tensor:
        """`[num, D]` means of p(x | z) at samples of the prior."""
        return self.decode(self.prior.sample(num, seed=self._default_seed(seed, "sample"))).mean()

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        return self.metric_trackers

    def train_step(self, data: Any) -> dict:
        x = _inputs_of(data)
        seed = tf.random.experimental.stateless_fold_in(
            derive_seed(self.seed, "training"), tf.cast(self.optimizer.iterations, tf.int32)
        )
        with tf.GradientTape() as tape:
            terms = self.elbo_terms(x, seed)
            loss = tf.reduce_mean(terms[1] - terms[0])
        variables = self.trainable_variables
        self.optimizer.apply(tape.gradient(loss, variables), variables)
        return self._track(*terms)

    def test_step(self, data: Any) -> dict:
        return self._track(*self.elbo_terms(_inputs_of(data), derive_seed(self.seed, "testing")))

    def _track(self, log_likelihood: tf.Tensor, divergence: tf.Tensor) -> dict:
        for tracker, values in zip(
            self.metric_trackers, (divergence - log_likelihood, -log_likelihood, divergence), strict=True
        ):
            tracker.update_state(values)
        return {tracker.name: tracker.result() for tracker in self.metric_trackers}

    def _as_tensor(self, values: tf.Tensor) -> tf.Tensor:
        """Values in the dtype of the networks, whatever theirs is: NumPy's own is float64."""
        return tf.cast(tf.convert_to_tensor(values), self.compute_dtype)

    def _default_seed(self, seed: tf.Tensor | None, purpose: str) -> tf.Tensor | np.ndarray:
        return derive_seed(self.seed, purpose) if seed is None else seed

    def get_config(self) -> dict:
        return super().get_config() | {
            "encoder": keras.saving.serialize_keras_object(self.encoder),
            "decoder": keras.saving.serialize_keras_object(self.decoder),
            "seed": self.seed,
        }

    @classmethod
    def from_config(cls, config: dict) -> VAE:
        for part in ("encoder", "decoder"):
            config[part] = keras.saving.deserialize_keras_object(config[part])
        return cls(**config)


def _inputs_of(data: Any) -> tf.Tensor:
    """The data of a batch, whether or not `fit` was also given targets."""
    return data[0] if isinstance(data, (tuple, list)) else data


def _distribution_of(network: keras.layers.Layer, points: tf.Tensor) -> tfd.Distribution:
    """The network's distribution, also for one point without leading dimensions, which dense layers refuse."""
    if points.shape.rank == 1:
        return network.distribution(points[None])[0]
    return network.distribution(points)
