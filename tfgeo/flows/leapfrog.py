"""What all leapfrog integrators share: a target, a step size, a number of steps."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from tfgeo.errors import check_count
from tfgeo.flows.gradient_limit import limit_gradient
from tfgeo.flows.phase_flow import Pair, PhaseFlow, check_scale, read_scale

__all__ = ["Leapfrog", "Position"]


@dataclasses.dataclass(frozen=True)
class Position:
    """All that a step needs to know about a point, whatever the momentum; computed once for each point.

    Attributes:
      z: `[..., d]`.
      log_prob: log density of the target, `[...]`, up to a constant.
      force: its gradient, `[..., d]`.
      cometric: the manifold's `Cometric` there; None in flat space.
    """

    z: tf.Tensor
    log_prob: tf.Tensor
    force: tf.Tensor
    cometric: Any = None


class Leapfrog(PhaseFlow):
    """`num_steps` steps of Hamiltonian dynamics for `H(z, rho) = -log target(z) - log N(rho; 0, G(z))`.

    A step with the size negated is the inverse of the step. The force is computed once at each point: K steps
    need K + 1 gradients of the target.

    Args:
      target_log_prob_fn: log density of the target up to a constant, `[..., d]` to `[...]`, differentiable.
      step_size: positive, a scalar or one for each coordinate `[d]`; a number, a tensor or a variable, which is
        read at every call.
      num_steps: number of steps, at least 1.
      gradient_limit: longest gradient that flows back through a point of the trajectory; None for no limit.
      parameters: the arguments of the constructor.
      name: name of the operations.
    """

    def __init__(
        self,
        target_log_prob_fn: Callable[[tf.Tensor], tf.Tensor],
        step_size: Any,
        num_steps: int,
        gradient_limit: Any,
        parameters: dict[str, Any],
        name: str,
    ) -> None:
        self.target_log_prob_fn = target_log_prob_fn
        self.step_size = check_scale("step_size", step_size)
        self.num_steps = check_count("num_steps", num_steps)
        self.gradient_limit = None if gradient_limit is None else check_scale("gradient_limit", gradient_limit)
        super().__init__(parameters, name)

    @abc.abstractmethod
    def position(self, z: tf.Tensor) -> Position:
        """What steps need to know about `z`."""

    @abc.abstractmethod
    def step(self, position: Position, rho: tf.Tensor, step_size: tf.Tensor) -> tuple[Position, tf.Tensor]:
        """One step."""

    @abc.abstractmethod
    def momentum(self, position: Position, noise: tf.Tensor) -> tf.Tensor:
        """Standard normal numbers `[..., d]` to momenta of N(0, G(z))."""

    @abc.abstractmethod
    def momentum_log_prob(self, position: Position, rho: tf.Tensor) -> tf.Tensor:
        """`log N(rho; 0, G(z))`: `[..., d]` to `[...]`."""

    def hamiltonian(self, z: tf.Tensor, rho: tf.Tensor) -> tf.Tensor:
        """The energy that exact dynamics would keep, up to the target's constant: `[..., d]` each, to `[...]`."""
        position = self.position(z)
        return -position.log_prob - self.momentum_log_prob(position, rho)

    def signed_step(self, dtype: tf.DType, sign: float = 1.0) -> tf.Tensor:
        """The step size as a tensor; -1 runs time backwards."""
        return sign * read_scale(self.step_size, dtype)

    def trajectory(self, position: Position, rho: tf.Tensor) -> list[tuple[Position, tf.Tensor]]:
        """The start, and what every step leads to: `num_steps + 1` positions and momenta."""
        return self._run(position, rho, 1.0)

    def states(self, z: tf.Tensor, rho: tf.Tensor) -> list[Pair]:
        return points_of(self._run(self.position(z), rho, 1.0))

    def inverse_states(self, z: tf.Tensor, rho: tf.Tensor) -> list[Pair]:
        return points_of(self._run(self.position(z), rho, -1.0))

    def _run(self, position: Position, rho: tf.Tensor, sign: float) -> list[tuple[Position, tf.Tensor]]:
        step_size = self.signed_step(rho.dtype, sign)
        states = [(position, rho)]
        for _ in range(self.num_steps):
            states.append(self.step(*states[-1], step_size))
        return states

    def _limited(self, points: tf.Tensor) -> tf.Tensor:
        return limit_gradient(points, self.gradient_limit)

    def _target_and_force(self, z: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(z)
            log_prob = self.target_log_prob_fn(z)
        return log_prob, tape.gradient(log_prob, z, unconnected_gradients=tf.UnconnectedGradients.ZERO)


def points_of(states: list[tuple[Position, tf.Tensor]]) -> list[Pair]:
    """The states as pairs of tensors."""
    return [(position.z, rho) for position, rho in states]
