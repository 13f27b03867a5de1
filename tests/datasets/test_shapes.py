"""The drawn circles and rings: topology, areas, and settings."""

import numpy as np
import pytest
from scipy import ndimage

from tfgeo import datasets
from tfgeo.errors import UserError


def images_of(data):
    return data.inputs.reshape(len(data), *data.image_shape)


def num_components(image):
    return ndimage.label(image, structure=np.ones((3, 3)))[1]


@pytest.mark.parametrize("recipe", [{}, {"image_size": 33, "num_samples": 51}])
def test_circles_have_no_hole_and_rings_have_one(recipe):
    data = datasets.load("circles_rings", seed=1, **recipe)
    num = recipe.get("num_samples", 200)
    assert data.labels.tolist() == [0] * (num - num // 2) + [1] * (num // 2)
    assert set(np.unique(data.inputs)) == {0.0, 1.0}
    for image, label in zip(images_of(data), data.labels, strict=True):
        assert num_components(image) == 1
        # The background of a ring has two parts: diagonal neighbours would join them through thin rings.
        outside = np.pad(1 - image, 1, constant_values=1)
        assert ndimage.label(outside)[1] == 1 + label


def test_those_of_50_pixels_have_the_extents_that_they_name():
    data = datasets.load("circles_rings_50", seed=1, num_samples=720)
    images, labels = images_of(data), data.labels
    assert images.shape == (720, 50, 50) and labels.sum() == 372
    extents = images.any(axis=1).sum(axis=1)
    for label, low, high in ((0, 4, 34), (1, 4, 36)):  # a ring of 2 pixels would have no hole
        assert (
            low <= extents[labels == label].min() <= low + 2 and high - 2 <= extents[labels == label].max() <= high
        )
    thicknesses = images[labels == 1][:, 25, 25:].sum(axis=1)
    assert thicknesses.max() <= 6 and np.mean(thicknesses <= 3) > 0.5
    for image, label in zip(images[::6], labels[::6], strict=True):
        assert ndimage.label(np.pad(1 - image, 1, constant_values=1))[1] == 1 + label


@pytest.mark.parametrize("name", ["circles_rings", "circles_rings_50"])
def test_they_are_symmetric_and_centred(name):
    images = images_of(datasets.load(name, seed=2))
    np.testing.assert_array_equal(images, images[:, ::-1])
    np.testing.assert_array_equal(images, images[:, :, ::-1])
    np.testing.assert_array_equal(images, images.swapaxes(1, 2))


def test_areas_are_those_of_the_diameters():
    """With ranges of no width in a large image, the shares of ink are known."""
    recipe = {"circle_diameters": (0.5, 0.5), "ring_diameters": (0.8, 0.8), "ring_thicknesses": (0.25, 0.25)}
    data = datasets.load("circles_rings", num_samples=2, image_size=400, **recipe)
    circle, ring = data.inputs.mean(axis=1)
    np.testing.assert_allclose(circle, np.pi * 0.25**2, rtol=2e-3)
    np.testing.assert_allclose(ring, np.pi * (0.4**2 - 0.3**2), rtol=2e-3)


def test_diameters_and_thicknesses_span_their_ranges():
    data = datasets.load("circles_rings", num_samples=400, image_size=100)
    images = images_of(data)
    diameters = images.any(axis=1).sum(axis=1) / 100
    # 200 uniform draws leave a gap of a few hundredths at each end; pixels round by one.
    for chosen, low, high in ((diameters[data.labels == 0], 0.1, 0.9), (diameters[data.labels == 1], 0.3, 0.9)):
        np.testing.assert_allclose([chosen.min(), chosen.max()], [low, high], atol=0.03)
        np.testing.assert_allclose(chosen.mean(), 0.5 * (low + high), atol=0.06)
    rings = images[data.labels == 1]
    thicknesses = rings[:, 50, 50:].sum(axis=1) / (50 * diameters[data.labels == 1])
    np.testing.assert_allclose([thicknesses.min(), thicknesses.max()], [0.25, 0.75], atol=0.05)


def test_seeds():
    sets = [datasets.load("circles_rings", seed=seed).checksum() for seed in (0, 0, 1, 2)]
    assert sets[0] == sets[1] and len(set(sets)) == 3


@pytest.mark.parametrize(
    ("recipe", "says"),
    [
        ({"num_samples": 1}, "`num_samples`"),
        ({"image_size": 0}, "`image_size`"),
        ({"circle_diameters": 0.5}, "(low, high)"),
        ({"circle_diameters": (0.1, 0.5, 0.9)}, "(low, high)"),
        ({"circle_diameters": (0.0, 0.5)}, "`circle_diameters`"),
        ({"ring_diameters": (0.6, 0.5)}, "`ring_diameters`"),
        ({"ring_diameters": (0.6, 1.5)}, "`ring_diameters`"),
        ({"circle_diameters": (0.02, 0.5)}, "circles of radius 0.28 pixels"),
        ({"ring_thicknesses": (0.1, 0.5)}, "rings of thickness 0.42 pixels"),
        ({"ring_thicknesses": (0.5, 0.95)}, "holes of radius 0.21 pixels"),
        ({"image_size": 12}, "raise `image_size`"),
    ],
)
def test_wrong_recipes_are_refused_in_one_line(recipe, says):
    with pytest.raises(UserError) as caught:
        datasets.load("circles_rings", **recipe)
    assert says in str(caught.value) and "\n" not in str(caught.value)
