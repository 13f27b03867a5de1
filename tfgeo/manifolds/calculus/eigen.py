"""Linear algebra of batches in which single matrices may not be finite."""

from __future__ import annotations

import tensorflow as tf

__all__ = ["eigh", "eigvalsh", "guard"]


def guard(matrix: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """`[..., d, d]` with the identity where a matrix is not finite, and factors `[..., 1, 1]`: NaN there, else 1.

    One matrix that is not finite fails TensorFlow's decompositions for the whole batch.
    """
    finite = tf.reduce_all(tf.math.is_finite(matrix), axis=[-1, -2], keepdims=True)
    guarded = tf.where(finite, matrix, tf.eye(matrix.shape[-1], dtype=matrix.dtype))
    # As a factor NaN makes derivatives NaN too.
    return guarded, tf.where(finite, tf.ones([], matrix.dtype), tf.constant(float("nan"), matrix.dtype))


def eigh(matrix: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """`tf.linalg.eigh` with NaN eigenvalues of matrices that are not finite."""
    guarded, known = guard(matrix)
    eigenvalues, vectors = tf.linalg.eigh(guarded)
    return known[..., 0] * eigenvalues, vectors


def eigvalsh(matrix: tf.Tensor) -> tf.Tensor:
    """`tf.linalg.eigvalsh` with NaN for matrices that are not finite."""
    guarded, known = guard(matrix)
    return known[..., 0] * tf.linalg.eigvalsh(guarded)
