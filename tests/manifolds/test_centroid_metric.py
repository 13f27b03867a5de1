"""The centroid metric against Eq. 14 written out in NumPy, and its limits."""

import numpy as np
import pytest
import tensorflow as tf

from tests.cases import random_points
from tfgeo.errors import UserError
from tfgeo.manifolds import CentroidMetric, TensorField, check_metric

TEMPERATURE, REGULARIZATION = 0.8, 0.01


def random_factors(num, dim, seed=0):
    generator = np.random.default_rng(seed)
    return np.tril(generator.normal(size=[num, dim, dim]), -1) + generator.uniform(
        0.5, 2.0, [num, dim, 1]
    ) * np.eye(dim)


def example(num=7, dim=2, dtype=np.float64):
    centroids = random_points(num, dim, low=-2.0, high=2.0, dtype=dtype)
    return CentroidMetric(centroids, random_factors(num, dim).astype(dtype), TEMPERATURE, REGULARIZATION)


def inverse_by_equation_14(manifold, point):
    inverse = REGULARIZATION * np.eye(len(point))
    for centroid, factor in zip(manifold.centroids.numpy(), manifold.cholesky_factors.numpy(), strict=True):
        inverse += factor @ factor.T * np.exp(-np.sum((point - centroid) ** 2) / TEMPERATURE**2)
    return inverse


@pytest.mark.parametrize(("num", "dim"), [(1, 2), (7, 2), (40, 3), (5, 10)])
def test_equation_14(num, dim):
    manifold = example(num, dim)
    z = random_points(3, 4, dim, low=-2.5, high=2.5, seed=1)
    expected = np.array([[inverse_by_equation_14(manifold, point) for point in row] for row in z])
    np.testing.assert_allclose(manifold.inverse_metric_tensor(z), expected, rtol=1e-11)
    # The condition number of these is below 1e4.
    np.testing.assert_allclose(manifold.metric_tensor(z), np.linalg.inv(expected), rtol=1e-8, atol=1e-9)
    metric = manifold.metric_tensor(z).numpy()
    np.testing.assert_array_equal(metric, metric.swapaxes(-1, -2))
    check_metric(manifold, z)


def test_far_from_all_centroids_it_is_the_regularization_alone():
    z = np.full([1, 2], 50.0)
    np.testing.assert_allclose(example().metric_tensor(z)[0], np.eye(2) / REGULARIZATION, rtol=1e-13)


