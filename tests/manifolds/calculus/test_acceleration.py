"""The acceleration of geodesics against Christoffel symbols in closed form."""

import numpy as np
import pytest
import tensorflow as tf

from tests.cases import SmallDecoder, random_points, sphere
from tests.geodesics.maps.map_cases import FLAT, HALF_PLANE, SPHERE, MetricOnly
from tfgeo.manifolds import ExpectedPullback, Pullback

Z, V = random_points(2, 7, 2)


def acceleration(manifold, z=Z, v=V):
    # In a graph, as the maps take it.
    return tf.function(manifold.geodesic_acceleration, autograph=False)(tf.constant(z), tf.constant(v)).numpy()


@pytest.mark.parametrize("manifold", [SPHERE, MetricOnly(SPHERE)], ids=["embedded", "metric"])
def test_sphere(manifold):
    theta = Z[:, 0]
    first = np.sin(theta) * np.cos(theta) * V[:, 1] ** 2
    second = -2.0 * np.cos(theta) / np.sin(theta) * V[:, 0] * V[:, 1]
    np.testing.assert_allclose(acceleration(manifold), np.stack([first, second], axis=-1), rtol=1e-10)


def test_half_plane():
    first = 2.0 * V[:, 0] * V[:, 1] / Z[:, 1]
    second = (V[:, 1] ** 2 - V[:, 0] ** 2) / Z[:, 1]
    np.testing.assert_allclose(acceleration(HALF_PLANE), np.stack([first, second], axis=-1), rtol=1e-10, atol=1e-12)


def test_flat_space_does_not_accelerate():
    np.testing.assert_allclose(acceleration(FLAT), 0.0, atol=1e-12)


def test_an_operation_with_a_shape_among_its_attributes():
    """TensorFlow's own forward mode cannot trace one."""
    checked = Pullback(lambda z: sphere(tf.ensure_shape(z, [None, 2])))
    np.testing.assert_allclose(acceleration(checked), acceleration(SPHERE), rtol=1e-12)


def test_both_forms_agree_on_a_decoder():
    manifold = ExpectedPullback(SmallDecoder())
    np.testing.assert_allclose(acceleration(manifold), acceleration(MetricOnly(manifold)), rtol=1e-9, atol=1e-9)


def test_a_degenerate_metric_marks_its_point_only():
    z = Z.copy()
    z[2, 0] = 0.0  # the pole
    accelerations = acceleration(SPHERE, z)
    assert np.isnan(accelerations[2]).all()
    np.testing.assert_allclose(np.delete(accelerations, 2, 0), np.delete(acceleration(SPHERE), 2, 0), rtol=1e-12)
