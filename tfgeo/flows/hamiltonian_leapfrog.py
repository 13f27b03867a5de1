"""Leapfrog integrator of Hamiltonian dynamics in flat space."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from tfgeo.flows.leapfrog import Leapfrog, Position

__all__ = ["HamiltonianLeapfrog"]


class HamiltonianLeapfrog(Leapfrog):
    """`num_steps` leapfrog steps with an identity mass matrix: Eq. 7 of Chadebec et al. (2020), arXiv:2010.11518.

        rho' = rho + eps/2 grad log target(z),  z' = z + eps rho',  rho'' = rho' + eps/2 grad log target(z').

    The kinetic energy is `1/2 |rho|^2`, without whose 1/2 Eq. 5 of the paper is no negative log density.
    It preserves volume exactly, so that both log-determinants are 0, and the inverse is exact up to rounding.

    Args:
      target_log_prob_fn: log density of the target up to a constant, `[..., d]` to `[...]`, differentiable.
      step_size: positive, a scalar or one for each coordinate `[d]`; a number, a tensor or a variable, which is
        read at every call.
      num_steps: number of steps, at least 1.
      gradient_limit: longest gradient that flows back through a point of the trajectory, for training with stiff
        forces; by default all of it does.
      name: name of the operations.

    Raises:
      UserError: if the step size is not positive or there are no steps.

    Example:
      >>> flow = HamiltonianLeapfrog(lambda z: -0.5 * tf.reduce_sum(z**2, axis=-1), step_size=0.1, num_steps=3)
      >>> z, rho = flow.forward([tf.zeros([5, 2]), tf.ones([5, 2])])
    """

    def __init__(
        self,
        target_log_prob_fn: Callable[[tf.Tensor], tf.Tensor],
        step_size: Any,
        num_steps: int,
        gradient_limit: Any = None,
        name: str = "hamiltonian_leapfrog",
    ) -> None:
        super().__init__(target_log_prob_fn, step_size, num_steps, gradient_limit, dict(locals()), name)

    def position(self, z: tf.Tensor) -> Position:
        return Position(z, *self._target_and_force(z))

    def step(self, position: Position, rho: tf.Tensor, step_size: tf.Tensor) -> tuple[Position, tf.Tensor]:
        rho = self._limited(rho) + 0.5 * step_size * position.force
        position = self.position(self._limited(position.z + step_size * rho))
        return position, rho + 0.5 * step_size * position.force

    def momentum(self, position: Position, noise: tf.Tensor) -> tf.Tensor:
        return noise

    def momentum_log_prob(self, position: Position, rho: tf.Tensor) -> tf.Tensor:
        squares = tf.reduce_sum(tf.square(rho), axis=-1)
        return -0.5 * squares - 0.5 * rho.shape[-1] * math.log(2.0 * math.pi)
