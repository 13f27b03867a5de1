"""Bilinear down-sampling of images."""

from __future__ import annotations

import numpy as np

from tfgeo.errors import UserError, check_count

__all__ = ["resize_bilinear"]


def resize_bilinear(images: np.ndarray, size: int) -> np.ndarray:
    """Reads images off on a coarser grid, linearly between the four pixels around each of its points.

    Corners of images coincide, not centres of corner pixels, and nothing is smoothed before: what `tf.image.resize`
    and OpenCV call bilinear. To halve the size is to average 2 x 2 pixels. Values stay within those of the image.

    Args:
      images: `[n, height, width]` numbers.
      size: height and width of the result, at most those of the images.

    Returns:
      `[n, size, size]` float32.

    Raises:
      UserError: if `size` is no positive integer, or larger than the images.
    """
    height, width = images.shape[1:]
    if check_count("size", size) > min(height, width):
        raise UserError(
            f"`size`={size} is larger than the images of {height} x {width} pixels; "
            f"ask for at most {min(height, width)}."
        )
    # In float64: rounded to float32, weights may sum to more than 1, and images leave [0, 1].
    return (_weights(height, size) @ images @ _weights(width, size).T).astype(np.float32)


def _weights(length: int, size: int) -> np.ndarray:
    """`[size, length]` weights of the pixels in each point of the coarser grid; rows sum to 1."""
    position = (np.arange(size) + 0.5) * (length / size) - 0.5
    lower = np.floor(position).astype(int)
    upper = np.minimum(lower + 1, length - 1)
    weights = np.zeros((size, length))
    np.add.at(weights, (np.arange(size), lower), upper - position + (upper == lower))
    np.add.at(weights, (np.arange(size), upper), position - lower)
    return weights
