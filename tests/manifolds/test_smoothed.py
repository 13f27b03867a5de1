"""Smoothing against Eq. 17 by NumPy's singular value decomposition, and its derivatives."""

import numpy as np
import pytest
import tensorflow as tf

from tests.cases import SmallDecoder, half_plane_metric, random_points
from tfgeo.errors import UserError
from tfgeo.manifolds import ExpectedPullback, MetricField, Pullback, Smoothed, TensorField

WEIGHTS = np.random.default_rng(3).normal(size=[4, 9])
MANIFOLDS = {
    2: ExpectedPullback(SmallDecoder()),
    4: Pullback(lambda z: tf.tanh(tf.tensordot(z, tf.constant(WEIGHTS), 1))),
}


def equation_17(metric, strength, rank):
    left, values, right = np.linalg.svd(metric)
    shrunk = values[..., :rank] ** 3 / (values[..., :rank] ** 2 + strength)
    return left[..., :rank] * shrunk[..., None, :] @ right[..., :rank, :]


@pytest.mark.parametrize("strength", [0.0, 0.3, 50.0])
@pytest.mark.parametrize(("dim", "rank"), [(2, None), (2, 2), (2, 1), (4, None), (4, 3), (4, 1)])
def test_equation_17(dim, rank, strength):
    manifold = MANIFOLDS[dim]
    z = random_points(2, 5, dim, low=-0.5, high=0.5)
    expected = equation_17(manifold.metric_tensor(z).numpy(), strength, rank or dim)
    actual = Smoothed(manifold, strength, rank).metric_tensor(z).numpy()
    np.testing.assert_allclose(actual, expected, rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(actual, actual.swapaxes(-1, -2), rtol=1e-12, atol=1e-14)


def test_large_eigenvalues_stay_and_small_ones_shrink():
    values = np.array([10.0, 0.1])
    manifold = Smoothed(TensorField(lambda z: tf.linalg.diag(values + 0.0 * z)), 1.0)
    expected = np.diag([1000.0 / 101.0, 0.001 / 1.01])
    np.testing.assert_allclose(manifold.metric_tensor(np.zeros([2])), expected, rtol=1e-14)


@pytest.mark.parametrize(("strength", "rank"), [(0.3, None), (0.3, 1), (0.0, 1)])
def test_derivative_by_finite_differences(strength, rank):
    manifold = Smoothed(MANIFOLDS[2], strength, rank)
    z, step = random_points(4, 2), 1e-5
    for k, shift in enumerate(step * np.eye(2)):
        slope = (manifold.metric_tensor(z + shift) - manifold.metric_tensor(z - shift)) / (2.0 * step)
        np.testing.assert_allclose(manifold.metric_derivative(z)[..., k], slope, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("strength", [1e-6, 0.3, 1e3])
@pytest.mark.parametrize("dim", MANIFOLDS)
def test_closed_derivatives_are_those_of_automatic_differentiation(dim, strength):
    manifold, z = Smoothed(MANIFOLDS[dim], strength), random_points(2, 3, dim, low=-0.5, high=0.5)
    found, expected = manifold.derivatives(z), MetricField.derivatives(manifold, z)
    for order, (one, other) in enumerate(zip(found, expected, strict=True)):
        assert one.shape == [2, 3] + [dim] * (2 + order)
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-11 * np.abs(other).max())


def test_a_metric_that_is_none_leaves_the_other_derivatives_as_they_are():
    manifold = Smoothed(TensorField(lambda z: tf.linalg.diag(1.0 + tf.math.log(z))), 0.3)
    z = np.array([[2.0, 3.0], [-1.0, 3.0]])
    for one, alone in zip(manifold.derivatives(z), manifold.derivatives(z[:1]), strict=True):
        np.testing.assert_allclose(one[:1], alone)
        assert np.isnan(one[1]).all()


def test_it_is_smooth_where_eigenvalues_are_equal():
    manifold = Smoothed(TensorField(half_plane_metric), 0.5)
    z = random_points(5, 2)
    y = z[:, 1]
    derivative = manifold.metric_derivative(z).numpy()
    assert np.isfinite(derivative).all()
    # f(s) = s^3 / (s^2 + 0.5) at s = y^-2: f' = (s^4 + 1.5 s^2) / (s^2 + 0.5)^2, s' = -2 y^-3.
    s = y**-2
    expected = (s**4 + 1.5 * s**2) / (s**2 + 0.5) ** 2 * -2.0 * y**-3
    np.testing.assert_allclose(derivative[..., 1], expected[:, None, None] * np.eye(2), rtol=1e-10, atol=1e-12)
    assert np.isfinite(manifold.christoffels(z)).all()


def test_segments_are_by_the_midpoint_rule():
    manifold = Smoothed(MANIFOLDS[2], 0.3)
    points = random_points(2, 4, 2)
    step, middle = np.diff(points, axis=1), 0.5 * (points[:, 1:] + points[:, :-1])
    expected = np.einsum("bti,btij,btj->bt", step, manifold.metric_tensor(middle), step)
    np.testing.assert_allclose(manifold.segment_energies(points), expected, rtol=1e-12)
    # Smoothing shortens.
    points = np.linspace(points[:, 0], points[:, -1], 50, axis=1)
    assert (manifold.length(points) < MANIFOLDS[2].length(points)).numpy().all()


@pytest.mark.parametrize("jit_compile", [False, True], ids=["graph", "xla"])
def test_compiled(jit_compile):
    manifold = Smoothed(MANIFOLDS[2], 0.3)
    z = tf.constant(random_points(3, 2))
    compiled = tf.function(manifold.metric_tensor, jit_compile=jit_compile)
    np.testing.assert_allclose(compiled(z), manifold.metric_tensor(z), rtol=1e-10)


def test_wrong_settings():
    with pytest.raises(UserError, match="`strength`"):
        Smoothed(MANIFOLDS[2], -1.0)
    with pytest.raises(UserError, match="`rank`"):
        Smoothed(MANIFOLDS[2], 1.0, 0)
    with pytest.raises(UserError, match="`rank` is 3"):
        Smoothed(MANIFOLDS[2], 1.0, 3).metric_tensor(np.zeros([1, 2]))
