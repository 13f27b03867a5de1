"""Second-order models of curve energies as functions of the points of the curve."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from tfgeo.manifolds.calculus.eigen import eigh

__all__ = ["QuadraticModel", "add_potential", "join_segments", "model_of_differences", "model_of_segments"]

UNCONNECTED = tf.UnconnectedGradients.ZERO

# Inner points whose inner products are taken with one matrix product; the band needs neighbours only, so
# that wider windows waste more, and narrower ones make products too small to be fast.
WINDOW = 16


class QuadraticModel(NamedTuple):
    """Energy of curves and its derivatives in their K = T - 2 inner points; the ends are fixed.

    Neighbours alone interact, so that the matrix of second derivatives is block tridiagonal.

    Attributes:
      energy: `[B]`.
      gradient: `[B, K, d]`.
      diagonal: `[B, K, d, d]` blocks of a point with itself, symmetric.
      off_diagonal: `[B, K - 1, d, d]` blocks of a point (rows) with the next (columns).
    """

    energy: tf.Tensor
    gradient: tf.Tensor
    diagonal: tf.Tensor
    off_diagonal: tf.Tensor


def model_of_differences(
    first: tf.Tensor, values: tf.Tensor, columns: list[tf.Tensor], last: tf.Tensor, scale: float
) -> QuadraticModel:
    """Gauss-Newton's model of `scale sum_i |y_{i+1} - y_i|^2`: the second derivatives of y are left out.

    All inner products come from one matrix product per window of points, which reads each decoded value once.

    Args:
      first: `[B, M]` y at the start.
      values: `[B, K, M]` y at the inner points.
      columns: d times `[B, K, M]`, columns of the Jacobian of y there.
      last: `[B, M]` y at the end.
      scale: factor of the energy.
    """
    num_points, latent_dim = values.shape[1], len(columns)
    before = values - tf.concat([first[:, None], values[:, :-1]], axis=1)  # segment i ends at inner point i
    after = last - values[:, -1]
    window = min(WINDOW, num_points)
    # A window holds `window` points and the first of the next one, for the block between the two.
    parts = [_windows(part, window) for part in (before, *columns)]
    rows = tf.concat(parts, axis=2)
    gram = tf.matmul(rows, rows, transpose_b=True)
    size = parts[0].shape[2]
    shape = tf.shape(gram)
    # [B, windows, 1 + d, size, 1 + d, size]: part 0 is the segment before a point, part 1 + p column p there.
    gram = tf.reshape(gram, [shape[0], shape[1], 1 + latent_dim, size, 1 + latent_dim, size])
    gram = tf.transpose(gram, [0, 1, 2, 4, 3, 5])
    same = _join(tf.linalg.diag_part(gram), num_points)  # [B, 1 + d, 1 + d, K]
    energy = tf.reduce_sum(same[:, 0, 0], axis=-1) + tf.reduce_sum(tf.square(after), axis=-1)
    diagonal = 4.0 * scale * tf.transpose(same[:, 1:, 1:], [0, 3, 1, 2])
    slopes = same[:, 0, 1:]  # the segment before the point, along each column
    ending = tf.stack([tf.reduce_sum(column[:, -1] * after, axis=-1) for column in columns], axis=-1)
    if num_points > 1:
        following = _join(tf.linalg.diag_part(gram, k=1), num_points - 1)  # point i with point i + 1
        off_diagonal = -2.0 * scale * tf.transpose(following[:, 1:, 1:], [0, 3, 1, 2])
        next_slopes = tf.concat([following[:, 1:, 0], ending[:, :, None]], axis=-1)
    else:
        off_diagonal = diagonal[:, :0]
        next_slopes = ending[:, :, None]
    gradient = 2.0 * scale * tf.transpose(slopes - next_slopes, [0, 2, 1])
    return QuadraticModel(scale * energy, gradient, diagonal, off_diagonal)


def _windows(values: tf.Tensor, window: int) -> tf.Tensor:
    """`[B, K, M]` to `[B, W, window + 1, M]`, neighbours sharing a point; past the end the last one repeats."""
    num_points = values.shape[1]
    if num_points <= window:
        return values[:, None]
    starts = tf.range(0, num_points, window)
    indices = tf.minimum(starts[:, None] + tf.range(window + 1), num_points - 1)
    return tf.gather(values, indices, axis=1)


def _join(values: tf.Tensor, num: int) -> tf.Tensor:
    """`[B, W, ..., n]` of each window to `[B, ..., num]`, the first WINDOW of each where there are several."""
    if values.shape[1] == 1:
        return values[:, 0, ..., :num]
    parts = tf.unstack(values[..., :WINDOW], axis=1)
    return tf.concat(parts, axis=-1)[..., :num]


def model_of_segments(
    segment_energy_fn: Callable[[tf.Tensor], tf.Tensor], points: tf.Tensor, scale: float, definite: bool
) -> QuadraticModel:
    """The second-order model of `scale sum_i e(z_i, z_{i+1})`, by automatic differentiation.

    Args:
      segment_energy_fn: e, `[..., 2, d]` to `[..., 1]`, twice differentiable.
      points: `[B, T, d]`, the ends included.
      scale: factor of the energy.
      definite: whether negative eigenvalues of a segment's matrix count as 0, so that the whole is definite.
    """
    num_segments, latent_dim = points.shape[1] - 1, points.shape[2]
    segments = tf.reshape(tf.stack([points[:, :-1], points[:, 1:]], axis=2), [-1, 2 * latent_dim])
    values, slopes, matrices = _second_order(
        lambda ends: segment_energy_fn(tf.reshape(ends, [-1, 2, latent_dim]))[:, 0], segments
    )
    if definite:
        matrices = _positive_part(matrices)
    values = tf.reshape(values, [-1, num_segments])
    slopes = tf.reshape(slopes, [-1, num_segments, 2, latent_dim])
    matrices = tf.reshape(matrices, [-1, num_segments, 2, latent_dim, 2, latent_dim])
    blocks = (matrices[:, :, 0, :, 0], matrices[:, :, 0, :, 1], matrices[:, :, 1, :, 1])
    return join_segments(values, (slopes[:, :, 0], slopes[:, :, 1]), blocks, scale)


def join_segments(
    energies: tf.Tensor,
    slopes: tuple[tf.Tensor, tf.Tensor],
    blocks: tuple[tf.Tensor, tf.Tensor, tf.Tensor],
    scale: float,
) -> QuadraticModel:
    """The model of `scale sum_i e(z_i, z_{i+1})` from those of the T - 1 segments.

    Args:
      energies: `[B, T - 1]` e.
      slopes: derivatives of e in the segment's start and in its end, each `[B, T - 1, d]`.
      blocks: second derivatives in start and start, start and end, end and end, each `[B, T - 1, d, d]`.
      scale: factor of the energy.
    """
    at_start, at_end = slopes
    start_start, start_end, end_end = blocks
    return QuadraticModel(
        scale * tf.reduce_sum(energies, axis=-1),
        scale * (at_end[:, :-1] + at_start[:, 1:]),
        scale * (end_end[:, :-1] + start_start[:, 1:]),
        scale * start_end[:, 1:-1],
    )


def add_potential(
    model: QuadraticModel, potential_fn: Callable[[tf.Tensor], tf.Tensor], points: tf.Tensor, definite: bool
) -> QuadraticModel:
    """`model` with `sum_i V(z_i)` of the inner points added, to second order.

    Args:
      model: the model of the rest of the energy.
      potential_fn: V, `[..., d]` to `[...]`.
      points: `[B, K, d]` inner points.
      definite: whether negative eigenvalues of a point's matrix count as 0.
    """
    values, slopes, matrices = _second_order(potential_fn, points)
    return model._replace(
        energy=model.energy + tf.reduce_sum(values, axis=-1),
        gradient=model.gradient + slopes,
        diagonal=model.diagonal + (_positive_part(matrices) if definite else matrices),
    )


def _second_order(
    function: Callable[[tf.Tensor], tf.Tensor], points: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Values `[...]`, gradients `[..., d]` and Hessians `[..., d, d]` of a scalar function of points `[..., d]`."""
    with tf.GradientTape(persistent=True) as second:
        second.watch(points)
        with tf.GradientTape() as first:
            first.watch(points)
            values = function(points)
        slopes = first.gradient(values, points, unconnected_gradients=UNCONNECTED)
    rows = [
        second.gradient(
            slopes,
            points,
            output_gradients=tf.broadcast_to(direction, tf.shape(points)),
            unconnected_gradients=UNCONNECTED,
        )
        for direction in tf.unstack(tf.eye(points.shape[-1], dtype=points.dtype))
    ]
    return values, slopes, tf.stack(rows, axis=-2)


def _positive_part(matrices: tf.Tensor) -> tf.Tensor:
    """Symmetric matrices with their negative eigenvalues set to 0."""
    eigenvalues, vectors = eigh(matrices)
    return tf.einsum("...ik,...k,...jk->...ij", vectors, tf.maximum(eigenvalues, 0.0), vectors)
