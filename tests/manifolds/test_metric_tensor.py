"""Metric tensors against closed forms and reverse-mode Jacobians, and what follows from them."""

import numpy as np
import pytest
import tensorflow as tf

from tests.cases import SURFACES, SmallDecoder, random_points
from tfgeo.manifolds import ExpectedPullback, IndependentNoise, Pullback


def jacobian(function, z):
    """`[n, M, d]` by reverse mode: the oracle of the forward mode that the package uses."""
    z = tf.constant(z)
    with tf.GradientTape() as tape:
        tape.watch(z)
        values = function(z)
    return tape.batch_jacobian(values, z).numpy()


# Rounding of a metric whose entries are of size 1 to 10, of sums over at most 12 terms.
TOLERANCE = {np.float32: 1e-5, np.float64: 1e-12}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", SURFACES)
def test_metric_of_known_surfaces(name, dtype):
    embedding, metric = SURFACES[name]
    z = random_points(7, 2, dtype=dtype)
    actual = Pullback(embedding).metric_tensor(z)
    assert actual.dtype == dtype
    np.testing.assert_allclose(actual, metric(z.astype(np.float64)), rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("activation", [tf.tanh, tf.nn.relu], ids=["tanh", "relu"])
def test_expected_metric_is_the_sum_of_two_pullbacks(activation, dtype):
    decoder = SmallDecoder(activation)
    z = random_points(9, 2, low=-1.5, high=1.5, dtype=dtype)
    of_mean = jacobian(lambda z: decoder(z).mean(), z)
    of_stddev = jacobian(lambda z: decoder(z).stddev(), z)
    expected = of_mean.swapaxes(-1, -2) @ of_mean + of_stddev.swapaxes(-1, -2) @ of_stddev
    for manifold in (ExpectedPullback(decoder), IndependentNoise(decoder)):
        np.testing.assert_allclose(
            manifold.metric_tensor(z), expected, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype]
        )


def test_expected_metric_is_the_mean_of_sampled_metrics():
    decoder = SmallDecoder()
    z = random_points(3, 2, low=-1.0, high=1.0)
    noise = np.random.default_rng(1).normal(size=[20_000, 1, 6, 1])
    columns = jacobian(lambda z: decoder(z).mean(), z) + noise * jacobian(lambda z: decoder(z).stddev(), z)
    samples = np.einsum("snmi,snmj->snij", columns, columns)
    errors = samples.std(axis=0) / np.sqrt(len(samples))
    actual = ExpectedPullback(decoder).metric_tensor(z).numpy()
    # Five standard errors for each of 12 entries.
    assert (np.abs(actual - samples.mean(axis=0)) <= 5.0 * errors + 1e-12).all()


@pytest.mark.parametrize("shape", [(2,), (4, 2), (3, 4, 2)])
def test_metric_takes_any_leading_shape(shape):
    z = random_points(*shape)
    manifold = ExpectedPullback(SmallDecoder())
    actual = manifold.metric_tensor(z).numpy()
    assert actual.shape == (*shape, 2)
    one_by_one = [manifold.metric_tensor(point[None])[0] for point in z.reshape(-1, 2)]
    np.testing.assert_allclose(actual, np.reshape(one_by_one, actual.shape), rtol=1e-12)


def test_metric_in_a_graph_of_unknown_batch_size():
    manifold = ExpectedPullback(SmallDecoder())
    compiled = tf.function(
        manifold.metric_tensor, input_signature=[tf.TensorSpec([None, 2], tf.float64)], autograph=False
    )
    for size in (1, 5):
        z = random_points(size, 2)
        np.testing.assert_allclose(compiled(z), manifold.metric_tensor(z), rtol=1e-12)


def test_metric_is_symmetric_and_positive_semi_definite():
    for seed in range(5):
        z = random_points(20, 2, low=-3.0, high=3.0, seed=seed)
        metric = ExpectedPullback(SmallDecoder(seed=seed)).metric_tensor(z).numpy()
        np.testing.assert_array_equal(metric, metric.swapaxes(-1, -2))
        assert np.linalg.eigvalsh(metric).min() > 0.0


