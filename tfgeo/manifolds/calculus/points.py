"""Latent points as tensors: where a user's list, array or data frame enters a manifold."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from tfgeo.errors import UserError

__all__ = ["as_points"]


def as_points(z: Any, dtype: tf.DType | None = None) -> tf.Tensor:
    """Latent points `[..., d]` as a tensor of a float dtype that geometry can be computed in.

    Args:
      z: a tensor, or anything that NumPy makes an array of numbers of.
      dtype: the dtype to give them; by default float64 stays, and all others, integers and half precision too,
        become float32, in which differences of neighbouring points keep enough digits.

    Raises:
      UserError: if they are no real numbers.
    """
    if not tf.is_tensor(z) and not isinstance(z, tf.Variable):
        z = _as_array(z)
    try:
        z = tf.convert_to_tensor(z)
    except (TypeError, ValueError) as error:  # objects, such as a data frame with a column of words
        raise UserError(f"latent points are no array of numbers ({error}); give [..., d] floats") from error
    if not (z.dtype.is_floating or z.dtype.is_integer):
        raise UserError(f"latent points hold {z.dtype.name}, not real numbers; give [..., d] floats")
    if dtype is None:
        dtype = tf.float64 if z.dtype == tf.float64 else tf.float32
    return z if z.dtype == dtype else tf.cast(z, dtype)


def _as_array(z: Any) -> np.ndarray | tf.Tensor:
    if isinstance(z, (list, tuple)) and any(tf.is_tensor(part) for part in tf.nest.flatten(z)):
        return tf.convert_to_tensor(z)  # tensors of a graph have no values yet
    try:
        return np.asarray(z)
    except (TypeError, ValueError) as error:  # rows of different lengths
        raise UserError(f"latent points are no array ({error}); give [..., d] numbers") from error
