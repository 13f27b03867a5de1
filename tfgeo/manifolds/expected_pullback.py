"""The expected metric of a stochastic decoder."""

from __future__ import annotations

import tensorflow as tf

from tfgeo.manifolds.decoders.readers import Reader, read_mean_and_stddev
from tfgeo.manifolds.pullback import Pullback

__all__ = ["ExpectedPullback"]


class ExpectedPullback(Pullback):
    """`E[J^T J] = J_mu^T J_mu + J_sigma^T J_sigma` for `f(z) = mu(z) + sigma(z) * eps`.

    The expected metric of Arvanitidis et al. (2018), arXiv:1710.11379. It is the pull-back metric of the
    embedding (mu, sigma), so its curve energies are decoded differences too: energy (b) of the documentation,
    `(T - 1) sum_i |mu_i - mu_{i+1}|^2 + |sigma_i - sigma_{i+1}|^2`, which converges to the integral.

    Args:
      decoder: as for `Pullback`, but it gives a mean and a standard deviation: a function to a distribution, such
        as `model.decode`, or a network whose `outputs` are said.
      outputs: what the tensors are that the decoder returns, such as ("mean", "log_variance") or "logits".
      condition: `[C]` what a conditional decoder is conditioned on.
    """

    _reader: Reader = staticmethod(read_mean_and_stddev)

    def embedding(self, z: tf.Tensor) -> tf.Tensor:
        """`[..., d]` to `[..., 2 D]`: means, then standard deviations."""
        # Stacked and reshaped: XLA has no second derivative of `tf.concat`.
        both = tf.stack(self.decoder.mean_and_stddev(z), axis=-2)
        return tf.reshape(both, tf.concat([tf.shape(both)[:-2], [2 * both.shape[-1]]], axis=0))
