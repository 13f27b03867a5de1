"""Quadratic curves: Eq. 19 of Yang et al. (2018)."""

import numpy as np
import tensorflow as tf

from tests.curves.families import T, random_curve
from tfgeo.curves import Quadratic


def test_swapped_ends_are_the_reversed_quadratic():
    parameters, start, end = random_curve(Quadratic())
    forward = Quadratic().points(parameters, start, end, T)
    backward = Quadratic().points(parameters, end, start, T)
    np.testing.assert_allclose(forward, backward[:, ::-1], atol=1e-14)


def test_quadratic_is_equation_19():
    a, start, end = (part.numpy() for part in random_curve(Quadratic()))
    c, b = start, end - start - a
    t = T[:, None, None]
    points = Quadratic().points(*map(tf.constant, (a, start, end)), T)
    np.testing.assert_allclose(points, np.swapaxes(a * t**2 + b * t + c, 0, 1), atol=1e-14)


def test_one_parameter_set_per_latent_dimension():
    assert Quadratic().num_parameters(5) == 5
    points = Quadratic().points(tf.zeros(5), tf.zeros(5), tf.ones(5), tf.constant([0.0, 1.0]))
    assert points.shape == (2, 5)
