"""The expected volume of a stochastic decoder, by sampling."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from tfgeo.manifolds.calculus.jacobian import nan_unless_finite, value_and_columns
from tfgeo.manifolds.calculus.points import as_points
from tfgeo.manifolds.decoders.decoder import Decoder
from tfgeo.manifolds.decoders.outputs import Outputs

__all__ = ["expected_volume"]


def expected_volume(
    decoder: Any,
    z: tf.Tensor,
    num_samples: int,
    seed: tf.Tensor,
    outputs: Outputs | None = None,
) -> tf.Tensor:
    """`E[sqrt(det J^T J)]` over the decoder's noise, Eq. 22 of Yang et al. (2018).

    With `f(z) = mu(z) + sigma(z) * eps`, J = J_mu + diag(eps) J_sigma for one eps per sample, which is the
    limit of Eq. 23 for infinitesimal boxes whose corners share their noise. It is at most
    `sqrt(det E[J^T J])` (the determinant's root is concave in the metric for d = 2), and close to it where D
    is large.

    Args:
      decoder: as for `ExpectedPullback`: it gives a mean and a standard deviation.
      z: `[n, d]` latent points.
      num_samples: samples of eps, drawn anew for each point.
      seed: stateless seed, `[2]` int32.
      outputs: what the tensors are that the decoder returns, as for `Decoder`.

    Returns:
      `[n]` volumes, in data units to the power d.
    """
    z, of_decoder = as_points(z), Decoder.of(decoder, outputs)
    values, columns = value_and_columns(lambda z: tf.stack(of_decoder.mean_and_stddev(z), axis=-2), z)
    mean_columns, stddev_columns = tf.unstack(tf.stack(columns, axis=-1), axis=-3)
    known = tf.reduce_prod(nan_unless_finite(values), axis=-1)

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
    return known * total / tf.cast(num_samples, z.dtype)
