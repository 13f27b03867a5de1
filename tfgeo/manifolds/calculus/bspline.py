"""Uniform cubic B-splines: coefficients of a table, and weights of the four neighbours with derivatives."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

__all__ = ["MIN_NODES", "derivative_weights", "fit_coefficients"]

# Two not-a-knot conditions per axis are the same one for three nodes.
MIN_NODES = 4

# [power, neighbour]: the weight of each neighbour as a polynomial in t, the place in the cell in [0, 1].
_VALUE = (
    np.array([[1.0, 4.0, 1.0, 0.0], [-3.0, 0.0, 3.0, 0.0], [3.0, -6.0, 3.0, 0.0], [-1.0, 3.0, -3.0, 1.0]]) / 6.0
)


def _differentiate(polynomials: np.ndarray) -> np.ndarray:
    """`[power, neighbour]` polynomials in t to their derivatives, padded to the same degree."""
    return np.append(polynomials[1:] * np.arange(1.0, len(polynomials))[:, None], 0.0 * polynomials[:1], axis=0)


_FIRST = _differentiate(_VALUE)
_ALL = np.concatenate([_VALUE, _FIRST, _differentiate(_FIRST)], axis=1)


def fit_coefficients(values: np.ndarray) -> np.ndarray:
    """Coefficients of the spline through a table, one axis after the other.

    At both ends of an axis the third derivative is continuous at the last knot but one (not-a-knot): the error
    stays of fourth order up to the border, where a mirrored table would bend the spline to zero slope.

    Args:
      values: `[r, r, ...]`, r at least 4.

    Returns:
      `[r + 2, r + 2, ...]` float64: one more at each end. Cell i of an axis has the coefficients i to i + 3.
    """
    num = len(values)
    system = np.zeros([num + 2, num + 2])
    rows = np.arange(num)
    for neighbour, weight in enumerate(_VALUE[0, :3]):
        system[rows + 1, rows + neighbour] = weight
    system[0, :5] = system[-1, -5:] = [1.0, -4.0, 6.0, -4.0, 1.0]
    inverse = np.linalg.inv(system)[:, 1:-1]
    return np.einsum("pi,qj,ij...->pq...", inverse, inverse, values, optimize=True)


def derivative_weights(t: tf.Tensor) -> tf.Tensor:
    """Weights of the four neighbours, positive and of sum 1, then their first and second derivatives by t.

    Args:
      t: `[n]` places in cells, 0 to 1.

    Returns:
      `[12, n]`.
    """
    square = t * t
    powers = tf.stack([tf.ones_like(t), t, square, square * t])
    return tf.reduce_sum(tf.constant(_ALL.T, t.dtype)[:, :, None] * powers, axis=1)
