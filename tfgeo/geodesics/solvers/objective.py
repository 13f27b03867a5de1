"""The energy of a batch of curves as a function of their parameters."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from tfgeo.curves import Curve, LinearCurve, Polyline
from tfgeo.geodesics.solvers.damped_step import BlockTridiagonal
from tfgeo.geodesics.solvers.sampled import sampled_matrix, sampled_omitted
from tfgeo.manifolds import Manifold
from tfgeo.manifolds.calculus.quadratic_model import QuadraticModel

__all__ = ["Objective", "ParameterModel"]


class ParameterModel(NamedTuple):
    """A second-order model of the energy in the parameters of curves.

    Attributes:
      energy: `[B]`.
      gradient: `[B, P]`.
      matrix: second derivatives, `[B, P, P]` or block tridiagonal.
      slopes: `[B, T - 2, d]` gradient in the inner points.
    """

    energy: tf.Tensor
    gradient: tf.Tensor
    matrix: tf.Tensor | BlockTridiagonal
    slopes: tf.Tensor


class Objective(NamedTuple):
    """Energy of the curves of one family between given ends, at T points of equal parameter steps.

    Attributes:
      manifold: the manifold.
      curve: the curve family.
      start: `[B, d]`.
      end: `[B, d]`.
      t: `[T]` curve parameters.
    """

    manifold: Manifold
    curve: Curve
    start: tf.Tensor
    end: tf.Tensor
    t: tf.Tensor

    def points(self, parameters: tf.Tensor) -> tf.Tensor:
        """`[B, P]` parameters to `[B, T, d]` points."""
        points = self.curve.points(parameters, self.start, self.end, self.t)
        return tf.ensure_shape(points, [None, self.t.shape[0], self.start.shape[-1]])

    def energy(self, parameters: tf.Tensor) -> tf.Tensor:
        """`[B, P]` to `[B]`."""
        return self.manifold.energy(self.points(parameters))

    def measure(self, parameters: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """`[B, P]` to energy, length, and the segments' lengths' standard deviation relative to their mean.

        Each `[B]`, from one pass where the energy has no potential.
        """
        points = self.points(parameters)
        squares = self.manifold.segment_energies(points)
        lengths = tf.sqrt(squares)
        deviation = tf.math.divide_no_nan(tf.math.reduce_std(lengths, axis=-1), tf.reduce_mean(lengths, axis=-1))
        if self.manifold.has_potential:
            energy = self.manifold.energy(points)
        else:
            energy = self.manifold.energy_scale(self.t.shape[0]) * tf.reduce_sum(squares, axis=-1)
        return energy, tf.reduce_sum(lengths, axis=-1), deviation

    def energy_and_gradient(self, parameters: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Energy `[B]` and its gradient `[B, P]`, by reverse mode: two decoder passes."""
        with tf.GradientTape() as tape:
            tape.watch(parameters)
            points = self.points(parameters)
        energy, slopes = self.manifold.energy_and_gradient(points)
        return energy, tape.gradient(points, parameters, output_gradients=tf.pad(slopes, [[0, 0], [1, 1], [0, 0]]))

    def omitted_curvature(self, parameters: tf.Tensor, slopes: tf.Tensor) -> tf.Tensor | None:
        """What the matrix of `quadratic_model` leaves out, `[B, P, P]`; None where the manifold does not know it.

        For curves that are linear in their parameters alone. `slopes` are the model's, at the same parameters.
        """
        blocks = self.manifold.omitted_curvature(self.points(parameters), slopes)
        if blocks is None or not isinstance(self.curve, LinearCurve):
            return None
        basis = self.curve.basis(self.t)[1:-1]
        same = tf.reshape(basis[:, :, None] * basis[:, None, :], [-1, self.curve.num_nodes**2])
        return _join_blocks(_sum_points(blocks, same), self.curve.num_nodes, self.start.shape[-1])

    def sampled_matrix(self, parameters: tf.Tensor) -> tf.Tensor:
        """Gauss-Newton's matrix `[B, P, P]` from few points of the curve, linear in its parameters; see there."""
        assert isinstance(self.curve, LinearCurve)  # solvers refuse others
        return sampled_matrix(self.manifold, self.curve, self.points(parameters))

    def sampled_omitted(self, parameters: tf.Tensor) -> tf.Tensor | None:
        """What `sampled_matrix` leaves out, `[B, P, P]`; None where the manifold does not know it."""
        assert isinstance(self.curve, LinearCurve)
        return sampled_omitted(self.manifold, self.curve, self.points(parameters))

    def quadratic_model(self, parameters: tf.Tensor) -> ParameterModel:
        """Energy and derivatives at parameters `[B, P]`.

        The manifold's model in the points of the curve, carried over to the parameters by the chain rule. The
        curve's own second derivatives are left out, which are 0 for all families but `Neural`. Where each
        inner point is a node of a polyline the matrix keeps its blocks, for solvers that cost O(T).
        """
        if isinstance(self.curve, Polyline) and self.curve.num_nodes == self.t.shape[0] - 2:
            model = self.manifold.quadratic_model(self.points(parameters), definite=True)
            gradient = tf.reshape(model.gradient, tf.shape(parameters))
            matrix = BlockTridiagonal(model.diagonal, model.off_diagonal)
            return ParameterModel(model.energy, gradient, matrix, model.gradient)
        model = self.manifold.quadratic_model(self.points(parameters))
        if isinstance(self.curve, LinearCurve):
            return _project_linear(model, self.curve.basis(self.t)[1:-1])
        return _project(model, self.curve.jacobian(parameters, self.start, self.end, self.t)[:, 1:-1])


