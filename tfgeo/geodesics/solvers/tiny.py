"""Numbers that keep divisions finite, and lengths of vectors whose squares would leave the precision."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

__all__ = ["is_resolved", "power_of_two", "safe_norm", "tiny"]


def tiny(dtype: tf.DType) -> float:
    """What is added to a divisor that may be 0: far below all energies that count, and far above underflow."""
    return 1e-30 if dtype == tf.float32 else 1e-280


def is_resolved(energy: tf.Tensor) -> tf.Tensor:
    """Whether what energies are made of, `[B]`, and what solvers make of them has kept its digits, `[B]` bool.

    Parts of a smaller one are below the least normal number, products with a larger one above the largest.
    """
    numbers = np.finfo(energy.dtype.as_numpy_dtype)
    least, most = float(numbers.tiny) / float(numbers.eps), float(numbers.max) * float(numbers.eps)
    return (energy >= least) & (energy <= most)


def power_of_two(sizes: tf.Tensor) -> tf.Tensor:
    """The powers of two next below sizes, by which numbers are divided without rounding; 1 for no normal ones."""
    exponents = tf.floor(tf.math.log(sizes) / tf.math.log(tf.constant(2.0, sizes.dtype)))
    # Of sizes below the least normal number the power is one that underflows.
    counts = tf.math.is_finite(exponents) & (sizes >= float(np.finfo(sizes.dtype.as_numpy_dtype).tiny))
    return tf.where(counts, tf.pow(tf.constant(2.0, sizes.dtype), tf.where(counts, exponents, 0.0)), 1.0)


def safe_norm(vectors: tf.Tensor) -> tf.Tensor:
    """Euclidean lengths, `[..., P]` to `[...]`: also of vectors whose squares underflow or overflow."""
    largest = tf.reduce_max(tf.abs(vectors), axis=-1, keepdims=True)
    return largest[..., 0] * tf.norm(tf.math.divide_no_nan(vectors, largest), axis=-1)
