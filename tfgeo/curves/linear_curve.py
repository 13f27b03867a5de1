"""Curves whose points are linear in their parameters."""

from __future__ import annotations

import abc
import functools

import numpy as np
import tensorflow as tf

from tfgeo.curves.curve import Curve, straight_line
from tfgeo.errors import UserError

__all__ = ["LinearCurve"]

# Points per parameter at which a path of few points is read off before it is fitted.
SAMPLES_PER_NODE = 4


class LinearCurve(Curve):
    """`c(t) = (1 - t) start + t end + sum_k basis_k(t) p_k` with K parameters p_k of d coordinates each.

    Parameters are `[..., K d]`, which is `[..., K, d]` row by row. The displacement from the straight line does
    not depend on the ends. A subclass gives `num_nodes` and `basis`.
    """

    @property
    @abc.abstractmethod
    def num_nodes(self) -> int:
        """K, the number of basis functions."""

    @abc.abstractmethod
    def basis(self, t: tf.Tensor) -> tf.Tensor:
        """Basis functions at `t`: `[T]` to `[T, K]`, linearly independent, exactly 0 at t = 0 and t = 1."""

    def basis_derivative(self, t: tf.Tensor) -> tf.Tensor:
        """Derivatives of the basis functions in t, by forward mode: `[T]` to `[T, K]`."""
        t = tf.convert_to_tensor(t)
        with tf.autodiff.ForwardAccumulator(t, tf.ones_like(t)) as accumulator:
            values = self.basis(t)
        return accumulator.jvp(values, unconnected_gradients=tf.UnconnectedGradients.ZERO)

    def num_parameters(self, latent_dim: int) -> int:
        return self.num_nodes * latent_dim

    def points(self, parameters: tf.Tensor, start: tf.Tensor, end: tf.Tensor, t: tf.Tensor) -> tf.Tensor:
        t = tf.convert_to_tensor(t, start.dtype)
        return straight_line(start, end, t) + self._combine(self.basis(t), parameters)

    def derivative(self, parameters: tf.Tensor, start: tf.Tensor, end: tf.Tensor, t: tf.Tensor) -> tf.Tensor:
        t = tf.convert_to_tensor(t, start.dtype)
        return (end - start)[..., None, :] + self._combine(self.basis_derivative(t), parameters)

    def jacobian(self, parameters: tf.Tensor, start: tf.Tensor, end: tf.Tensor, t: tf.Tensor) -> tf.Tensor:
        del end
        t = tf.convert_to_tensor(t, start.dtype)
        latent_dim, num_parameters = start.shape[-1], parameters.shape[-1]
        columns = tf.einsum("tk,ij->tikj", self.basis(t), tf.eye(latent_dim, dtype=start.dtype))
        columns = tf.reshape(columns, [-1, latent_dim, num_parameters])
        return tf.broadcast_to(columns, tf.concat([tf.shape(parameters)[:-1], tf.shape(columns)], axis=0))

    def fit(self, points: tf.Tensor) -> tf.Tensor:
        """Least squares fit, see `Curve.fit`.

        Fewer than K inner points do not determine the parameters: they are joined by straight segments first,
        and the curve is fitted to those.
        """
        points = tf.convert_to_tensor(points)
        num_points = points.shape[-2]
        if num_points is None or num_points < 2:
            raise UserError(f"`points` has shape {points.shape}; give [..., S, d] with a known S of at least 2")
        t = tf.linspace(tf.constant(0.0, points.dtype), 1.0, num_points)
        displacement = points - straight_line(points[..., 0, :], points[..., -1, :], t)
        nodes = tf.matmul(tf.constant(_build_fit_matrix(self, num_points), points.dtype), displacement)
        return tf.reshape(
            nodes, tf.concat([tf.shape(points)[:-2], [self.num_parameters(points.shape[-1])]], axis=0)
        )

    def _combine(self, weights: tf.Tensor, parameters: tf.Tensor) -> tf.Tensor:
        """`[T, K]` and `[..., K d]` to `[..., T, d]`."""
        shape = tf.concat(
            [tf.shape(parameters)[:-1], [self.num_nodes, parameters.shape[-1] // self.num_nodes]], axis=0
        )
        return tf.matmul(weights, tf.reshape(parameters, shape))


@functools.lru_cache(maxsize=64)
def _build_fit_matrix(curve: LinearCurve, num_points: int) -> np.ndarray:
    """`[K, S]` matrix from displacements at S equal steps to parameters, in float64."""
    given = np.linspace(0.0, 1.0, num_points)
    samples, reading = given, np.eye(num_points)
    if num_points - 2 < curve.num_nodes:
        samples = np.linspace(0.0, 1.0, SAMPLES_PER_NODE * (curve.num_nodes + 1) + 1)
        reading = np.stack([np.interp(samples, given, column) for column in np.eye(num_points)], axis=-1)
    with tf.init_scope():  # values, also while a graph is traced
        basis = curve.basis(tf.constant(samples)).numpy()
    return np.linalg.pinv(basis) @ reading
