"""A leapfrog integrator with a tempering step after each of its steps."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from tfgeo.flows.leapfrog import Leapfrog, Position, points_of
from tfgeo.flows.phase_flow import Pair, PhaseFlow, check_scale
from tfgeo.flows.tempering import tempering_scales

__all__ = ["Tempered"]


class Tempered(PhaseFlow):
    """The flow of Algorithm 1 of Chadebec et al. (2020): `rho_0 / sqrt(beta_0)`, then K times a step and cooling.

    It is the chain of `Tempering` steps 0 to K with a step of `leapfrog` between them, but computes the force at
    a point once. The start is part of it: the momentum that goes in is that of N(0, G(z)), not yet heated. So the
    volume that heating gains, `d log(1 / sqrt(beta_0))`, is what the cooling steps lose, and the log-determinant of
    the whole is 0. Where the density of the heated momentum is taken instead, the cooling steps' must be added.

    Args:
      leapfrog: the integrator, with its number of steps.
      sqrt_beta_zero: `sqrt(beta_0) > 0`, below 1 for a hot start; a number, a tensor or a variable, which is read
        at every call. With 1 the flow is the integrator's.
      name: name of the operations.

    Raises:
      UserError: if `sqrt_beta_zero` is not positive.
    """

    def __init__(self, leapfrog: Leapfrog, sqrt_beta_zero: Any, name: str = "tempered") -> None:
        self.leapfrog = leapfrog
        self.sqrt_beta_zero = check_scale("sqrt_beta_zero", sqrt_beta_zero)
        super().__init__(dict(locals()), name)

    def trajectory(self, position: Position, rho: tf.Tensor) -> list[tuple[Position, tf.Tensor]]:
        """The heated start, and what every step leads to once cooled: K + 1 positions and momenta."""
        scales = tempering_scales(self.sqrt_beta_zero, self.leapfrog.num_steps, rho.dtype)
        step_size = self.leapfrog.signed_step(rho.dtype)
        states = [(position, scales[0] * rho)]
        for scale in scales[1:]:
            position, rho = self.leapfrog.step(*states[-1], step_size)
            states.append((position, scale * rho))
        return states

    def states(self, z: tf.Tensor, rho: tf.Tensor) -> list[Pair]:
        return points_of(self.trajectory(self.leapfrog.position(z), rho))

    def inverse_states(self, z: tf.Tensor, rho: tf.Tensor) -> list[Pair]:
        scales = tempering_scales(self.sqrt_beta_zero, self.leapfrog.num_steps, rho.dtype)
        step_size = self.leapfrog.signed_step(rho.dtype, -1.0)
        states = [(self.leapfrog.position(z), rho)]
        for scale in reversed(scales[1:]):
            position, rho = states[-1]
            states.append(self.leapfrog.step(position, rho / scale, step_size))
        position, rho = states[-1]
        return points_of([*states[:-1], (position, rho / scales[0])])
