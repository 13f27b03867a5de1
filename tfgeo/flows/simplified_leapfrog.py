"""Generalized leapfrog steps with two shortcuts that trainings may take, and evaluations may not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from tfgeo.errors import UserError
from tfgeo.flows.leapfrog import Position
from tfgeo.flows.phase_flow import Pair
from tfgeo.flows.riemannian_leapfrog import HasCometric, RiemannianLeapfrog

__all__ = ["SimplifiedLeapfrog"]


class SimplifiedLeapfrog(RiemannianLeapfrog):
    """The steps of `RiemannianLeapfrog`, simplified in two ways that do not depend on each other.

    With explicit positions the position moves by a step of Euler's, `z' = z + eps G(z)^-1 rho'`, the first
    iteration of the implicit equation. It neither preserves volume nor is undone by the step with -eps: there is no
    inverse, and the log-determinant of 0 is wrong.

    Detached steps have the same values as others, but of each step only the last half-kick is differentiated: the
    force of the first one and the velocity of the position are constants to the gradient.

    Args:
      target_log_prob_fn: as for `RiemannianLeapfrog`, like all that follow but the last two.
      manifold: the manifold.
      step_size: size of a step.
      num_steps: number of steps.
      num_fixed_point_steps: iterations for each equation that stays implicit.
      gradient_limit: longest gradient that flows back through a point of the trajectory.
      explicit_positions: whether positions are explicit.
      detached: whether steps are detached.
      name: name of the operations.
    """

    def __init__(
        self,
        target_log_prob_fn: Callable[[tf.Tensor], tf.Tensor],
        manifold: HasCometric,
        step_size: Any,
        num_steps: int,
        num_fixed_point_steps: int = 3,
        gradient_limit: Any = None,
        explicit_positions: bool = False,
        detached: bool = False,
        name: str = "simplified_leapfrog",
    ) -> None:
        self.explicit_positions = explicit_positions
        self.detached = detached
        super().__init__(
            target_log_prob_fn, manifold, step_size, num_steps, num_fixed_point_steps, gradient_limit, name
        )

    def inverse_states(self, z: tf.Tensor, rho: tf.Tensor) -> list[Pair]:
        if self.explicit_positions:
            raise UserError("explicit position steps have no inverse; use `RiemannianLeapfrog`, whose steps do.")
        return super().inverse_states(z, rho)

    @property
    def _num_position_steps(self) -> int:
        return 1 if self.explicit_positions else super()._num_position_steps

    def _first_force(self, position: Position, rho: tf.Tensor) -> tf.Tensor:
        return self._as_differentiated(super()._first_force(position, rho))

    def _velocity(self, cometric: Any, rho: tf.Tensor) -> tf.Tensor:
        return self._as_differentiated(super()._velocity(cometric, rho))

    def _as_differentiated(self, tensor: tf.Tensor) -> tf.Tensor:
        return tf.stop_gradient(tensor) if self.detached else tensor
