"""Piecewise polynomials on [0, 1] with equal pieces."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

__all__ = ["piece_origins", "piecewise_polynomials"]


def piece_origins(num_pieces: int) -> np.ndarray:
    """`[num_pieces]` points about which the pieces are expanded: the left end of each, the right end of the last.

    So an expansion without constant term vanishes exactly at t = 0 and at t = 1.
    """
    return np.append(np.arange(num_pieces - 1) / num_pieces, 1.0)


def piecewise_polynomials(coefficients: np.ndarray, t: tf.Tensor) -> tf.Tensor:
    """Values of K functions that are polynomials of degree q on each of `num_pieces` equal pieces of [0, 1].

    Differentiable in t; at a knot the derivative is that of one of the two pieces.

    Args:
      coefficients: `[num_pieces, q + 1, K]` of powers of `t - piece_origins(num_pieces)`, the constant term first.
      t: `[T]` in [0, 1].

    Returns:
      `[T, K]` of the dtype of `t`.
    """
    num_pieces, num_powers = coefficients.shape[:2]
    # Clipped: 1 belongs to the last piece, and rounding may not lead outside.
    piece = tf.clip_by_value(tf.cast(tf.floor(t * num_pieces), tf.int32), 0, num_pieces - 1)
    pieces = tf.gather(tf.constant(coefficients, t.dtype), piece)
    local = (t - tf.gather(tf.constant(piece_origins(num_pieces), t.dtype), piece))[:, None]
    values = pieces[:, num_powers - 1]
    for power in reversed(range(num_powers - 1)):
        values = values * local + pieces[:, power]
    return values
