"""GEORCE: geodesics as a discrete control problem."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tfgeo.curves import Curve, Polyline
from tfgeo.errors import UserError
from tfgeo.geodesics.solvers.damped_step import inverse_blocks
from tfgeo.geodesics.solvers.objective import Objective
from tfgeo.geodesics.solvers.smoothness import check_smooth
from tfgeo.geodesics.solvers.solver import Solver, State
from tfgeo.geodesics.solvers.tiny import power_of_two
from tfgeo.manifolds import Manifold

__all__ = ["Georce"]

# Shortest share of a step that is tried: below it float32 sees no change.
MIN_SHARE = 1e-6
# Relative size of an energy difference that float32 cannot resolve.
ROUNDING = 1e-7


class _Memory(NamedTuple):
    move: tf.Tensor
    share: tf.Tensor


@dataclasses.dataclass(frozen=True)
class Georce(Solver):
    """Rygaard and Hauberg (2025), "GEORCE: a fast new control algorithm", arXiv:2505.05961.

    The polyline's segments u_i are controls of the state z_{i+1} = z_i + u_i. Pontryagin's conditions for the
    energy `sum_i u_i^T G_i u_i` with G_i and `nu_i`, the energy's derivative in the place of G_i, held fixed are
    `2 G_i u_i = -mu_i` and `mu_{i-1} = mu_i + nu_i`; that the controls sum up to `end - start` gives mu_T. All
    segments then follow at once from sums along the curve: O(T) without a linear system of the curve's size. A
    step is shortened by half until the energy falls.

    The paper takes G_i at the start of each segment. Here it is at the middle, as in
    `MetricField.segment_energies`, so that the energy does not depend on the direction of the curve; a node then
    moves two metrics, each by half.

    It needs derivatives of the metric, which those of a piecewise linear decoder say nothing about, and it knows
    of no potential: `connect` refuses such manifolds; use `levenberg_marquardt` there.

    Args:
      max_iterations: steps after which a pair stops unconverged.
      tolerance: relative decrease of the energy under which a pair may stop.
      gradient_tolerance: scale-free gradient norm under which a pair may stop.
    """

    max_iterations: int = 100
    tolerance: float = 1e-6
    gradient_tolerance: float = 1e-2

    def check(self, curve: Curve, latent_dim: int) -> None:
        if not isinstance(curve, Polyline):
            raise UserError(
                f"georce moves the nodes of a polyline, but the curve is {type(curve).__name__}; "
                "use curve='polyline' or solver='levenberg_marquardt'"
            )

    def check_manifold(self, manifold: Manifold, start: np.ndarray, end: np.ndarray) -> None:
        if manifold.has_potential:
            raise UserError(
                f"georce minimizes the energy of a metric, but that of {type(manifold).__name__} has a potential "
                "beside it; use solver='levenberg_marquardt'"
            )
        check_smooth(manifold, start, end, "georce", "use solver='levenberg_marquardt' on decoded differences")

    def init(self, objective: Objective, parameters: tf.Tensor) -> State:
        _check_nodes(objective)
        energy, gradient, move = _energy_and_move(objective, parameters)
        predicted = tf.fill(tf.shape(energy), tf.cast(float("inf"), energy.dtype))
        memory = _Memory(move, tf.ones_like(energy))
        return State(parameters, energy, gradient, predicted, tf.zeros_like(energy, tf.bool), memory)

    def step(self, objective: Objective, state: State) -> State:
        move, share = state.memory
        trial = state.parameters + share[:, None] * move
        energy, gradient, trial_move = _energy_and_move(objective, trial)
        # The energy's slope along the move, which GEORCE's quadratic model halves by the full step.
        slope = -tf.reduce_sum(state.gradient * move, axis=-1)
        predicted = (share - 0.5 * tf.square(share)) * slope
        taken = energy < state.energy
        stuck = ~taken & (share < MIN_SHARE) | (slope <= ROUNDING * ROUNDING * state.energy)
        share = tf.where(taken, tf.minimum(2.0 * share, 1.0), 0.5 * share)
        keep = taken[:, None]
        return State(
            tf.where(keep, trial, state.parameters),
            tf.where(taken, energy, state.energy),
            tf.where(keep, gradient, state.gradient),
            predicted,
            stuck,
            _Memory(tf.where(keep, trial_move, move), share),
        )


def _energy_and_move(objective: Objective, parameters: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Energy `[B]`, its gradient `[B, K d]` and the full step `[B, K d]` of all nodes."""
    points = objective.points(parameters)
    first, second = points[:, :-1], points[:, 1:]
    middle, controls = 0.5 * (first + second), second - first
    with tf.GradientTape() as tape:
        tape.watch(middle)
        metric = objective.manifold.metric_tensor(middle)
        squares = tf.einsum("bti,btij,btj->bt", controls, metric, controls)
    push = tape.gradient(squares, middle, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    scale = objective.manifold.energy_scale(objective.t.shape[0])
    energy = scale * tf.reduce_sum(squares, axis=-1)
    # nu of a node: half of what each of its two segments pushes its middle by.
    push = 0.5 * (push[:, :-1] + push[:, 1:])
    forces = 2.0 * tf.linalg.matvec(metric, controls)
    gradient = scale * (forces[:, :-1] - forces[:, 1:] + push)
    # The step is the same whatever unit a metric has; determinants of tiny and huge ones would leave the precision.
    unit = power_of_two(tf.reduce_max(tf.abs(metric), axis=[1, 2, 3]))
    metric, push = metric / unit[:, None, None, None], push / unit[:, None, None]
    # mu_i - mu_T: what the nodes behind segment i push it by.
    behind = tf.cumsum(push, axis=1, reverse=True)
    behind = tf.concat([behind, tf.zeros_like(behind[:, :1])], axis=1)
    inverse = inverse_blocks(metric)
    bent = tf.linalg.matvec(inverse, behind)
    whole = objective.end - objective.start
    right = -2.0 * whole - tf.reduce_sum(bent, axis=1)
    last = tf.linalg.matvec(inverse_blocks(tf.reduce_sum(inverse, axis=1)), right)
    new_controls = -0.5 * (bent + tf.linalg.matvec(inverse, last[:, None, :]))
    nodes = objective.start[:, None, :] + tf.cumsum(new_controls, axis=1)[:, :-1]
    move = tf.reshape(nodes - points[:, 1:-1], tf.shape(parameters))
    return energy, tf.reshape(gradient, tf.shape(parameters)), move


def _check_nodes(objective: Objective) -> None:
    if isinstance(objective.curve, Polyline) and objective.curve.num_nodes != objective.t.shape[0] - 2:
        raise UserError(
            f"a polyline of {objective.curve.num_nodes} nodes needs num_points={objective.curve.num_nodes + 2} "
            f"for georce, not {objective.t.shape[0]}; leave `num_points` out"
        )
