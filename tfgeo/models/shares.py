"""A replica's share of a batch: the noise of the whole batch, and what all replicas have together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

__all__ = [
    "Seed",
    "Share",
    "batch_size",
    "gather_rows",
    "mean_of_batch",
    "normal",
    "rows_of_share",
    "sample",
    "split",
    "sum_over_replicas",
]

tfd = tfp.distributions


class Share(NamedTuple):
    """Stands where a stateless seed does, in a training step that has some rows of a batch and not all.

    Each replica draws the numbers of the whole batch and takes those of its rows: few numbers, those of latent
    points, so that any division of a batch has the noise of the batch, bit by bit. What these functions do without
    a share is what a single process does.

    Attributes:
      seed: stateless seed of the batch, `[2]` int32.
      first: the row of the batch that is the first one here, int32.
      total: rows of the batch, int32.
      most: rows that a batch has at most, the same in all steps.
    """

    seed: Any
    first: tf.Tensor
    total: tf.Tensor
    most: int


Seed: TypeAlias = tf.Tensor | np.ndarray | Share


def split(seed: Seed, num: int) -> list[Seed]:
    """So many seeds of one, each with the same share."""
    if isinstance(seed, Share):
        return [seed._replace(seed=part) for part in tfp.random.split_seed(seed.seed, n=num)]
    return tfp.random.split_seed(seed, n=num)


def normal(shape: tf.Tensor, seed: Seed, dtype: tf.DType) -> tf.Tensor:
    """Standard normal numbers of a shape `[..., n, d]`, whose rows are those of the batch."""
    if not isinstance(seed, Share):
        return tf.random.stateless_normal(shape, seed, dtype=dtype)
    whole = tf.concat([shape[:-2], [seed.total], shape[-1:]], axis=0)
    numbers = tf.random.stateless_normal(whole, seed.seed, dtype=dtype)
    return numbers[..., seed.first : seed.first + shape[-2], :]


def sample(posterior: tfd.Distribution, samples: Sequence[int], seed: Seed) -> tf.Tensor:
    """Samples `[*samples, n, d]` of independent normal distributions, batch shape `[n]`, event shape `[d]`."""
    if not isinstance(seed, Share):
        return posterior.sample(samples, seed=seed)
    mean, stddev = posterior.mean(), posterior.stddev()
    shape = tf.concat([tf.cast(samples, tf.int32), tf.shape(mean)], axis=0)
    noise = normal(shape, seed, mean.dtype)
    return tf.ensure_shape(noise * stddev + mean, [*samples, *mean.shape])


def batch_size(x: tf.Tensor, seed: Seed) -> tf.Tensor:
    """Rows of the batch of which `x` `[n, D]` is all or a share."""
    return seed.total if isinstance(seed, Share) else tf.shape(x)[0]


def mean_of_batch(values: tf.Tensor, seed: Seed) -> tf.Tensor:
    """What values `[n]` add to their mean over the batch: the mean itself, where they are all of it."""
    if isinstance(seed, Share):
        return tf.reduce_sum(values) / tf.cast(seed.total, values.dtype)
    return tf.reduce_mean(values)


def sum_over_replicas(tensors: Sequence[tf.Tensor | None], seed: Seed) -> list[tf.Tensor | None]:
    """Each tensor summed over all replicas; none is none on all of them."""
    if not isinstance(seed, Share):
        return list(tensors)
    given = [tensor for tensor in tensors if tensor is not None]
    context = tf.distribute.get_replica_context()
    sums = iter(context.all_reduce(tf.distribute.ReduceOp.SUM, given) if given else [])
    return [None if tensor is None else next(sums) for tensor in tensors]


def gather_rows(rows: tf.Tensor, seed: Seed) -> tf.Tensor:
    """`[n, ...]` of a share to those of the whole batch, in its order; gradients flow back to every replica."""
    if not isinstance(seed, Share):
        return rows
    # As a sum of rows among zeros, of one shape in all steps: a collective operation keeps its first one.
    after = seed.most - seed.first - tf.shape(rows)[0]
    padded = tf.pad(rows, [[seed.first, after], *([0, 0] for _ in rows.shape[1:])])
    padded = tf.ensure_shape(padded, [seed.most, *rows.shape[1:]])
    return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, padded)[: seed.total]


def rows_of_share(rows: tf.Tensor, seed: Seed, num: tf.Tensor) -> tf.Tensor:
    """The `num` rows of a share among those of the whole batch."""
    return rows[seed.first : seed.first + num] if isinstance(seed, Share) else rows
