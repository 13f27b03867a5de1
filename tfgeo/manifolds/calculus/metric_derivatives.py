"""Derivatives of metrics: of any by automatic differentiation, of smoothed ones in closed form."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from tfgeo.manifolds.calculus.jacobian import value_and_columns

__all__ = ["MetricDerivatives", "differentiate_twice", "smooth_derivatives"]

# The metric `[..., d, d]`, its first derivatives `[..., d, d, d]`, the last index being the coordinate, and its
# second ones `[..., d, d, d, d]`.
MetricDerivatives = tuple[tf.Tensor, tf.Tensor, tf.Tensor]


def differentiate_twice(metric_fn: Callable[[tf.Tensor], tf.Tensor], z: tf.Tensor) -> MetricDerivatives:
    """A metric `[..., d]` to `[..., d, d]` with its first and second derivatives, by forward mode over itself."""
    size = z.shape[-1]

    def metric(z: tf.Tensor) -> tf.Tensor:
        return _flatten(metric_fn(z), 2)

    def metric_and_first(z: tf.Tensor) -> tf.Tensor:
        values, columns = value_and_columns(metric, z)
        return tf.concat([values, _flatten(tf.stack(columns, axis=-1), 2)], axis=-1)

    values, columns = value_and_columns(metric_and_first, z)
    second = tf.stack([column[..., size**2 :] for column in columns], axis=-1)
    return (
        _split(values[..., : size**2], size, 2),
        _split(values[..., size**2 :], size, 3),
        _split(_flatten(second, 2), size, 4),
    )


def smooth_derivatives(derivatives: MetricDerivatives, strength: float) -> MetricDerivatives:
    """Those of `F = S G^3` with `S = (G^2 + lambda I)^-1` from those of G, by the product rule.

    With `A_k = d_k G` and `Q = G^2 + lambda I`, `S_k = -S Q_k S` and
    `S_kl = S Q_k S Q_l S + S Q_l S Q_k S - S Q_kl S`. Automatic differentiation of a decomposition, twice, would
    take ten thousand operations.

    Args:
      derivatives: G finite and symmetric.
      strength: lambda > 0.
    """
    metric, first, second = derivatives
    dim = metric.shape[-1]
    # Coordinates first: [..., k, d, d] and [..., k, l, d, d].
    first, second = tf.einsum("...ijk->...kij", first), tf.einsum("...ijkl->...klij", second)
    square = tf.matmul(metric, metric)
    factor = tf.linalg.cholesky(square + strength * tf.eye(dim, dtype=metric.dtype))
    inverse = tf.linalg.cholesky_solve(factor, tf.eye(dim, batch_shape=tf.shape(metric)[:-2], dtype=metric.dtype))
    cube = tf.matmul(square, metric)

    g1, g2 = metric[..., None, :, :], metric[..., None, None, :, :]
    s1, s2 = inverse[..., None, :, :], inverse[..., None, None, :, :]
    q1, q2 = square[..., None, :, :], square[..., None, None, :, :]
    a_k, a_l = first[..., :, None, :, :], first[..., None, :, :, :]

    def both(left: tf.Tensor, middle: tf.Tensor, right: tf.Tensor) -> tf.Tensor:
        return tf.matmul(tf.matmul(left, middle), right)

    def exchanged(values: tf.Tensor) -> tf.Tensor:
        """The sum with k and l exchanged."""
        return values + tf.einsum("...klij->...lkij", values)

    pairs = tf.matmul(a_k, a_l)
    of_square = tf.matmul(g1, first) + tf.matmul(first, g1)
    of_square_2 = exchanged(pairs) + tf.matmul(g2, second) + tf.matmul(second, g2)
    of_cube = tf.matmul(q1, first) + both(g1, first, g1) + tf.matmul(first, q1)
    of_cube_2 = tf.matmul(q2, second) + both(g2, second, g2) + tf.matmul(second, q2)
    of_cube_2 += exchanged(
        tf.matmul(tf.matmul(a_k, a_l), g2) + both(a_k, g2, a_l) + tf.matmul(g2, tf.matmul(a_k, a_l))
    )

    turned = tf.matmul(s1, of_square)  # S Q_k
    of_inverse = -tf.matmul(turned, s1)
    products = tf.matmul(turned[..., :, None, :, :], turned[..., None, :, :, :])  # S Q_k S Q_l
    of_inverse_2 = tf.matmul(exchanged(products) - tf.matmul(s2, of_square_2), s2)

    value = tf.matmul(inverse, cube)
    value_1 = tf.matmul(of_inverse, cube[..., None, :, :]) + tf.matmul(s1, of_cube)
    value_2 = tf.matmul(of_inverse_2, cube[..., None, None, :, :]) + tf.matmul(s2, of_cube_2)
    value_2 += exchanged(tf.matmul(of_inverse[..., :, None, :, :], of_cube[..., None, :, :, :]))
    value, value_1, value_2 = (
        0.5 * (part + tf.linalg.matrix_transpose(part)) for part in (value, value_1, value_2)
    )
    return value, tf.einsum("...kij->...ijk", value_1), tf.einsum("...klij->...ijkl", value_2)


def _flatten(values: tf.Tensor, num_axes: int) -> tf.Tensor:
    """Joins the last axes into one."""
    size = 1
    for length in values.shape[-num_axes:]:
        size *= length
    return tf.reshape(values, tf.concat([tf.shape(values)[:-num_axes], [size]], axis=0))


def _split(values: tf.Tensor, size: int, num_axes: int) -> tf.Tensor:
    """Splits the last axis into `num_axes` of length `size`."""
    return tf.reshape(values, tf.concat([tf.shape(values)[:-1], [size] * num_axes], axis=0))
