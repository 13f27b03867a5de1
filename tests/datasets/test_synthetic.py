"""Tests of the sets that need no file: two_moons, anisotropic, digits."""

import numpy as np
import pytest

from tfgeo import datasets
from tfgeo.errors import UserError

SEEDED = ["two_moons", "anisotropic"]


@pytest.mark.parametrize("name", SEEDED)
def test_same_seed_same_bits(name):
    np.random.seed(0)
    first = datasets.load(name, seed=5)
    np.random.seed(1)
    assert first.checksum() == datasets.load(name, seed=5).checksum()
    assert first.checksum() != datasets.load(name, seed=6).checksum()


@pytest.mark.parametrize("name", SEEDED)
def test_shape_and_order_of_classes(name):
    data = datasets.load(name, num_samples=60)
    assert data.inputs.shape == (60, 2) and data.inputs.dtype == np.float32
    assert data.image_shape is None and data.name == name
    classes, counts = np.unique(data.labels, return_counts=True)
    np.testing.assert_array_equal(data.labels, np.repeat(classes, counts))
    assert set(counts) == {60 // len(classes)}


@pytest.mark.parametrize("name", SEEDED)
def test_standardize_is_isotropic(name):
    raw = datasets.load(name, standardize=False).inputs.astype(np.float64)
    data = datasets.load(name, standardize=True).inputs.astype(np.float64)
    np.testing.assert_allclose(data.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(data.std(), 1, rtol=1e-6)
    # One factor for both dimensions: distances keep their ratios.
    ratios = np.linalg.norm(data[1:] - data[0], axis=1) / np.linalg.norm(raw[1:] - raw[0], axis=1)
    np.testing.assert_allclose(ratios, ratios[0], rtol=1e-4)


def test_moons_without_noise_are_half_circles():
    data = datasets.load("two_moons", num_samples=100, noise=0)
    upper, lower = data.inputs[:50], data.inputs[50:]
    np.testing.assert_allclose(np.linalg.norm(upper, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(lower - [1, 0.5], axis=1), 1, atol=1e-6)
    np.testing.assert_array_equal(data.labels, np.repeat([0, 1], 50))


def test_moons_have_the_noise_asked_for():
    data = datasets.load("two_moons", num_samples=4000, noise=0.05)
    radial = np.linalg.norm(data.inputs[:2000], axis=1) - 1
    # 2000 samples: the standard error of a standard deviation is 1.6 %.
    np.testing.assert_allclose(radial.std(), 0.05, rtol=0.1)


def test_anisotropic_centres_stay_and_covariance_is_that_of_the_map():
    stretch = np.array([[0.6, -0.6], [-0.4, 0.8]])
    means = []
    for seed in (0, 1):
        data = datasets.load("anisotropic", seed=seed, num_samples=6000, standardize=False)
        means.append([data.inputs[data.labels == label].mean(axis=0) for label in range(3)])
        for label in range(3):
            covariance = np.cov(data.inputs[data.labels == label].T)
            np.testing.assert_allclose(covariance, stretch.T @ stretch, atol=0.1)
    np.testing.assert_allclose(means[0], means[1], atol=0.15)


def test_anisotropic_is_the_example_of_scikit_learn():
    from sklearn.datasets import make_blobs

    _, _, centres = make_blobs(centers=3, random_state=170, return_centers=True)
    data = datasets.load("anisotropic", num_samples=6000, standardize=False)
    means = [data.inputs[data.labels == label].mean(axis=0) for label in range(3)]
    np.testing.assert_allclose(means, centres @ [[0.6, -0.6], [-0.4, 0.8]], atol=0.1)


@pytest.mark.parametrize(
    ("name", "recipe"),
    [
        ("two_moons", {"noise": -0.1}),
        ("two_moons", {"noise": np.nan}),
        ("two_moons", {"num_samples": 1}),
        ("two_moons", {"num_samples": "many"}),
        ("anisotropic", {"num_samples": 2}),
        ("anisotropic", {"num_clusters": 0}),
        ("digits", {"classes": [10]}),
        ("digits", {"classes": []}),
        ("digits", {"classes": ["D"]}),
        ("digits", {"classes": 2.5}),
        ("digits", {"num_per_class": 1000}),
        ("digits", {"num_per_class": 0}),
    ],
)
def test_wrong_recipes_are_refused_in_one_line(name, recipe):
    with pytest.raises(UserError) as caught:
        datasets.load(name, **recipe)
    assert "\n" not in str(caught.value)


def test_digits():
    data = datasets.load("digits")
    assert data.inputs.shape == (1797, 64) and data.image_shape == (8, 8)
    assert data.inputs.min() == 0 and data.inputs.max() == 1
    assert set(data.labels) == set(range(10))


def test_digits_of_some_classes_keep_file_order():
    data = datasets.load("digits")
    some = datasets.load("digits", classes=[7, 1])
    np.testing.assert_array_equal(some.labels, data.labels[np.isin(data.labels, [1, 7])])
    assert datasets.load("digits", classes=7).checksum() == datasets.load("digits", classes=[7]).checksum()


def test_digits_per_class_equals_sampling_afterwards():
    few = datasets.load("digits", seed=4, classes=[7, 1], num_per_class=20)
    np.testing.assert_array_equal(few.labels, np.repeat([1, 7], 20))
    after = datasets.load("digits", classes=[1, 7]).sample_per_class(20, seed=4)
    assert few.checksum() == after.checksum()
