"""Damped Newton steps for batches of small dense and of long block tridiagonal matrices."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from tfgeo.geodesics.solvers.sealed import call_sealed
from tfgeo.geodesics.solvers.tiny import tiny
from tfgeo.manifolds.calculus.eigen import guard

__all__ = ["BlockTridiagonal", "damped_step", "inverse_blocks", "solve_block_tridiagonal"]

# Smallest eigenvalue that counts, relative to the largest: below it float32 sees noise.
RELATIVE_FLOOR = 1e-6
# Blocks up to this size are multiplied as sums, which for thousands of them is faster than a product each.
SMALL_BLOCK = 4
# From as many parameters on up to as many a step is found by elimination: a matrix of fewer has its eigenvalues
# as fast, and one of more would make the graph long.
ELIMINATED_SIZES = range(5, 33)


class BlockTridiagonal(NamedTuple):
    """Symmetric block tridiagonal matrices.

    Attributes:
      diagonal: `[B, K, d, d]`, symmetric blocks.
      off_diagonal: `[B, K - 1, d, d]`, block row k, block column k + 1.
    """

    diagonal: tf.Tensor
    off_diagonal: tf.Tensor


def damped_step(
    matrix: tf.Tensor | BlockTridiagonal, gradient: tf.Tensor, damping: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """The damped step `[B, P]` and the decrease `[B]` that the quadratic model predicts for it.

    Args:
      matrix: `[B, P, P]` symmetric, or `BlockTridiagonal` and positive definite, with K d = P.
      gradient: `[B, P]`.
      damping: `[B]`, 0 for the full Newton step.
    """
    # Some hundred operations that know nothing of the manifold: one graph for all problems of a size.
    function = _block_step if isinstance(matrix, BlockTridiagonal) else _dense_step
    return call_sealed(function, matrix, gradient, damping)


def _dense_step(matrix: tf.Tensor, gradient: tf.Tensor, damping: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """`(|H| + damping mean(eig |H|) I) step = -gradient`.

    A negative eigenvalue counts with its size (saddle-free Newton, Dauphin et al. 2014, arXiv:1406.2572): the
    step goes down along that direction too.
    """
    # One matrix that is not finite would fail the whole batch; its pair does not run, or drops the step.
    matrix, _ = guard(matrix)
    if matrix.shape[-1] in ELIMINATED_SIZES:
        return _eliminated_step(matrix, gradient, damping)
    eigenvalues, eigenvectors = tf.linalg.eigh(matrix)
    sizes = tf.abs(eigenvalues)
    largest = tf.reduce_max(sizes, axis=-1, keepdims=True)
    sizes = tf.maximum(sizes, RELATIVE_FLOOR * largest) + tiny(sizes.dtype)
    slopes = tf.linalg.matvec(eigenvectors, gradient, transpose_a=True)
    moves = -slopes / (sizes + damping[:, None] * tf.reduce_mean(sizes, axis=-1, keepdims=True))
    predicted = -tf.reduce_sum(moves * (slopes + 0.5 * sizes * moves), axis=-1)
    return tf.linalg.matvec(eigenvectors, moves), predicted


def _eliminated_step(matrix: tf.Tensor, gradient: tf.Tensor, damping: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """`(M + damping mean|diag H| I) step = -gradient` for the definite M near H of Gill and Murray.

    The modified Cholesky decomposition of Gill, Murray and Wright ("Practical Optimization", 1981, Sec. 4.4.2.2):
    pivots that are not positive, or so small that their column would grow without bound, are raised; where H is
    safely definite M is H. All pairs are eliminated side by side, the batch being the last axis: some hundred
    operations in place of an eigenvalue decomposition for each pair.
    """
    size = matrix.shape[-1]
    rows = tf.transpose(matrix, [1, 2, 0])
    diagonal = tf.transpose(tf.abs(tf.linalg.diag_part(matrix)))
    largest = tf.reduce_max(diagonal, axis=0)
    outside = 1.0 - tf.eye(size, dtype=matrix.dtype)
    aside = tf.reduce_max(tf.abs(rows) * outside[:, :, None], axis=[0, 1])
    bound = tf.maximum(largest, aside / float(size**2 - 1) ** 0.5) + tiny(matrix.dtype)
    shift = damping * tf.reduce_mean(diagonal, axis=0)
    floor = RELATIVE_FLOOR * largest + tiny(matrix.dtype)
    rest = -tf.transpose(gradient)
    pivots, columns, right = [], [], []
    for _ in range(size):
        column = rows[1:, 0]
        pivot = tf.maximum(tf.abs(rows[0, 0]) + shift, floor)
        if column.shape[0] > 0:
            pivot = tf.maximum(pivot, tf.reduce_max(tf.square(column), axis=0) / bound)
        factor = column / pivot
        rows = rows[1:, 1:] - factor[:, None] * column[None]
        right.append(rest[0])
        rest = rest[1:] - factor * rest[0]
        pivots.append(pivot)
        columns.append(factor)
    step = right[-1][None] / pivots[-1]
    for pivot, factor, value in zip(pivots[-2::-1], columns[-2::-1], right[-2::-1], strict=True):
        step = tf.concat([[value / pivot - tf.reduce_sum(factor * step, axis=0)], step], axis=0)
    step = tf.transpose(step)
    along = tf.reduce_sum(gradient * step, axis=-1)
    return step, 0.5 * (shift * tf.reduce_sum(tf.square(step), axis=-1) - along)


def _block_step(matrix: BlockTridiagonal, gradient: tf.Tensor, damping: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """`(1 + damping) H step = -gradient`.

    The matrix of a finely cut curve is that of a spring chain, whose softest modes, which move the curve as a
    whole, have 1 / K^2 of its mean eigenvalue: adding a multiple of the identity would hold just these.
    """
    diagonal, off_diagonal = matrix
    num_blocks, size = diagonal.shape[1], diagonal.shape[-1]
    scale = tf.reduce_mean(tf.abs(tf.linalg.trace(diagonal)), axis=-1)[:, None, None, None]
    # One block that is not finite would fail the whole batch; its pair does not run, or drops the step.
    finite = tf.math.is_finite(scale)
    finite &= tf.reduce_all(tf.math.is_finite(off_diagonal), axis=[1, 2, 3], keepdims=True)
    diagonal = tf.where(finite, diagonal, tf.eye(size, dtype=gradient.dtype))
    off_diagonal = tf.where(finite, off_diagonal, tf.zeros_like(off_diagonal))
    scale = tf.where(finite, scale, tf.ones_like(scale))
    diagonal += (RELATIVE_FLOOR * scale + tiny(gradient.dtype)) * tf.eye(size, dtype=gradient.dtype)
    newton = solve_block_tridiagonal(
        BlockTridiagonal(diagonal, off_diagonal), tf.reshape(gradient, [-1, num_blocks, size])
    )
    newton = tf.reshape(newton, tf.shape(gradient))
    share = 1.0 / (1.0 + damping)
    predicted = (share - 0.5 * tf.square(share)) * tf.reduce_sum(newton * gradient, axis=-1)
    return -share[:, None] * newton, predicted


def solve_block_tridiagonal(matrix: BlockTridiagonal, right: tf.Tensor) -> tf.Tensor:
    """Solves `matrix x = right` for `[B, K, d]` by block cyclic reduction.

    Every second block is eliminated from all equations at once, which leaves a block tridiagonal system of half
    the size: O(K) work in O(log K) batched steps (Golub and Van Loan, "Matrix Computations", Sec. 4.5.4). It is
    stable for positive definite matrices, whose Schur complements it forms.
    """
    diagonal, off_diagonal = matrix
    num_blocks = diagonal.shape[1]
    if num_blocks == 1:
        return _apply(inverse_blocks(diagonal), right)
    # Odd blocks are eliminated: x_j = D_j^-1 (r_j - O_{j-1}^T x_{j-1} - O_j x_{j+1}).
    inverses = inverse_blocks(diagonal[:, 1::2])
    before, after = off_diagonal[:, 0::2], off_diagonal[:, 1::2]  # O_{j-1} and, where j is not last, O_j
    num_after = after.shape[1]
    from_before = _multiply(before, inverses)  # couples block j - 1 to what is left of block j
    from_after = _multiply(after, inverses[:, :num_after], transpose_a=True)  # likewise block j + 1
    kept = diagonal[:, 0::2]
    kept -= _pad(_multiply(from_before, before, transpose_b=True), kept.shape[1], at_end=True)
    kept -= _pad(_multiply(from_after, after), kept.shape[1], at_end=False)
    kept_off = -_multiply(from_before[:, :num_after], after)
    odd = right[:, 1::2]
    kept_right = right[:, 0::2]
    kept_right -= _pad(_apply(from_before, odd), kept.shape[1], at_end=True)
    kept_right -= _pad(_apply(from_after, odd[:, :num_after]), kept.shape[1], at_end=False)
    even_x = solve_block_tridiagonal(BlockTridiagonal(kept, kept_off), kept_right)
    rest = odd - _apply(before, even_x[:, : before.shape[1]], transpose=True)
    rest -= _pad(_apply(after, even_x[:, 1 : 1 + num_after]), odd.shape[1], at_end=True)
    odd_x = _apply(inverses, rest)
    # Interleave: even, odd, even, ...
    both = tf.stack([even_x[:, : odd_x.shape[1]], odd_x], axis=2)
    both = tf.reshape(both, [-1, 2 * odd_x.shape[1], right.shape[-1]])
    return both if num_blocks % 2 == 0 else tf.concat([both, even_x[:, -1:]], axis=1)


def inverse_blocks(matrix: tf.Tensor) -> tf.Tensor:
    """Inverses of small positive definite matrices `[..., d, d]`; not finite where one is not."""
    if matrix.shape[-1] == 1:
        return 1.0 / matrix
    if matrix.shape[-1] == 2:
        a, b, c = matrix[..., 0, 0], matrix[..., 0, 1], matrix[..., 1, 1]
        adjugate = tf.stack([tf.stack([c, -b], axis=-1), tf.stack([-b, a], axis=-1)], axis=-2)
        return adjugate / (a * c - tf.square(b))[..., None, None]
    identity = tf.eye(matrix.shape[-1], batch_shape=tf.shape(matrix)[:-2], dtype=matrix.dtype)
    return tf.linalg.cholesky_solve(tf.linalg.cholesky(matrix), identity)


def _multiply(a: tf.Tensor, b: tf.Tensor, transpose_a: bool = False, transpose_b: bool = False) -> tf.Tensor:
    if a.shape[-1] > SMALL_BLOCK:
        return tf.matmul(a, b, transpose_a=transpose_a, transpose_b=transpose_b)
    a = tf.linalg.matrix_transpose(a) if transpose_a else a
    b = tf.linalg.matrix_transpose(b) if transpose_b else b
    return tf.reduce_sum(a[..., :, :, None] * b[..., None, :, :], axis=-2)


def _apply(matrix: tf.Tensor, vector: tf.Tensor, transpose: bool = False) -> tf.Tensor:
    if transpose:
        return tf.reduce_sum(matrix * vector[..., :, None], axis=-2)
    return tf.reduce_sum(matrix * vector[..., None, :], axis=-1)


def _pad(values: tf.Tensor, num: int, at_end: bool) -> tf.Tensor:
    """Zeros before or behind the blocks of `values`, `num` in all."""
    missing = num - values.shape[1]
    padding = [[0, 0], [0, missing] if at_end else [missing, 0]] + [[0, 0]] * (values.shape.rank - 2)
    return tf.pad(values, padding)
