"""First-order solvers: the papers' gradient descent, and Adam."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import tensorflow as tf

from tfgeo.geodesics.objective import Objective
from tfgeo.geodesics.solver import Solver, State

__all__ = ["Adam", "GradientDescent"]


@dataclasses.dataclass(frozen=True)
class GradientDescent(Solver):
    """Gradient descent, Sec. IV-A of Yang et al. (2018), with the step size found per pair.

    A step that lowers the energy is taken and lets the next one be twice as long; one that does not is
    dropped and halves it. The paper names no step size; the first one moves a curve by
    `learning_rate` times the distance of its ends.

    Args:
      max_iterations: steps after which a pair stops unconverged.
      tolerance: relative decrease of the energy under which a pair may stop.
      gradient_tolerance: scale-free gradient norm under which a pair may stop.
      learning_rate: length of the first step, relative to the distance of the ends.
    """

    max_iterations: int = 500
    tolerance: float = 1e-5
    gradient_tolerance: float = 1e-2
    learning_rate: float = 0.1

    def init(self, objective: Objective, parameters: tf.Tensor) -> State:
        energy, gradient = objective.energy_and_gradient(parameters)
        scale = tf.norm(objective.end - objective.start, axis=-1)
        rate = self.learning_rate * scale / (tf.norm(gradient, axis=-1) + TINY)
        return _state(parameters, energy, gradient, rate * _squared_norm(gradient), rate)

    def step(self, objective: Objective, state: State) -> State:
        rate = state.memory
        trial = state.parameters - rate[:, None] * state.gradient
        energy, gradient = objective.energy_and_gradient(trial)
        taken = energy < state.energy
        new_gradient = tf.where(taken[:, None], gradient, state.gradient)
        rate = tf.where(taken, 2.0 * rate, 0.5 * rate)
        # A move below rounding cannot change the curve any more.
        scale = tf.norm(objective.end - objective.start, axis=-1)
        stuck = rate * tf.norm(new_gradient, axis=-1) < ROUNDING * scale
        return State(
            tf.where(taken[:, None], trial, state.parameters),
            tf.where(taken, energy, state.energy),
            new_gradient,
            rate * _squared_norm(new_gradient),
            stuck,
            rate,
        )


class _Moments(NamedTuple):
    parameters: tf.Tensor
    first: tf.Tensor
    second: tf.Tensor
    steps: tf.Tensor
    recent_energy: tf.Tensor


@dataclasses.dataclass(frozen=True)
class Adam(Solver):
    """Adam (Kingma and Ba 2015, arXiv:1412.6980) for each pair on its own; it keeps the best curve met.

    Args:
      max_iterations: steps after which a pair stops unconverged.
      tolerance: relative decrease of the energy, averaged over recent steps, under which a pair may stop.
      gradient_tolerance: scale-free gradient norm at the best curve under which a pair may stop.
      learning_rate: step size, relative to the distance of the ends.
    """

    max_iterations: int = 500
    tolerance: float = 1e-5
    gradient_tolerance: float = 1e-2
    learning_rate: float = 0.05

    def init(self, objective: Objective, parameters: tf.Tensor) -> State:
        energy, gradient = objective.energy_and_gradient(parameters)
        zeros = tf.zeros_like(parameters)
        moments = _Moments(parameters, zeros, zeros, tf.zeros_like(energy), 2.0 * energy)
        return _state(parameters, energy, gradient, energy, moments)

    def step(self, objective: Objective, state: State) -> State:
        parameters, first, second, steps, recent = state.memory
        energy, gradient = objective.energy_and_gradient(parameters)
        better = energy < state.energy
        best_energy = tf.where(better, energy, state.energy)
        steps = steps + 1.0
        first = BETA_1 * first + (1.0 - BETA_1) * gradient
        second = BETA_2 * second + (1.0 - BETA_2) * tf.square(gradient)
        scale = tf.norm(objective.end - objective.start, axis=-1)
        corrected = first / (1.0 - BETA_1**steps)[:, None]
        spread = tf.sqrt(second / (1.0 - BETA_2**steps)[:, None]) + TINY
        update = self.learning_rate * scale[:, None] * corrected / spread
        # A moving average of the best energy: what recent steps have gained is its distance from the best.
        recent = 0.9 * recent + 0.1 * best_energy
        return State(
            tf.where(better[:, None], parameters, state.parameters),
            best_energy,
            tf.where(better[:, None], gradient, state.gradient),
            recent - best_energy,
            tf.zeros_like(state.stuck),
            _Moments(parameters - update, first, second, steps, recent),
        )


# Adam's decay rates, as published.
BETA_1 = 0.9
BETA_2 = 0.999
# Keeps a division by a vanishing gradient finite.
TINY = 1e-30
# Relative size of a move that float32 cannot resolve.
ROUNDING = 1e-7


def _squared_norm(gradient: tf.Tensor) -> tf.Tensor:
    return tf.reduce_sum(tf.square(gradient), axis=-1)


def _state(
    parameters: tf.Tensor, energy: tf.Tensor, gradient: tf.Tensor, predicted: tf.Tensor, memory: Any
) -> State:
    return State(parameters, energy, gradient, predicted, tf.zeros_like(energy, tf.bool), memory)
