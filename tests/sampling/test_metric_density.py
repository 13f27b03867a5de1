"""Sampling of latents against densities whose moments are known, in closed form or on a grid."""

import numpy as np
import pytest
import tensorflow as tf

from tests.cases import random_points
from tfgeo.errors import UserError
from tfgeo.manifolds import CentroidMetric, TensorField
from tfgeo.sampling import metric_density, sample_latents

MEAN = np.array([0.5, -1.0])
COVARIANCE = np.array([[1.0, 0.6], [0.6, 2.0]])
STARTS = random_points(30, 2, low=-3.0, high=3.0)
NUM = 1500
QUICK = {"num_steps": 60, "num_leapfrog_steps": 4}


def normal_metric(z):
    """`exp(q / d) I`, q the squared Mahalanobis distance: 1 / sqrt(det G) is N(MEAN, COVARIANCE)."""
    from_mean = z - tf.constant(MEAN, z.dtype)
    precision = tf.constant(np.linalg.inv(COVARIANCE), z.dtype)
    squares = tf.einsum("...i,ij,...j->...", from_mean, precision, from_mean)
    return tf.exp(squares / 2.0)[..., None, None] * tf.eye(2, dtype=z.dtype)


NORMAL = TensorField(normal_metric)
FLAT = TensorField(lambda z: 3.0 * tf.eye(2, batch_shape=tf.shape(z)[:-1], dtype=z.dtype))


def assert_moments(points, mean, covariance):
    """Mean and covariance agree within 4 standard errors of independent samples."""
    num = len(points)
    errors = np.sqrt(np.diag(covariance) / num)
    assert np.all(np.abs(points.mean(axis=0) - mean) < 4.0 * errors)
    # Of a normal distribution: var(cov_ij) = (C_ii C_jj + C_ij^2) / n.
    spread = np.sqrt((np.outer(np.diag(covariance), np.diag(covariance)) + covariance**2) / num)
    assert np.all(np.abs(np.cov(points.T) - covariance) < 4.0 * spread)


def test_the_density_is_one_over_the_volume():
    samples = sample_latents(NORMAL, STARTS, NUM, seed=1, radius=20.0, **QUICK)
    assert samples.points.shape == (NUM, 2) and samples.points.dtype == np.float64
    assert_moments(samples.points, MEAN, COVARIANCE)
    # The adaptation aims at 0.75 and, in 30 steps, comes near it.
    assert 0.6 < samples.acceptance_rate < 0.95
    assert samples.has_mixed and samples.potential_scale_reduction < 1.05


def test_the_prior_multiplies_it():
    samples = sample_latents(NORMAL, STARTS, NUM, seed=2, weight="normal", **QUICK)
    covariance = np.linalg.inv(np.linalg.inv(COVARIANCE) + np.eye(2))
    assert_moments(samples.points, covariance @ np.linalg.inv(COVARIANCE) @ MEAN, covariance)
    assert samples.has_mixed and samples.radius is None


def test_a_flat_metric_with_the_prior_is_the_prior():
    samples = sample_latents(FLAT, STARTS, NUM, seed=3, weight="normal", **QUICK)
    assert_moments(samples.points, np.zeros(2), np.eye(2))
    assert samples.has_mixed


def ball_weight(distances, radius):
    """1 within the radius; beyond it the upper half of a normal density of a quarter of its width."""
    return np.where(distances < radius, 1.0, np.exp(-8.0 * (distances / radius - 1.0) ** 2))


def test_a_flat_metric_is_uniform_in_the_ball():
    samples = sample_latents(FLAT, STARTS, NUM, seed=4, **QUICK)
    centre = STARTS.mean(axis=0)
    np.testing.assert_allclose(samples.radius, np.linalg.norm(STARTS - centre, axis=1).max(), rtol=1e-12)
    # Distribution of the distance from the centre, whose density is the circumference times the weight.
    distances = np.linspace(0.0, 3.0, 3001)
    shares = np.cumsum(distances * ball_weight(distances, 1.0))
    found = np.sort(np.linalg.norm(samples.points - centre, axis=1)) / samples.radius
    expected = np.interp(found, distances, shares / shares[-1])
    # Kolmogorov and Smirnov: 1.95 / sqrt(n) is passed by chance once in a thousand.
    assert np.abs(expected - (np.arange(NUM) + 0.5) / NUM).max() < 1.95 / np.sqrt(NUM)
    assert samples.has_mixed


def centroid_metric(distance, regularization, dtype=np.float64):
    """Two centroids on the first axis, the second of which has the larger density."""
    centroids = np.array([[-0.5 * distance, 0.0], [0.5 * distance, 0.3]], dtype)
    factors = np.array([[[1.0, 0.0], [0.2, 0.5]], [[1.5, 0.0], [-0.5, 1.2]]], dtype)
    return CentroidMetric(centroids, factors, 0.8, regularization), centroids


