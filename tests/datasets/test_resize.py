"""Bilinear down-sampling against SciPy's interpolation, and its limits."""

import numpy as np
import pytest
from scipy import ndimage

from tfgeo.datasets.resize import resize_bilinear
from tfgeo.errors import UserError

IMAGES = np.random.default_rng(0).uniform(size=(3, 13, 10))


@pytest.mark.parametrize("size", [1, 4, 7, 10])
def test_it_is_linear_interpolation_at_the_centres_of_the_coarser_pixels(size):
    rows, columns = ((np.arange(size) + 0.5) * length / size - 0.5 for length in IMAGES.shape[1:])
    points = np.meshgrid(rows, columns, indexing="ij")
    expected = [ndimage.map_coordinates(image, points, order=1, mode="nearest") for image in IMAGES]
    np.testing.assert_allclose(resize_bilinear(IMAGES, size), expected, rtol=1e-6)


def test_half_the_size_is_the_mean_of_two_by_two_pixels_and_the_same_size_changes_nothing():
    square = IMAGES[:, :10]
    means = square.reshape(3, 5, 2, 5, 2).mean(axis=(2, 4))
    np.testing.assert_allclose(resize_bilinear(square, 5), means, rtol=1e-6)
    np.testing.assert_array_equal(resize_bilinear(square, 10), square.astype(np.float32))


def test_white_stays_white_to_the_last_bit():
    for size in range(1, 101):
        np.testing.assert_array_equal(resize_bilinear(np.ones((1, 100, 256), np.uint8), size), 1.0)


def test_larger_sizes_are_refused():
    with pytest.raises(UserError, match="at most 10"):
        resize_bilinear(IMAGES, 11)
    with pytest.raises(UserError, match="`size`"):
        resize_bilinear(IMAGES, 0)
