"""Curvature of surfaces and spaces where it is known."""

import numpy as np
import pytest
import tensorflow as tf

from tests.cases import (
    SURFACES,
    TORUS_RADIUS,
    SmallDecoder,
    gaussian_fisher_metric,
    half_plane_metric,
    poincare_disc_metric,
    random_points,
    sphere,
)
from tfgeo.errors import UserError
from tfgeo.manifolds import (
    ExpectedPullback,
    Interpolated,
    Pullback,
    TensorField,
    gaussian_curvature,
    riemann_tensor,
    sectional_curvature,
)

# name -> (manifold, closed form of the Gaussian curvature at [n, 2] points)
KNOWN = {
    "sphere": (Pullback(SURFACES["sphere"][0]), lambda z: np.ones(len(z))),
    "large_sphere": (Pullback(lambda z: 3.0 * sphere(z)), lambda z: np.full(len(z), 1.0 / 9.0)),
    "paraboloid": (
        Pullback(SURFACES["paraboloid"][0]),
        lambda z: 4.0 / (1.0 + 4.0 * np.sum(z**2, axis=-1)) ** 2,
    ),
    "flat": (Pullback(SURFACES["flat"][0]), lambda z: np.zeros(len(z))),
    "torus": (
        Pullback(SURFACES["torus"][0]),
        lambda z: np.cos(z[:, 1]) / (TORUS_RADIUS + np.cos(z[:, 1])),
    ),
    "half_plane": (TensorField(half_plane_metric), lambda z: np.full(len(z), -1.0)),
    "poincare_disc": (TensorField(poincare_disc_metric), lambda z: np.full(len(z), -1.0)),
    "gaussian_fisher": (TensorField(gaussian_fisher_metric), lambda z: np.full(len(z), -0.5)),
}


@pytest.mark.parametrize("name", KNOWN)
def test_gaussian_curvature(name):
    manifold, curvature = KNOWN[name]
    z = random_points(5, 2, low=0.25, high=0.65)
    np.testing.assert_allclose(gaussian_curvature(manifold, z), curvature(z), rtol=1e-8, atol=1e-9)


def test_curvature_does_not_depend_on_the_coordinates():
    def chart(z):
        return tf.stack([z[..., 0] + 0.3 * tf.sin(z[..., 1]), z[..., 1] + 0.2 * tf.square(z[..., 0])], axis=-1)

    manifold = ExpectedPullback(SmallDecoder())
    z = tf.constant(random_points(4, 2, low=-0.5, high=0.5))
    turned = Pullback(lambda z: manifold.embedding(chart(z)))
    np.testing.assert_allclose(gaussian_curvature(turned, z), gaussian_curvature(manifold, chart(z)), rtol=1e-7)


def test_curvature_of_an_interpolated_metric():
    manifold = Interpolated(TensorField(half_plane_metric), ((0.0, 1.0), (0.5, 1.5)), 40, tf.float64)
    z = random_points(20, 2, low=0.55, high=0.95)
    # Second derivatives of the spline: an error of the order of (1 / 39)^2 for a metric that grows as 1 / y^2.
    np.testing.assert_allclose(gaussian_curvature(manifold, z), np.full(20, -1.0), rtol=0.02)


def test_three_dimensional_spaces_of_constant_curvature():
    z, u, v = random_points(3, 4, 3, low=0.3, high=1.2)

    def three_sphere(z):
        a, b, c = tf.unstack(z, axis=-1)
        return tf.stack(
            [
                tf.cos(a),
                tf.sin(a) * tf.cos(b),
                tf.sin(a) * tf.sin(b) * tf.cos(c),
                tf.sin(a) * tf.sin(b) * tf.sin(c),
            ],
            axis=-1,
        )

    hyperbolic = TensorField(lambda z: tf.eye(3, dtype=z.dtype) / tf.square(z[..., 2:, None]))
    np.testing.assert_allclose(sectional_curvature(Pullback(three_sphere), z, u, v), np.ones(4), rtol=1e-8)
    np.testing.assert_allclose(sectional_curvature(hyperbolic, z, u, v), -np.ones(4), rtol=1e-8)


def test_a_product_is_flat_across_its_factors():
    manifold = Pullback(lambda z: tf.concat([sphere(z[..., :2]), tf.exp(z[..., 2:])], axis=-1))
    z = random_points(3, 3)
    units = np.broadcast_to(np.eye(3)[:, None], (3, 3, 3))
    np.testing.assert_allclose(sectional_curvature(manifold, z, units[0], units[1]), np.ones(3), rtol=1e-8)
    np.testing.assert_allclose(sectional_curvature(manifold, z, units[0], units[2]), np.zeros(3), atol=1e-9)


def test_symmetries_of_the_riemann_tensor():
    weights = np.random.default_rng(1).normal(size=[3, 7])
    manifold = Pullback(lambda z: tf.tanh(tf.tensordot(z, tf.constant(weights), 1)))
    z = random_points(3, 3, low=-0.5, high=0.5)
    tensor = riemann_tensor(manifold, z).numpy()
    lowered = np.einsum("nml,nlkij->nmkij", manifold.metric_tensor(z), tensor)
    for other in (
        -lowered.transpose(0, 1, 2, 4, 3),
        -lowered.transpose(0, 2, 1, 3, 4),
        lowered.transpose(0, 3, 4, 1, 2),
    ):
        np.testing.assert_allclose(lowered, other, atol=1e-9)
    # First Bianchi identity: the sum over cyclic permutations of k, i, j.
    cyclic = sum(np.transpose(tensor, (0, 1, *order)) for order in ((2, 3, 4), (3, 4, 2), (4, 2, 3)))
    np.testing.assert_allclose(cyclic, 0.0, atol=1e-9)
    assert np.abs(tensor).max() > 0.01


def test_gaussian_curvature_is_of_surfaces():
    with pytest.raises(UserError, match="3 coordinates"):
        gaussian_curvature(Pullback(lambda z: z), np.zeros([4, 3]))
