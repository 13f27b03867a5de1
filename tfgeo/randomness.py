"""Stateless seeds: the same (seed, purpose, step) always gives the same random numbers."""

from __future__ import annotations

import zlib

import numpy as np

__all__ = ["derive_integer", "derive_seed", "draw_pairs", "generator"]


def derive_seed(seed: int, *purpose: str | int) -> np.ndarray:
    """A TensorFlow stateless seed for one purpose.

    Args:
      seed: the experiment's seed, any integer; two seeds give different numbers if they differ in 64 bits.
      *purpose: words and step numbers that name what the numbers are for.

    Returns:
      `[2]` int32 array, as `tf.random.stateless_*` takes it.
    """
    words = "/".join(str(part) for part in purpose).encode()
    # The seed's upper half is where the checksum starts from: 0 for all seeds that fit in the lower one.
    upper, lower = divmod(int(seed) % 2**64, 2**32)
    # crc32 rather than hash(): the latter differs from one Python process to the next.
    return np.array([lower, zlib.crc32(words, upper)], dtype=np.uint32).view(np.int32)


def derive_integer(seed: int, *purpose: str | int) -> int:
    """One integer in [0, 2^32) for libraries that take such a seed; see `derive_seed`."""
    return int(generator(seed, *purpose).integers(2**32))


def generator(seed: int, *purpose: str | int) -> np.random.Generator:
    """A NumPy generator for one purpose; see `derive_seed`."""
    return np.random.default_rng(derive_seed(seed, *purpose).view(np.uint32))


def draw_pairs(rng: np.random.Generator, num_points: int, num_pairs: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows `[num_pairs]` of the ends of pairs, two different ones of `num_points` each; at least two are needed."""
    first = rng.integers(num_points, size=num_pairs)
    return first, (first + 1 + rng.integers(num_points - 1, size=num_pairs)) % num_points
