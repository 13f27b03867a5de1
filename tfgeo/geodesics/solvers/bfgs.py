"""BFGS that begins with Gauss-Newton's matrix: from then on a step costs a gradient, whatever the dimension."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import tensorflow as tf

from tfgeo.curves import Curve, LinearCurve
from tfgeo.errors import UserError
from tfgeo.geodesics.solvers.objective import Objective
from tfgeo.geodesics.solvers.sampled import NUM_SAMPLES
from tfgeo.geodesics.solvers.solver import Solver, State
from tfgeo.geodesics.solvers.tiny import safe_norm, tiny
from tfgeo.manifolds import Manifold
from tfgeo.manifolds.calculus.eigen import guard

__all__ = ["MAX_DENSE_PARAMETERS", "ROUNDING", "Bfgs"]

# Above this a pair's dense matrix takes 1 MB, and what is done to it longer than the decoder.
MAX_DENSE_PARAMETERS = 512
# What eigenvalues of the first matrix are raised by, relative to its largest: what the few Jacobians see as flat
# need not be; and the longest first step, in longest steps, that it may give, for which they are raised further.
FLOOR, FIRST_MOVES = 3e-4, 8.0
# A step counts if the energy falls by this share of what its slope promises (Armijo's rule).
SUFFICIENT_SHARE = 1e-4
# Least cosine between a step and the change of the gradient along it: beyond it the energy is concave, or nearly.
MIN_COSINE = 1e-3
# Factors of the step length after a step that is not taken and after one that is, up to the full step, or to this
# many of them along which the energy is concave.
SHORTER, LONGER, MAX_LENGTH = 0.25, 2.0, 64.0
# Longest step, in distances of the ends: the matrix may be nearly flat, and what is seen far away says nothing of
# the energy here.
MAX_MOVE = 2.0
# A step shorter than this share of the longest changes less than float32 resolves.
MIN_MOVE = 1e-6
# Relative size of an energy difference that float32 cannot resolve, and how many of them it surely can.
ROUNDING, RESOLVED = 2e-7, 50.0


class _Memory(NamedTuple):
    inverse: tf.Tensor
    length: tf.Tensor


@dataclasses.dataclass(frozen=True)
class Bfgs(Solver):
    """The BFGS method (Nocedal and Wright, "Numerical Optimization", 2006, Sec. 6.1) for each pair on its own.

    Its first matrix is that of `Objective.sampled_matrix`, from the Jacobians at a few points of the curve,
    raised where its first step would be many times the longest one; from then on the matrix learns from gradients
    alone. A step costs two decoder passes, forward and backward, where one of `LevenbergMarquardt` costs 1 + d,
    and no decomposition of a matrix; it takes about as many steps. A step that does not lower the energy enough
    is dropped, but what it tells of the curvature is kept.

    Args:
      max_iterations: steps after which a pair stops unconverged.
      tolerance: relative decrease of the energy under which a pair may stop.
      gradient_tolerance: scale-free gradient norm under which a pair may stop.
    """

    max_iterations: int = 100
    tolerance: float = 1e-6
    gradient_tolerance: float = 1e-2

    def check(self, curve: Curve, latent_dim: int) -> None:
        num_parameters = curve.num_parameters(latent_dim)
        if not isinstance(curve, LinearCurve) or num_parameters > MAX_DENSE_PARAMETERS:
            raise UserError(
                f"{type(curve).__name__} has {num_parameters} parameters; bfgs takes curves that are linear in "
                f"their parameters, up to {MAX_DENSE_PARAMETERS} of them: use solver='levenberg_marquardt' for "
                "polylines, 'adam' for neural curves"
            )

    def floats_per_curve(self, manifold: Manifold, latent_dim: int, dtype: tf.DType, num_points: int) -> int:
        return _of_gradients(manifold.floats_per_point(latent_dim, dtype), latent_dim, num_points)

    def peak_floats_per_curve(self, manifold: Manifold, latent_dim: int, dtype: tf.DType, num_points: int) -> int:
        return _of_gradients(manifold.peak_floats_per_point(latent_dim, dtype), latent_dim, num_points)

    def init(self, objective: Objective, parameters: tf.Tensor) -> State:
        energy, gradient = objective.energy_and_gradient(parameters)
        # Where the units of a decoder are saturated its Jacobians are next to 0, and its slopes need not be.
        farthest = _farthest(objective)
        least = safe_norm(gradient) / (FIRST_MOVES * farthest + tiny(gradient.dtype))
        inverse = _downhill(_invert(objective.sampled_matrix(parameters), least), gradient, farthest)
        memory = _Memory(inverse, tf.ones_like(energy))
        return State(
            parameters, energy, gradient, _decrease(inverse, gradient), tf.zeros_like(energy, tf.bool), memory
        )

    def step(self, objective: Objective, state: State) -> State:
        inverse, length = state.memory
        farthest = _farthest(objective)
        step = -length[:, None] * tf.linalg.matvec(inverse, state.gradient)
        share = tf.minimum(farthest / (safe_norm(step) + tiny(step.dtype)), 1.0)
        # A step that is none is not taken, and the next one is shorter.
        share = tf.where(tf.math.is_finite(share), share, tf.ones_like(share))
        step *= share[:, None]
        trial = state.parameters + step
        energy, gradient = objective.energy_and_gradient(trial)
        promised = -tf.reduce_sum(state.gradient * step, axis=-1)
        actual = state.energy - energy
        # Energies so close are equal up to rounding; the gradient still tells which curve is nearer to the minimum.
        level = tf.abs(actual) <= ROUNDING * state.energy
        nearer = tf.norm(gradient, axis=-1) < tf.norm(state.gradient, axis=-1)
        taken = tf.where(level, nearer, actual > SUFFICIENT_SHARE * promised)
        # A step that was made short changes little wherever it is.
        resolved = state.predicted_decrease > RESOLVED * ROUNDING * state.energy
        stuck = ~taken & ((level & ~resolved) | (safe_norm(step) < MIN_MOVE * farthest))
        change = gradient - state.gradient
        convex = _is_convex(step, change)
        inverse = _update(inverse, step, change, convex)
        # Where the energy is concave along the step its model, which is not, says too little.
        longer = tf.minimum(LONGER * length, tf.where(convex, tf.ones_like(length), MAX_LENGTH))
        length = tf.where(taken, longer, SHORTER * share * length)
        parameters = tf.where(taken[:, None], trial, state.parameters)
        gradient = tf.where(taken[:, None], gradient, state.gradient)
        energy = tf.where(taken, energy, state.energy)
        inverse = _downhill(inverse, gradient, farthest)
        return State(parameters, energy, gradient, _decrease(inverse, gradient), stuck, _Memory(inverse, length))


def _of_gradients(numbers: int, latent_dim: int, num_points: int) -> int:
    """From the numbers of a point's values and d columns: those of values and slopes, or of the few Jacobians."""
    values = max(numbers // (1 + latent_dim), 1)
    return values * max(2 * num_points, NUM_SAMPLES * (1 + latent_dim))


def _farthest(objective: Objective) -> tf.Tensor:
    """`[B]` the longest step."""
    return MAX_MOVE * tf.norm(objective.end - objective.start, axis=-1)


def _decrease(inverse: tf.Tensor, gradient: tf.Tensor) -> tf.Tensor:
    """`[B]` the decrease that a full step brings if the matrix is right."""
    return 0.5 * tf.reduce_sum(gradient * tf.linalg.matvec(inverse, gradient), axis=-1)


def _downhill(inverse: tf.Tensor, gradient: tf.Tensor, farthest: tf.Tensor) -> tf.Tensor:
    """The inverse, or where rounding has left it no definite one steepest descent by the longest step."""
    norm, decrease = safe_norm(gradient), _decrease(inverse, gradient)
    lost = ~((decrease > 0.0) & tf.math.is_finite(decrease)) & (norm > 0.0)
    steepest = (farthest / (norm + tiny(norm.dtype)))[:, None, None] * tf.eye(gradient.shape[-1], dtype=norm.dtype)
    return tf.where(lost[:, None, None], steepest, inverse)


def _invert(matrix: tf.Tensor, least: tf.Tensor) -> tf.Tensor:
    """The inverse of positive semi-definite `[B, P, P]`, with eigenvalues raised by a small share or by `least`.

    NaN where a matrix is not finite, a multiple of the identity where it is no semi-definite one after all.
    """
    guarded, known = guard(matrix)
    # No eigenvalue is above the largest sum of a row.
    largest = tf.reduce_max(tf.reduce_sum(tf.abs(guarded), axis=-1), axis=-1)
    identity = tf.eye(matrix.shape[-1], dtype=matrix.dtype)
    raised = guarded + (tf.maximum(FLOOR * largest, least) + tiny(matrix.dtype))[:, None, None] * identity
    identity = tf.broadcast_to(identity, tf.shape(raised))
    inverse = tf.linalg.cholesky_solve(tf.linalg.cholesky(raised), identity)
    is_definite = tf.reduce_all(tf.math.is_finite(inverse), axis=[-1, -2], keepdims=True)
    return known * tf.where(is_definite, inverse, identity / (largest + tiny(matrix.dtype))[:, None, None])


def _is_convex(step: tf.Tensor, change: tf.Tensor) -> tf.Tensor:
    """`[B]` whether the energy is safely convex along a step, from the change of its gradient."""
    product = tf.reduce_sum(step * change, axis=-1)
    return product > MIN_COSINE * tf.norm(step, axis=-1) * tf.norm(change, axis=-1)


def _update(inverse: tf.Tensor, step: tf.Tensor, change: tf.Tensor, convex: tf.Tensor) -> tf.Tensor:
    """The inverse with `inverse change = step`, positive definite; unchanged where the energy is not `convex`."""
    product = tf.where(convex, tf.reduce_sum(step * change, axis=-1), tf.ones_like(step[:, 0]))[:, None, None]
    image = tf.linalg.matvec(inverse, change)
    # (1 + y^T R y / s^T y) s s^T - R y s^T - s (R y)^T, over s^T y: written with two outer products.
    factor = 0.5 * (1.0 + tf.reduce_sum(change * image, axis=-1)[:, None, None] / product)
    half = factor * step[:, :, None] - image[:, :, None]
    outer = half * step[:, None, :]
    updated = inverse + (outer + tf.linalg.matrix_transpose(outer)) / product
    return tf.where(convex[:, None, None], updated, inverse)
