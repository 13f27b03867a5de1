"""The expected metric over members is their mean, in every quantity."""

import numpy as np
import pytest
import tensorflow as tf

from tests.cases import SmallDecoder, half_plane_metric, paraboloid, random_points
from tfgeo.errors import UserError
from tfgeo.manifolds import Ensemble, ExpectedPullback, IndependentNoise, Pullback, TensorField

MEMBERS = {
    "expected": [ExpectedPullback(SmallDecoder(seed=seed)) for seed in range(3)],
    "independent": [IndependentNoise(SmallDecoder(seed=seed)) for seed in range(2)],
    "mixed": [TensorField(half_plane_metric), Pullback(paraboloid)],
    "alone": [Pullback(paraboloid)],
}


@pytest.mark.parametrize("name", MEMBERS)
def test_it_is_the_mean_of_its_members(name):
    members = MEMBERS[name]
    ensemble = Ensemble(members)
    points = random_points(3, 6, 2)

    def mean(values):
        return np.mean([np.asarray(value) for value in values], axis=0)

    for method in ("metric_tensor", "metric_derivative", "segment_energies", "energy"):
        expected = mean([getattr(member, method)(points) for member in members])
        np.testing.assert_allclose(getattr(ensemble, method)(points), expected, rtol=1e-12, atol=1e-13)
    assert ensemble.energy_scale(6) == members[0].energy_scale(6)
    assert ensemble.has_potential == (name == "independent")


def test_it_is_the_pullback_of_all_members_outputs_at_once():
    members = MEMBERS["expected"]
    together = Pullback(
        lambda z: tf.concat([member.embedding(z) for member in members], axis=-1) / np.sqrt(len(members))
    )
    ensemble = Ensemble(members)
    points = random_points(4, 5, 2, low=-1.0, high=1.0)
    np.testing.assert_allclose(ensemble.length(points), together.length(points), rtol=1e-12)
    np.testing.assert_allclose(ensemble.christoffels(points), together.christoffels(points), rtol=1e-9, atol=1e-11)
    for actual, expected in zip(ensemble.quadratic_model(points), together.quadratic_model(points), strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("name", ["independent", "mixed"])
def test_the_models_gradient_is_the_energys(name):
    ensemble = Ensemble(MEMBERS[name])
    points = tf.constant(random_points(2, 5, 2))
    with tf.GradientTape() as tape:
        tape.watch(points)
        energy = ensemble.energy(points)
    model = ensemble.quadratic_model(points)
    np.testing.assert_allclose(model.energy, energy, rtol=1e-12)
    np.testing.assert_allclose(model.gradient, tape.gradient(energy, points)[:, 1:-1], rtol=1e-9, atol=1e-11)


def test_member_lengths():
    members = MEMBERS["expected"]
    points = random_points(4, 5, 2)
    lengths = Ensemble(members).member_lengths(points)
    assert lengths.shape == (3, 4)
    for row, member in zip(lengths, members, strict=True):
        np.testing.assert_array_equal(row, member.length(points))


def test_wrong_members():
    with pytest.raises(UserError, match="empty"):
        Ensemble([])
    with pytest.raises(UserError, match="ExpectedPullback, IndependentNoise"):
        Ensemble([MEMBERS["independent"][0], MEMBERS["expected"][0]])
