"""Levenberg-Marquardt on the manifold's second-order model of the energy."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import tensorflow as tf

from tfgeo.curves import Curve, Polyline
from tfgeo.errors import UserError, check_positive
from tfgeo.geodesics.solvers.bfgs import MAX_DENSE_PARAMETERS, ROUNDING
from tfgeo.geodesics.solvers.damped_step import BlockTridiagonal, damped_step
from tfgeo.geodesics.solvers.objective import Objective, ParameterModel
from tfgeo.geodesics.solvers.solver import Solver, State

__all__ = ["LevenbergMarquardt"]

# Beyond this damping a step moves less than rounding: the pair cannot be improved.
MAX_DAMPING = 1e8
MIN_DAMPING = 1e-7
# A secant update whose residual is nearly at right angles to the step would have no bound.
MIN_COSINE = 1e-2


class _Memory(NamedTuple):
    matrix: tf.Tensor | BlockTridiagonal
    slopes: tf.Tensor
    correction: tf.Tensor
    damping: tf.Tensor


@dataclasses.dataclass(frozen=True)
class LevenbergMarquardt(Solver):
    """Damped Newton steps on the manifold's second-order model, for each pair on its own.

    On decoded differences the model is Gauss-Newton's, whose step costs 1 + d decoder passes, its trial
    included; on a metric field it is exact. Matrices are dense and damped by `damping mean(|eig H|) I`, for 5 to 32
    parameters by the mean of the diagonal (see `damped_step`), but block tridiagonal and damped by `damping H` for
    polylines whose nodes are the points of the energy. The damping follows the gain ratio (Nielsen 1999, "Damping
    parameter in Marquardt's method"): it falls by up to 3 when a step does as well as predicted and rises by 4 when
    the energy would rise, in which case the step is not taken.

    Args:
      max_iterations: steps after which a pair stops unconverged.
      tolerance: relative decrease of the energy under which a pair may stop.
      gradient_tolerance: scale-free gradient norm under which a pair may stop.
      initial_damping: damping of the first step, relative to the mean eigenvalue or diagonal entry.
    """

    max_iterations: int = 50
    tolerance: float = 1e-6
    gradient_tolerance: float = 1e-4
    initial_damping: float = 1e-2

    def __post_init__(self) -> None:
        super().__post_init__()
        check_positive("initial_damping", self.initial_damping)

    def check(self, curve: Curve, latent_dim: int) -> None:
        num_parameters = curve.num_parameters(latent_dim)
        if num_parameters > MAX_DENSE_PARAMETERS and not isinstance(curve, Polyline):
            raise UserError(
                f"{type(curve).__name__} has {num_parameters} parameters, levenberg_marquardt takes up to "
                f"{MAX_DENSE_PARAMETERS} for each pair; use solver='adam' or a curve of fewer"
            )

    def init(self, objective: Objective, parameters: tf.Tensor) -> State:
        energy, gradient, matrix, slopes = objective.quadratic_model(parameters)
        damping = tf.fill(tf.shape(energy), tf.cast(self.initial_damping, energy.dtype))
        _, predicted = damped_step(matrix, gradient, damping)
        stuck = tf.zeros_like(energy, tf.bool)
        correction = damping if isinstance(matrix, BlockTridiagonal) else tf.zeros_like(matrix)
        return State(parameters, energy, gradient, predicted, stuck, _Memory(matrix, slopes, correction, damping))

    def model(self, state: State) -> ParameterModel | None:
        matrix, slopes, *_ = state.memory
        # Blocks may leave out what makes them indefinite.
        if isinstance(matrix, BlockTridiagonal):
            return None
        return ParameterModel(state.energy, state.gradient, matrix, slopes)

    def step(self, objective: Objective, state: State) -> State:
        matrix, slopes, correction, damping = state.memory
        corrects = objective.manifold.model_is_approximate and not isinstance(matrix, BlockTridiagonal)
        whole = matrix + correction if corrects else matrix
        step, predicted = damped_step(whole, state.gradient, damping)
        trial = state.parameters + step
        energy, gradient, trial_matrix, trial_slopes = objective.quadratic_model(trial)
        actual = state.energy - energy
        # Energies so close are equal up to rounding; the gradient still tells which curve is nearer to the minimum.
        level = tf.abs(actual) <= ROUNDING * state.energy
        taken = tf.where(level, tf.norm(gradient, axis=-1) < tf.norm(state.gradient, axis=-1), actual > 0.0)
        ratio = tf.where(level, tf.ones_like(actual), actual / tf.maximum(predicted, ROUNDING * state.energy))
        shrink = tf.clip_by_value(1.0 - (2.0 * ratio - 1.0) ** 3, 1.0 / 3.0, 2.0)
        damping = tf.where(taken, damping * shrink, damping * 4.0)
        stuck = (damping > MAX_DAMPING) | (~taken & level & (predicted <= ROUNDING * state.energy))

        def choose(new: tf.Tensor, old: tf.Tensor) -> tf.Tensor:
            return tf.where(tf.reshape(taken, [-1] + [1] * (new.shape.rank - 1)), new, old)

        if corrects:
            correction = _secant(correction, trial_matrix, step, gradient - state.gradient)
        parameters, energy, gradient, matrix, slopes = tf.nest.map_structure(
            choose,
            (trial, energy, gradient, trial_matrix, trial_slopes),
            (state.parameters, state.energy, state.gradient, matrix, slopes),
        )
        return State(
            parameters,
            energy,
            gradient,
            predicted,
            stuck,
            _Memory(matrix, slopes, correction, tf.maximum(damping, MIN_DAMPING)),
        )


def _secant(correction: tf.Tensor, matrix: tf.Tensor, step: tf.Tensor, change: tf.Tensor) -> tf.Tensor:
    """The correction S `[B, P, P]` for which `(matrix + S) step = change` of the gradient.

    The symmetric rank-one update of what Gauss-Newton leaves out (Dennis, Gay and Welsch 1981, "An adaptive
    nonlinear least-squares algorithm", estimate it likewise): it costs no decoder pass.
    """
    missing = change - tf.linalg.matvec(matrix + correction, step)
    product = tf.reduce_sum(missing * step, axis=-1)
    safe = tf.abs(product) > MIN_COSINE * tf.norm(missing, axis=-1) * tf.norm(step, axis=-1)
    safe &= tf.reduce_all(tf.math.is_finite(missing), axis=-1)
    update = missing[:, :, None] * missing[:, None, :] / tf.where(safe, product, 1.0)[:, None, None]
    return tf.where(safe[:, None, None], correction + update, correction)
