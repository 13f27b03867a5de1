"""Mean and standard deviation of TFP distributions, with derivatives that are finite where they are.

`stddev()` of a distribution is mostly the root of its variance, whose derivative is 0 / 0 where an output is
saturated: one pixel that is always off would make every metric NaN.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf
import tensorflow_probability as tfp

from tfgeo.errors import UserError

__all__ = ["independent_parts", "mean_of", "safe_sqrt", "stddev_of", "variance_of"]

tfd = tfp.distributions

# Below it the mean and variance of a continuous Bernoulli distribution are summed as series in the logit, whose
# first terms that are left out are 1e-7 of the values; above it they are differences of numbers no larger than 1e3.
SERIES_LOGIT = 0.5


def mean_of(distribution: tfd.Distribution) -> list[tf.Tensor]:
    """Means `[n, ...]`, one for each independent part."""
    return [_mean(part) for part in independent_parts(distribution)]


def stddev_of(distribution: tfd.Distribution) -> list[tf.Tensor]:
    """Standard deviations `[n, ...]`, one for each independent part, in the shapes of the means."""
    return [_stddev(part) for part in independent_parts(distribution)]


def variance_of(distribution: tfd.Distribution) -> list[tf.Tensor]:
    """Variances `[n, ...]`, one for each independent part, in the shapes of the means."""
    return [_variance(part) for part in independent_parts(distribution)]


def independent_parts(distribution: tfd.Distribution) -> list[tfd.Distribution]:
    """The distributions that a joint one is made of, without the marks of which axes are events."""
    while isinstance(distribution, tfd.Independent):
        distribution = distribution.distribution
    if not isinstance(distribution, tfd.JointDistribution):
        return [distribution]
    model = distribution.model
    parts = tf.nest.flatten(model)
    if not all(isinstance(part, tfd.Distribution) for part in parts):
        # A part that is a function of others has no mean of its own: TFP's would be one for a random draw of these.
        raise UserError(
            f"the decoder returns a {type(distribution).__name__} whose parts depend on one another, which has no "
            "mean; return one of independent parts, or use `Pullback` of a mean of your own"
        )
    return [one for part in parts for one in independent_parts(part)]


def safe_sqrt(values: tf.Tensor) -> tf.Tensor:
    """`sqrt(values)`, with derivative 0 where a value is 0: what does not move adds nothing to a metric."""
    positive = values > 0.0
    # NaN stays NaN.
    return tf.where(positive, tf.sqrt(tf.where(positive, values, 1.0)), 0.0 * values)


def _mean(distribution: tfd.Distribution) -> tf.Tensor:
    """The mean of one part, which may have no standard deviation."""
    own = _own_moments(distribution)
    if own is not None:
        return own.mean(distribution)
    if isinstance(distribution, tfd.Categorical):
        raise UserError(
            "the decoder returns Categorical, whose values are numbers of classes: their mean says nothing; return "
            "OneHotCategorical, or use `FisherRao`"
        )
    return _ask(distribution, "mean", "mean")


def _stddev(distribution: tfd.Distribution) -> tf.Tensor:
    """The standard deviation of one part."""
    own = _own_moments(distribution)
    if own is not None:
        return own.stddev(distribution)
    mean = _mean(distribution)
    # A distribution with a deviation of its own, such as Normal, has no root to take.
    if type(distribution)._stddev is tfd.Distribution._stddev:
        stddev = safe_sqrt(_ask(distribution, "variance", "standard deviation"))
    else:
        stddev = _ask(distribution, "stddev", "standard deviation")
    return _shaped_like(stddev, mean)


def _own_moments(distribution: tfd.Distribution) -> _Moments | None:
    """How mean and standard deviation are computed where both are written out here."""
    for moments in _OWN:
        if isinstance(distribution, moments.kind):
            return moments
    return None


def _variance(distribution: tfd.Distribution) -> tf.Tensor:
    """Variance of one part."""
    own = _own_moments(distribution)
    if own is not None:
        return tf.square(own.stddev(distribution))
    return _shaped_like(_ask(distribution, "variance", "variance"), _ask(distribution, "mean", "mean"))


def _ask(distribution: tfd.Distribution, method: str, what: str) -> tf.Tensor:
    try:
        return getattr(distribution, method)()
    except NotImplementedError as error:
        remedy = "use `Pullback` of a mean of your own" if method == "mean" else "use `Pullback`, of its mean alone"
        raise UserError(
            f"the decoder returns {type(distribution).__name__}, which has no {what}; {remedy}"
        ) from error


def _shaped_like(values: tf.Tensor, mean: tf.Tensor) -> tf.Tensor:
    """A deviation that all rows share, as some distributions give it, for each row."""
    if values.shape.rank == mean.shape.rank:
        return values
    return tf.broadcast_to(values, tf.shape(mean))


def _bernoulli_mean(distribution: tfd.Distribution) -> tf.Tensor:
    return distribution.probs if distribution.logits is None else tf.sigmoid(distribution.logits)


def _bernoulli_stddev(distribution: tfd.Distribution) -> tf.Tensor:
    if distribution.logits is None:
        return safe_sqrt(distribution.probs * (1.0 - distribution.probs))
    # sqrt(p (1 - p)) by logarithms: neither factor is rounded to 0, nor the root's derivative to infinity.
    logits = distribution.logits
    return tf.exp(-0.5 * (tf.nn.softplus(logits) + tf.nn.softplus(-logits)))


def _logits_of(distribution: tfd.ContinuousBernoulli) -> tf.Tensor:
    logits = distribution.logits
    if logits is None:
        # A probability of exactly 0 or 1 has no finite logit, and does not move.
        smallest = tf.cast(1e-30 if distribution.probs.dtype == tf.float32 else 1e-290, distribution.probs.dtype)
        probs = tf.clip_by_value(distribution.probs, smallest, 1.0 - smallest)
        logits = tf.math.log(probs) - tf.math.log1p(-probs)
    return logits


def _continuous_bernoulli_mean(distribution: tfd.ContinuousBernoulli) -> tf.Tensor:
    """`A' = 1 / (1 - e^-l) - 1 / l`, of the log-partition function `A(l) = log((e^l - 1) / l)` in the logit l.

    Loaiza-Ganem and Cunningham (2019), arXiv:1907.06845. Written by its odd distance from 1/2, which is
    `coth(l / 2) / 2 - 1 / l`: few operations, as metrics are differentiated twice.
    """
    logits = _logits_of(distribution)
    near = tf.abs(logits) < SERIES_LOGIT
    small, large = tf.where(near, logits, 0.0), tf.where(near, tf.ones_like(logits), logits)
    square = small * small
    series = small * (1.0 / 12.0 - square * (1.0 / 720.0 - square * (1.0 / 30240.0 - square / 1209600.0)))
    return 0.5 + tf.where(near, series, 0.5 / tf.tanh(0.5 * large) - 1.0 / large)


def _continuous_bernoulli_stddev(distribution: tfd.ContinuousBernoulli) -> tf.Tensor:
    """`sqrt(A'')`, where `A'' = 1 / l^2 - e^-|l| / (1 - e^-|l|)^2` is even in the logit."""
    size = tf.abs(_logits_of(distribution))
    near = size < SERIES_LOGIT
    small, large = tf.where(near, size, 0.0), tf.where(near, tf.ones_like(size), size)
    square = small * small
    series = 1.0 / 12.0 - square * (1.0 / 240.0 - square * (1.0 / 6048.0 - square * (1.0 / 172800.0)))
    closed = 1.0 / tf.square(large) - tf.exp(-large) / tf.square(-tf.math.expm1(-large))
    return safe_sqrt(tf.where(near, series, closed))


def _mixture_mean(distribution: tfd.MixtureSameFamily) -> tf.Tensor:
    """`m = sum_k w_k m_k`.

    TFP's own sums run over axes that are tensors, through which TensorFlow has no second derivative.
    """
    weights, components, axis = _components(distribution)
    return tf.reduce_sum(weights * _mean(components), axis=axis)


def _mixture_stddev(distribution: tfd.MixtureSameFamily) -> tf.Tensor:
    """`sqrt(sum_k w_k (s_k^2 + (m_k - m)^2))`."""
    weights, components, axis = _components(distribution)
    means, stddevs = _mean(components), _stddev(components)
    mean = tf.reduce_sum(weights * means, axis=axis)
    squares = tf.square(stddevs) + tf.square(means - tf.expand_dims(mean, axis))
    return safe_sqrt(tf.reduce_sum(weights * squares, axis=axis))


def _components(distribution: tfd.MixtureSameFamily) -> tuple[tf.Tensor, tfd.Distribution, int]:
    """Weights in the rank of the components' values, the components, and the axis that counts them."""
    event_rank = distribution.event_shape.rank
    weights = distribution.mixture_distribution.probs_parameter()
    for _ in range(event_rank):
        weights = weights[..., tf.newaxis]
    components = distribution.components_distribution
    while isinstance(components, tfd.Independent):
        components = components.distribution
    return weights, components, -1 - event_rank


class _Moments(NamedTuple):
    """Moments of one kind of distribution: each alone, as what is not asked for would be differentiated too."""

    kind: type
    mean: Callable[[tfd.Distribution], tf.Tensor]
    stddev: Callable[[tfd.Distribution], tf.Tensor]


_OWN = (
    _Moments(tfd.Bernoulli, _bernoulli_mean, _bernoulli_stddev),
    _Moments(tfd.ContinuousBernoulli, _continuous_bernoulli_mean, _continuous_bernoulli_stddev),
    _Moments(tfd.MixtureSameFamily, _mixture_mean, _mixture_stddev),
)
