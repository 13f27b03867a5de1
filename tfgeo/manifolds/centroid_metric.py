"""The learned metric of the RHVAE: a mixture over centroids."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfgeo.errors import UserError, check_positive
from tfgeo.manifolds.calculus.centroid_reach import density_factors
from tfgeo.manifolds.calculus.cometric import Cometric
from tfgeo.manifolds.calculus.points import as_points
from tfgeo.manifolds.centroid_description import CentroidDescription, describe
from tfgeo.manifolds.metric_field import MetricField

__all__ = ["CentroidCometric", "CentroidMetric"]


class CentroidMetric(MetricField):
    """`G^-1(z) = sum_i L_i L_i^T exp(-|z - c_i|^2 / T^2) + lambda I`: Eq. 14 of Chadebec et al. (2020).

    arXiv:2010.11518. The inverse is what is parametrized: far from all centroids G is `I / lambda`, large for a
    small lambda, so that geodesics keep to the centroids. It is smooth, and positive definite everywhere.

    Args:
      centroids: `[n, d]`, c_i: means of encoded data.
      cholesky_factors: `[n, d, d]`, L_i: lower triangular with a positive diagonal, of the dtype of `centroids`.
      temperature: T > 0, a length in latent space: how far a centroid reaches. A number, or a scalar tensor
        where it is trained; all are read once, at construction. `[n]` gives each centroid its own T_i.
      regularization: lambda > 0, a number or a scalar tensor.

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
        if not self.has_one_temperature and not self.temperature.shape.is_compatible_with(centroids.shape[:1]):
            raise UserError(
                f"`temperature` has shape {self.temperature.shape}, but there are {centroids.shape[0]} centroids; "
                "give one number, or one for each centroid."
            )
        self.regularization = _to_scale("regularization", regularization, centroids.dtype)
        self.centroids = centroids
        self.cholesky_factors = factors
        # What all points share. Distances are taken from the mean of the centroids: |z|^2 - 2 z.c + |c|^2 cancels
        # less near the origin.
        dim = centroids.shape[1]
        self._origin = tf.reduce_mean(centroids, axis=0)
        self._scale = 1.0 / tf.square(self.temperature)
        centred = centroids - self._origin
        self._scaled = self._scale[..., None] * centred
        self._scaled_squares = tf.reduce_sum(self._scaled * centred, axis=-1)
        self._products = tf.reshape(tf.matmul(factors, factors, transpose_b=True), [-1, dim * dim])
        self._floor = self.regularization * tf.eye(dim, dtype=centroids.dtype)

    @classmethod
    def of_density(
        cls, centroids: tf.Tensor, temperature: float | tf.Tensor, regularization: float | tf.Tensor
    ) -> CentroidMetric:
        """The metric with the factors of `density_factors`, which centroids and temperature alone decide.

        The arguments are those of the constructor.
        """
        centroids = tf.convert_to_tensor(centroids)
        temperature = _to_scale("temperature", temperature, centroids.dtype)
        return cls(centroids, density_factors(centroids, temperature), temperature, regularization)

    @property
    def has_one_temperature(self) -> bool:
        """Whether all centroids reach equally far."""
        return self.temperature.shape.rank == 0

    def __repr__(self) -> str:
        num, dim = self.centroids.shape
        return f"{type(self).__name__}({num} centroids of {dim} coordinates)"

    def inverse_metric_tensor(self, z: tf.Tensor) -> tf.Tensor:
        """`G^-1` of Eq. 14: `[..., d]` to `[..., d, d]`. Two matrix products, with the centroids and over them."""
        return self.cometric(z).inverse

    def metric_tensor(self, z: tf.Tensor) -> tf.Tensor:
        return self.cometric(z).metric

    def working_dtype(self, latent_dim: int, dtype: tf.DType) -> tf.DType:
        del latent_dim, dtype
        return self.centroids.dtype

    def cometric(self, z: tf.Tensor) -> CentroidCometric:
        return CentroidCometric(self, z)

    def weight(self, z: tf.Tensor) -> tf.Tensor:
        """W, the sum of the centroids' weights: `[..., d]` to `[...]`. How many of them reach a point."""
        return self.cometric(z).weight

    def describe(self, labels: Sequence[Any] | np.ndarray | None = None) -> CentroidDescription:
        """What the metric holds: W, factors, what is left to lambda, and a verdict in one line.

        Args:
          labels: `[n]`, the class of each centroid, by which W is told apart.

        Raises:
          UserError: if there are not as many labels as centroids.
        """
        return describe(
            self,
            self.centroids.numpy(),
            self.cholesky_factors.numpy(),
            self.weight(self.centroids).numpy(),
            float(self.regularization),
            labels,
        )

    def log_volume(self, z: tf.Tensor) -> tf.Tensor:
        # From the factor of G^-1, which is definite: no eigenvalues.
        return self.cometric(z).log_volume


