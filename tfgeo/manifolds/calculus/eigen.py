"""Linear algebra of batches in which single matrices may not be finite."""

from __future__ import annotations

import tensorflow as tf

__all__ = ["eigh", "eigvalsh", "guard"]


def guard(matrix: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """`[..., d, d]` with the identity where a matrix is not finite, and `[..., 1, 1]` bool whether it is.

    One matrix that is not finite fails TensorFlow's decompositions for the whole batch.
    """
    finite = tf.reduce_all(tf.math.is_finite(matrix), axis=[-1, -2], keepdims=True)
    return tf.where(finite, matrix, tf.eye(matrix.shape[-1], dtype=matrix.dtype)), finite


def eigh(matrix: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """`tf.linalg.eigh` with NaN eigenvalues of matrices that are not finite."""
    guarded, finite = guard(matrix)
    eigenvalues, vectors = tf.linalg.eigh(guarded)
    return tf.where(finite[..., 0], eigenvalues, float("nan")), vectors


def eigvalsh(matrix: tf.Tensor) -> tf.Tensor:
    """`tf.linalg.eigvalsh` with NaN for matrices that are not finite."""
    guarded, finite = guard(matrix)
    return tf.where(finite[..., 0], tf.linalg.eigvalsh(guarded), float("nan"))
