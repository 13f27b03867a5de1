"""Latent points as arrays: where a user's list, tensor or data frame enters the search for geodesics."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from tfgeo.errors import UserError
from tfgeo.manifolds import Manifold
from tfgeo.manifolds.calculus.arrays import as_array

__all__ = ["as_latents", "as_pairs", "check_manifold", "working_dtype"]


def check_manifold(manifold: Any) -> None:
    """Refuses what is no manifold, such as a decoder."""
    if not isinstance(manifold, Manifold):
        what = f"the class {manifold.__name__}" if isinstance(manifold, type) else type(manifold).__name__
        raise UserError(
            f"`manifold` is {what}; give a tfgeo.manifolds.Manifold, such as "
            "Pullback(decoder) or ExpectedPullback(decoder)"
        )


def as_latents(values: Any, name: str, ranks: tuple[int, ...] = (2,), shape: str = "[n, d]") -> np.ndarray:
    """Latent points as an array of float64 where they are, else of float32.

    Args:
      values: an array, a tensor, a list, a data frame: whatever `as_array` makes numbers of.
      name: what to call them in messages.
      ranks: numbers of axes that are taken.
      shape: these, in words.

    Raises:
      UserError: if they are no real numbers, one is missing, or they have other axes.
    """
    array = as_array(values, f"`{name}`", shape)
    if array.ndim not in ranks or 0 in array.shape[-1:]:
        raise UserError(f"`{name}` has shape {array.shape}, but {shape} is needed; reshape it to one row per point")
    return array if array.dtype == np.float64 else array.astype(np.float32)


def as_pairs(start: Any, end: Any) -> tuple[np.ndarray, np.ndarray]:
    """Ends of curves, each `[B, d]` of one dtype.

    Raises:
      UserError: if they are no such arrays, or of different shapes.
    """
    start, end = as_latents(start, "start", shape="[B, d]"), as_latents(end, "end", shape="[B, d]")
    if start.shape != end.shape:
        raise UserError(
            f"`start` {start.shape} and `end` {end.shape} must both be [B, d]; "
            "repeat the one point that all pairs share with np.broadcast_to"
        )
    dtype = np.result_type(start, end)
    return start.astype(dtype, copy=False), end.astype(dtype, copy=False)


def working_dtype(manifold: Manifold, points: np.ndarray) -> np.dtype:
    """The dtype in which geodesics between such points are computed: the decoder's, where the manifold has one."""
    return np.dtype(manifold.working_dtype(points.shape[-1], tf.as_dtype(points.dtype)).as_numpy_dtype)
