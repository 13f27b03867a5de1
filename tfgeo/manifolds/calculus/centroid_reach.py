"""What a centroid metric can be given without training: how far its centroids reach, and how large they are."""

from __future__ import annotations

import tensorflow as tf

from tfgeo.errors import UserError, check_count

__all__ = ["density_factors", "neighbour_distances"]

# Centroids that coincide reach at least this share of what centroids reach in the mean.
LEAST_REACH = 1e-3


def neighbour_distances(centroids: tf.Tensor, neighbour: int = 3) -> tf.Tensor:
    """The distance of each centroid to its k-th nearest neighbour: `[n, d]` to `[n]`, as temperatures T_i.

    Each is at least a thousandth of their mean, so that centroids that coincide reach somewhere.

    Args:
      centroids: `[n, d]`.
      neighbour: k, from 1 to n - 1.

    Raises:
      UserError: if there are no more than k centroids, or so many coincide that all distances are 0.
    """
    centroids = tf.convert_to_tensor(centroids)
    neighbour = check_count("neighbour", neighbour)
    if centroids.shape[0] is not None and centroids.shape[0] <= neighbour:
        raise UserError(
            f"{centroids.shape[0]} centroids have no {neighbour}-th nearest neighbour each to take the temperature "
            f"from; give at least {neighbour + 1} of them, or lower `neighbour`."
        )
    # Each centroid is its own nearest one.
    nearest, _ = tf.math.top_k(-_square_distances(centroids), neighbour + 1)
    distances = tf.sqrt(tf.maximum(-nearest[:, -1], 0.0))
    mean = tf.reduce_mean(distances)
    if tf.executing_eagerly() and not mean > 0.0:
        raise UserError(
            f"all centroids coincide with {neighbour} others, so that they reach nowhere; raise `neighbour`, or "
            "give a number as temperature."
        )
    return tf.maximum(distances, LEAST_REACH * mean)


def density_factors(centroids: tf.Tensor, temperature: tf.Tensor | float) -> tf.Tensor:
    """`L_i = (2 W_i)^(-1/4) I` with `W_i = sum_j exp(-|c_i - c_j|^2 / T_j^2)`: `[n, d]` to `[n, d, d]`.

    Where centroids are spread evenly these maximize what the released objective of RHVAEs has of the metric,
    `1/2 log det G^-1 - 1/2 gamma^T L^T G^-1 L gamma`: they divide Eq. 14 by the root of its own density, and hold
    nothing but that.

    Args:
      centroids: `[n, d]`.
      temperature: T, a scalar, or `[n]`, one for each centroid.
    """
    centroids = tf.convert_to_tensor(centroids)
    weight = tf.reduce_sum(_weigh_between(centroids, temperature), axis=-1)
    identity = tf.eye(centroids.shape[1], dtype=centroids.dtype)
    return tf.pow(2.0 * weight, -0.25)[:, None, None] * identity


def _weigh_between(centroids: tf.Tensor, temperature: tf.Tensor | float) -> tf.Tensor:
    """`exp(-|c_i - c_j|^2 / T_j^2)`: `[n, d]` to `[n, n]`."""
    temperature = tf.cast(temperature, centroids.dtype)
    return tf.exp(-_square_distances(centroids) / tf.square(temperature))


def _square_distances(points: tf.Tensor) -> tf.Tensor:
    """`[n, d]` to `[n, n]`, by differences: products would cancel."""
    columns = tf.unstack(points, axis=-1)
    return tf.add_n([tf.math.squared_difference(column[:, None], column[None]) for column in columns])
