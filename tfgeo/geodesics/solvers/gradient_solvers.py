"""First-order solvers: the papers' gradient descent, and Adam."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from tfgeo.curves import LinearCurve
from tfgeo.errors import check_at_least
from tfgeo.geodesics.solvers.objective import Objective
from tfgeo.geodesics.solvers.solver import Solver, State
from tfgeo.geodesics.solvers.tiny import safe_norm, tiny

__all__ = ["Adam", "GradientDescent"]


@dataclasses.dataclass(frozen=True)
class GradientDescent(Solver):
    """Gradient descent, Sec. IV-A of Yang et al. (2018), with the step size found per pair.

    For curves of several nodes it is the descent of curves rather than of their parameters: slopes are those in
    the inner product `integral u' v' dt` of displacements (Sobolev gradient, Neuberger 1997), in which the energy
    of a polyline is as well conditioned as that of one node. For the quadratic curve both are the same.

    A step that lowers the energy is taken, one that does not is dropped. The next one is twice as long where the
    energy fell by at least half of what its slope promises, and else half as long. The paper names no step
    size; the first one moves a curve by `learning_rate` times the distance of its ends.

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

    def __post_init__(self) -> None:
        super().__post_init__()
        check_at_least("learning_rate", self.learning_rate, MIN_LEARNING_RATE)

    def init(self, objective: Objective, parameters: tf.Tensor) -> State:
        energy, gradient = objective.energy_and_gradient(parameters)
        scale = tf.norm(objective.end - objective.start, axis=-1)
        direction = _smooth(objective, _smooth(objective, gradient))
        rate = self.learning_rate * scale / (safe_norm(direction) + tiny(direction.dtype))
        return _state(parameters, energy, gradient, _inner_product(gradient, rate[:, None] * direction), rate)

    def step(self, objective: Objective, state: State) -> State:
        rate = state.memory
        trial = state.parameters - rate[:, None] * _smooth(objective, _smooth(objective, state.gradient))
        energy, gradient = objective.energy_and_gradient(trial)
        taken = energy < state.energy
        new_gradient = tf.where(taken[:, None], gradient, state.gradient)
        # Half of what the slope promises is what a step brings that ends in the valley; a longer one climbs the
        # other side, and doubled again and again it would go to and fro between the two.
        short = state.energy - energy >= SUFFICIENT_SHARE * state.predicted_decrease
        rate = tf.where(taken & short, 2.0 * rate, 0.5 * rate)
        direction = _smooth(objective, _smooth(objective, new_gradient))
        # A move below rounding cannot change the curve any more.
        scale = tf.norm(objective.end - objective.start, axis=-1)
        stuck = rate * safe_norm(direction) < ROUNDING * scale
        return State(
            tf.where(taken[:, None], trial, state.parameters),
            tf.where(taken, energy, state.energy),
            new_gradient,
            _inner_product(new_gradient, rate[:, None] * direction),
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

    For curves of several nodes its coordinates are those in which `integral u' v' dt` of displacements is the
    plain inner product, as for `GradientDescent`: single nodes do not move alone.

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

    def __post_init__(self) -> None:
        super().__post_init__()
        check_at_least("learning_rate", self.learning_rate, MIN_LEARNING_RATE)

    def init(self, objective: Objective, parameters: tf.Tensor) -> State:
        energy, gradient = self._judge(objective, parameters)
        zeros = tf.zeros_like(parameters)
        moments = _Moments(parameters, zeros, zeros, tf.zeros_like(energy), 2.0 * energy)
        return _state(parameters, energy, gradient, energy, moments)

    def step(self, objective: Objective, state: State) -> State:
        parameters, first, second, steps, recent = state.memory
        energy, gradient = self._judge(objective, parameters)
        better = energy < state.energy
        best_energy = tf.where(better, energy, state.energy)
        steps = steps + 1.0
        slope = _smooth(objective, gradient)
        first = BETA_1 * first + (1.0 - BETA_1) * slope
        second = BETA_2 * second + (1.0 - BETA_2) * tf.square(slope)
        corrected = first / (1.0 - BETA_1**steps)[:, None]
        spread = tf.sqrt(second / (1.0 - BETA_2**steps)[:, None]) + tiny(slope.dtype)
        update = self._step_sizes(objective)[:, None] * _smooth(objective, corrected / spread)
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

    def _judge(self, objective: Objective, parameters: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """What decides which curve is kept `[B]`, and the gradient `[B, P]` that is followed."""
        return objective.energy_and_gradient(parameters)

    def _step_sizes(self, objective: Objective) -> tf.Tensor:
        """`[B]` sizes of a step in the parameters."""
        return self.learning_rate * tf.norm(objective.end - objective.start, axis=-1)


# Share of the decrease along the slope that a step must reach for the next one to be longer.
SUFFICIENT_SHARE = 0.5
# A step that is shorter, relative to the distance of the ends, is lost in rounding.
MIN_LEARNING_RATE = 1e-5
# Adam's decay rates, as published.
BETA_1 = 0.9
BETA_2 = 0.999
# Relative size of a move that float32 cannot resolve.
ROUNDING = 1e-7
# Least eigenvalue of the inner product that counts, relative to the largest: nodes between the points of the
# energy, which do not feel it, would else move without bound.
RELATIVE_FLOOR = 1e-6


def _smooth(objective: Objective, vector: tf.Tensor) -> tf.Tensor:
    """`A^(-1/2) v` of `[B, P]` vectors, for the matrix A of `integral u' v' dt` of displacements."""
    curve = objective.curve
    if not isinstance(curve, LinearCurve) or curve.num_nodes == 1:
        return vector
    root = tf.constant(_build_root(curve, objective.t.shape[0]), vector.dtype)
    nodes = tf.reshape(vector, [-1, curve.num_nodes, objective.start.shape[-1]])
    return tf.reshape(tf.matmul(root, nodes), tf.shape(vector))


@functools.lru_cache(maxsize=64)
def _build_root(curve: LinearCurve, num_points: int) -> np.ndarray:
    """`[K, K]` inverse square root of the inner product at T points, scaled to the largest eigenvalue 1."""
    with tf.init_scope():  # values, also while a graph is traced
        basis = curve.basis(tf.constant(np.linspace(0.0, 1.0, num_points))).numpy()
    changes = np.diff(basis, axis=0)
    eigenvalues, vectors = np.linalg.eigh(changes.T @ changes)
    eigenvalues = np.maximum(eigenvalues, RELATIVE_FLOOR * eigenvalues[-1])
    return (vectors * np.sqrt(eigenvalues[0] / eigenvalues)) @ vectors.T


def _inner_product(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
    return tf.reduce_sum(a * b, axis=-1)


def _state(
    parameters: tf.Tensor, energy: tf.Tensor, gradient: tf.Tensor, predicted: tf.Tensor, memory: Any
) -> State:
    return State(parameters, energy, gradient, predicted, tf.zeros_like(energy, tf.bool), memory)
