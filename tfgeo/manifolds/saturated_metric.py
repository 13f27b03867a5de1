"""A centroid metric that does not grow with the number of centroids around a point."""

from __future__ import annotations

import functools

import tensorflow as tf

from tfgeo.manifolds.centroid_metric import CentroidCometric, CentroidMetric

__all__ = ["SaturatedCentroidMetric"]

# Below this the closed form of the slope cancels, and its series of this many terms is exact to float64's rounding.
SMALL_WEIGHT = 0.5
NUM_TERMS = 14


class SaturatedCentroidMetric(CentroidMetric):
    """`G^-1(z) = (1 - exp(-W)) M / W + lambda I` with `M = sum_i w_i L_i L_i^T` and `W = sum_i w_i` of Eq. 14.

    That is the mean of the centroids' matrices, weighted by how near they are, wherever there are centroids: Eq. 14
    of Chadebec et al. (2020), a sum, has distances that fall as `W^(-1/2)`, so that dense clusters are shorter than
    sparse ones. Far from all centroids `1 - exp(-W)` is W, and the metric is that of Eq. 14: the limit is the same
    `I / lambda`. It is smooth, and positive definite everywhere.

    The arguments are those of `CentroidMetric`.
    """

    def cometric(self, z: tf.Tensor) -> SaturatedCometric:
        return SaturatedCometric(self, z)


class SaturatedCometric(CentroidCometric):
    """With `h(W) = (1 - exp(-W)) / W`, `dG^-1 = h dM + h' M dW`: weight i moves it by `h P_i + h' M`."""

    @functools.cached_property
    def _saturation(self) -> tuple[tf.Tensor, tf.Tensor]:
        return saturation(tf.reduce_sum(self._weights, axis=-1, keepdims=True))

    @property
    def _mixture(self) -> tf.Tensor:
        return self._saturation[0] * self._sum

    def _shares(self, difference: tf.Tensor) -> tf.Tensor:
        value, slope = self._saturation
        of_all = slope * tf.reduce_sum(difference * self._sum, axis=-1, keepdims=True)
        return value * super()._shares(difference) + of_all * self._weights


def saturation(weight: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """`h(W) = (1 - exp(-W)) / W` of `W >= 0` and its slope, `(exp(-W) (1 + W) - 1) / W^2`."""
    is_small = weight < SMALL_WEIGHT
    small, large = tf.minimum(weight, SMALL_WEIGHT), tf.maximum(weight, SMALL_WEIGHT)
    # h(W) = sum_k (-W)^k / (k + 1)!, by Horner's scheme.
    series = series_slope = tf.zeros_like(weight)
    coefficients = [1.0]
    for term in range(1, NUM_TERMS):
        coefficients.append(-coefficients[-1] / (term + 1.0))
    for coefficient in reversed(coefficients):
        series_slope = series_slope * small + series
        series = series * small + coefficient
    decay = tf.exp(-large)
    value = tf.where(is_small, series, (1.0 - decay) / large)
    slope = tf.where(is_small, series_slope, (decay * (1.0 + large) - 1.0) / tf.square(large))
    return value, slope
