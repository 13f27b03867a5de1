"""The learnt metric of the RHVAE: a mixture over centroids."""

from __future__ import annotations

import tensorflow as tf

from tfgeo.errors import UserError, check_positive
from tfgeo.manifolds.metric_field import MetricField

__all__ = ["CentroidMetric"]


class CentroidMetric(MetricField):
    """`G^-1(z) = sum_i L_i L_i^T exp(-|z - c_i|^2 / T^2) + lambda I`: Eq. 14 of Chadebec et al. (2020).

    arXiv:2010.11518. The inverse is what is parametrised: far from all centroids G is `I / lambda`, large for a
    small lambda, so that geodesics keep to the centroids. It is smooth, and positive definite everywhere.

    Args:
      centroids: `[n, d]`, c_i: means of encoded data.
      cholesky_factors: `[n, d, d]`, L_i: lower triangular with a positive diagonal, of the dtype of `centroids`.
      temperature: T > 0, a length in latent space: how far a centroid reaches. A number, or a scalar tensor
        where it is trained; all are read once, at construction.
      regularization: lambda > 0, likewise.

    Raises:
      UserError: if the shapes do not match, or a number is not positive.
    """

    def __init__(
        self,
        centroids: tf.Tensor,
        cholesky_factors: tf.Tensor,
        temperature: float | tf.Tensor,
        regularization: float | tf.Tensor,
    ) -> None:
        centroids = tf.convert_to_tensor(centroids)
        factors = tf.convert_to_tensor(cholesky_factors, centroids.dtype)
        if centroids.shape.rank != 2 or not factors.shape.is_compatible_with(
            [centroids.shape[0], centroids.shape[1], centroids.shape[1]]
        ):
            raise UserError(
                f"`centroids` must be [n, d] and `cholesky_factors` [n, d, d], but they are {centroids.shape} and "
                f"{factors.shape}; give one factor for each centroid."
            )
        self.temperature = _to_scale("temperature", temperature, centroids.dtype)
        self.regularization = _to_scale("regularization", regularization, centroids.dtype)
        self.centroids = centroids
        self.cholesky_factors = factors
        # Distances are taken from the mean of the centroids: |z|^2 - 2 z.c + |c|^2 cancels less near the origin.
        self._origin = tf.reduce_mean(centroids, axis=0)
        self._centred = centroids - self._origin
        dim = centroids.shape[1]
        self._products = tf.reshape(tf.matmul(factors, factors, transpose_b=True), [-1, dim * dim])

    def inverse_metric_tensor(self, z: tf.Tensor) -> tf.Tensor:
        """`G^-1` of Eq. 14: `[..., d]` to `[..., d, d]`. Two matrix products, with the centroids and over them."""
        z = tf.convert_to_tensor(z, self.centroids.dtype)
        dim = self.centroids.shape[1]
        points = tf.reshape(z, [-1, dim]) - self._origin
        # Never floored at 0: that would take the second derivative of the weight at its own centroid.
        squares = (
            tf.reduce_sum(tf.square(points), axis=-1, keepdims=True)
            - 2.0 * tf.matmul(points, self._centred, transpose_b=True)
            + tf.reduce_sum(tf.square(self._centred), axis=-1)
        )
        weights = tf.exp(-squares / tf.square(self.temperature))
        mixture = tf.reshape(tf.matmul(weights, self._products), tf.concat([tf.shape(z), [dim]], axis=0))
        return mixture + self.regularization * tf.eye(dim, dtype=z.dtype)

    def metric_tensor(self, z: tf.Tensor) -> tf.Tensor:
        # G = A^T A with A the inverse of the Cholesky factor of G^-1: symmetric to the last bit.
        factor = tf.linalg.cholesky(self.inverse_metric_tensor(z))
        identity = tf.eye(self.centroids.shape[1], batch_shape=tf.shape(factor)[:-2], dtype=factor.dtype)
        inverse = tf.linalg.triangular_solve(factor, identity)
        return tf.matmul(inverse, inverse, transpose_a=True)

    def log_volume(self, z: tf.Tensor) -> tf.Tensor:
        # det G = 1 / det G^-1, and the Cholesky factor of G^-1 is triangular.
        factor = tf.linalg.cholesky(self.inverse_metric_tensor(z))
        return -tf.reduce_sum(tf.math.log(tf.linalg.diag_part(factor)), axis=-1)


def _to_scale(name: str, value: float | tf.Tensor, dtype: tf.DType) -> tf.Tensor:
    """A checked number as a tensor; tensors and variables are not checked, since they are trained."""
    if tf.is_tensor(value) or isinstance(value, tf.Variable):
        return tf.cast(value, dtype)
    return tf.constant(check_positive(name, value), dtype)
