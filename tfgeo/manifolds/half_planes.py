"""Curves of normal distributions: a product of hyperbolic half-planes, one for each output."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from tfgeo.manifolds.calculus.jacobian import nan_unless_finite, value_and_columns
from tfgeo.manifolds.calculus.quadratic_model import QuadraticModel, join_segments

__all__ = ["half_plane_metric", "half_planes_model", "squared_distances"]

# Squared chords below it are summed as a series, whose first term left out is 1e-10 of it.
SERIES_CHORD = 0.01

Coordinates = Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]


def half_plane_metric(coordinates_fn: Coordinates, z: tf.Tensor) -> tf.Tensor:
    """`sum_m ((d mu)^2 + 2 (d sigma)^2) / sigma^2` at `z`: `[..., d]` to `[..., d, d]`.

    Args:
      coordinates_fn: mean and standard deviation `[..., M]` at `[..., d]` points.
      z: the points.
    """
    (mean, stddev), mean_columns, stddev_columns = _values_and_columns(coordinates_fn, z)
    rows = [
        tf.concat([a / stddev, tf.sqrt(tf.constant(2.0, z.dtype)) * b / stddev], axis=-1)
        for a, b in zip(mean_columns, stddev_columns, strict=True)
    ]
    columns = tf.stack(rows, axis=-1)
    known = nan_unless_finite(tf.concat([mean, stddev], axis=-1))
    return tf.einsum("...mi,...mj->...ij", columns, columns) * known[..., None, None]


def squared_distances(mean: tf.Tensor, stddev: tf.Tensor) -> tf.Tensor:
    """Squared Fisher-Rao distances of neighbouring normal distributions: `[..., T, M]` to `[..., T - 1]`.

    In closed form, summed over the outputs: with `q = ((d mu)^2 / 2 + (d sigma)^2) / (sigma_1 sigma_2)` the squared
    distance is `2 arccosh(1 + q / 2)^2 = 8 arcsinh(sqrt(q) / 2)^2`, nearly `2 q` for neighbours.
    """
    across, along, _ = _chords(mean, stddev)
    return tf.reduce_sum(_distance_of_chord(tf.square(across) + tf.square(along))[0], axis=-1)


def half_planes_model(coordinates_fn: Coordinates, points: tf.Tensor, scale: float) -> QuadraticModel:
    """Gauss-Newton's model of `scale` times the sum of `squared_distances` along curves `[B, T, d]`.

    Energy and gradient are exact. The matrix leaves out the second derivatives of the decoder and of the distance
    as a function of the chord, so that it is positive semi-definite.
    """
    (mean, stddev), mean_columns, stddev_columns = _values_and_columns(coordinates_fn, points)
    across, along, size = _chords(mean, stddev)
    distance, slope = _distance_of_chord(tf.square(across) + tf.square(along))
    chord = tf.concat([across, along], axis=-1)
    root_half = tf.sqrt(tf.constant(0.5, points.dtype))

    def derivatives(first: bool) -> tf.Tensor:
        """Of both chords `[B, T - 1, 2 M]` in a segment's first or last point: `[B, T - 1, 2 M, d]`."""
        rows = slice(None, -1) if first else slice(1, None)
        sign = -1.0 if first else 1.0
        columns = []
        for mean_column, stddev_column in zip(mean_columns, stddev_columns, strict=True):
            change = stddev_column[:, rows]
            relative = 0.5 * change / stddev[:, rows]
            columns.append(
                tf.concat(
                    [
                        sign * root_half * mean_column[:, rows] / size - across * relative,
                        sign * change / size - along * relative,
                    ],
                    axis=-1,
                )
            )
        return tf.stack(columns, axis=-1)

    at_start, at_end = derivatives(True), derivatives(False)
    weight = tf.concat([slope, slope], axis=-1)
    pull = 2.0 * weight * chord
    slopes = tuple(tf.einsum("btm,btmi->bti", pull, side) for side in (at_start, at_end))
    weighted = tuple(2.0 * weight[..., None] * side for side in (at_start, at_end))
    blocks = tuple(
        tf.einsum("btmi,btmj->btij", first, second)
        for first, second in ((weighted[0], at_start), (weighted[0], at_end), (weighted[1], at_end))
    )
    return join_segments(tf.reduce_sum(distance, axis=-1), slopes, blocks, scale)


def _values_and_columns(
    coordinates_fn: Coordinates, z: tf.Tensor
) -> tuple[tuple[tf.Tensor, tf.Tensor], list[tf.Tensor], list[tf.Tensor]]:
    """Mean and deviation at `z`, and the d columns of the Jacobian of each."""
    # Stacked and reshaped: XLA has no second derivative of `tf.concat`.
    both, columns = value_and_columns(lambda z: tf.stack(coordinates_fn(z), axis=-2), z)
    mean, stddev = tf.unstack(both, axis=-2)
    mean_columns, stddev_columns = zip(*(tf.unstack(column, axis=-2) for column in columns), strict=True)
    return (mean, stddev), list(mean_columns), list(stddev_columns)


def _chords(mean: tf.Tensor, stddev: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Chords of the segments in mean and in deviation over `sqrt(sigma_1 sigma_2)`, and that root."""
    size = tf.sqrt(stddev[..., 1:, :] * stddev[..., :-1, :])
    across = tf.sqrt(tf.constant(0.5, mean.dtype)) * (mean[..., 1:, :] - mean[..., :-1, :]) / size
    return across, (stddev[..., 1:, :] - stddev[..., :-1, :]) / size, size


def _distance_of_chord(chord: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """`8 arcsinh(sqrt(q) / 2)^2` of squared chords q, and its derivative."""
    near = chord < SERIES_CHORD
    small, large = tf.where(near, chord, 0.0), tf.where(near, tf.ones_like(chord), chord)
    root = tf.sqrt(large)
    angle = tf.asinh(0.5 * root)
    distance = tf.where(near, small * (2.0 - small * (1.0 / 6.0 - small / 45.0)), 8.0 * tf.square(angle))
    slope = tf.where(
        near, 2.0 - small * (1.0 / 3.0 - small / 15.0), 4.0 * angle / (root * tf.sqrt(1.0 + 0.25 * large))
    )
    return distance, slope
