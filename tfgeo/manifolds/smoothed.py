"""A metric with its small singular values shrunk."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from tfgeo.errors import UserError, check_at_least, check_count
from tfgeo.manifolds.calculus.eigen import eigh, guard
from tfgeo.manifolds.calculus.metric_derivatives import (
    MetricDerivatives,
    differentiate_twice,
    smooth_derivatives,
)
from tfgeo.manifolds.calculus.points import as_points
from tfgeo.manifolds.manifold import Manifold
from tfgeo.manifolds.metric_field import MetricField

__all__ = ["Smoothed"]


class Smoothed(MetricField):
    """`G_hat = U_r diag(s_i^3 / (s_i^2 + lambda)) V_r^T`: Eq. 17 of Chen et al. (2018), arXiv:1711.01204.

    Singular values s_i above sqrt(lambda) stay, smaller ones shrink as s^3 / lambda. G is symmetric, so that its
    eigenvalues are its singular values and U = V.

    Without `rank` all of them are kept, and G_hat is the rational function `G^3 (G^2 + lambda I)^-1`, taken
    without a decomposition: it is as smooth in z as G itself. With `rank` the largest `rank` are kept: the
    metric is then singular, and an eigendecomposition is differentiated, which gives NaN where two eigenvalues
    are equal, such as wherever the metric is a multiple of the identity.

    Args:
      manifold: the manifold to smooth.
      strength: lambda >= 0, in the unit of G squared; with 0 nothing is shrunk.
      rank: eigenvalues to keep, or None for all.

    Raises:
      UserError: if `strength` is negative or `rank` below 1; by `metric_tensor`, if `rank` is above d.
    """

    def __init__(self, manifold: Manifold, strength: float, rank: int | None = None) -> None:
        self.manifold = manifold
        self.strength = check_at_least("strength", strength, 0.0)
        self.rank = None if rank is None else check_count("rank", rank)

    def __repr__(self) -> str:
        rank = "" if self.rank is None else f", rank={self.rank}"
        return f"Smoothed({self.manifold!r}, {self.strength:g}{rank})"

    def metric_tensor(self, z: tf.Tensor) -> tf.Tensor:
        metric = self.manifold.metric_tensor(z)
        dim = metric.shape[-1]
        if self.rank is not None and self.rank > dim:
            raise UserError(f"`rank` is {self.rank}, but the metric has {dim} rows; give at most {dim}, or None.")
        if self.rank is not None and self.rank < dim:
            return self._truncate(metric, self.rank)
        if self.strength == 0.0:
            return metric
        metric, known = guard(metric)
        square = tf.matmul(metric, metric)
        factor = tf.linalg.cholesky(square + self.strength * tf.eye(dim, dtype=metric.dtype))
        # With G^2 + lambda I = C C^T and A = C^-1 G this is A^T A G, symmetric since A^T A commutes with G.
        half = tf.linalg.triangular_solve(factor, metric)
        smooth = tf.matmul(half, tf.matmul(half, metric), transpose_a=True)
        return 0.5 * known * (smooth + tf.linalg.matrix_transpose(smooth))

    def derivatives(self, z: tf.Tensor) -> MetricDerivatives:
        """As those of `MetricField`; without `rank` in closed form from those of the manifold's own metric."""
        z = as_points(z)
        if self.rank is not None or self.strength == 0.0:
            return super().derivatives(z)
        if isinstance(self.manifold, MetricField):
            metric, first, second = self.manifold.derivatives(z)
        else:
            metric, first, second = differentiate_twice(self.manifold.metric_tensor, z)
        metric, known = guard(metric)
        smooth, smooth_1, smooth_2 = smooth_derivatives((metric, first, second), self.strength)
        return known * smooth, known[..., None] * smooth_1, known[..., None, None] * smooth_2

    def peak_floats_per_point(self, latent_dim: int, dtype: tf.DType) -> int:
        # A second-order model differentiates the metric twice, in each coordinate.
        return (1 + latent_dim) ** 2 * self.manifold.peak_floats_per_point(latent_dim, dtype)

    def working_dtype(self, latent_dim: int, dtype: tf.DType) -> tf.DType:
        return self.manifold.working_dtype(latent_dim, dtype)

    def given(self, condition: Any) -> Manifold:
        return Smoothed(self.manifold.given(condition), self.strength, self.rank)

    def _truncate(self, metric: tf.Tensor, rank: int) -> tf.Tensor:
        eigenvalues, vectors = eigh(metric)
        # In ascending order; rounding can push the smallest of a singular metric below 0.
        eigenvalues, vectors = tf.maximum(eigenvalues[..., -rank:], 0.0), vectors[..., -rank:]
        shrunk = tf.math.divide_no_nan(eigenvalues**3, tf.square(eigenvalues) + self.strength)
        return tf.matmul(vectors * shrunk[..., None, :], vectors, transpose_b=True)
