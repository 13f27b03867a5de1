"""The expected volume of a stochastic decoder, by sampling."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf
import tensorflow_probability as tfp

from tfgeo.manifolds.calculus.jacobian import jacobian_columns

__all__ = ["expected_volume"]

tfd = tfp.distributions


def expected_volume(
    decoder: Callable[[tf.Tensor], tfd.Distribution],
    z: tf.Tensor,
    num_samples: int,
    seed: tf.Tensor,
) -> tf.Tensor:
    """`E[sqrt(det J^T J)]` over the decoder's noise, Eq. 22 of Yang et al. (2018).

    With `f(z) = mu(z) + sigma(z) * eps`, J = J_mu + diag(eps) J_sigma for one eps per sample, which is the
    limit of Eq. 23 for infinitesimal boxes whose corners share their noise. It is at most
    `sqrt(det E[J^T J])` (the determinant's root is concave in the metric for d = 2), and close to it where D
    is large.

    Args:
      decoder: callable `[..., d]` to a distribution with `mean()` and `stddev()` of shape `[..., D]`.
      z: `[n, d]` latent points.
      num_samples: samples of eps, drawn anew for each point.
      seed: stateless seed, `[2]` int32.

    Returns:
      `[n]` volumes, in data units to the power d.
    """
    z = tf.convert_to_tensor(z)
    mean_columns = jacobian_columns(lambda z: decoder(z).mean(), z)
    stddev_columns = jacobian_columns(lambda z: decoder(z).stddev(), z)

    def add_sample(step: tf.Tensor, total: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        step_seed = tf.random.experimental.stateless_fold_in(seed, step)
        noise = tf.random.stateless_normal(tf.shape(mean_columns)[:-1], step_seed, dtype=z.dtype)
        columns = mean_columns + noise[..., None] * stddev_columns
        metric = tf.einsum("nmi,nmj->nij", columns, columns)
        return step + 1, total + tf.sqrt(tf.maximum(tf.linalg.det(metric), 0.0))

    state = (tf.constant(0), tf.zeros(tf.shape(z)[:1], z.dtype))
    total = tf.while_loop(
        lambda *_: True, add_sample, state, maximum_iterations=num_samples, parallel_iterations=1
    )[1]
    return total / tf.cast(num_samples, z.dtype)
