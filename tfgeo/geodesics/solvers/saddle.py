"""Whether a curve at which no slope is left is a minimum, and the way out where it is a saddle."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tfgeo.curves import LinearCurve, Polyline
from tfgeo.geodesics.solvers.objective import Objective, ParameterModel
from tfgeo.geodesics.solvers.sampled import MIN_SAMPLED_DIM
from tfgeo.manifolds.calculus.eigen import eigh
from tfgeo.manifolds.calculus.omitted_curvature import difference_step

__all__ = ["Curvature", "find_way_out", "lowest_curvature"]

# Curves of more parameters are looked at along their low frequencies, so many directions at least.
MAX_PARAMETERS = 16
NUM_DIRECTIONS = 8
# Relative error of second derivatives that are differences of slopes: see RELATIVE_STEP in `omitted_curvature`.
DIFFERENCE_ERROR = 5e-3
# The same of those from few points of the curve, which are interpolated between them: measured at geodesics of
# decoders of d = 10 and 16, the lowest eigenvalue is off by .06 and .32 of what Gauss-Newton's matrix leaves out in
# the median, .3 and .6 at most. To look beside a curve that is none costs little.
SAMPLED_ERROR = 0.3
# Rounding of an eigenvalue, and of an energy, in units of the dtype's.
ROUNDINGS = 100.0
ENERGY_ROUNDINGS = 4.0
# The largest move that is tried and bounds of the smallest one, relative to the distance of the ends, and how many
# are tried to each side.
LARGEST_MOVE = 0.5
SMALLEST_MOVES = (1e-3, 0.125)
NUM_MOVES = 4
# The smallest move is one whose decrease is this many times the solver's tolerance.
SEEN_TOLERANCES = 10.0
# A side counts as lower than the other by more than this share of the energy: mirrored sides differ by rounding.
TIE = 1e-5
TINY = 1e-30


class Curvature(NamedTuple):
    """Second derivative of the energy along the direction in which it is lowest.

    Attributes:
      eigenvalue: `[B]`, along `direction`.
      direction: `[B, ...]`, moves a point of the curve by 1 and no point farther: curve parameters, or moves of the
        inner points where the family is not linear in its parameters.
      suspect: `[B]` bool: the eigenvalue is negative, or would be if its error was in its favour.
    """

    eigenvalue: tf.Tensor
    direction: tf.Tensor
    suspect: tf.Tensor


def lowest_curvature(objective: Objective, parameters: tf.Tensor, model: ParameterModel | None) -> Curvature:
    """The direction of the lowest second derivative, and whether that may be negative.

    Gauss-Newton's matrix is positive semi-definite by construction, so that a solver that has converged on it may
    be at a saddle: what the matrix leaves out is added. Without a model both are taken at few points of the curve,
    from d = 4 on and where the manifold has a decoder's Jacobian; or the second derivatives are differences of
    gradients: along all parameters of a family that has few, else along the first harmonics, `sin(k pi t)`
    times each coordinate. The first instability of a geodesic bends it as a whole, beyond its first conjugate point
    (Morse's index theorem), but one that is confined to a small part of the curve may be missed there.

    Args:
      objective: the energy.
      parameters: `[B, P]` curves at which the gradient is 0.
      model: the quadratic model there, with a matrix `[B, P, P]`, or None.
    """
    omitted = None
    if model is not None and isinstance(objective.curve, LinearCurve):
        if not objective.manifold.model_is_approximate:
            omitted = tf.zeros_like(model.matrix)
        else:
            omitted = objective.omitted_curvature(parameters, model.slopes)
    if model is not None and omitted is not None:
        values, vectors = eigh(model.matrix + omitted)
        vector = vectors[..., 0]
        error = DIFFERENCE_ERROR * tf.norm(tf.linalg.matvec(omitted, vector), axis=-1)
        direction = vector
    elif (sampled := _sampled(objective, parameters)) is not None:
        matrix, omitted = sampled
        values, vectors = eigh(matrix + omitted)
        direction = vectors[..., 0]
        error = SAMPLED_ERROR * tf.norm(tf.linalg.matvec(omitted, direction), axis=-1)
    else:
        shapes = _shapes(objective)
        values, vectors = eigh(_differentiate_gradient(objective, parameters, shapes))
        vector = vectors[..., 0]
        error = DIFFERENCE_ERROR * tf.reduce_mean(tf.abs(values), axis=-1)
        latent_dim = objective.start.shape[-1]
        moves = tf.matmul(shapes, tf.reshape(vector, [-1, shapes.shape[1], latent_dim]))
        direction = tf.reshape(moves, [-1, shapes.shape[0] * latent_dim])
    rounding = ROUNDINGS * np.finfo(values.dtype.as_numpy_dtype).eps
    suspect = values[:, 0] < error - rounding * tf.reduce_max(tf.abs(values), axis=-1)
    moves = _moves(objective, direction)
    farthest = tf.reduce_max(tf.norm(moves, axis=-1), axis=-1) + TINY
    sign = _orientation(moves)
    return Curvature(values[:, 0] / farthest**2, direction * (sign / farthest)[:, None], suspect)


def _sampled(objective: Objective, parameters: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor] | None:
    """Gauss-Newton's matrix and what it leaves out, `[B, P, P]` each, from few points; None where unknown."""
    curve, latent_dim = objective.curve, objective.start.shape[-1]
    if not isinstance(curve, LinearCurve) or isinstance(curve, Polyline) or latent_dim < MIN_SAMPLED_DIM:
        return None
    if not objective.manifold.model_takes_jacobians or objective.manifold.has_potential:
        return None
    omitted = objective.sampled_omitted(parameters)
    return None if omitted is None else (objective.sampled_matrix(parameters), omitted)


def find_way_out(
    objective: Objective, parameters: tf.Tensor, energy: tf.Tensor, curvature: Curvature, tolerance: float
) -> tuple[tf.Tensor, tf.Tensor]:
    """The lower of two curves beside a saddle, one to each side, `[B, P]`, and whether it is lower, `[B]` bool.

    The smallest move lowers the energy by ten times the tolerance if the quadratic model is right; the largest is
    half the distance of the ends. From the smallest on moves grow as long as the energy falls, so that they end in
    the valley that begins at the saddle. Of sides that are equal up to rounding, as with a mirror symmetry, it is
    always the same one, that of `_orientation`.

    Args:
      objective: the energy.
      parameters: `[B, P]`.
      energy: `[B]` of them.
      curvature: the direction; only suspect pairs are looked at.
      tolerance: relative decrease of the energy that counts.
    """
    rounding = ENERGY_ROUNDINGS * float(np.finfo(energy.dtype.as_numpy_dtype).eps)
    tolerance = max(tolerance, rounding)
    distance = tf.norm(objective.end - objective.start, axis=-1)
    smallest = tf.sqrt(2.0 * SEEN_TOLERANCES * tolerance * energy / tf.maximum(-curvature.eigenvalue, TINY))
    smallest = tf.clip_by_value(smallest, SMALLEST_MOVES[0] * distance, SMALLEST_MOVES[1] * distance)
    growth = (LARGEST_MOVE * distance / (smallest + TINY)) ** (1.0 / (NUM_MOVES - 1))

    def follow(side: float) -> tuple[tf.Tensor, tf.Tensor]:
        """The lowest curve on one side and its energy."""

        def look(
            number: tf.Tensor, best: tf.Tensor, least: tf.Tensor, falls: tf.Tensor
        ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]:
            size = side * smallest * growth ** tf.cast(number, energy.dtype)
            trial = _move(objective, parameters, size[:, None] * curvature.direction)
            trial_energy = objective.energy(trial)
            # The first move of a flat saddle may change less than rounding.
            falls &= trial_energy <= least + rounding * energy
            lower = falls & (trial_energy < least)
            return number + 1, tf.where(lower[:, None], trial, best), tf.where(lower, trial_energy, least), falls

        # Of pairs that are no saddles the first move costs energy, and most blocks hold no others.
        state = (tf.constant(0), parameters, energy, curvature.suspect)
        return tf.while_loop(
            lambda number, best, least, falls: tf.reduce_any(falls),
            look, state, maximum_iterations=NUM_MOVES, parallel_iterations=1,
        )[1:3]  # fmt: skip

    one, one_energy = follow(1.0)
    other, other_energy = follow(-1.0)
    prefers_other = other_energy < one_energy - TIE * energy
    least = tf.where(prefers_other, other_energy, one_energy)
    lower = curvature.suspect & (least < (1.0 - tolerance) * energy)
    return tf.where(prefers_other[:, None], other, one), lower


def _shapes(objective: Objective) -> tf.Tensor:
    """`[K, m]` weights of the K nodes of a curve, or of its K inner points, along which each coordinate moves."""
    latent_dim = objective.start.shape[-1]
    curve = objective.curve
    num_nodes = curve.num_nodes if isinstance(curve, LinearCurve) else objective.t.shape[0] - 2
    if isinstance(curve, LinearCurve) and num_nodes * latent_dim <= MAX_PARAMETERS:
        return tf.eye(num_nodes, dtype=objective.start.dtype)
    harmonics = np.arange(1, min(max(NUM_DIRECTIONS // latent_dim, 1), num_nodes) + 1)
    places = np.arange(1, num_nodes + 1) / (num_nodes + 1)
    return tf.constant(np.sin(np.pi * harmonics * places[:, None]), objective.start.dtype)


def _differentiate_gradient(objective: Objective, parameters: tf.Tensor, shapes: tf.Tensor) -> tf.Tensor:
    """Second derivatives `[B, m d, m d]` along the shapes, by a gradient for each direction and one more."""
    points = objective.points(parameters)
    weights = tf.matmul(_node_weights(objective), shapes)  # of the inner points, [T - 2, m]
    num_shapes, latent_dim = shapes.shape[1], points.shape[-1]

    def slopes(moved: tf.Tensor) -> tf.Tensor:
        slope = objective.manifold.energy_and_gradient(moved)[1]
        return tf.reshape(tf.matmul(weights, slope, transpose_a=True), [-1, num_shapes * latent_dim])

    size = difference_step(points)[:, None, None] / tf.reduce_max(tf.abs(weights))
    here = slopes(points)

    def row(number: tf.Tensor) -> tf.Tensor:
        field = tf.gather(weights, number // latent_dim, axis=1)[:, None] * tf.one_hot(
            number % latent_dim, latent_dim, dtype=points.dtype
        )
        moved = points + size * tf.pad(field, [[1, 1], [0, 0]])
        return (slopes(moved) - here) / size[:, 0]

    numbers = tf.range(num_shapes * latent_dim)
    rows = tf.map_fn(row, numbers, parallel_iterations=1, fn_output_signature=points.dtype)
    rows = tf.ensure_shape(rows, [num_shapes * latent_dim, None, num_shapes * latent_dim])
    matrix = tf.transpose(rows, [1, 0, 2])
    return 0.5 * (matrix + tf.linalg.matrix_transpose(matrix))


def _node_weights(objective: Objective) -> tf.Tensor:
    """`[T - 2, K]` weights of the nodes at the inner points; each point is its own node where there are none."""
    if isinstance(objective.curve, LinearCurve):
        return tf.cast(objective.curve.basis(objective.t), objective.start.dtype)[1:-1]
    return tf.eye(objective.t.shape[0] - 2, dtype=objective.start.dtype)


def _moves(objective: Objective, direction: tf.Tensor) -> tf.Tensor:
    """`[B, ...]` to how the inner points move, `[B, T - 2, d]`."""
    weights = _node_weights(objective)
    return tf.matmul(weights, tf.reshape(direction, [-1, weights.shape[1], objective.start.shape[-1]]))


def _move(objective: Objective, parameters: tf.Tensor, move: tf.Tensor) -> tf.Tensor:
    """Parameters of the curves moved by `[B, ...]`."""
    if isinstance(objective.curve, LinearCurve):
        return parameters + move
    points = objective.points(parameters) + tf.pad(_moves(objective, move), [[0, 0], [1, 1], [0, 0]])
    return objective.curve.fit(points)


def _orientation(moves: tf.Tensor) -> tf.Tensor:
    """`[B]` 1 or -1 for moves `[B, K, d]` of points, so that a direction and its opposite are turned to the same.

    The first coordinate whose sum over the points is not small is positive then. The weights of the sum are those
    of an asymmetry, for moves to one side in one half and to the other in the other.
    """
    weights = np.linspace(2.0, 1.0, moves.shape[1])[:, None]
    sums = tf.reduce_sum(moves * tf.constant(weights, moves.dtype), axis=1)
    large = tf.abs(sums) >= 0.5 * tf.reduce_max(tf.abs(sums), axis=-1, keepdims=True)
    first = tf.argmax(tf.cast(large, tf.int32), axis=-1)
    return tf.where(tf.gather(sums, first, batch_dims=1) < 0.0, -tf.ones_like(sums[:, 0]), tf.ones_like(sums[:, 0]))
