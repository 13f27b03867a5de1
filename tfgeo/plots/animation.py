"""Animated images."""

from __future__ import annotations

import pathlib

import numpy as np

from tfgeo.checkpoints import whole_file

__all__ = ["save_animation"]

MILLISECONDS = 80
# Small images are shown larger by a whole factor, to about this many pixels.
HEIGHT = 160


def save_animation(frames: np.ndarray, path: pathlib.Path) -> None:
    """Writes grey frames `[n, height, width]` in [0, 1] as a GIF that runs there and back, again and again."""
    from PIL import Image

    factor = max(1, HEIGHT // frames.shape[1])
    large = np.repeat(np.repeat((255.0 * frames).round().astype(np.uint8), factor, axis=1), factor, axis=2)
    images = [Image.fromarray(frame) for frame in (*large, *large[-2:0:-1])]
    with whole_file(path) as partial:
        images[0].save(partial, save_all=True, append_images=images[1:], duration=MILLISECONDS, loop=0)
