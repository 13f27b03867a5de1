"""Damped steps against dense linear algebra, in float64."""

import numpy as np
import pytest
import tensorflow as tf

from tfgeo.geodesics.solvers.damped_step import BlockTridiagonal, damped_step, solve_block_tridiagonal


def random_chain(num_blocks, size, batch=3, seed=0):
    """A definite block tridiagonal matrix, the same one densely `[B, K d, K d]`, and a vector `[B, K d]`."""
    generator = np.random.default_rng([seed, num_blocks, size])
    dense = np.zeros([batch, num_blocks, size, num_blocks, size])
    # Springs between neighbours, of rank d each, as in the energy of a curve; ends are held.
    for segment in range(num_blocks + 1):
        root = generator.normal(size=[batch, size, size]) + 2.0 * np.eye(size)
        spring = root @ root.swapaxes(-1, -2)
        for i, j in np.ndindex(2, 2):
            row, column = segment - 1 + i, segment - 1 + j
            if 0 <= row < num_blocks and 0 <= column < num_blocks:
                dense[:, row, :, column] += spring if i == j else -spring
    diagonal = np.stack([dense[:, k, :, k] for k in range(num_blocks)], axis=1)
    following = [dense[:, k, :, k + 1] for k in range(num_blocks - 1)]
    off_diagonal = np.stack(following, axis=1) if following else np.zeros([batch, 0, size, size])
    matrix = BlockTridiagonal(tf.constant(diagonal), tf.constant(off_diagonal))
    dense = dense.reshape(batch, num_blocks * size, num_blocks * size)
    return matrix, dense, generator.normal(size=[batch, num_blocks * size])


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_block_tridiagonal_systems_are_solved(size):
    # Odd and even numbers of blocks at each level of the reduction.
    for num_blocks in range(1, 18):
        matrix, dense, right = random_chain(num_blocks, size)
        solution = solve_block_tridiagonal(matrix, tf.constant(right.reshape(3, num_blocks, size))).numpy()
        expected = np.linalg.solve(dense, right[..., None])[..., 0].reshape(solution.shape)
        # Chains have condition numbers of some K^2 times those of the springs.
        np.testing.assert_allclose(solution, expected, rtol=1e-8, atol=1e-10, err_msg=f"K = {num_blocks}")


def test_a_compiled_solve_equals_an_eager_one():
    matrix, _, right = random_chain(6, 2)
    right = tf.constant(right.reshape(3, 6, 2))
    compiled = tf.function(solve_block_tridiagonal, autograph=False)
    np.testing.assert_allclose(compiled(matrix, right), solve_block_tridiagonal(matrix, right), rtol=1e-12)


def test_one_bad_matrix_leaves_the_others_alone():
    matrix, dense, gradient = random_chain(4, 2)
    diagonal = matrix.diagonal.numpy()
    diagonal[1, 2, 0, 0] = np.nan
    broken = dense.copy()
    broken[1, 4, 4] = np.nan
    zero = tf.zeros(3, tf.float64)
    for bad, good in ((matrix._replace(diagonal=tf.constant(diagonal)), matrix), (tf.constant(broken), dense)):
        step, expected = (damped_step(part, tf.constant(gradient), zero)[0].numpy() for part in (bad, good))
        np.testing.assert_allclose(step[[0, 2]], expected[[0, 2]], rtol=1e-9)


@pytest.mark.parametrize("damping", [0.0, 0.3, 10.0])
@pytest.mark.parametrize("blocks", [False, True], ids=["dense", "blocks"])
def test_the_predicted_decrease_is_the_models(blocks, damping):
    matrix, dense, gradient = random_chain(5, 2)
    step, predicted = damped_step(
        matrix if blocks else tf.constant(dense),
        tf.constant(gradient),
        tf.fill([3], tf.constant(damping, tf.float64)),
    )
    step = step.numpy()
    model = np.sum(gradient * step, axis=-1) + 0.5 * np.einsum("bi,bij,bj->b", step, dense, step)
    # The block matrix is raised by 1e-6 of its trace, to be definite in float32.
    np.testing.assert_allclose(predicted, -model, rtol=1e-3 if blocks else 1e-9)
    assert (predicted.numpy() > 0.0).all()
    # Shorter with more damping, and the Newton step without any.
    newton = -np.linalg.solve(dense, gradient[..., None])[..., 0]
    if damping == 0.0:
        np.testing.assert_allclose(step, newton, rtol=1e-3 if blocks else 1e-8, atol=1e-5 if blocks else 1e-9)
    else:
        assert (np.linalg.norm(step, axis=-1) < np.linalg.norm(newton, axis=-1)).all()


def test_undamped_steps_of_blocks_and_of_the_dense_matrix_agree():
    matrix, dense, gradient = random_chain(9, 3)
    zero = tf.zeros(3, tf.float64)
    (step, predicted), (other, other_predicted) = (
        damped_step(part, tf.constant(gradient), zero) for part in (matrix, tf.constant(dense))
    )
    # As above: 1e-6 of the trace, which the softest of 27 modes feels some thousand times more.
    scale = np.abs(other).max(axis=-1, keepdims=True)
    np.testing.assert_allclose(step / scale, other / scale, atol=5e-3)
    np.testing.assert_allclose(predicted, other_predicted, rtol=5e-3)


def test_a_negative_eigenvalue_counts_with_its_size():
    dense = np.diag([4.0, -2.0])[None]
    gradient = np.array([[1.0, 1.0]])
    step, predicted = damped_step(tf.constant(dense), tf.constant(gradient), tf.zeros(1, tf.float64))
    np.testing.assert_allclose(step, [[-0.25, -0.5]], rtol=1e-12)
    np.testing.assert_allclose(predicted, [0.125 + 0.25], rtol=1e-12)


@pytest.mark.parametrize("damping", [0.0, 1e-2, 1.0])
def test_steps_on_indefinite_matrices_go_down_along_a_definite_one(damping):
    # Sizes on both sides of the one up to which eigenvalues are taken.
    generator = np.random.default_rng(7)
    for size in (2, 5, 8, 12):
        dense = generator.normal(size=[50, size, size])
        dense = dense + dense.swapaxes(-1, -2)
        gradient = generator.normal(size=[50, size])
        step, predicted = (
            part.numpy()
            for part in damped_step(
                tf.constant(dense), tf.constant(gradient), tf.fill([50], tf.constant(damping, tf.float64))
            )
        )
        assert np.isfinite(step).all()
        assert (np.sum(gradient * step, axis=-1) < 0.0).all()
        assert (predicted > 0.0).all()
        shorter, _ = damped_step(
            tf.constant(dense), tf.constant(gradient), tf.fill([50], tf.constant(1e3, tf.float64))
        )
        assert (np.linalg.norm(shorter, axis=-1) < np.linalg.norm(step, axis=-1)).all()
