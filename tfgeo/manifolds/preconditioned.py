"""A manifold whose second derivatives come from a cheaper one."""

from __future__ import annotations

import tensorflow as tf

from tfgeo.errors import UserError
from tfgeo.manifolds.calculus.quadratic_model import QuadraticModel
from tfgeo.manifolds.manifold import Manifold, check_points

__all__ = ["Preconditioned"]


class Preconditioned(Manifold):
    """`manifold` with the second derivatives of `approximation`: `Interpolated` for d = 2, `Distilled` for any d.

    Energies, gradients and lengths are the manifold's own, so that solvers end at its geodesics; only the matrix
    of their steps is approximate. A step then costs two decoder passes, forward and backward, in place of 1 + d,
    and is Newton's up to the error of a table, Gauss-Newton's up to that of a network.

    Args:
      manifold: whose geodesics.
      approximation: a manifold of the same latent space with nearly the same metric and the same kind of energy.

    Raises:
      UserError: if the energies are of different kinds.
    """

    def __init__(self, manifold: Manifold, approximation: Manifold) -> None:
        # Any number of points tells their energies apart: the factor is the number of segments or 1.
        same = manifold.energy_scale(3) == approximation.energy_scale(3)
        if not same or manifold.has_potential != approximation.has_potential:
            raise UserError(
                f"{type(manifold).__name__} and {type(approximation).__name__} have energies of different kinds; "
                "give an approximation of the same energy, such as Distilled for Pullback or ExpectedPullback"
            )
        self.manifold = manifold
        self.approximation = approximation

    def __repr__(self) -> str:
        return f"Preconditioned({self.manifold!r}, {self.approximation!r})"

    def metric_tensor(self, z: tf.Tensor) -> tf.Tensor:
        return self.manifold.metric_tensor(z)

    def segment_energies(self, points: tf.Tensor) -> tf.Tensor:
        return self.manifold.segment_energies(points)

    def energy(self, points: tf.Tensor) -> tf.Tensor:
        return self.manifold.energy(points)

    def energy_scale(self, num_points: int) -> float:
        return self.manifold.energy_scale(num_points)

    @property
    def has_potential(self) -> bool:
        return self.manifold.has_potential

    def without_potential(self) -> Manifold:
        if not self.has_potential:
            return self
        return Preconditioned(self.manifold.without_potential(), self.approximation.without_potential())

    @property
    def model_is_approximate(self) -> bool:
        return True

    @property
    def model_takes_jacobians(self) -> bool:
        return self.approximation.model_takes_jacobians

    def contains(self, z: tf.Tensor) -> tf.Tensor:
        """Whether both know their metric at `z`."""
        return self.manifold.contains(z) & self.approximation.contains(z)

    def energy_and_gradient(self, points: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return self.manifold.energy_and_gradient(points)

    def floats_per_point(self, latent_dim: int, dtype: tf.DType) -> int:
        return self._without_columns(self.manifold.floats_per_point(latent_dim, dtype), latent_dim)

    def peak_floats_per_point(self, latent_dim: int, dtype: tf.DType) -> int:
        return self._without_columns(self.manifold.peak_floats_per_point(latent_dim, dtype), latent_dim)

    def _without_columns(self, numbers: int, latent_dim: int) -> int:
        """Numbers of values and slopes: no derivatives along each of the d coordinates are held.

        `Bfgs`, which is taken where the model has Jacobians, knows that by itself.
        """
        return numbers if self.model_takes_jacobians else numbers * 2 // (1 + latent_dim)

    def working_dtype(self, latent_dim: int, dtype: tf.DType) -> tf.DType:
        return self.manifold.working_dtype(latent_dim, dtype)

    def jacobian_products(self, z: tf.Tensor) -> tf.Tensor | None:
        return self.approximation.jacobian_products(z)

    def omitted_curvature(
        self, points: tf.Tensor, slopes: tf.Tensor | None, step: tf.Tensor | None = None
    ) -> tf.Tensor | None:
        # An approximation that knows all second derivatives leaves out nothing but its own error.
        if not self.approximation.model_is_approximate:
            return None
        return self.manifold.omitted_curvature(points, slopes, step)

    def quadratic_model(self, points: tf.Tensor, definite: bool = False) -> QuadraticModel:
        """Energy and gradient of the manifold by reverse mode, second derivatives of the approximation."""
        points = check_points(points)
        energy, gradient = self.manifold.energy_and_gradient(points)
        return self.approximation.quadratic_model(points, definite)._replace(energy=energy, gradient=gradient)
