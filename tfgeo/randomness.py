"""Stateless seeds: the same (seed, purpose, step) always gives the same random numbers."""

from __future__ import annotations

import zlib

import numpy as np

__all__ = ["derive_seed", "generator"]


def derive_seed(seed: int, *purpose: str | int) -> np.ndarray:
    """A TensorFlow stateless seed for one purpose.

    Args:
      seed: the experiment's seed, any Python int.
      *purpose: words and step numbers that name what the numbers are for.

    Returns:
      `[2]` int32 array, as `tf.random.stateless_*` takes it.
    """
    words = "/".join(str(part) for part in purpose)
    return np.array([seed, zlib.crc32(words.encode())], dtype=np.uint32).view(np.int32)


def generator(seed: int, *purpose: str | int) -> np.random.Generator:
    """A NumPy generator for one purpose; see `derive_seed`."""
    return np.random.default_rng(derive_seed(seed, *purpose).view(np.uint32))
