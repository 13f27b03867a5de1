"""Lengths that are measured at too few points are told from those that are not."""

import warnings

import numpy as np
import pytest
import tensorflow as tf

from tests.cases import paraboloid
from tfgeo.geodesics import connect, distances, pairwise
from tfgeo.geodesics.resolution import describe_short_lengths
from tfgeo.manifolds import IndependentNoise, Pullback

FREQUENCY = 25.0


def helix(z):
    """Of length FREQUENCY for each unit of z."""
    return tf.concat([tf.cos(FREQUENCY * z), tf.sin(FREQUENCY * z)], axis=-1)


def chords(length, num_points):
    """Length of that many points on the circle of radius 1 that are joined by chords."""
    return (num_points - 1) * 2.0 * np.abs(np.sin(FREQUENCY * length / (num_points - 1) / 2.0))


def test_chords_that_are_short_of_their_curve_are_named():
    manifold, start, end = Pullback(helix), np.array([[0.0], [0.1]]), np.array([[1.0], [1.1]])
    share = 1.0 - chords(1.0, 20) / chords(1.0, 77)
    with pytest.warns(
        UserWarning, match=rf"short: by {share:.0%} in the median of 2 pairs .* at 77, .* num_points"
    ):
        found = connect(manifold, start, end, num_points=20)
    np.testing.assert_allclose(found.length, chords(1.0, 20), rtol=1e-6)
    assert found.converged.all()
    with pytest.warns(UserWarning, match="lengths at 20 points are too short"):
        pairwise(manifold, np.concatenate([start, end]), num_points=20, progress=False)
    with pytest.warns(UserWarning, match="lengths at 20 points are too short"):
        distances(manifold, start, end, num_points=20, progress=False)


def test_nothing_is_said_where_points_are_enough():
    manifold, start, end = Pullback(helix), np.array([[0.0]]), np.array([[1.0]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        connect(manifold, start, end, num_points=100)
        connect(manifold, start, end, num_points=20, warn=False)
        pairwise(manifold, np.concatenate([start, end]), num_points=100, progress=False)
        z = np.random.default_rng(0).normal(size=(20, 2))
        connect(Pullback(paraboloid), z[:10], z[10:])
        connect(Pullback(paraboloid), z[:3], z[:3])


def test_nothing_is_measured_again_where_nothing_is_to_be_said(monkeypatch):
    monkeypatch.setattr("tfgeo.geodesics.distance_job.describe_short_lengths", pytest.fail)
    z = np.random.default_rng(0).normal(size=(4, 2))
    pairwise(Pullback(paraboloid), z, warn=False, progress=False)


def test_a_potential_asks_for_its_number_of_points():
    def decoder(z):
        return helix(z), 0.1 + 0.0 * helix(z)

    manifold = IndependentNoise(decoder, outputs=("mean", "stddev"))
    found = connect(manifold, np.array([[0.0]]), np.array([[1.0]]), num_points=20, warn=False)
    assert describe_short_lengths(manifold, found, 20) == ""
