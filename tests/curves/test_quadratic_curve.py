"""Quadratic curves: Eq. 19 of Yang et al. (2018), and what every curve family promises."""

import numpy as np
import pytest
import tensorflow as tf

from tests.cases import random_points
from tfgeo import curves
from tfgeo.errors import UserError

FAMILIES = [curves.from_name(name) for name in curves.names()]
T = np.linspace(0.0, 1.0, 11)


def random_curve(curve, dtype=np.float64, latent_dim=3, shape=(4,)):
    generator = np.random.default_rng(2)
    ends = generator.normal(size=(2, *shape, latent_dim)).astype(dtype)
    parameters = generator.normal(size=(*shape, curve.num_parameters(latent_dim))).astype(dtype)
    return tf.constant(parameters), tf.constant(ends[0]), tf.constant(ends[1])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(), (4,), (2, 3)])
@pytest.mark.parametrize("curve", FAMILIES, ids=repr)
def test_end_points_are_exact(curve, shape, dtype):
    parameters, start, end = random_curve(curve, dtype, shape=shape)
    points = curve.points(parameters, start, end, tf.constant(T.astype(dtype))).numpy()
    assert points.shape == (*shape, len(T), 3) and points.dtype == dtype
    np.testing.assert_array_equal(points[..., 0, :], start)
    np.testing.assert_array_equal(points[..., -1, :], end)


@pytest.mark.parametrize("curve", FAMILIES, ids=repr)
def test_zero_parameters_are_the_straight_line(curve):
    parameters, start, end = random_curve(curve)
    points = curve.points(0.0 * parameters, start, end, T)
    np.testing.assert_allclose(points, np.linspace(start, end, len(T), axis=1), atol=1e-14)


@pytest.mark.parametrize("curve", FAMILIES, ids=repr)
def test_points_are_linear_in_the_parameters(curve):
    parameters, start, end = random_curve(curve)
    line = curve.points(0.0 * parameters, start, end, T)
    moved = 2.5 * (curve.points(parameters, start, end, T) - line)
    np.testing.assert_allclose(curve.points(2.5 * parameters, start, end, T) - line, moved, atol=1e-13)
    # The displacement does not depend on the ends: what `Curve` promises to solvers.
    displacement = curve.points(parameters, 0.0 * start, 0.0 * end, T)
    np.testing.assert_allclose(moved / 2.5, displacement, atol=1e-13)


@pytest.mark.parametrize("curve", FAMILIES, ids=repr)
def test_a_curve_is_hashable_and_equal_to_its_like(curve):
    assert hash(curve) == hash(type(curve)()) and curve == type(curve)()


def test_swapped_ends_are_the_reversed_quadratic():
    parameters, start, end = random_curve(curves.Quadratic())
    forward = curves.Quadratic().points(parameters, start, end, T)
    backward = curves.Quadratic().points(parameters, end, start, T)
    np.testing.assert_allclose(forward, backward[:, ::-1], atol=1e-14)


def test_quadratic_is_equation_19():
    a, start, end = (part.numpy() for part in random_curve(curves.Quadratic()))
    c, b = start, end - start - a
    t = T[:, None, None]
    points = curves.Quadratic().points(*map(tf.constant, (a, start, end)), T)
    np.testing.assert_allclose(points, np.swapaxes(a * t**2 + b * t + c, 0, 1), atol=1e-14)


def test_unknown_curve_is_named():
    with pytest.raises(UserError, match=r"'quadratik'.*'quadratic'"):
        curves.from_name("quadratik")


def test_one_parameter_set_per_latent_dimension():
    assert curves.Quadratic().num_parameters(5) == 5
    points = curves.Quadratic().points(tf.zeros(5), tf.zeros(5), tf.ones(5), tf.constant([0.0, 1.0]))
    assert points.shape == random_points(2, 5).shape
