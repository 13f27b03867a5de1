"""The energy of a batch of curves as a function of their parameters."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from tfgeo.curves import Curve
from tfgeo.manifolds import Manifold

__all__ = ["Objective"]

# A decoder of constant variance has a potential that does not depend on the curve: its derivatives are 0.
UNCONNECTED = tf.UnconnectedGradients.ZERO


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
        return self.curve.points(parameters, self.start, self.end, self.t)

    def energy(self, parameters: tf.Tensor) -> tf.Tensor:
        """`[B, P]` to `[B]`."""
        return self.manifold.energy(self.points(parameters))

    def energy_and_gradient(self, parameters: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Energy `[B]` and its gradient `[B, P]`, by reverse mode: two decoder passes."""
        with tf.GradientTape() as tape:
            tape.watch(parameters)
            energy = self.energy(parameters)
        return energy, tape.gradient(energy, parameters, unconnected_gradients=UNCONNECTED)

    def quadratic_model(self, parameters: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Energy `[B]`, gradient `[B, P]` and a symmetric matrix `[B, P, P]` of second derivatives.

        For the squares, `E = scale |r|^2`, the matrix is Gauss-Newton's `2 scale J^T J`: one Jacobian-vector
        product through the decoder per parameter. For the potential it is the Hessian, by forward mode over
        reverse mode; Gauss-Newton on its root would have no curvature on the ridges, where curves end up.
        """
        columns, curvatures = [], []
        for tangent in tf.unstack(tf.eye(parameters.shape[-1], dtype=parameters.dtype)):
            direction = tf.broadcast_to(tangent, tf.shape(parameters))
            with tf.autodiff.ForwardAccumulator(parameters, direction) as accumulator:
                residuals = self.manifold.residuals(self.points(parameters))
                potential, slope = self._potential_and_slope(parameters)
            columns.append(accumulator.jvp(residuals, unconnected_gradients=UNCONNECTED))
            if slope is not None:
                curvatures.append(accumulator.jvp(slope, unconnected_gradients=UNCONNECTED))
        scale = self.manifold.energy_scale(self.t.shape[0])
        energy = scale * tf.reduce_sum(tf.square(residuals), axis=-1)
        gradient = 2.0 * scale * tf.stack([_dot(column, residuals) for column in columns], axis=-1)
        rows = [tf.stack([_dot(row, column) for column in columns], axis=-1) for row in columns]
        matrix = 2.0 * scale * tf.stack(rows, axis=-2)
        if potential is not None:
            energy += potential
            gradient += slope
            matrix += tf.stack(curvatures, axis=-1)
        return energy, gradient, matrix

    def _potential_and_slope(self, parameters: tf.Tensor) -> tuple[tf.Tensor | None, tf.Tensor | None]:
        with tf.GradientTape() as tape:
            tape.watch(parameters)
            potential = self.manifold.potential(self.points(parameters))
        if potential is None:
            return None, None
        return potential, tape.gradient(potential, parameters, unconnected_gradients=UNCONNECTED)


def _dot(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
    return tf.reduce_sum(a * b, axis=-1)
