"""Levenberg-Marquardt on decoded differences."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import tensorflow as tf

from tfgeo.geodesics.objective import Objective
from tfgeo.geodesics.solver import Solver, State

__all__ = ["LevenbergMarquardt"]

# Beyond this damping a step moves less than rounding: the pair cannot be improved.
MAX_DAMPING = 1e8
MIN_DAMPING = 1e-7
# Relative size of an energy difference that float32 cannot resolve.
ROUNDING = 1e-7
# Smallest eigenvalue that counts, relative to the largest: below it float32 sees noise.
RELATIVE_FLOOR = 1e-6
# Keeps a division finite where nothing depends on the parameters.
TINY = 1e-30


class _Memory(NamedTuple):
    matrix: tf.Tensor
    damping: tf.Tensor


@dataclasses.dataclass(frozen=True)
class LevenbergMarquardt(Solver):
    """Damped Gauss-Newton: `(H + damping mean(eig H) I) step = -gradient` for each pair on its own.

    H is `2 J^T J` of the decoded differences, J by forward mode, plus the Hessian of the manifold's potential
    where it has one, so that a step costs 1 + P decoder passes, its trial included. The damping follows the
    gain ratio (Nielsen 1999, "Damping parameter in Marquardt's method"): it falls by up to 3 when a step does
    as well as predicted and rises by 4 when the energy would rise, in which case the step is not taken.

    Args:
      max_iterations: steps after which a pair stops unconverged.
      tolerance: relative decrease of the energy under which a pair may stop.
      gradient_tolerance: scale-free gradient norm under which a pair may stop.
      initial_damping: damping of the first step, relative to the mean eigenvalue.
    """

    max_iterations: int = 50
    tolerance: float = 1e-6
    gradient_tolerance: float = 1e-2
    initial_damping: float = 1e-2

    def init(self, objective: Objective, parameters: tf.Tensor) -> State:
        energy, gradient, matrix = objective.quadratic_model(parameters)
        damping = tf.fill(tf.shape(energy), tf.cast(self.initial_damping, energy.dtype))
        predicted = tf.fill(tf.shape(energy), tf.cast(float("inf"), energy.dtype))
        stuck = tf.zeros_like(energy, tf.bool)
        return State(parameters, energy, gradient, predicted, stuck, _Memory(matrix, damping))

    def step(self, objective: Objective, state: State) -> State:
        matrix, damping = state.memory
        step, predicted = _solve_damped(matrix, state.gradient, damping)
        trial = state.parameters + step
        energy, gradient, trial_matrix = objective.quadratic_model(trial)
        actual = state.energy - energy
        taken = actual > 0.0
        ratio = actual / tf.maximum(predicted, ROUNDING * state.energy)
        shrink = tf.clip_by_value(1.0 - (2.0 * ratio - 1.0) ** 3, 1.0 / 3.0, 2.0)
        damping = tf.where(taken, damping * shrink, damping * 4.0)
        stuck = damping > MAX_DAMPING
        return State(
            tf.where(taken[:, None], trial, state.parameters),
            tf.where(taken, energy, state.energy),
            tf.where(taken[:, None], gradient, state.gradient),
            predicted,
            stuck,
            _Memory(
                tf.where(taken[:, None, None], trial_matrix, matrix),
                tf.maximum(damping, MIN_DAMPING),
            ),
        )


def _solve_damped(matrix: tf.Tensor, gradient: tf.Tensor, damping: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The damped step `[B, P]` and the decrease `[B]` that the quadratic model predicts for it.

    A negative eigenvalue counts with its size (saddle-free Newton, Dauphin et al. 2014, arXiv:1406.2572): the
    step goes down along that direction too.
    """
    # One matrix that is not finite would fail the whole batch; its pair does not run, or drops the step.
    finite = tf.reduce_all(tf.math.is_finite(matrix), axis=[-1, -2], keepdims=True)
    matrix = tf.where(finite, matrix, tf.eye(matrix.shape[-1], dtype=matrix.dtype))
    eigenvalues, eigenvectors = tf.linalg.eigh(matrix)
    sizes = tf.abs(eigenvalues)
    largest = tf.reduce_max(sizes, axis=-1, keepdims=True)
    sizes = tf.maximum(sizes, RELATIVE_FLOOR * largest) + TINY
    slopes = tf.linalg.matvec(eigenvectors, gradient, transpose_a=True)
    moves = -slopes / (sizes + damping[:, None] * tf.reduce_mean(sizes, axis=-1, keepdims=True))
    predicted = -tf.reduce_sum(moves * (slopes + 0.5 * sizes * moves), axis=-1)
    return tf.linalg.matvec(eigenvectors, moves), predicted
