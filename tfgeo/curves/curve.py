"""The protocol of a curve family."""

from __future__ import annotations

import abc

import tensorflow as tf

__all__ = ["Curve", "straight_line"]


class Curve(abc.ABC):
    """A family of curves c: [0, 1] -> R^d with c(0) = start and c(1) = end for every parameter value.

    Subclasses are frozen dataclasses (hashable: compiled solvers are kept per curve). The zero parameters are
    the straight line at constant speed. Families that are linear in their parameters are `LinearCurve`s.

    Leading dimensions `...` of parameters, start and end broadcast against each other.
    """

    @abc.abstractmethod
    def num_parameters(self, latent_dim: int) -> int:
        """Number P of parameters of one curve."""

    @abc.abstractmethod
    def points(self, parameters: tf.Tensor, start: tf.Tensor, end: tf.Tensor, t: tf.Tensor) -> tf.Tensor:
        """Points on the curves.

        Args:
          parameters: `[..., P]`.
          start: `[..., d]` points at t = 0, met exactly.
          end: `[..., d]` points at t = 1, met exactly.
          t: `[T]` curve parameters in [0, 1].

        Returns:
          `[..., T, d]`.
        """

    @abc.abstractmethod
    def fit(self, points: tf.Tensor) -> tf.Tensor:
        """Parameters of curves near given points, so that a path found otherwise can start a solver.

        Args:
          points: `[..., S, d]` at equal steps of t, S at least 2; the first and last are the ends.

        Returns:
          `[..., P]`, linear in `points` but for the parameters that do not depend on them.
        """

    def initial_parameters(self, start: tf.Tensor, end: tf.Tensor) -> tf.Tensor:
        """Where a solver without a warm start begins: by default zeros, the straight line.

        A family overrides this where zeros are a stationary point of its own making.

        Args:
          start: `[..., d]`.
          end: `[..., d]`.

        Returns:
          `[..., P]` of the dtype of `start`.
        """
        del end
        return tf.zeros_like(tf.repeat(start[..., :1], self.num_parameters(start.shape[-1]), axis=-1))

    def derivative(self, parameters: tf.Tensor, start: tf.Tensor, end: tf.Tensor, t: tf.Tensor) -> tf.Tensor:
        """Velocities c'(t), by forward mode in t: arguments as for `points`, to `[..., T, d]`."""
        t = tf.convert_to_tensor(t, start.dtype)
        with tf.autodiff.ForwardAccumulator(t, tf.ones_like(t)) as accumulator:
            points = self.points(parameters, start, end, t)
        return accumulator.jvp(points, unconnected_gradients=tf.UnconnectedGradients.ZERO)

    def jacobian(self, parameters: tf.Tensor, start: tf.Tensor, end: tf.Tensor, t: tf.Tensor) -> tf.Tensor:
        """Derivative of the points in the parameters: arguments as for `points`, to `[..., T, d, P]`.

        By forward mode, one pass per parameter; families with many parameters override it.
        """
        columns = []
        for tangent in tf.unstack(tf.eye(parameters.shape[-1], dtype=parameters.dtype)):
            direction = tf.broadcast_to(tangent, tf.shape(parameters))
            with tf.autodiff.ForwardAccumulator(parameters, direction) as accumulator:
                points = self.points(parameters, start, end, t)
            columns.append(accumulator.jvp(points, unconnected_gradients=tf.UnconnectedGradients.ZERO))
        return tf.stack(columns, axis=-1)


def straight_line(start: tf.Tensor, end: tf.Tensor, t: tf.Tensor) -> tf.Tensor:
    """`(1 - t) start + t end`: `[..., d]`, `[..., d]` and `[T]` to `[..., T, d]`, exact at t = 0 and t = 1."""
    t = t[:, None]
    return (1.0 - t) * start[..., None, :] + t * end[..., None, :]
