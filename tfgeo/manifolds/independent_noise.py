"""The curve energy of Yang et al. (2018), in which neighbouring points have independent noise."""

from __future__ import annotations

import tensorflow as tf

from tfgeo.manifolds.calculus.omitted_curvature import curvature_of_differences
from tfgeo.manifolds.calculus.quadratic_model import QuadraticModel, add_potential
from tfgeo.manifolds.expected_pullback import ExpectedPullback
from tfgeo.manifolds.manifold import Manifold, check_points
from tfgeo.manifolds.pullback import differences, differences_gradient, differences_model

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
        squares = tf.reduce_sum(tf.square(differences(self._mean(points))), axis=[-1, -2])
        return squares + self.potential(points)

    @property
    def has_potential(self) -> bool:
        return True

    def without_potential(self) -> Manifold:
        return ExpectedPullback(self.decoder)

    def potential(self, points: tf.Tensor) -> tf.Tensor:
        """Sum of the variances: `[B, T, d]` to `[B]`. Every point but the ends belongs to two segments."""
        variances = self._total_variance(points)
        return 2.0 * tf.reduce_sum(variances, axis=-1) - variances[..., 0] - variances[..., -1]

    def energy_and_gradient(self, points: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        points = check_points(points)
        energy, gradient = differences_gradient(self._mean, points, self.energy_scale(points.shape[-2]))
        with tf.GradientTape() as tape:
            tape.watch(points)
            potential = self.potential(points)
        # A constant variance does not depend on the curve.
        slopes = tape.gradient(potential, points, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        return energy + potential, gradient + slopes[:, 1:-1]

    def quadratic_model(self, points: tf.Tensor, definite: bool = False) -> QuadraticModel:
        """Gauss-Newton's model of the decoded means' differences, and the variances to second order.

        Gauss-Newton on the variances' roots would have no curvature on the ridges, where curves end up.
        """
        points = check_points(points)
        model = differences_model(self._mean, points, self.energy_scale(points.shape[-2]))
        model = add_potential(model, lambda z: 2.0 * self._total_variance(z), points[:, 1:-1], definite)
        ends = self._total_variance(tf.stack([points[:, 0], points[:, -1]], axis=1))
        return model._replace(energy=model.energy + tf.reduce_sum(ends, axis=-1))

    def omitted_curvature(
        self, points: tf.Tensor, slopes: tf.Tensor | None, step: tf.Tensor | None = None
    ) -> tf.Tensor:
        """Of the decoded means' differences alone: the model has the variances to second order."""
        del slopes  # those of the variances are among them
        points = check_points(points)
        return curvature_of_differences(self._mean, points, self.energy_scale(points.shape[-2]), step=step)

    def _mean(self, z: tf.Tensor) -> tf.Tensor:
        return self.decoder.mean(z)

    def _total_variance(self, z: tf.Tensor) -> tf.Tensor:
        return tf.reduce_sum(self.decoder.variance(z), axis=-1)
