"""The expected volume measure against closed forms and its bound."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tests.cases import SmallDecoder, random_points
from tfgeo.manifolds import ExpectedPullback, Pullback, expected_volume

tfd = tfp.distributions

SEED = np.array([1, 2], np.int32)


def normal(mean, stddev):
    return tfd.Independent(tfd.Normal(mean, stddev), 1)


def test_without_varying_noise_it_is_the_volume_of_the_mean():
    decoder = SmallDecoder(spread=0.0)
    z = random_points(5, 2)
    expected = Pullback(lambda z: decoder(z).mean()).volume(z)
    np.testing.assert_allclose(expected_volume(decoder, z, 3, SEED), expected, rtol=1e-10)


def test_it_is_at_most_the_root_of_the_expected_metrics_determinant():
    decoder = SmallDecoder()
    z = random_points(10, 2, low=-1.5, high=1.5)
    # Each point 100 times with draws of its own, 20 samples each: a mean and its standard error per point.
    means = expected_volume(decoder, np.repeat(z, 100, axis=0), 20, SEED).numpy().reshape(10, 100)
    actual, error = means.mean(axis=1), means.std(axis=1) / np.sqrt(100)
    bound = ExpectedPullback(decoder).volume(z).numpy()
    assert (actual <= bound + 5.0 * error).all()
    # Jensen's inequality is strict where the noise varies, and far from 0 for six outputs.
    assert (actual < bound).any() and (actual > 0.5 * bound).all()


@pytest.mark.parametrize("data_dim", [1, 4])
def test_pure_noise_on_a_line_has_the_mean_of_a_chi_distribution(data_dim):
    # J = eps: sqrt(J^T J) = |eps|, whose mean for D = 1 is sqrt(2 / pi), for D = 4 is 3 sqrt(pi / 8).
    def decoder(z):
        return normal(0.0 * z + tf.zeros(data_dim, z.dtype), z + tf.zeros(data_dim, z.dtype))

    z = np.full([4000, 1], 0.7)
    mean = {1: np.sqrt(2.0 / np.pi), 4: 3.0 * np.sqrt(np.pi / 8.0)}[data_dim]
    actual = expected_volume(decoder, z, 10, SEED).numpy()
    # Draws of its own for each point: 40,000 in all, and the standard deviation of |eps| is below 1.
    assert abs(actual.mean() - mean) < 5.0 / np.sqrt(40_000)
    assert actual.std() > 0.0


def test_signal_and_noise_on_a_line_have_the_mean_of_a_folded_normal():
    # J = 1 + 2 eps: the mean of |N(1, 4)|.
    folded = 2.0 * np.sqrt(2.0 / np.pi) * np.exp(-1.0 / 8.0) + 2.0 * 0.19146246127401312  # Phi(1/2) - 1/2
    actual = expected_volume(lambda z: normal(z, 2.0 * z), np.full([4000, 1], 0.7), 10, SEED).numpy()
    assert abs(actual.mean() - folded) < 5.0 * 2.0 / np.sqrt(40_000)


def test_pure_noise_in_a_plane_has_the_mean_of_two_factors():
    # J = diag(eps) M: sqrt det J^T J = |eps_1 eps_2| |det M|, whose mean is 2 / pi |det M|.
    matrix = np.array([[1.0, 0.5], [-0.2, 2.0]])

    def decoder(z):
        return normal(tf.zeros_like(z), 10.0 + tf.linalg.matvec(matrix, z))

    actual = expected_volume(decoder, random_points(4000, 2), 10, SEED).numpy()
    expected = 2.0 / np.pi * abs(np.linalg.det(matrix))
    assert abs(actual.mean() - expected) < 5.0 * abs(np.linalg.det(matrix)) / np.sqrt(40_000)


def test_the_seed_decides_the_draws_and_a_graph_makes_the_same():
    decoder = SmallDecoder()
    z = random_points(4, 2, dtype=np.float32)
    first = expected_volume(decoder, z, 5, SEED).numpy()
    np.testing.assert_array_equal(first, expected_volume(decoder, z, 5, SEED))
    assert (first != expected_volume(decoder, z, 5, np.array([1, 3], np.int32)).numpy()).all()
    compiled = tf.function(lambda z: expected_volume(decoder, z, 5, SEED))
    np.testing.assert_allclose(compiled(z), first, rtol=1e-5)  # float32, other order of operations
