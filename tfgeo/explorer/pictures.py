"""Decoded values as pictures for Bokeh."""

from __future__ import annotations

import base64
import functools
import io
from collections.abc import Sequence

import matplotlib
import numpy as np
from PIL import Image

from tfgeo.explorer.scene import Scene
from tfgeo.plots.style import FIELD_MAP

__all__ = ["STRIP_PICTURES", "Pictures"]

# Pictures of a strip, or columns of values without a shape, and pixels between pictures.
STRIP_PICTURES, STRIP_COLUMNS, GAP = 13, 61, 1


class Pictures:
    """Pictures of a scene, as images or, of values without a shape, as columns of colours.

    Args:
      scene: the scene.
    """

    def __init__(self, scene: Scene) -> None:
        self.scene = scene

    def strip(self, curves: Sequence[np.ndarray]) -> np.ndarray:
        """Curves `[T, 2]` decoded at equal steps, a row each, as Bokeh's image."""
        has_shape = self.scene.image_shape is not None
        count = STRIP_PICTURES if has_shape else STRIP_COLUMNS
        steps = np.linspace(0, len(curves[0]) - 1, count).round().astype(int)
        values = np.asarray(
            self.scene.decode(np.concatenate([curve[steps] for curve in curves]).astype(np.float32))
        )
        # Bokeh's rows go upwards: the last curve comes first.
        rows = []
        for decoded in np.split(values, len(curves))[::-1]:
            pictures = [self.image(one) for one in decoded]
            if has_shape:
                pictures = [np.pad(one, GAP, constant_values=0xFFFFFFFF) for one in pictures]
            rows.append(np.concatenate(pictures, axis=1))
        return np.concatenate(rows, axis=0)

    def image(self, values: np.ndarray) -> np.ndarray:
        """Decoded values `[D]` as Bokeh has images: `[height, width]` of uint32, the lowest row first."""
        pixels = self._colors(values).astype(np.uint32)
        packed = pixels[..., 0] | pixels[..., 1] << 8 | pixels[..., 2] << 16 | np.uint32(0xFF000000)
        return packed[::-1].astype(np.uint32)

    @functools.cached_property
    def of_codes(self) -> dict[str, list[str]]:
        """Pictures of the codes that are shown, as addresses: their samples, if there are any, and decoded ones."""
        scene = self.scene
        if scene.image_shape is None:
            return {}
        rows = {"decoded": np.asarray(scene.decode(scene.latents[scene.shown]))}
        if scene.samples is not None:
            rows["image"] = np.asarray(scene.samples)[scene.shown]
        return {name: [self._png(one) for one in values] for name, values in rows.items()}

    def _colors(self, values: np.ndarray) -> np.ndarray:
        """Decoded values `[D]` as bytes `[height, width, 3]`; without a shape one column, in colours."""
        low, high = self.scene.value_range
        shares = np.clip((values - low) / (high - low), 0.0, 1.0)
        if self.scene.image_shape is None:
            return (255.0 * matplotlib.colormaps[FIELD_MAP](shares)[:, None, :3]).round().astype(np.uint8)
        grey = 1.0 - shares if self.scene.on_white else shares
        pixels = (255.0 * grey).round().astype(np.uint8).reshape(self.scene.image_shape)
        return pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=-1)

    def _png(self, values: np.ndarray) -> str:
        file = io.BytesIO()
        pixels = self._colors(values)
        grey = np.all(pixels == pixels[..., :1])
        Image.fromarray(pixels[..., 0] if grey else pixels).save(file, "PNG", compress_level=1)
        return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