def test_volume_is_the_root_of_the_determinant():
    z = random_points(8, 2)
    np.testing.assert_allclose(Pullback(SURFACES["sphere"][0]).volume(z), np.sin(z[:, 0]), rtol=1e-12)
    # det(I + 4 z z^T) = 1 + 4 |z|^2.
    np.testing.assert_allclose(
        Pullback(SURFACES["paraboloid"][0]).volume(z), np.sqrt(1.0 + 4.0 * np.sum(z**2, axis=-1)), rtol=1e-12
    )
    manifold = ExpectedPullback(SmallDecoder())
    np.testing.assert_allclose(
        manifold.volume(z), np.sqrt(np.linalg.det(manifold.metric_tensor(z).numpy())), rtol=1e-10
    )


def test_inner_product_and_norm_follow_the_metric():
    manifold = ExpectedPullback(SmallDecoder())
    z, u, v, w = random_points(4, 6, 2, low=-1.0, high=1.0)
    metric = manifold.metric_tensor(z).numpy()
    expected = [a @ g @ b for a, g, b in zip(u, metric, v, strict=True)]
    np.testing.assert_allclose(manifold.inner_product(z, u, v), expected, rtol=1e-12)
    np.testing.assert_allclose(manifold.inner_product(z, v, u), expected, rtol=1e-12)
    np.testing.assert_allclose(
        manifold.inner_product(z, u, 2.0 * v - 3.0 * w),
        2.0 * manifold.inner_product(z, u, v) - 3.0 * manifold.inner_product(z, u, w),
        rtol=1e-10,
    )
    np.testing.assert_allclose(manifold.norm(z, v) ** 2, manifold.inner_product(z, v, v), rtol=1e-12)
    np.testing.assert_allclose(manifold.norm(z, -2.0 * v), 2.0 * manifold.norm(z, v), rtol=1e-12)


def test_norm_is_the_speed_in_data_space():
    embedding = SURFACES["sphere"][0]
    z, v = random_points(2, 5, 2)
    step = 1e-6
    speed = np.linalg.norm((embedding(z + step * v) - embedding(z - step * v)) / (2.0 * step), axis=-1)
    # Central differences: an error of step^2 and rounding of 1e-16 / step.
    np.testing.assert_allclose(Pullback(embedding).norm(z, v), speed, rtol=1e-8)


def test_anisotropy_is_the_ratio_of_the_longest_to_the_shortest_tangent():
    z = random_points(6, 2)
    np.testing.assert_allclose(Pullback(SURFACES["sphere"][0]).anisotropy(z), 1.0 / np.sin(z[:, 0]), rtol=1e-10)
    manifold = ExpectedPullback(SmallDecoder())
    angles = np.linspace(0.0, np.pi, 2001)
    directions = np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    norms = manifold.norm(z[:, None, :] + 0.0 * directions, np.broadcast_to(directions, (6, 2001, 2))).numpy()
    # The grid of directions misses the extremes by at most 8e-4 rad, which enters squared.
    np.testing.assert_allclose(manifold.anisotropy(z), norms.max(axis=1) / norms.min(axis=1), rtol=1e-4)


def test_a_degenerate_metric_has_no_volume_and_no_nan():
    manifold = Pullback(lambda z: z[..., :1] * tf.constant([1.0, 0.3], z.dtype))
    z = random_points(5, 2, dtype=np.float32)
    np.testing.assert_array_equal(manifold.volume(z), np.zeros(5))
    assert (manifold.anisotropy(z).numpy() == np.inf).all()
    np.testing.assert_array_equal(manifold.norm(z, np.tile(np.float32([0.0, 1.0]), (5, 1))), np.zeros(5))
    # A rank that is lost to rounding only: the third direction is the sum of the other two.
    weights = np.random.default_rng(0).normal(size=[5, 2]).astype(np.float32)
    weights = np.concatenate([weights, weights.sum(axis=1, keepdims=True)], axis=1)
    manifold = Pullback(lambda z: tf.linalg.matvec(weights, z))
    z = np.zeros([4, 3], np.float32)
    null = np.tile(np.float32([1.0, 1.0, -1.0]), (4, 1)) * np.float32([[1.0], [0.3], [7.0], [0.011]])
    for values in (manifold.volume(z), manifold.norm(z, null), manifold.anisotropy(z)):
        assert not np.isnan(values).any()
    assert (manifold.anisotropy(z).numpy() > 1e3).all()
