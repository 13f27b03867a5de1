"""Grids of images."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from tfgeo.plots.style import new_figure

__all__ = ["image_grid"]


def image_grid(
    images: np.ndarray,
    image_shape: tuple[int, ...] | None,
    columns: int,
    row_names: tuple = (),
    color_map: str = "gray_r",
) -> Figure:
    """`[n, D]` grey images in rows of `columns`, values cut to [0, 1]; `row_names` are written at the left.

    The colour map draws 0 white, as on paper; "gray" draws it black, as photographs need it.
    """
    rows = -(-len(images) // columns)
    figure = new_figure(0.6 * columns + 0.8, 0.6 * rows + 0.2)
    for index, axes in enumerate(figure.subplots(rows, columns, squeeze=False).flat):
        axes.set_axis_off()
        if index < len(images):
            image = np.clip(images[index], 0.0, 1.0).reshape(image_shape)
            axes.imshow(image, cmap=color_map, vmin=0.0, vmax=1.0)
        if index % columns == 0 and index // columns < len(row_names):
            axes.text(-0.15, 0.5, row_names[index // columns], transform=axes.transAxes, ha="right", va="center")
    return figure
