"""Drawn images of circles and rings."""

from __future__ import annotations

import numpy as np

from tfgeo.datasets.dataset import Dataset
from tfgeo.errors import UserError, check_count, check_positive
from tfgeo.randomness import generator

__all__ = ["circles_rings", "circles_rings_50"]

# Pixels: rings below it have gaps, and holes of a smaller radius hold no pixel in images of even size.
_MIN_THICKNESS = 1.0
_MIN_RADIUS = np.sqrt(0.5)


def circles_rings(
    seed: int,
    num_samples: int = 200,
    image_size: int = 28,
    circle_diameters: tuple[float, float] = (0.1, 0.9),
    ring_diameters: tuple[float, float] = (0.3, 0.9),
    ring_thicknesses: tuple[float, float] = (0.25, 0.75),
) -> Dataset:
    """Binary images of filled circles and of rings, all around the middle of the image.

    Chadebec et al. (2020), Section 4.3.3, have 100 circles and 100 rings "of different diameters and thicknesses"
    and give neither the size of images nor the ranges; those here are ours. Diameters and thicknesses are drawn
    uniformly. A pixel is 1 where its centre lies within the shape, so that circles that differ by a fraction of a
    pixel give the same image, and about half of the 100 are drawn more than once.

    Args:
      seed: integer of at least 0; three of them are the three sets of Table 5.
      num_samples: circles and rings together, half of them each; the odd one is a circle.
      image_size: height and width in pixels.
      circle_diameters: smallest and largest, as shares of `image_size`, at most 1.
      ring_diameters: smallest and largest outer diameter, likewise.
      ring_thicknesses: smallest and largest thickness, as shares of the outer radius, below 1.

    Returns:
      `[num_samples, image_size^2]` samples of 0 and 1; labels are 0 for circles, which come first, and 1 for rings.

    Raises:
      UserError: if a range is wrong, or gives circles or rings that the pixels cannot show.
    """
    num_samples = check_count("num_samples", num_samples, 2)
    image_size = check_count("image_size", image_size)
    circles = _check_range("circle_diameters", circle_diameters)
    rings = _check_range("ring_diameters", ring_diameters)
    thicknesses = _check_range("ring_thicknesses", ring_thicknesses)
    smallest = 0.5 * image_size * np.array([circles[0], rings[0]])
    for name, what, pixels, least in (
        ("circle_diameters", "circles of radius", smallest[0], _MIN_RADIUS),
        ("ring_thicknesses", "rings of thickness", smallest[1] * thicknesses[0], _MIN_THICKNESS),
        ("ring_thicknesses", "holes of radius", smallest[1] * (1.0 - thicknesses[1]), _MIN_RADIUS),
    ):
        if pixels < least:
            raise UserError(
                f"`{name}` gives {what} {pixels:.2f} pixels in images of size {image_size}, but {least:.2f} are "
                "needed for them to be seen; narrow the range, raise the diameters, or raise `image_size`."
            )
    draw = generator(check_count("seed", seed, 0), "circles_rings")
    num_rings = num_samples // 2
    num_circles = num_samples - num_rings
    radii = (
        0.5 * image_size * np.concatenate([draw.uniform(*circles, num_circles), draw.uniform(*rings, num_rings)])
    )
    holes = np.concatenate([np.zeros(num_circles), 1.0 - draw.uniform(*thicknesses, num_rings)]) * radii
    return _draw("circles_rings", image_size, radii, holes)


def circles_rings_50(seed: int, num_samples: int = 180) -> Dataset:
    """Binary images of 50 x 50 pixels of discs and rings with the extents of the authors' own.

    Those that come with the public code of 2021 of the authors of Chadebec et al. (2020) are 87 discs, 4 to 34
    pixels wide, and 93 rings, 2 to 36 wide and 1 to 6 thick, most of them 1 to 3. Here diameters are uniform in
    these ranges, the thickness is 1 + 5 u^2 of a uniform u, and no ring is so small that its hole holds no pixel.

    Args:
      seed: integer of at least 0.
      num_samples: discs and rings together, 87 / 180 of them discs.

    Returns:
      `[num_samples, 2500]` samples of 0 and 1; labels are 0 for discs, which come first, and 1 for rings.

    Raises:
      UserError: if there are fewer than 2 samples.
    """
    num_samples = check_count("num_samples", num_samples, 2)
    num_discs = round(num_samples * 87 / 180)
    num_rings = num_samples - num_discs
    draw = generator(check_count("seed", seed, 0), "circles_rings_50")
    discs = 0.5 * draw.uniform(4.0, 34.0, num_discs)
    thicknesses = 1.0 + 5.0 * draw.uniform(0.0, 1.0, num_rings) ** 2
    rings = np.maximum(0.5 * draw.uniform(2.0, 36.0, num_rings), thicknesses + 1.5 * _MIN_RADIUS)
    holes = np.concatenate([np.zeros(num_discs), rings - thicknesses])
    return _draw("circles_rings_50", 50, np.concatenate([discs, rings]), holes)


def _draw(name: str, image_size: int, radii: np.ndarray, holes: np.ndarray) -> Dataset:
    """Images of discs `[n]` around the middle, less the holes in them; rings are those that have one."""
    offsets = np.arange(image_size) - 0.5 * (image_size - 1)
    distances = np.hypot(offsets[:, None], offsets).ravel()
    inputs = (distances <= radii[:, None]) & ((distances > holes[:, None]) | (holes[:, None] == 0.0))
    labels = (holes > 0.0).astype(np.int64)
    return Dataset(inputs.astype(np.float32), labels, (image_size, image_size), name)


def _check_range(name: str, limits: tuple[float, float]) -> tuple[float, float]:
    """Two numbers in (0, 1], the first not above the second."""
    try:
        low, high = (check_positive(name, value) for value in limits)
    except (TypeError, UserError, ValueError) as error:
        raise UserError(f"`{name}` must be two positive numbers, but is {limits!r}; give (low, high).") from error
    if low > high or high > 1.0:
        raise UserError(f"`{name}` must be (low, high) with low <= high <= 1, but is {limits!r}; change it.")
    return low, high
