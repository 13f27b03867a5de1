"""The curve energy of Yang et al. (2018), in which neighbouring points have independent noise."""

from __future__ import annotations

import tensorflow as tf

from tfgeo.manifolds.expected_pullback import ExpectedPullback
from tfgeo.manifolds.manifold import check_points
from tfgeo.manifolds.pullback import differences, flatten_last_two

__all__ = ["IndependentNoise"]


class IndependentNoise(ExpectedPullback):
    """`E = sum_i |mu_i - mu_{i+1}|^2 + sum_i (sigma^2_i + sigma^2_{i+1})`, summed over D: Eq. 17-18.

    Energy (a) of the documentation: the expected squared differences of points that are decoded with
    independent noise. The variance term is a sum over points, not an integral: it does not shrink when the
    curve is cut finer, so the number of points belongs to the experiment. It finds the curve; length (Eq. 11)
    and metric tensor stay those of `ExpectedPullback`.
    """

    def energy_scale(self, num_points: int) -> float:
        """1: Eq. 18 has no factor for the number of segments."""
        del num_points
        return 1.0

    def energy(self, points: tf.Tensor) -> tf.Tensor:
        """Eq. 18: `[B, T, d]` to `[B]`, in squared data units."""
        points = check_points(points)
        return tf.reduce_sum(tf.square(self.residuals(points)), axis=-1) + self.potential(points)

    def residuals(self, points: tf.Tensor) -> tf.Tensor:
        return flatten_last_two(differences(self.decoder(points).mean()))

    def potential(self, points: tf.Tensor) -> tf.Tensor:
        """Sum of the variances: `[B, T, d]` to `[B]`. Every point but the ends belongs to two segments."""
        variances = tf.reduce_sum(self.decoder(points).variance(), axis=-1)
        return 2.0 * tf.reduce_sum(variances, axis=-1) - variances[..., 0] - variances[..., -1]
