"""The spread of a distance over an ensemble, where every member's distance is known."""

import numpy as np
import pytest
import tensorflow as tf

from tests.cases import random_points
from tfgeo.errors import UserError
from tfgeo.geodesics import distance_spread
from tfgeo.manifolds import Ensemble, Pullback


def scaled(scale):
    return Pullback(lambda z: scale * z)


def test_flat_members_spread_as_their_scales():
    scales = np.array([1.0, 2.0, 4.5])
    start, end = random_points(5, 2), random_points(5, 2, seed=1)
    end[3] = start[3]
    spread = distance_spread(Ensemble([scaled(scale) for scale in scales]), start, end)
    straight = np.linalg.norm(end - start, axis=-1)
    np.testing.assert_allclose(spread.lengths, scales[:, None] * straight, rtol=1e-6)
    np.testing.assert_allclose(spread.mean, scales.mean() * straight, rtol=1e-6)
    np.testing.assert_allclose(spread.standard_deviation, scales.std(ddof=1) * straight, rtol=1e-6)
    expected = np.where(straight > 0.0, scales.std(ddof=1) / scales.mean(), 0.0)
    np.testing.assert_allclose(spread.coefficient_of_variation, expected, rtol=1e-6)
    # The ensemble's metric is the mean of the members' metrics, not of their distances.
    np.testing.assert_allclose(spread.geodesics.length, np.sqrt(np.mean(scales**2)) * straight, rtol=1e-6)
    assert spread.converged.all()


def test_each_member_has_a_geodesic_of_its_own():
    # Hills on either side of the straight line: what one member avoids, the other one crosses.
    def hill(side):
        def embed(z):
            height = 2.0 * tf.exp(-4.0 * tf.reduce_sum(tf.square(z - tf.constant([0.0, side], z.dtype)), axis=-1))
            return tf.concat([z, height[..., None]], axis=-1)

        return Pullback(embed)

    ensemble = Ensemble([hill(0.3), hill(-0.3)])
    start, end = np.array([[-1.0, 0.0]]), np.array([[1.0, 0.0]])
    spread = distance_spread(ensemble, start, end, curve="cubic_spline")
    shared = ensemble.member_lengths(tf.constant(spread.geodesics.points(20))).numpy()
    assert (spread.lengths < 0.97 * shared).all()
    np.testing.assert_allclose(spread.lengths[0], spread.lengths[1], rtol=1e-4)


def test_one_member_has_no_spread():
    with pytest.raises(UserError, match="two members"):
        distance_spread(Ensemble([scaled(1.0)]), np.zeros([1, 2]), np.ones([1, 2]))
