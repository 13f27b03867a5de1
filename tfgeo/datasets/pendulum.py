"""Images of a pendulum: one degree of freedom, known for every sample."""

from __future__ import annotations

import numpy as np

from tfgeo.datasets.dataset import Dataset
from tfgeo.errors import check_at_least, check_count
from tfgeo.randomness import generator

__all__ = ["draw_rods", "pendulum"]

SIDE = 16
# The rod, in pixels: its joint is the middle of the image, its edges are this soft.
LENGTH = 5.0
WIDTH = 5.0
EDGE = 3.0
DEGREES = 360


def pendulum(seed: int = 0, num_samples: int = 15_000, noise: float = 0.05) -> Dataset:
    """Rods at angles uniform in [0, 360) degrees, Sec. 4.3 of Chen et al. (2018), arXiv:1711.01204.

    The paper gives neither length nor width of the rod: 5 and 5 pixels, with edges anti-aliased over 3. Images then
    share pixels up to angles of about 90 degrees, so that half of their variance is in the circle that the lowest
    frequency of the angle makes; of a thin rod it is a quarter, and models fold its circle.

    Args:
      seed: integer of at least 0, of angles and noise.
      num_samples: images.
      noise: standard deviation of the Gaussian noise added to each pixel.

    Returns:
      `[n, 256]` samples, 0 is background and 1 the rod before noise is added; labels are the angles in whole
      degrees, rounded down, counter-clockwise from the right.
    """
    num_samples, noise = check_count("num_samples", num_samples), check_at_least("noise", noise, 0.0)
    angles = generator(seed, "pendulum", "angles").uniform(0.0, DEGREES, num_samples)
    images = draw_rods(angles).reshape(num_samples, -1)
    images += noise * generator(seed, "pendulum", "noise").standard_normal(images.shape, np.float32)
    # Rounding could lead to 360.
    labels = np.floor(angles).astype(np.int64) % DEGREES
    return Dataset(images, labels, (SIDE, SIDE), "pendulum")


def draw_rods(angles: np.ndarray) -> np.ndarray:
    """`[n]` angles in degrees to `[n, 16, 16]` images without noise.

    A pixel's darkness falls linearly across the rod's edge, with its distance from the rod's axis.
    """
    radians = np.deg2rad(angles)
    direction = np.stack([np.cos(radians), np.sin(radians)], axis=-1)
    middle = (SIDE - 1) / 2.0
    across, down = np.meshgrid(np.arange(SIDE) - middle, np.arange(SIDE) - middle)
    pixels = np.stack([across, -down], axis=-1).reshape(-1, 2)
    along = np.clip(direction @ pixels.T, 0.0, LENGTH)
    gaps = np.linalg.norm(pixels - along[..., None] * direction[:, None], axis=-1)
    return np.clip(0.5 + (0.5 * WIDTH - gaps) / EDGE, 0.0, 1.0).astype(np.float32).reshape(-1, SIDE, SIDE)
