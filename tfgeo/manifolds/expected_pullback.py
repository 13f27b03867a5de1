"""The expected metric of a stochastic decoder."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf
import tensorflow_probability as tfp

from tfgeo.manifolds.pullback import Pullback

__all__ = ["ExpectedPullback"]

tfd = tfp.distributions


class ExpectedPullback(Pullback):
    """`E[J^T J] = J_mu^T J_mu + J_sigma^T J_sigma` for `f(z) = mu(z) + sigma(z) * eps`.

    The expected metric of Arvanitidis et al. (2018), arXiv:1710.11379. It is the pull-back metric of the
    embedding (mu, sigma), so its curve energies are decoded differences too: energy (b) of the documentation,
    `(T - 1) sum_i |mu_i - mu_{i+1}|^2 + |sigma_i - sigma_{i+1}|^2`, which converges to the integral.

    Args:
      decoder: callable `[..., d]` to a distribution with `mean()` and `stddev()` of shape `[..., D]`, such as
        `model.decode`.
    """

    def __init__(self, decoder: Callable[[tf.Tensor], tfd.Distribution]) -> None:
        super().__init__(self._mean_and_stddev)
        self.decoder = decoder

    def _mean_and_stddev(self, z: tf.Tensor) -> tf.Tensor:
        distribution = self.decoder(z)
        # Stacked and reshaped: XLA has no second derivative of `tf.concat`.
        both = tf.stack([distribution.mean(), distribution.stddev()], axis=-2)
        return tf.reshape(both, tf.concat([tf.shape(both)[:-2], [2 * both.shape[-1]]], axis=0))