class CentroidCometric(Cometric):
    """The inverse metric of Eq. 14 at points, with everything in closed form.

    With `w_i` the weight and `P_i = L_i L_i^T` the matrix of centroid i, `grad w_i = -2/T^2 w_i (z - c_i)`, so that

        dK/dz = -1/2 tr(G dG^-1/dz) + 1/2 rho^T dG^-1/dz rho
              = sum_i 1/T_i^2 w_i <G - rho rho^T, P_i> (z - c_i).

    It costs three matrix products over the centroids; no `[..., n, d, d]` tensor is made.

    Args:
      manifold: the metric.
      z: `[..., d]`.
    """

    def __init__(self, manifold: CentroidMetric, z: tf.Tensor) -> None:
        self._manifold = manifold
        z = as_points(z, manifold.centroids.dtype)
        self._shape = z.shape
        self._dynamic_shape = z.shape if z.shape.is_fully_defined() else tf.shape(z)
        self._points = tf.reshape(z, [-1, z.shape[-1]]) - manifold._origin

    @functools.cached_property
    def _scaled(self) -> tf.Tensor:
        """Points in units in which the one T is 1, once more divided by T: `[B, d]`."""
        return self._manifold._scale * self._points

    @functools.cached_property
    def _weights(self) -> tf.Tensor:
        """`[B, n]`: how near each centroid is."""
        manifold = self._manifold
        # Never floored at 0: that would take the second derivative of the weight at its own centroid.
        squares = self._scaled_squares + manifold._scaled_squares
        return tf.exp(2.0 * tf.matmul(self._points, manifold._scaled, transpose_b=True) - squares)

    @property
    def _scaled_squares(self) -> tf.Tensor:
        """`|z|^2 / T^2`: `[B, 1]`, or `[B, n]` where each centroid has its own T."""
        if self._manifold.has_one_temperature:
            return tf.reduce_sum(self._scaled * self._points, axis=-1, keepdims=True)
        return tf.reduce_sum(tf.square(self._points), axis=-1, keepdims=True) * self._manifold._scale

    @property
    def weight(self) -> tf.Tensor:
        """The sum of the weights: `[...]`."""
        return tf.reshape(tf.reduce_sum(self._weights, axis=-1), self._dynamic_shape[:-1])

    @functools.cached_property
    def _sum(self) -> tf.Tensor:
        """`sum_i w_i P_i`: `[B, d^2]`."""
        return tf.matmul(self._weights, self._manifold._products)

    @property
    def _mixture(self) -> tf.Tensor:
        """`G^-1` without its floor: `[B, d^2]`."""
        return self._sum

    def _shares(self, difference: tf.Tensor) -> tf.Tensor:
        """How `<D, G^-1>` of `[B, d^2]` matrices D changes with the logarithm of each weight: `[B, n]`."""
        return self._weights * tf.matmul(difference, self._manifold._products, transpose_b=True)

    @functools.cached_property
    def inverse(self) -> tf.Tensor:
        """`G^-1`: `[..., d, d]`."""
        dim = self._shape[-1]
        mixture = tf.reshape(self._mixture, tf.concat([self._dynamic_shape, [dim]], axis=0))
        mixture.set_shape([*self._shape, dim])
        return mixture + self._manifold._floor

    @functools.cached_property
    def _factor(self) -> tf.Tensor:
        """A with `G^-1 = A A^T`: `[..., d, d]`."""
        return tf.linalg.cholesky(self.inverse)

    @functools.cached_property
    def metric(self) -> tf.Tensor:
        """G: `[..., d, d]`."""
        # A^-T A^-1: symmetric to the last bit.
        identity = tf.eye(self._shape[-1], batch_shape=self._dynamic_shape[:-1], dtype=self._factor.dtype)
        inverse = tf.linalg.triangular_solve(self._factor, identity)
        return tf.matmul(inverse, inverse, transpose_a=True)

    @functools.cached_property
    def _metric_and_log_volume(self) -> tuple[tf.Tensor, tf.Tensor]:
        return _inverse_and_half_log_det(self.inverse)

    @property
    def log_volume(self) -> tf.Tensor:
        return self._metric_and_log_volume[1]

    def velocity(self, rho: tf.Tensor) -> tf.Tensor:
        # Cheaper than a batched matrix product for matrices this small.
        return tf.reduce_sum(self.inverse * rho[..., None, :], axis=-1)

    def energy_gradient(self, rho: tf.Tensor) -> tf.Tensor:
        manifold, size = self._manifold, self._shape[-1] ** 2
        difference = self._metric_and_log_volume[0] - rho[..., :, None] * rho[..., None, :]
        shares = self._shares(tf.reshape(difference, [-1, size]))
        gradient = self._pull(shares) - tf.matmul(shares, manifold._scaled)
        return tf.reshape(gradient, self._dynamic_shape)

    def _pull(self, shares: tf.Tensor) -> tf.Tensor:
        """`sum_i shares_i / T_i^2 z`: `[B, n]` to `[B, d]`."""
        if self._manifold.has_one_temperature:
            return tf.reduce_sum(shares, axis=-1, keepdims=True) * self._scaled
        return tf.linalg.matvec(shares, self._manifold._scale)[:, None] * self._points

    def momentum(self, noise: tf.Tensor) -> tf.Tensor:
        # A^-T A^-1 = G is the covariance of A^-T times standard normal numbers.
        return tf.linalg.triangular_solve(self._factor, noise[..., None], adjoint=True)[..., 0]


