"""Coordinates of distributions in which their Fisher information is that of a flat space, or of half-planes.

A family with one parameter for each output is a line: there is a coordinate whose differences the Fisher-Rao metric
measures. Normal distributions are half-planes of mean and standard deviation, which no coordinates make flat.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import tensorflow as tf
import tensorflow_probability as tfp

from tfgeo.errors import UserError
from tfgeo.manifolds.decoders.moments import independent_parts, safe_sqrt

__all__ = ["fisher_coordinates"]

tfd = tfp.distributions


def fisher_coordinates(decoded: tf.Tensor | tfd.Distribution) -> list[tf.Tensor]:
    """What FisherRao measures: `[flat]`, `[mean, stddev]` or `[flat, mean, stddev]`, each `[n, M]`.

    - Bernoulli of probability p, `(d p)^2 / (p (1 - p))`: `2 arcsin(sqrt p)`, the Gudermannian of half the logit;
    - categorical, `sum_k (d p_k)^2 / p_k`: `2 sqrt(p_k)`, on a sphere of radius 2;
    - Poisson of rate r, `(d r)^2 / r`: `2 sqrt(r)`;
    - negative binomial of mean m and a total count r that does not depend on z, `(d m)^2 / (m + m^2 / r)`:
      `2 sqrt(r) arcsinh(sqrt(m / r))`;
    - normal, `((d mu)^2 + 2 (d sigma)^2) / sigma^2`: mean and standard deviation themselves.

    Raises:
      UserError: if the Fisher information of the distribution is not known here.
    """
    if not isinstance(decoded, tfd.Distribution):
        raise UserError(
            f"the decoder returns one tensor {decoded.shape}, which has no Fisher information; say what it is by "
            "`outputs`, such as outputs='logits', or return a distribution"
        )
    flat, means, stddevs = [], [], []
    for part in independent_parts(decoded):
        if isinstance(part, (tfd.Normal, tfd.MultivariateNormalDiag)):
            # mean() and stddev() are parameters in their full shape: a sigma shared by all outputs counts for each.
            mean = part.mean()
            means.append(_rows(mean))
            stddevs.append(_rows(tf.broadcast_to(part.stddev(), tf.shape(mean))))
        else:
            flat.append(_rows(_flat_coordinate(part)))
    return [tf.concat(parts, axis=-1) if len(parts) > 1 else parts[0] for parts in (flat, means, stddevs) if parts]


def _flat_coordinate(distribution: tfd.Distribution) -> tf.Tensor:
    for kind, coordinate in _FLAT:
        if isinstance(distribution, kind):
            return coordinate(distribution)
    known = ", ".join(["Normal", "MultivariateNormalDiag", *(kind.__name__ for kind, _ in _FLAT)])
    raise UserError(
        f"the Fisher information of {type(distribution).__name__} is not known; use a decoder that gives one of "
        f"{known}, or `TensorField` with a metric of your own."
    )


def _bernoulli(distribution: tfd.Distribution) -> tf.Tensor:
    if distribution.logits is not None:
        # gd(l / 2) = 2 arctan(tanh(l / 4)), which is 2 arcsin(sqrt p) - pi / 2.
        return 2.0 * tf.atan(tf.tanh(0.25 * distribution.logits))
    probs = distribution.probs
    inside = (probs > 0.0) & (probs < 1.0)
    angle = tf.asin(tf.sqrt(tf.where(inside, probs, 0.5)))
    # At 0 and 1 the probability does not move.
    return 2.0 * tf.where(inside, angle, 0.5 * math.pi * tf.round(probs))


def _categorical(distribution: tfd.Distribution) -> tf.Tensor:
    if distribution.logits is not None:
        return 2.0 * tf.exp(0.5 * tf.nn.log_softmax(distribution.logits))
    return 2.0 * safe_sqrt(distribution.probs)


def _poisson(distribution: tfd.Distribution) -> tf.Tensor:
    if distribution.log_rate is not None:
        return 2.0 * tf.exp(0.5 * distribution.log_rate)
    return 2.0 * safe_sqrt(distribution.rate)


def _negative_binomial(distribution: tfd.Distribution) -> tf.Tensor:
    total_count, logits = distribution.total_count, distribution.logits
    shape = (distribution.probs if logits is None else logits).shape
    if len(total_count.shape) >= len(shape) > 1:
        raise UserError(
            f"the total count of a negative binomial has shape {tuple(total_count.shape)}, that of its logits is "
            f"{tuple(shape)}: the Fisher information of a total count that depends on z is not known; give one for "
            "each output, or `ExpectedPullback`."
        )
    # m / r is e^logit, or p / (1 - p).
    if logits is not None:
        root = tf.exp(0.5 * logits)
    else:
        root = safe_sqrt(distribution.probs / (1.0 - distribution.probs))
    return 2.0 * tf.sqrt(total_count) * tf.asinh(root)


_FLAT: tuple[tuple[type, Callable[[tfd.Distribution], tf.Tensor]], ...] = (
    (tfd.Bernoulli, _bernoulli),
    (tfd.Categorical, _categorical),
    (tfd.OneHotCategorical, _categorical),
    (tfd.Poisson, _poisson),
    (tfd.NegativeBinomial, _negative_binomial),
)


def _rows(values: tf.Tensor) -> tf.Tensor:
    """`[n, ...]` to `[n, M]`."""
    return values if values.shape.rank == 2 else tf.reshape(values, [tf.shape(values)[0], -1])