def _project_linear(model: QuadraticModel, basis: tf.Tensor) -> ParameterModel:
    """The model in the parameters p_k of points `line_i + sum_k basis_ik p_k`, for a basis `[T - 2, K]`."""
    latent_dim = model.gradient.shape[-1]
    num_nodes = basis.shape[-1]
    size = tf.shape(model.energy)[0]
    gradient = tf.matmul(basis, model.gradient, transpose_a=True)
    # Products of basis functions at a point and at neighbours: constants, so that one matrix product does it.
    same = tf.reshape(basis[:, :, None] * basis[:, None, :], [-1, num_nodes**2])
    next_ = tf.reshape(basis[:-1, :, None] * basis[1:, None, :], [-1, num_nodes**2])
    blocks = _join_blocks(_sum_points(model.diagonal, same), num_nodes, latent_dim)
    across = _join_blocks(_sum_points(model.off_diagonal, next_), num_nodes, latent_dim)
    matrix = blocks + across + tf.linalg.matrix_transpose(across)
    gradient = tf.reshape(gradient, [size, num_nodes * latent_dim])
    return ParameterModel(model.energy, gradient, matrix, model.gradient)


def _join_blocks(blocks: tf.Tensor, num_nodes: int, latent_dim: int) -> tf.Tensor:
    """`[B, d^2, K^2]` to the matrix `[B, K d, K d]`."""
    blocks = tf.reshape(blocks, [-1, latent_dim, latent_dim, num_nodes, num_nodes])
    size = num_nodes * latent_dim
    return tf.reshape(tf.transpose(blocks, [0, 3, 1, 4, 2]), [-1, size, size])


def _sum_points(blocks: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """`sum_i blocks_i weights_i`: `[B, K, d, d]` and `[K, W]` to `[B, d^2, W]`."""
    num_points, latent_dim = blocks.shape[1], blocks.shape[-1]
    return tf.matmul(tf.reshape(blocks, [-1, num_points, latent_dim**2]), weights, transpose_a=True)


def _project(model: QuadraticModel, jacobian: tf.Tensor) -> ParameterModel:
    """The model in the parameters of points with the given Jacobian `[B, T - 2, d, P]`."""
    gradient = tf.einsum("bti,btip->bp", model.gradient, jacobian)
    matrix = tf.einsum("btip,btij,btjq->bpq", jacobian, model.diagonal, jacobian)
    across = tf.einsum("btip,btij,btjq->bpq", jacobian[:, :-1], model.off_diagonal, jacobian[:, 1:])
    matrix += across + tf.linalg.matrix_transpose(across)
    return ParameterModel(model.energy, gradient, matrix, model.gradient)
