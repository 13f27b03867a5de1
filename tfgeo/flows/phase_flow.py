"""Bijectors on phase space: pairs of a latent point and a momentum."""

from __future__ import annotations

import abc
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfgeo.errors import UserError

__all__ = ["PhaseFlow", "Pair", "check_scale", "first_divergence", "read_scale"]

tfb = tfp.bijectors

# A position z and a momentum rho, each `[..., d]`.
Pair = tuple[tf.Tensor, tf.Tensor]


class _NoCache:
    """Stands where TFP keeps results by the identity of their input, and always computes them anew.

    An eager tensor keeps its identity while the weights behind the target change, so that a kept result is wrong.
    """

    def __init__(self, bijector: Any = None) -> None:
        self._bijector = bijector

    def __get__(self, bijector: Any, owner: type | None = None) -> _NoCache:
        return type(self)(bijector)

    def forward(self, x: Any) -> Any:
        return self._bijector._forward(x)

    def inverse(self, y: Any) -> Any:
        return self._bijector._inverse(y)

    def forward_attributes(self, x: Any) -> dict:
        return {}

    def inverse_attributes(self, y: Any) -> dict:
        return {}


class PhaseFlow(tfb.Bijector):
    """A bijector on the pair `[z, rho]`, each `[..., d]`; a subclass gives the states that it runs through.

    Conditional on data: what a target or a manifold closes over is read at every call.

    Args:
      parameters: the arguments of the constructor.
      name: name of the operations.
    """

    _cache = _NoCache()

    def __init__(self, parameters: dict[str, Any], name: str) -> None:
        super().__init__(
            forward_min_event_ndims=[1, 1],
            is_constant_jacobian=True,
            parameters=parameters,
            name=name,
        )

    @property
    def _parts_interact(self) -> bool:
        return True

    @abc.abstractmethod
    def states(self, z: tf.Tensor, rho: tf.Tensor) -> list[Pair]:
        """The pairs that the flow runs through: what is given, those between, and the value of `forward`."""

    @abc.abstractmethod
    def inverse_states(self, z: tf.Tensor, rho: tf.Tensor) -> list[Pair]:
        """Those of `inverse`, which runs the steps backwards."""

    def log_volume_change(self, z: tf.Tensor) -> tf.Tensor:
        """Log determinant of the Jacobian of `forward`, `[...]`; it is the same everywhere, by default 0."""
        return tf.zeros(tf.shape(z)[:-1], z.dtype)

    def find_divergence(self, x: Sequence[tf.Tensor]) -> tf.Tensor:
        """Where `forward` leaves the finite numbers; see `first_divergence`."""
        return first_divergence(self.states(*_as_pair(x)))

    def _forward(self, x: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        return list(self.states(*_as_pair(x))[-1])

    def _inverse(self, y: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        return list(self.inverse_states(*_as_pair(y))[-1])

    def _forward_log_det_jacobian(self, x: Sequence[tf.Tensor]) -> tf.Tensor:
        return self.log_volume_change(_as_pair(x)[0])

    def _inverse_log_det_jacobian(self, y: Sequence[tf.Tensor]) -> tf.Tensor:
        return -self.log_volume_change(_as_pair(y)[0])


def first_divergence(states: Sequence[Pair]) -> tf.Tensor:
    """The first step after which a trajectory is not finite.

    Args:
      states: pairs `[..., d]`, the first one before any step.

    Returns:
      `[...]` int32: 0 where the start is not finite already, -1 where all states are finite.
    """
    finite = tf.stack([tf.reduce_all(tf.math.is_finite(z) & tf.math.is_finite(rho), axis=-1) for z, rho in states])
    # argmin finds the first False; where there is none it is 0 as well.
    return tf.where(tf.reduce_all(finite, axis=0), -1, tf.argmin(tf.cast(finite, tf.int32), output_type=tf.int32))


def check_scale(name: str, value: Any) -> Any:
    """Refuses numbers that are not positive and finite; what is known in a graph only passes.

    Args:
      name: what to call it in the message.
      value: a number, an array, a tensor, or a TensorFlow or Keras variable.

    Returns:
      The same value: variables must stay variables.

    Raises:
      UserError: if a number is not finite or not greater than 0.
    """
    try:
        known = np.asarray(value).astype(np.float64)
    except (NotImplementedError, TypeError, ValueError):  # symbolic
        return value
    if not (np.isfinite(known) & (known > 0.0)).all():
        raise UserError(f"`{name}` must be finite and greater than 0, but is {known.tolist()}; change it.")
    return value


def read_scale(value: Any, dtype: tf.DType) -> tf.Tensor:
    """The present value of a number, tensor or variable."""
    # Python's numbers have no dtype, and TensorFlow would make float32 of them on the way to float64.
    return tf.cast(tf.convert_to_tensor(value), dtype) if hasattr(value, "dtype") else tf.constant(value, dtype)


def _as_pair(parts: Sequence[tf.Tensor]) -> Pair:
    if not isinstance(parts, (list, tuple)) or len(parts) != 2:
        raise UserError("a flow takes the pair [z, rho] of positions and momenta; give a list of two tensors.")
    z, rho = parts
    return z, rho