@tf.custom_gradient
def _inverse_and_half_log_det(matrix: tf.Tensor) -> tuple[tuple[tf.Tensor, tf.Tensor], Any]:
    """`M^-1` and `1/2 log det M^-1` of `[..., d, d]` symmetric positive definite matrices.

    By one Cholesky factor, but with the derivatives `-M^-1 dM M^-1` and `-1/2 tr(M^-1 dM)`: those of the factor
    itself take seven batched matrix products, which are slow for small matrices.
    """
    factor = tf.linalg.cholesky(matrix)
    identity = tf.eye(tf.shape(matrix)[-1], batch_shape=tf.shape(matrix)[:-2], dtype=matrix.dtype)
    inverse = tf.linalg.cholesky_solve(factor, identity)
    log_volume = -tf.reduce_sum(tf.math.log(tf.linalg.diag_part(factor)), axis=-1)

    def gradient(of_inverse: tf.Tensor, of_volume: tf.Tensor) -> tf.Tensor:
        # Once more from the argument, so that this can be differentiated in turn.
        inverse, _ = _inverse_and_half_log_det(matrix)
        return -tf.matmul(inverse, tf.matmul(of_inverse, inverse)) - 0.5 * of_volume[..., None, None] * inverse

    return (inverse, log_volume), gradient


def _to_scale(name: str, value: float | tf.Tensor, dtype: tf.DType) -> tf.Tensor:
    """A checked number as a tensor; tensors and variables are not checked, since they are trained."""
    if tf.is_tensor(value) or isinstance(value, tf.Variable):
        return tf.cast(value, dtype)
    if isinstance(value, (np.ndarray, list, tuple)):
        return tf.constant([check_positive(name, number) for number in value], dtype)
    return tf.constant(check_positive(name, value), dtype)
