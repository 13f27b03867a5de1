"""Estimates of how well a model explains data: log-likelihoods by importance sampling, reconstruction errors."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import tensorflow as tf

from tfgeo.errors import UserError, check_count
from tfgeo.randomness import derive_seed

__all__ = [
    "RepeatedEstimate",
    "importance_sampling",
    "relative_reconstruction_error",
    "repeated_log_likelihood",
]

# float32 numbers that one array of a block may hold: 16 MiB.
MAX_BLOCK = 2**22


class HasLogLikelihood(Protocol):
    """A model of `tfgeo.models`."""

    def log_likelihood(self, x: Any, num_samples: int, proposal: str, seed: Any) -> tf.Tensor:
        """`[n]` estimates of log p(x)."""


@dataclasses.dataclass(frozen=True)
class RepeatedEstimate:
    """An estimate made several times.

    Attributes:
      mean: mean of the repeats.
      std: their standard deviation (with one degree of freedom less), 0 for a single one.
      repeats: `[num_repeats]`, each the mean over the data.
    """

    mean: float
    std: float
    repeats: np.ndarray


def repeated_log_likelihood(
    model: HasLogLikelihood,
    x: np.ndarray,
    num_samples: int = 200,
    num_repeats: int = 5,
    proposal: str = "encoder",
    seed: int = 0,
) -> RepeatedEstimate:
    """Mean of log p(x) over data, estimated several times: Tables 2 and 4 of Chadebec et al. (2020).

    Args:
      model: model with `log_likelihood`.
      x: `[n, D]` data.
      num_samples: importance samples for each x and repeat.
      num_repeats: repeats with noise of their own.
      proposal: as `log_likelihood` of the model takes it.
      seed: seed of the noise.
    """
    repeats = np.array(
        [
            np.mean(model.log_likelihood(x, num_samples, proposal, derive_seed(seed, "repeat", repeat)))
            for repeat in range(check_count("num_repeats", num_repeats))
        ]
    )
    std = float(np.std(repeats, ddof=1)) if len(repeats) > 1 else 0.0
    return RepeatedEstimate(float(np.mean(repeats)), std, repeats)


def importance_sampling(
    log_weights_fn: Callable[[tf.Tensor, int, tf.Tensor], tf.Tensor],
    x: tf.Tensor,
    num_samples: int,
    seed: Any,
    floats_per_sample: int,
) -> tf.Tensor:
    """`log mean_s w_s` for each x, in blocks, so that memory grows with neither data nor samples.

    Unbiased for p(x) where the weights are; by Jensen's inequality a lower bound of log p(x) in expectation.

    Args:
      log_weights_fn: takes data `[m, D]`, a number of samples and a stateless seed, and returns `[num, m]` log
        weights, `log p(x, z) - log q(z | x)` with z drawn from q.
      x: `[n, D]` data.
      num_samples: samples for each x.
      seed: stateless seed, `[2]` int32. The noise of a block depends on it and on the block.
      floats_per_sample: numbers that the largest array holds for one sample of one x.

    Returns:
      `[n]` float64, summed in float64.
    """
    check_count("num_samples", num_samples)
    seed = tf.convert_to_tensor(seed)
    # Rows in one block where their number is not known.
    num_rows = x.shape[0] if x.shape[0] is not None else 1
    rows_per_block = max(1, min(num_rows, MAX_BLOCK // floats_per_sample))
    samples_per_block = max(1, min(num_samples, MAX_BLOCK // (floats_per_sample * rows_per_block)))
    estimates = []
    for start in range(0, num_rows, rows_per_block):
        rows = x[start : start + rows_per_block] if x.shape[0] is not None else x
        log_weights = []
        for first in range(0, num_samples, samples_per_block):
            block_seed = tf.random.experimental.stateless_fold_in(
                tf.random.experimental.stateless_fold_in(seed, start), first
            )
            num = min(samples_per_block, num_samples - first)
            log_weights.append(tf.cast(log_weights_fn(rows, num, block_seed), tf.float64))
        estimates.append(tf.reduce_logsumexp(tf.concat(log_weights, axis=0), axis=0))
    return tf.concat(estimates, axis=0) - tf.math.log(tf.cast(num_samples, tf.float64))


def relative_reconstruction_error(inputs: np.ndarray, reconstructions: np.ndarray) -> float:
    """`sum_i |x_i - y_i|^2 / sum_i |x_i|^2`: Table 3 of Chadebec et al. (2020).

    Args:
      inputs: `[n, D]` data x.
      reconstructions: `[n, D]` their reconstructions y, such as `model(x)[0]`.

    Raises:
      UserError: if the shapes differ, or all data are 0.
    """
    inputs, reconstructions = (np.asarray(values, np.float64) for values in (inputs, reconstructions))
    if inputs.shape != reconstructions.shape:
        raise UserError(
            f"`inputs` {inputs.shape} and `reconstructions` {reconstructions.shape} must have the same shape; "
            "give one reconstruction for each input."
        )
    size = np.sum(np.square(inputs))
    if size == 0.0:
        raise UserError("all `inputs` are 0, so that no error is relative to them; give other data.")
    return float(np.sum(np.square(inputs - reconstructions)) / size)
