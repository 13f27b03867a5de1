"""Second-order models of curve energies as functions of the points of the curve."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

__all__ = ["QuadraticModel", "add_potential", "model_of_differences", "model_of_segments"]

# Interior points whose inner products are taken with one matrix product; the band needs neighbours only, so
# that wider windows waste more, and narrower ones make products too small to be fast.
WINDOW = 16


class QuadraticModel(NamedTuple):
    """Energy of curves and its derivatives in their K = T - 2 interior points; the ends are fixed.

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
      values: `[B, K, M]` y at the interior points.
      columns: d times `[B, K, M]`, columns of the Jacobian of y there.
      last: `[B, M]` y at the end.
      scale: factor of the energy.
    """
    num_points, latent_dim = values.shape[1], len(columns)
    before = values - tf.concat([first[:, None], values[:, :-1]], axis=1)  # segment i ends at interior point i
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
    segment_energy_fn: Callable[[tf.Tensor], tf.Tensor], points: tf.Tensor, scale: float
) -> QuadraticModel:
    """The exact second-order model of `scale sum_i e(z_i, z_{i+1})`, by automatic differentiation.

    Args:
      segment_energy_fn: e, `[..., 2, d]` to `[..., 1]`, twice differentiable.
      points: `[B, T, d]`, the ends included.
      scale: factor of the energy.
    """
    num_segments, latent_dim = points.shape[1] - 1, points.shape[2]
    segments = tf.stack([points[:, :-1], points[:, 1:]], axis=2)
    flat = tf.reshape(segments, [-1, 2, latent_dim])
    with tf.GradientTape(persistent=True) as second:
        second.watch(flat)
        with tf.GradientTape() as first:
            first.watch(flat)
            energies = segment_energy_fn(flat)
        slopes = first.gradient(energies, flat, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    rows = []
    for direction in tf.unstack(tf.reshape(tf.eye(2 * latent_dim, dtype=points.dtype), [-1, 2, latent_dim])):
        along = tf.broadcast_to(direction, tf.shape(flat))
        rows.append(
            second.gradient(
                slopes, flat, output_gradients=along, unconnected_gradients=tf.UnconnectedGradients.ZERO
            )
        )
    size = tf.shape(points)[0]
    energies = tf.reshape(energies, [size, num_segments])
    slopes = tf.reshape(slopes, [size, num_segments, 2, latent_dim])
    matrices = tf.reshape(tf.stack(rows, axis=1), [size, num_segments, 2, latent_dim, 2, latent_dim])
    return QuadraticModel(
        scale * tf.reduce_sum(energies, axis=-1),
        scale * (slopes[:, :-1, 1] + slopes[:, 1:, 0]),
        scale * (matrices[:, :-1, 1, :, 1] + matrices[:, 1:, 0, :, 0]),
        scale * matrices[:, 1:-1, 0, :, 1],
    )


def add_potential(
    model: QuadraticModel, potential_fn: Callable[[tf.Tensor], tf.Tensor], points: tf.Tensor
) -> QuadraticModel:
    """`model` with `sum_i V(z_i)` of the interior points added, to second order.

    Args:
      model: the model of the rest of the energy.
      potential_fn: V, `[..., d]` to `[...]`.
      points: `[B, K, d]` interior points.
    """
    with tf.GradientTape(persistent=True) as second:
        second.watch(points)
        with tf.GradientTape() as first:
            first.watch(points)
            values = potential_fn(points)
        slopes = first.gradient(values, points, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    rows = [
        second.gradient(
            slopes,
            points,
            output_gradients=tf.broadcast_to(direction, tf.shape(points)),
            unconnected_gradients=tf.UnconnectedGradients.ZERO,
        )
        for direction in tf.unstack(tf.eye(points.shape[-1], dtype=points.dtype))
    ]
    return model._replace(
        energy=model.energy + tf.reduce_sum(values, axis=-1),
        gradient=model.gradient + slopes,
        diagonal=model.diagonal + tf.stack(rows, axis=-2),
    )
