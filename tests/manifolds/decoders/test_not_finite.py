"""Decoders whose values are not finite at some latent points: no number is made of them."""

import warnings

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tests.manifolds.decoders.kinds import hidden
from tfgeo.geodesics import connect, exponential_map
from tfgeo.manifolds import (
    Ensemble,
    ExpectedPullback,
    FisherRao,
    IndependentNoise,
    Pullback,
    Smoothed,
    expected_volume,
)

tfd = tfp.distributions

INSIDE = np.random.default_rng(0).uniform(0.1, 0.9, size=[3, 2]).astype(np.float32)
OUTSIDE = INSIDE - [2.0, 0.0]
POINTS = np.stack([INSIDE, OUTSIDE]).reshape(6, 2).astype(np.float32)


def half(z):
    """Smooth, known where the first coordinate is positive. The derivative of log is finite on both sides."""
    return tf.concat([hidden(z), tf.math.log(z[:, :1])], axis=-1)


def normal(z):
    return tfd.Normal(half(z), 0.5 + tf.square(hidden(z)[:, :1]))


def normal_of_constant_stddev(z):
    return tfd.Normal(half(z), 0.5)


def normal_of_half_a_stddev(z):
    return tfd.Normal(tf.concat([hidden(z), z[:, :1]], axis=-1), 2.0 + 0.1 * half(z))


MANIFOLDS = {
    "Pullback": lambda: Pullback(half),
    "ExpectedPullback": lambda: ExpectedPullback(normal),
    "ExpectedPullback, stddev": lambda: ExpectedPullback(normal_of_half_a_stddev),
    "IndependentNoise": lambda: IndependentNoise(normal),
    "FisherRao, half planes": lambda: FisherRao(normal),
    "FisherRao, flat": lambda: FisherRao(normal_of_constant_stddev),
    "FisherRao, bernoulli": lambda: FisherRao(half, outputs="logits"),
    "FisherRao, poisson": lambda: FisherRao(lambda z: tfd.Poisson(log_rate=half(z))),
    "Smoothed": lambda: Smoothed(Pullback(half), 0.1),
    "Smoothed, rank": lambda: Smoothed(Pullback(half), 0.1, rank=1),
    "Ensemble": lambda: Ensemble([Pullback(hidden), Pullback(half)]),
}


@pytest.mark.filterwarnings("ignore:the decoder .* not finite")
@pytest.mark.parametrize("name", MANIFOLDS)
def test_where_values_are_not_finite_nothing_is(name):
    manifold = MANIFOLDS[name]()

    @tf.function(autograph=False)
    def in_a_graph(z):
        return manifold.metric_tensor(z)

    functions = {
        "metric_tensor": manifold.metric_tensor,
        "in_a_graph": in_a_graph,
        "volume": manifold.volume,
        "norm": lambda z: manifold.norm(z, tf.ones_like(z)),
        "segment_energies": lambda z: manifold.segment_energies(tf.stack([z, z + 0.01], axis=1)),
        "length": lambda z: manifold.length(tf.stack([z, z + 0.01], axis=1)),
        "energy": lambda z: manifold.energy(tf.stack([z, z + 0.01], axis=1)),
    }
    if "rank" not in name:
        # A metric of rank 1 has no inverse.
        functions |= {"log_volume": manifold.log_volume, "anisotropy": manifold.anisotropy}
        functions["geodesic_acceleration"] = lambda z: manifold.geodesic_acceleration(z, tf.ones_like(z))
        functions["metric_derivative"] = manifold.metric_derivative
        functions["christoffels"] = manifold.christoffels
    for function, ask in functions.items():
        values = np.asarray(ask(tf.constant(POINTS))).reshape(6, -1)
        assert np.isfinite(values[:3]).all(), function
        assert np.isnan(values[3:]).all(), function


@pytest.mark.filterwarnings("ignore:the decoder .* not finite")
def test_an_expected_volume_and_geodesics_are_none_there():
    volumes = expected_volume(normal, POINTS, 4, tf.constant([1, 2]))
    np.testing.assert_array_equal(np.isnan(volumes), [False] * 3 + [True] * 3)
    ends = np.roll(INSIDE, 1, axis=0) - [[0.0, 0.0], [2.0, 0.0], [0.0, 0.0]]
    geodesics = connect(Pullback(half), INSIDE, ends, num_points=5, warn=False)
    np.testing.assert_array_equal(np.isfinite(geodesics.length), [True, False, True])
    assert "not finite" in geodesics.reason[1]
    ended = exponential_map(Pullback(half), POINTS[[0, 3]], np.full([2, 2], 0.1))
    np.testing.assert_array_equal(np.isnan(ended).all(axis=-1), [False, True])


def test_nowhere_defined_is_no_flat_space():
    """The derivative of log(-1 - z^2) is finite everywhere, the function nowhere."""
    surface = Pullback(lambda z: tf.math.log(-1.0 - z**2))
    with pytest.warns(UserWarning, match="not finite at some of 3"):
        assert np.isnan(surface.volume(INSIDE)).all()


def test_it_is_warned_of_once():
    manifold = IndependentNoise(normal)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        # It reads mean, variance, and both, each with a trial of its own.
        for points in (POINTS, POINTS.astype(np.float64)):
            manifold.metric_tensor(points)
            manifold.energy_and_gradient(points[None])
    assert ["not finite" in str(one.message) for one in caught].count(True) == 1


def test_one_infinite_value_is_no_geometry():
    def infinite(z):
        return tf.concat([hidden(z), tf.where(z[:, :1] > 0.0, z[:, :1], float("inf"))], axis=-1)

    with pytest.warns(UserWarning, match="not finite"):
        volumes = Pullback(infinite).volume(POINTS)
    np.testing.assert_array_equal(np.isnan(volumes), [False] * 3 + [True] * 3)
