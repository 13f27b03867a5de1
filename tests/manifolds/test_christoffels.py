"""Christoffel symbols against closed forms and finite differences, and the geodesic equation they make."""

import numpy as np
import pytest
import tensorflow as tf

from tests.cases import SURFACES, SmallDecoder, half_plane_metric, random_points, sphere
from tfgeo.manifolds import ExpectedPullback, Interpolated, Manifold, Pullback, TensorField

BOX = ((0.2, 1.4), (0.2, 1.4))
MANIFOLDS = {
    **{name: Pullback(embedding) for name, (embedding, _) in SURFACES.items()},
    "expected": ExpectedPullback(SmallDecoder()),
    "half_plane": TensorField(half_plane_metric),
    "interpolated": Interpolated(Pullback(sphere), BOX, 12, tf.float64),
}


def differences_of_the_metric(manifold, z):
    """`[n, k, i, j]` Christoffel symbols by central differences, written out index by index."""
    dim, step = z.shape[-1], 1e-5
    inverse = np.linalg.inv(manifold.metric_tensor(z).numpy())
    units = step * np.eye(dim)
    slopes = [(manifold.metric_tensor(z + h) - manifold.metric_tensor(z - h)).numpy() / (2 * step) for h in units]
    gamma = np.zeros([len(z), dim, dim, dim])
    for k, i, j, m in np.ndindex(dim, dim, dim, dim):
        gamma[:, k, i, j] += 0.5 * inverse[:, k, m] * (slopes[i][:, m, j] + slopes[j][:, m, i] - slopes[m][:, i, j])
    return gamma


@pytest.mark.parametrize("name", MANIFOLDS)
def test_against_finite_differences(name):
    manifold = MANIFOLDS[name]
    z = random_points(5, 2, low=0.31, high=1.39)
    gamma = manifold.christoffels(z).numpy()
    # Central differences: an error of step^2 and rounding of 1e-16 / step.
    np.testing.assert_allclose(gamma, differences_of_the_metric(manifold, z), rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(gamma, gamma.swapaxes(-1, -2), rtol=1e-10, atol=1e-12)


def test_against_finite_differences_in_three_dimensions():
    weights = np.random.default_rng(2).normal(size=[3, 5])
    embedded = Pullback(lambda z: tf.sin(tf.tensordot(z, tf.constant(weights), 1)) * z[..., :1])
    field = TensorField(
        lambda z: tf.eye(3, dtype=z.dtype) + z[..., :, None] * z[..., None, :] * tf.exp(z[..., :1, None])
    )
    for manifold in (embedded, field):
        z = random_points(4, 3)
        np.testing.assert_allclose(
            manifold.christoffels(z), differences_of_the_metric(manifold, z), rtol=1e-6, atol=1e-7
        )


def test_closed_forms():
    z = random_points(6, 2)
    theta = z[:, 0]
    expected = np.zeros([6, 2, 2, 2])
    expected[:, 0, 1, 1] = -np.sin(theta) * np.cos(theta)
    expected[:, 1, 0, 1] = expected[:, 1, 1, 0] = np.cos(theta) / np.sin(theta)
    np.testing.assert_allclose(MANIFOLDS["sphere"].christoffels(z), expected, rtol=1e-10, atol=1e-12)
    y = z[:, 1]
    expected = np.zeros([6, 2, 2, 2])
    expected[:, 0, 0, 1] = expected[:, 0, 1, 0] = expected[:, 1, 1, 1] = -1.0 / y
    expected[:, 1, 0, 0] = 1.0 / y
    np.testing.assert_allclose(MANIFOLDS["half_plane"].christoffels(z), expected, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(MANIFOLDS["flat"].christoffels(z), np.zeros([6, 2, 2, 2]), atol=1e-12)


@pytest.mark.parametrize("name", SURFACES)
def test_the_embeddings_form_is_that_of_its_metric(name):
    z = random_points(5, 2)
    manifold = MANIFOLDS[name]
    np.testing.assert_allclose(manifold.christoffels(z), Manifold.christoffels(manifold, z), rtol=1e-9, atol=1e-11)


def test_metric_derivative_has_the_coordinate_last():
    z = random_points(4, 2)
    derivative = MANIFOLDS["sphere"].metric_derivative(z).numpy()
    expected = np.zeros([4, 2, 2, 2])
    expected[:, 1, 1, 0] = np.sin(2.0 * z[:, 0])
    np.testing.assert_allclose(derivative, expected, atol=1e-12)


def test_half_circles_solve_the_geodesic_equation_of_the_half_plane():
    # x = tanh(s), y = 1 / cosh(s) at arc length s.
    s = np.linspace(-1.0, 1.0, 9)
    x, y = np.tanh(s), 1.0 / np.cosh(s)
    velocity = np.stack([y**2, -x * y], axis=-1)
    acceleration = np.stack([-2.0 * x * y**2, x**2 * y - y**3], axis=-1)
    gamma = TensorField(half_plane_metric).christoffels(np.stack([x, y], axis=-1)).numpy()
    np.testing.assert_allclose(np.einsum("nkij,ni,nj->nk", gamma, velocity, velocity), -acceleration, atol=1e-13)


def test_a_singular_metric_spoils_only_its_own_point():
    manifold = TensorField(lambda z: tf.linalg.diag(tf.square(z)))
    z = random_points(3, 2)
    clean = manifold.christoffels(z).numpy()
    z[1] = [0.0, 1.0]
    actual = manifold.christoffels(z).numpy()
    assert np.isnan(actual[1]).any()
    np.testing.assert_array_equal(actual[[0, 2]], clean[[0, 2]])


@pytest.mark.parametrize("jit_compile", [False, True], ids=["graph", "xla"])
def test_compiled(jit_compile):
    for name in ("expected", "half_plane", "interpolated"):
        manifold = MANIFOLDS[name]
        z = random_points(3, 4, 2, low=0.3)
        compiled = tf.function(manifold.christoffels, jit_compile=jit_compile)
        np.testing.assert_allclose(compiled(tf.constant(z)), manifold.christoffels(z), rtol=1e-9, atol=1e-10)
