"""Generalized leapfrog integrator of Hamiltonian dynamics on a Riemannian manifold."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import tensorflow as tf

from tfgeo.errors import check_count
from tfgeo.flows.leapfrog import Leapfrog, Position

__all__ = ["RiemannianLeapfrog"]


class HasCometric(Protocol):
    """All that the flow asks of a manifold."""

    def cometric(self, z: tf.Tensor) -> Any:
        """The `Cometric` at `[..., d]` points."""


class RiemannianLeapfrog(Leapfrog):
    """`num_steps` generalized leapfrog steps: Eq. 11 of Chadebec et al. (2020), arXiv:2010.11518.

    With `H(z, rho) = -log target(z) + K(z, rho)`, `K = 1/2 log det G(z) + 1/2 rho^T G(z)^-1 rho`, a step is

        rho' = rho - eps/2 dH/dz(z, rho')
        z'   = z + eps/2 (G(z)^-1 + G(z')^-1) rho'
        rho'' = rho' - eps/2 dH/dz(z', rho').

    The first two equations are implicit and solved by a fixed number of iterations, the metric of the second
    evaluated at every new z'. The inverse solves the mirrored equations, the same with -eps.

    Both log-determinants are given as 0, which is exact for exact solutions. With n iterations the solutions
    are wrong by O(eps^(n + 1)) where the iteration contracts, and so are the volume and the round trip: raise
    `num_fixed_point_steps` where they must be exact.

    Args:
      target_log_prob_fn: log density of the target up to a constant, `[..., d]` to `[...]`, differentiable.
      manifold: a `tfgeo.manifolds.Manifold`, of whose `cometric` velocities and forces come.
      step_size: positive, a scalar or one for each coordinate `[d]`; a number, a tensor or a variable, which is
        read at every call.
      num_steps: number of steps, at least 1.
      num_fixed_point_steps: iterations for each implicit equation, at least 1.
      gradient_limit: longest gradient that flows back through a point of the trajectory, for training with stiff
        forces; by default all of it does.
      name: name of the operations.

    Raises:
      UserError: if the step size is not positive, or there are no steps or iterations.
    """

    def __init__(
        self,
        target_log_prob_fn: Callable[[tf.Tensor], tf.Tensor],
        manifold: HasCometric,
        step_size: Any,
        num_steps: int,
        num_fixed_point_steps: int = 3,
        gradient_limit: Any = None,
        name: str = "riemannian_leapfrog",
    ) -> None:
        self.manifold = manifold
        self.num_fixed_point_steps = check_count("num_fixed_point_steps", num_fixed_point_steps)
        super().__init__(target_log_prob_fn, step_size, num_steps, gradient_limit, dict(locals()), name)

    def position(self, z: tf.Tensor) -> Position:
        return Position(z, *self._target_and_force(z), self.manifold.cometric(z))

    def step(self, position: Position, rho: tf.Tensor, step_size: tf.Tensor) -> tuple[Position, tf.Tensor]:
        half = 0.5 * step_size
        middle = rho = self._limited(rho)
        for _ in range(self.num_fixed_point_steps):
            middle = rho + half * self._first_force(position, middle)
        position = self.position(self._limited(self._drift(position, middle, half)))
        return position, middle + half * _force(position, middle)

    def _drift(self, position: Position, rho: tf.Tensor, half: tf.Tensor) -> tf.Tensor:
        """Where a momentum carries the position in a step."""
        velocity = self._velocity(position.cometric, rho)
        start = position.z + half * velocity
        # The first iteration, from z' = z, has G(z)^-1 twice.
        z = start + half * velocity
        for _ in range(self._num_position_steps - 1):
            z = start + half * self._velocity(self.manifold.cometric(z), rho)
        return z

    @property
    def _num_position_steps(self) -> int:
        return self.num_fixed_point_steps

    def _first_force(self, position: Position, rho: tf.Tensor) -> tf.Tensor:
        """`-dH/dz` in the first half-kick."""
        return _force(position, rho)

    def _velocity(self, cometric: Any, rho: tf.Tensor) -> tf.Tensor:
        """`dH/drho` in the position's equation."""
        return cometric.velocity(rho)

    def momentum(self, position: Position, noise: tf.Tensor) -> tf.Tensor:
        return position.cometric.momentum(noise)

    def momentum_log_prob(self, position: Position, rho: tf.Tensor) -> tf.Tensor:
        return position.cometric.log_prob(rho)


def _force(position: Position, rho: tf.Tensor) -> tf.Tensor:
    """`-dH/dz`; only its kinetic part depends on the momentum."""
    return position.force - position.cometric.energy_gradient(rho)
