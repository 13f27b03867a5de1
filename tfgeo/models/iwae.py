"""Importance-weighted autoencoder."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from tfgeo.errors import check_count
from tfgeo.models.decoders import BernoulliDecoder, GaussianDecoder
from tfgeo.models.encoders import GaussianEncoder
from tfgeo.models.shares import Seed, sample
from tfgeo.models.vae import VAE

__all__ = ["IWAE"]

# float32 numbers that one array of a block may hold where no gradient is taken: 16 MiB.
MAX_BLOCK = 2**22


@keras.saving.register_keras_serializable(package="tfgeo")
class IWAE(VAE):
    """Importance-weighted autoencoder (Burda et al., 2015, arXiv:1509.00519), Eq. 3-4 of Chen et al. (2018).

    A VAE trained on the bound of K samples of q(z | x),

        log p(x) >= E[log 1/K sum_k w_k],    w_k = p(x | z_k) p(z_k) / q(z_k | x),

    which rises with K to log p(x). With K = 1 it is the VAE's, and computed as that is, with the divergence in
    closed form: the same seeds give the same bits.

    Args:
      encoder: `GaussianEncoder` for q(z | x).
      decoder: `GaussianDecoder` or `BernoulliDecoder` for p(x | z).
      num_importance_samples: K.
      seed: seed of the reparametrization noise; the noise of a step depends on the seed and the step alone.

    Raises:
      UserError: if `num_importance_samples` is below 1.
    """

    def __init__(
        self,
        encoder: GaussianEncoder,
        decoder: GaussianDecoder | BernoulliDecoder,
        num_importance_samples: int = 50,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(encoder, decoder, seed, **kwargs)
        self.num_importance_samples = check_count("num_importance_samples", num_importance_samples)

    def elbo_terms(self, x: tf.Tensor, seed: Seed) -> tuple[tf.Tensor, tf.Tensor]:
        """The bound of Eq. 3 as a difference of two terms, as `VAE.elbo_terms` has them.

        Args:
          x: `[n, D]` data.
          seed: stateless seed, `[2]` int32.

        Returns:
          The mean of `log p(x | z_k)` under the normalized weights, and what it exceeds the bound by; each `[n]`,
          in nats. Gradients flow through the second, which holds the whole bound.
        """
        if self.num_importance_samples == 1:
            return super().elbo_terms(x, seed)
        x = self._as_tensor(x)
        posterior = self.encode(x)
        z = sample(posterior, (self.num_importance_samples,), seed)
        log_likelihood = self.decoder.log_prob(x, z)
        log_weights = log_likelihood + self.prior.log_prob(z) - posterior.log_prob(z)
        bound = tf.reduce_logsumexp(log_weights, axis=0) - tf.math.log(float(self.num_importance_samples))
        reconstruction = tf.reduce_sum(tf.nn.softmax(log_weights, axis=0) * log_likelihood, axis=0)
        reconstruction = tf.stop_gradient(reconstruction)
        return reconstruction, reconstruction - bound

    def elbo(self, x: tf.Tensor, seed: tf.Tensor | None = None) -> tf.Tensor:
        """The bound of Eq. 3 with one set of K samples for each of `[n, D]` data: `[n]`, in nats.

        In blocks, so that memory grows with neither data nor K; a block's noise depends on the seed and the block.
        """
        x, seed = self._as_data(x), tf.convert_to_tensor(self._default_seed(seed, "elbo"))
        rows = max(1, MAX_BLOCK // (self.num_importance_samples * x.shape[-1]))
        if self.num_importance_samples == 1 or x.shape[0] is None or x.shape[0] <= rows:
            return super().elbo(x, seed)
        blocks = [
            super(IWAE, self).elbo(x[first : first + rows], tf.random.experimental.stateless_fold_in(seed, first))
            for first in range(0, x.shape[0], rows)
        ]
        return tf.concat(blocks, axis=0)

    def get_config(self) -> dict:
        return super().get_config() | {"num_importance_samples": self.num_importance_samples}
