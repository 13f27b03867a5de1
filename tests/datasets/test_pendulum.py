"""Tests of the pendulum: what the pixels say of the angle, and the seed."""

import numpy as np
import pytest

from tfgeo import datasets
from tfgeo.datasets.pendulum import LENGTH, WIDTH, draw_rods
from tfgeo.errors import UserError


def centroids(images):
    """Centre of each image's darkness, from the middle: right and up."""
    places = np.arange(16) - 7.5
    total = images.sum(axis=(1, 2))
    return (
        np.stack([(images * places).sum(axis=(1, 2)), -(images * places[:, None]).sum(axis=(1, 2))], -1)
        / total[:, None]
    )


def test_the_darkness_lies_where_the_angle_points():
    angles = np.arange(0.0, 360.0, 7.0)
    middles = centroids(draw_rods(angles))
    found = np.rad2deg(np.arctan2(middles[:, 1], middles[:, 0]))
    # Pixels of a rod 6.5 long: a degree is a tenth of a pixel at its end.
    assert np.max(np.abs((found - angles + 180.0) % 360.0 - 180.0)) < 1.5
    np.testing.assert_allclose(np.linalg.norm(middles, axis=-1), LENGTH / 2, atol=0.2)


def test_edges_are_smooth_and_the_area_is_that_of_the_rod():
    images = draw_rods(np.linspace(0.0, 360.0, 100))
    assert images.min() == 0.0 and images.max() == 1.0
    assert np.any((images > 0.2) & (images < 0.8), axis=(1, 2)).all()
    area = LENGTH * WIDTH + np.pi * (WIDTH / 2) ** 2
    np.testing.assert_allclose(images.sum(axis=(1, 2)), area, rtol=0.12)
    # Turned by a quarter, the picture is the same turned by a quarter.
    np.testing.assert_allclose(draw_rods(np.array([120.0]))[0], np.rot90(draw_rods(np.array([30.0]))[0]), atol=1e-5)


def test_angles_are_uniform_labels_are_degrees_and_noise_is_what_was_asked():
    data = datasets.load("pendulum", num_samples=9000, noise=0.05)
    assert data.image_shape == (16, 16) and data.inputs.shape == (9000, 256)
    assert data.labels.min() >= 0 and data.labels.max() <= 359
    counts = np.bincount(data.labels // 40, minlength=9)
    assert np.abs(counts - 1000).max() < 4.5 * np.sqrt(1000)
    clean = datasets.load("pendulum", num_samples=9000, noise=0.0)
    assert np.array_equal(clean.labels, data.labels)
    noise = data.inputs - clean.inputs
    assert abs(noise.std() - 0.05) < 1e-4 and abs(noise.mean()) < 2e-4
    same = draw_rods(clean.labels + 0.5).reshape(9000, -1)
    assert np.abs(same - clean.inputs).max() < 0.1


def test_the_seed_decides():
    one, again, other = (datasets.load("pendulum", seed=seed, num_samples=50) for seed in (1, 1, 2))
    assert one.checksum() == again.checksum() != other.checksum()


@pytest.mark.parametrize(("recipe", "word"), [({"noise": -0.1}, "noise"), ({"num_samples": 0}, "num_samples")])
def test_wrong_arguments(recipe, word):
    with pytest.raises(UserError, match=word):
        datasets.load("pendulum", **recipe)