def test_at_a_lone_centroid_it_is_its_own_factor():
    factor = random_factors(1, 3)
    manifold = CentroidMetric(np.ones([1, 3]), factor, TEMPERATURE, 1e-9)
    expected = factor[0] @ factor[0].T
    np.testing.assert_allclose(manifold.inverse_metric_tensor(np.ones([3])), expected, rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(manifold.volume(np.ones([3])), 1.0 / np.prod(np.diag(factor[0])), rtol=1e-7)


def test_moving_all_of_it_changes_nothing():
    manifold = example()
    shift = np.array([300.0, -200.0])
    moved = CentroidMetric(manifold.centroids + shift, manifold.cholesky_factors, TEMPERATURE, REGULARIZATION)
    z = random_points(6, 2, low=-2.0, high=2.0)
    # Far from the origin too: distances are taken from the mean of the centroids.
    np.testing.assert_allclose(moved.metric_tensor(z + shift), manifold.metric_tensor(z), rtol=1e-10)


def test_float32_is_close_to_float64():
    z = random_points(200, 2, low=-2.0, high=2.0)
    exact = example(1000).metric_tensor(z)
    actual = example(1000, dtype=np.float32).metric_tensor(z.astype(np.float32))
    assert actual.dtype == tf.float32
    np.testing.assert_allclose(actual, exact, rtol=2e-3, atol=1e-4 * np.abs(exact).max())


def test_derivatives_at_a_centroid():
    """The weight has slope 0 and curvature -2 / T^2 there, which a floor on the distance would lose."""
    manifold = CentroidMetric(np.zeros([1, 2]) + 0.3, np.eye(2)[None], TEMPERATURE, REGULARIZATION)
    z = tf.constant([[0.3, 0.3]], tf.float64)
    with tf.GradientTape() as outer:
        outer.watch(z)
        with tf.GradientTape() as inner:
            inner.watch(z)
            entry = manifold.inverse_metric_tensor(z)[..., 0, 0]
        slope = inner.gradient(entry, z)
    np.testing.assert_allclose(slope, np.zeros([1, 2]), atol=1e-14)
    np.testing.assert_allclose(outer.batch_jacobian(slope, z)[0], -2.0 / TEMPERATURE**2 * np.eye(2), rtol=1e-12)


def test_metric_derivative_by_finite_differences():
    manifold = example()
    z, step = random_points(4, 2, low=-2.0, high=2.0), 1e-5
    for k, shift in enumerate(step * np.eye(2)):
        slope = (manifold.metric_tensor(z + shift) - manifold.metric_tensor(z - shift)) / (2.0 * step)
        np.testing.assert_allclose(manifold.metric_derivative(z)[..., k], slope, rtol=1e-5, atol=1e-6)


def test_every_parameter_gets_a_gradient():
    centroids, factors, temperature, regularization = (
        tf.Variable(value)
        for value in (random_points(5, 2), random_factors(5, 2), np.float64(0.7), np.float64(0.1))
    )
    with tf.GradientTape() as tape:
        manifold = CentroidMetric(centroids, factors, temperature, regularization)
        loss = tf.reduce_sum(manifold.volume(random_points(3, 2)))
    for gradient in tape.gradient(loss, [centroids, factors, temperature, regularization]):
        assert np.isfinite(gradient).all() and np.any(np.abs(gradient) > 0.0)


@pytest.mark.parametrize("jit_compile", [False, True], ids=["graph", "xla"])
def test_compiled(jit_compile):
    manifold = example()
    z = tf.constant(random_points(3, 2))
    compiled = tf.function(manifold.metric_tensor, jit_compile=jit_compile)
    np.testing.assert_allclose(compiled(z), manifold.metric_tensor(z), rtol=1e-10)


@pytest.mark.parametrize("name", ["temperature", "regularization"])
@pytest.mark.parametrize("value", [0.0, -1.0, np.nan, np.inf])
def test_numbers_must_be_positive(name, value):
    settings = {"temperature": 1.0, "regularization": 1.0, name: value}
    with pytest.raises(UserError, match=f"`{name}`"):
        CentroidMetric(np.zeros([3, 2]), random_factors(3, 2), **settings)


@pytest.mark.parametrize(("num", "dim"), [(4, 2), (3, 3)])
def test_shapes_must_match(num, dim):
    with pytest.raises(UserError, match="`cholesky_factors`"):
        CentroidMetric(np.zeros([3, 2]), random_factors(num, dim), 1.0, 1.0)


@pytest.mark.parametrize(("num", "dim"), [(1, 2), (7, 3), (40, 10)])
def test_the_cometric_in_closed_form_is_that_of_automatic_differentiation(num, dim):
    manifold = example(num, dim)
    z, rho = random_points(2, 3, 4, dim, low=-2.0, high=2.0, seed=1)
    closed, general = manifold.cometric(z), TensorField(manifold.metric_tensor).cometric(z)
    np.testing.assert_allclose(closed.log_volume, general.log_volume, rtol=1e-9)
    np.testing.assert_allclose(closed.log_prob(rho), general.log_prob(rho), rtol=1e-8)
    for method in ("velocity", "energy_gradient"):
        np.testing.assert_allclose(
            getattr(closed, method)(rho), getattr(general, method)(rho), rtol=1e-6, atol=1e-8, err_msg=method
        )


def test_the_cometric_makes_no_matrix_for_each_pair_of_point_and_centroid():
    manifold, num_points, num, dim = example(30, 5), 20, 30, 5

    @tf.function
    def run(z, rho):
        cometric = manifold.cometric(z)
        return cometric.velocity(rho), cometric.energy_gradient(rho), cometric.log_volume, cometric.momentum(rho)

    spec = tf.TensorSpec([num_points, dim], tf.float64)
    graph = run.get_concrete_function(spec, spec).graph
    sizes = [output.shape.num_elements() for node in graph.get_operations() for output in node.outputs]
    assert max(size for size in sizes if size is not None) <= max(num_points * num, num * dim**2)
