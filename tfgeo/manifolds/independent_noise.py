"""The curve energy of Yang et al. (2018), in which neighbouring points have independent noise."""

from __future__ import annotations

import tensorflow as tf

from tfgeo.manifolds.expected_pullback import ExpectedPullback
from tfgeo.manifolds.pullback import differences, flatten_last_two

__all__ = ["IndependentNoise"]


class IndependentNoise(ExpectedPullback):
    """`E = sum_i |mu_i - mu_{i+1}|^2 + sum_i (sigma^2_i + sigma^2_{i+1})`, summed over D: Eq. 17-18.

    Energy (a) of the documentation: the expected squared differences of points that are decoded with
    independent noise. The variance term is a sum over points, not an integral: it does not shrink when the
    curve is cut finer, so the number of points belongs to the experiment. The length is the sum of the
    roots of the same segment terms, and the metric tensor stays that of `ExpectedPullback`.
    """

    def energy_scale(self, num_points: int) -> float:
        """1: Eq. 18 has no factor for the number of segments."""
        del num_points
        return 1.0

    def segment_energies(self, points: tf.Tensor) -> tf.Tensor:
        distribution = self.decoder(points)
        variances = tf.reduce_sum(distribution.variance(), axis=-1)
        squared = tf.reduce_sum(tf.square(differences(distribution.mean())), axis=-1)
        return squared + variances[..., 1:] + variances[..., :-1]

    def residuals(self, points: tf.Tensor) -> tf.Tensor:
        return flatten_last_two(differences(self.decoder(points).mean()))

    def potential(self, points: tf.Tensor) -> tf.Tensor:
        """Sum of the variances: `[B, T, d]` to `[B]`. Every point but the ends belongs to two segments."""
        variances = tf.reduce_sum(self.decoder(points).variance(), axis=-1)
        return 2.0 * tf.reduce_sum(variances, axis=-1) - variances[..., 0] - variances[..., -1]
