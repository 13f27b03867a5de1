"""The Fisher information of a decoder's distribution as a metric of its latent space."""

from __future__ import annotations

import math
from collections.abc import Callable

import tensorflow as tf
import tensorflow_probability as tfp

from tfgeo.errors import UserError
from tfgeo.manifolds.calculus.jacobian import value_and_columns
from tfgeo.manifolds.metric_field import MetricField

__all__ = ["FisherRao"]

tfd = tfp.distributions


class FisherRao(MetricField):
    """`G(z) = J(z)^T I(z) J(z)`: Fisher information I of p(x | z), pulled back by the parameters' Jacobian J.

    `KL(p(x | z), p(x | z + h)) = h^T G h / 2 + O(|h|^3)`: the metric in which latent points are far apart if
    samples tell them apart (Arvanitidis et al. (2022), arXiv:2106.05367). It has no data units, and is not
    changed by another parametrisation of the distribution. A sum over independent outputs:

    - normal (also `MultivariateNormalDiag`): `(d mu)^2 / sigma^2 + 2 (d sigma)^2 / sigma^2`;
    - Bernoulli of probability p: `(d p)^2 / (p (1 - p))`;
    - categorical (also `OneHotCategorical`): `sum_k (d p_k)^2 / p_k`;
    - Poisson of rate r: `(d r)^2 / r`;
    - negative binomial of mean m and a total count r that does not depend on z: `(d m)^2 / (m + m^2 / r)`;

    each also inside of `tfd.Independent`. All batch and event dimensions but the leading ones of `z` are
    outputs. Where a probability or rate is exactly 0 (or a Bernoulli's is 1), its output is left out: the
    derivative of a probability is 0 there. Decoders with logits or log rates never get there.

    Args:
      decoder: callable `[..., d]` to a distribution, such as `model.decode`.

    Raises:
      UserError: by `metric_tensor`, if the distribution is none of these, or if the total count of a negative
        binomial has batch dimensions of its own, as one that depends on z has.
    """

    def __init__(self, decoder: Callable[[tf.Tensor], tfd.Distribution]) -> None:
        self.decoder = decoder

    def metric_tensor(self, z: tf.Tensor) -> tf.Tensor:
        z = tf.convert_to_tensor(z)

        def coordinates(z: tf.Tensor) -> tf.Tensor:
            return tf.stack([coordinate for coordinate, _ in self._coordinates(z)], axis=-1)

        roots = tf.stack([root for _, root in self._coordinates(z)], axis=-1)
        columns = [column * roots for column in value_and_columns(coordinates, z)[1]]
        flat_shape = tf.concat([tf.shape(z)[:-1], [-1]], axis=0)
        scaled = tf.stack([tf.reshape(column, flat_shape) for column in columns], axis=-1)
        return tf.einsum("...mi,...mj->...ij", scaled, scaled)

    def _coordinates(self, z: tf.Tensor) -> list[tuple[tf.Tensor, tf.Tensor]]:
        distribution = self.decoder(z)
        while isinstance(distribution, tfd.Independent):
            distribution = distribution.distribution
        for kind, coordinates in _KNOWN:
            if isinstance(distribution, kind):
                return coordinates(distribution)
        raise UserError(
            f"the Fisher information of {type(distribution).__name__} is not known; use a decoder that gives one "
            f"of {', '.join(kind.__name__ for kind, _ in _KNOWN)}, or `TensorField` with a metric of your own."
        )


# Each family as pairs of a coordinate of the distribution and the root of its information, so that the Fisher
# information is the sum of (root * d coordinate)^2.


def _normal(distribution: tfd.Distribution) -> list[tuple[tf.Tensor, tf.Tensor]]:
    # mean() and stddev() are parameters in their full shape: a sigma shared by all outputs counts for each.
    mean, stddev = distribution.mean(), distribution.stddev()
    return [(mean, 1.0 / stddev), (stddev, math.sqrt(2.0) / stddev)]


def _bernoulli(distribution: tfd.Distribution) -> list[tuple[tf.Tensor, tf.Tensor]]:
    if distribution.logits is None:
        probs = distribution.probs
        return [(probs, _root_of_inverse(probs * (1.0 - probs)))]
    # sqrt(p (1 - p)) by logarithms: neither factor is rounded to 0, nor the root's derivative to infinity.
    logits = distribution.logits
    return [(logits, tf.exp(-0.5 * (tf.nn.softplus(logits) + tf.nn.softplus(-logits))))]


def _categorical(distribution: tfd.Distribution) -> list[tuple[tf.Tensor, tf.Tensor]]:
    if distribution.logits is None:
        return [(distribution.probs, _root_of_inverse(distribution.probs))]
    log_probs = tf.nn.log_softmax(distribution.logits)
    return [(log_probs, tf.exp(0.5 * log_probs))]


def _poisson(distribution: tfd.Distribution) -> list[tuple[tf.Tensor, tf.Tensor]]:
    if distribution.log_rate is None:
        return [(distribution.rate, _root_of_inverse(distribution.rate))]
    return [(distribution.log_rate, tf.exp(0.5 * distribution.log_rate))]


def _negative_binomial(distribution: tfd.Distribution) -> list[tuple[tf.Tensor, tf.Tensor]]:
    total_count, logits = distribution.total_count, distribution.logits_parameter()
    if len(total_count.shape) >= len(logits.shape) > 1:
        raise UserError(
            f"the total count of a negative binomial has shape {tuple(total_count.shape)}, that of its logits is "
            f"{tuple(logits.shape)}: the Fisher information of a total count that depends on z is not known; give "
            "one for each output, or `ExpectedPullback`."
        )
    # In logits l = log(m / r) the information is r sigmoid(l); its root by logarithms, as for Bernoulli.
    return [(logits, tf.sqrt(total_count) * tf.exp(-0.5 * tf.nn.softplus(-logits)))]


_KNOWN = (
    (tfd.Normal, _normal),
    (tfd.MultivariateNormalDiag, _normal),
    (tfd.Bernoulli, _bernoulli),
    (tfd.Categorical, _categorical),
    (tfd.OneHotCategorical, _categorical),
    (tfd.Poisson, _poisson),
    (tfd.NegativeBinomial, _negative_binomial),
)


def _root_of_inverse(values: tf.Tensor) -> tf.Tensor:
    """`values^(-1/2)`, and 0 with derivative 0 where a value is 0."""
    positive = values > 0.0
    return tf.where(positive, tf.math.rsqrt(tf.where(positive, values, 1.0)), 0.0)
