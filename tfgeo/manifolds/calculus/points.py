"""Latent points as tensors: where a user's list, array or data frame enters a manifold."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from tfgeo.errors import UserError
from tfgeo.manifolds.calculus.arrays import as_array

__all__ = ["as_points"]


def as_points(
    z: Any, dtype: tf.DType | None = None, name: str = "latent points", shape: str = "[..., d]"
) -> tf.Tensor:
    """Latent points `[..., d]` as a tensor of a float dtype that geometry can be computed in.

    Args:
      z: a tensor, or anything that `as_array` makes an array of numbers of.
      dtype: the dtype to give them; by default float64 stays, and all others, integers and half precision too,
        become float32, in which differences of neighbouring points keep enough digits.
      name: what to call them in messages.
      shape: the shape that is needed, in words.

    Raises:
      UserError: if they are no real numbers, or one is missing.
    """
    z = _as_tensor(z, name, shape)
    if not (z.dtype.is_floating or z.dtype.is_integer):
        raise UserError(f"{name} must be {shape} real numbers, but hold {z.dtype.name}; give floats")
    if dtype is None:
        dtype = tf.float64 if z.dtype == tf.float64 else tf.float32
    return z if z.dtype == dtype else tf.cast(z, dtype)


def _as_tensor(z: Any, name: str, shape: str) -> tf.Tensor:
    if tf.is_tensor(z) or isinstance(z, tf.Variable):
        return tf.convert_to_tensor(z)
    if isinstance(z, (list, tuple)) and any(tf.is_tensor(part) for part in tf.nest.flatten(z)):
        return tf.convert_to_tensor(z)  # tensors of a graph have no values yet
    return tf.convert_to_tensor(as_array(z, name, shape))