@pytest.mark.parametrize(
    ("weight", "momentum"), [("ball", "euclidean"), ("normal", "euclidean"), ("normal", "riemannian")]
)
def test_a_centroid_metric_against_sums_over_a_grid(weight, momentum):
    # Riemannian steps, which the metric at its smallest limits, mix where it differs less.
    manifold, centroids = centroid_metric(2.0, 0.1 if momentum == "euclidean" else 0.5)
    steps = {"num_steps": 100, "num_leapfrog_steps": 6}
    samples = sample_latents(manifold, centroids, NUM, seed=5, weight=weight, momentum=momentum, **steps)
    assert samples.has_mixed
    axis = np.linspace(-6.0, 6.0, 401)
    grid = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1).reshape(-1, 2)
    # From Eq. 14 itself, not by `log_volume`.
    density = np.sqrt(np.linalg.det(manifold.inverse_metric_tensor(grid).numpy()))
    if weight == "normal":
        density *= np.exp(-0.5 * np.sum(grid**2, axis=1))
    else:
        density *= ball_weight(np.linalg.norm(grid - centroids.mean(axis=0), axis=1), samples.radius)
    for function in (lambda z: z, lambda z: z**2, lambda z: z[:, :1] * z[:, 1:], lambda z: z > 0.5):
        values = function(grid)
        expected = np.average(values, axis=0, weights=density)
        stddev = np.sqrt(np.average((values - expected) ** 2, axis=0, weights=density))
        error = np.abs(function(samples.points).mean(axis=0) - expected)
        assert np.all(error < 4.0 * stddev / np.sqrt(NUM)), (error, stddev)


def test_groups_far_apart_keep_the_shares_of_the_starts_and_are_reported():
    manifold, centroids = centroid_metric(12.0, 1e-6)
    starts = np.repeat(centroids, [3, 1], axis=0)
    samples = sample_latents(manifold, starts, 400, seed=6, **QUICK)
    assert samples.potential_scale_reduction > 2.0 and not samples.has_mixed
    np.testing.assert_array_equal(samples.points[:, 0] > 0.0, samples.starts[:, 0] > 0.0)
    # 400 draws of 3 in 4: 4 standard errors.
    np.testing.assert_allclose(np.mean(samples.points[:, 0] < 0.0), 0.75, atol=4.0 * np.sqrt(0.75 * 0.25 / 400))


def test_in_many_dimensions_the_density_does_not_overflow():
    generator = np.random.default_rng(0)
    centroids = generator.normal(size=[20, 40]).astype(np.float32)
    manifold = CentroidMetric(centroids, np.broadcast_to(np.eye(40, dtype=np.float32), [20, 40, 40]), 0.8, 1e-3)
    far = np.full([1, 40], 30.0, np.float32)
    assert np.isinf(manifold.volume(far)) and np.isfinite(manifold.log_volume(far))
    samples = sample_latents(manifold, centroids, 8, num_steps=20, num_leapfrog_steps=2)
    assert samples.points.dtype == np.float32 and np.isfinite(samples.points).all()
    assert samples.acceptance_rate > 0.1


def test_same_seed_same_bits_without_compiling_again():
    first = sample_latents(NORMAL, STARTS, 20, seed=7, num_steps=20)
    compiled = metric_density._compile(NORMAL, "ball", 20, 10, "euclidean")
    count = compiled.experimental_get_tracing_count()
    np.random.seed(1)
    tf.random.set_seed(1)
    again = sample_latents(NORMAL, STARTS, 20, seed=7, num_steps=20)
    other = sample_latents(NORMAL, STARTS, 20, seed=8, num_steps=20, step_size=0.2, radius=30.0)
    assert count == compiled.experimental_get_tracing_count() == 1
    np.testing.assert_array_equal(first.points, again.points)
    assert np.all(first.points != other.points)


def test_chains_that_never_moved_are_warned_of():
    settings = {"num_steps": 20, "num_leapfrog_steps": 1, "step_size": 1e9}
    with pytest.warns(UserWarning, match="10 of 10 chains never moved"):
        samples = sample_latents(NORMAL, STARTS, 10, **settings)
    np.testing.assert_array_equal(samples.points, samples.starts)
    assert not samples.has_mixed


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"manifold": normal_metric}, "`manifold`"),
        ({"starts": STARTS[0]}, "`starts`"),
        ({"starts": STARTS[:0]}, "`starts`"),
        ({"starts": STARTS * np.nan}, "not finite"),
        ({"starts": STARTS[:1]}, "give `radius`"),
        ({"num": 0}, "`num`"),
        ({"seed": -1}, "`seed`"),
        ({"weight": "uniform"}, "ball and normal"),
        ({"momentum": "normal"}, "euclidean and riemannian"),
        ({"weight": "normal", "radius": 2.0}, "`radius`"),
        ({"radius": 0.0}, "`radius`"),
        ({"starts": STARTS * 1e4}, "metric is degenerate"),
        ({"num_steps": 19}, "`num_steps`"),
        ({"num_leapfrog_steps": 0}, "`num_leapfrog_steps`"),
        ({"step_size": -0.1}, "`step_size`"),
    ],
)
def test_wrong_settings_are_refused(changes, says):
    settings = {"manifold": NORMAL, "starts": STARTS, "num": 5, **changes}
    with pytest.raises(UserError) as caught:
        sample_latents(**settings)
    assert says in str(caught.value) and "\n" not in str(caught.value)
