"""Several manifolds of one latent space, such as those of retrained decoders, as one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from tfgeo.errors import UserError
from tfgeo.manifolds.calculus.quadratic_model import QuadraticModel
from tfgeo.manifolds.manifold import Manifold

__all__ = ["Ensemble"]


class Ensemble(Manifold):
    """The expected metric over members, `G(z) = sum_k G_k(z) / K`: Syrota et al. (2024), arXiv:2408.07507.

    Where decoders of equal fit disagree, curves get longer; what all of them agree on is kept. Energies are the
    mean of the members' energies, each by its own rule, and lengths those of the expected metric.

    Args:
      members: at least one manifold, all of the same latent space and with the same factor between segments and
        energy.

    Raises:
      UserError: if there is no member, or they scale their energies differently.
    """

    def __init__(self, members: Sequence[Manifold]) -> None:
        self.members = tuple(members)
        if not self.members:
            raise UserError("`members` is empty; give at least one manifold.")
        # Any number of points tells them apart: the factor is the number of segments or 1.
        if len({member.energy_scale(3) for member in self.members}) > 1:
            names = ", ".join(sorted({type(member).__name__ for member in self.members}))
            raise UserError(f"`members` have energies of different kinds ({names}); give manifolds of one kind.")

    def __repr__(self) -> str:
        return f"Ensemble({len(self.members)} members, the first {self.members[0]!r})"

    def metric_tensor(self, z: tf.Tensor) -> tf.Tensor:
        return _mean([member.metric_tensor(z) for member in self.members])

    def metric_derivative(self, z: tf.Tensor) -> tf.Tensor:
        return _mean([member.metric_derivative(z) for member in self.members])

    def segment_energies(self, points: tf.Tensor) -> tf.Tensor:
        return _mean([member.segment_energies(points) for member in self.members])

    def energy_scale(self, num_points: int) -> float:
        return self.members[0].energy_scale(num_points)

    def energy(self, points: tf.Tensor) -> tf.Tensor:
        return _mean([member.energy(points) for member in self.members])

    def energy_and_gradient(self, points: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        energies, gradients = zip(*(member.energy_and_gradient(points) for member in self.members), strict=True)
        return _mean(list(energies)), _mean(list(gradients))

    @property
    def has_potential(self) -> bool:
        return any(member.has_potential for member in self.members)

    def without_potential(self) -> Manifold:
        return Ensemble([member.without_potential() for member in self.members]) if self.has_potential else self

    @property
    def model_is_approximate(self) -> bool:
        return any(member.model_is_approximate for member in self.members)

    @property
    def model_takes_jacobians(self) -> bool:
        return any(member.model_takes_jacobians for member in self.members)

    def jacobian_products(self, z: tf.Tensor) -> tf.Tensor | None:
        products = [member.jacobian_products(z) for member in self.members]
        known = [part for part in products if part is not None]
        return _mean(known) if len(known) == len(products) else None

    def contains(self, z: tf.Tensor) -> tf.Tensor:
        """Whether every member's metric is known at `z`."""
        return tf.reduce_all(tf.stack([member.contains(z) for member in self.members]), axis=0)

    def floats_per_point(self, latent_dim: int, dtype: tf.DType) -> int:
        return sum(member.floats_per_point(latent_dim, dtype) for member in self.members)

    def peak_floats_per_point(self, latent_dim: int, dtype: tf.DType) -> int:
        return sum(member.peak_floats_per_point(latent_dim, dtype) for member in self.members)

    def working_dtype(self, latent_dim: int, dtype: tf.DType) -> tf.DType:
        """The widest that a member works in."""
        return max((member.working_dtype(latent_dim, dtype) for member in self.members), key=lambda one: one.size)

    def given(self, condition: Any) -> Manifold:
        return Ensemble([member.given(condition) for member in self.members])

    def quadratic_model(self, points: tf.Tensor, definite: bool = False) -> QuadraticModel:
        """The mean of the members' models."""
        models = [member.quadratic_model(points, definite) for member in self.members]
        return QuadraticModel(*(_mean(list(parts)) for parts in zip(*models, strict=True)))

    def member_lengths(self, points: tf.Tensor) -> tf.Tensor:
        """Lengths of the same curves under each member: `[B, T, d]` to `[K, B]`.

        Their spread says how far to trust a distance.
        """
        return tf.stack([member.length(points) for member in self.members])


def _mean(values: list[tf.Tensor]) -> tf.Tensor:
    return tf.add_n(values) / len(values)
