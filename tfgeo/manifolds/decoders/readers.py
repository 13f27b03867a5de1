"""What is read off a decoder's return value: its values, or moments of its distribution."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import tensorflow as tf
import tensorflow_probability as tfp

from tfgeo.errors import UserError
from tfgeo.manifolds.decoders.moments import mean_of, stddev_of, variance_of

__all__ = ["Reader", "read_mean", "read_mean_and_stddev", "read_mean_and_variance", "read_values"]

tfd = tfp.distributions

# From what a decoder returns for n points to tensors `[n, ...]`.
Reader: TypeAlias = "Callable[[tf.Tensor | tfd.Distribution], Sequence[tf.Tensor]]"


def read_values(decoded: tf.Tensor | tfd.Distribution) -> list[tf.Tensor]:
    """Decoded values, or the mean of a distribution."""
    return read_mean(decoded) if isinstance(decoded, tfd.Distribution) else [decoded]


def read_mean(decoded: tf.Tensor | tfd.Distribution) -> list[tf.Tensor]:
    """The mean of a distribution."""
    return [_join(mean_of(_distribution(decoded)))]


def read_mean_and_stddev(decoded: tf.Tensor | tfd.Distribution) -> list[tf.Tensor]:
    """Mean and standard deviation of a distribution."""
    distribution = _distribution(decoded)
    return [_join(mean_of(distribution)), _join(stddev_of(distribution))]


def read_mean_and_variance(decoded: tf.Tensor | tfd.Distribution) -> list[tf.Tensor]:
    """Mean and variance of a distribution."""
    distribution = _distribution(decoded)
    return [_join(mean_of(distribution)), _join(variance_of(distribution))]


def _distribution(decoded: tf.Tensor | tfd.Distribution) -> tfd.Distribution:
    if isinstance(decoded, tfd.Distribution):
        return decoded
    raise UserError(
        f"the decoder returns one tensor {decoded.shape}, which has no standard deviation; use `Pullback`, say "
        "what it is by `outputs`, such as outputs='logits', or return a distribution with mean() and stddev()"
    )


def _join(parts: list[tf.Tensor]) -> tf.Tensor:
    """Tensors `[n, ...]` side by side; one alone stays as it is."""
    if len(parts) == 1:
        return parts[0]
    return tf.concat([tf.reshape(part, [tf.shape(part)[0], -1]) for part in parts], axis=-1)
