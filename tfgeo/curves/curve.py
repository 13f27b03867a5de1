"""The protocol of a curve family."""

from __future__ import annotations

import abc

import tensorflow as tf

__all__ = ["Curve"]


class Curve(abc.ABC):
    """A family of curves c: [0, 1] -> R^d with c(0) = start and c(1) = end for every parameter value.

    Subclasses are frozen dataclasses (hashable: compiled solvers are kept per curve). The zero parameters
    are the straight line, and `points` is linear in the parameters, so that its derivative in parameter p is
    the displacement field that `points` gives for the unit vector e_p between equal end points.
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
