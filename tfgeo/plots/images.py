"""Grids of images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tfgeo.errors import UserError
from tfgeo.plots.style import FIELD_MAP, color_bar, color_limits, new_figure

__all__ = ["draw_images", "grid_size", "image_grid"]

# White between pictures, and between groups of rows, in parts of a picture's size.
GAP, GROUP_GAP = 0.06, 0.3


def image_grid(
    images: np.ndarray,
    image_shape: Sequence[int] | None,
    columns: int,
    row_names: Sequence[str] = (),
    color_map: str = "gray_r",
) -> Figure:
    """`[n, D]` grey images in rows of `columns`, values cut to [0, 1]; `row_names` are written at the left.

    The colour map draws 0 white, as on paper; "gray" draws it black, as photographs need it.
    """
    figure = new_figure(*grid_size(-(-len(images) // columns), columns))
    draw_images(figure.subplots(), images, image_shape, columns, row_names, color_map)
    return figure


def grid_size(rows: int, columns: int, group: int = 0) -> tuple[float, float]:
    """Width and height in inches of a figure of so many pictures, with more space after each `group` rows."""
    gaps = (rows - 1) // group if group else 0
    return 0.6 * columns + 1.0, 0.6 * (rows + GROUP_GAP * gaps) + 0.2


def draw_images(
    ax: Axes,
    images: np.ndarray,
    image_shape: Sequence[int] | None,
    columns: int,
    row_names: Sequence[str] = (),
    color_map: str = "gray_r",
    group: int = 0,
) -> None:
    """Images `[n, D]` in rows of `columns`, in one picture; after each `group` rows is more space.

    Values without a shape are columns of colours with a bar beside.

    Raises:
      UserError: if the images are no `image_shape`.
    """
    images = np.asarray(images)
    shape = tuple(int(size) for size in (images.shape[1:] if image_shape is None else image_shape))
    if int(np.prod(shape)) != images[0].size:
        raise UserError(
            f"`image_shape`={shape} has {int(np.prod(shape))} values, an image {images[0].size}; give its shape"
        )
    if len(shape) == 3 and shape[2] == 1:
        shape = shape[:2]
    is_image = len(shape) == 2 or (len(shape) == 3 and shape[2] in (3, 4))
    # Values one below the other fill a column.
    flat = images.reshape(len(images), *(shape if is_image else (images[0].size, 1)))
    flat = np.clip(flat, 0.0, 1.0) if is_image else flat
    rows = -(-len(flat) // columns)
    height, width = flat.shape[1:3]
    gap = max(1, round(GAP * width)) if is_image else 0
    below = max(1, round(GAP * height))
    extra = round(GROUP_GAP * height)
    tops = [row * (height + below) + (row // group * extra if group else 0) for row in range(rows)]
    canvas = np.full([tops[-1] + height, columns * (width + gap) - gap, *flat.shape[3:]], np.nan)
    for index, image in enumerate(flat):
        top, left = tops[index // columns], index % columns * (width + gap)
        canvas[top : top + height, left : left + width] = image
    if canvas.ndim == 3:
        canvas = np.where(np.isnan(canvas), 1.0, canvas)
    low, high, extend = (0.0, 1.0, "neither") if is_image else color_limits(flat)
    picture = ax.imshow(
        canvas, cmap=color_map if is_image else FIELD_MAP, vmin=low, vmax=high, interpolation="nearest",
        aspect="equal" if is_image else "auto",
    )  # fmt: skip
    if not is_image:
        color_bar(ax, picture, "decoded value", extend)
    ax.set_xticks([])
    named = list(zip(tops, row_names, strict=False))
    ax.set_yticks([top + (height - 1) / 2 for top, _ in named], [str(name) for _, name in named])
    ax.tick_params(length=0)
    ax.set_frame_on(False)
    ax.set_anchor("W")  # beside the names, for which room is left there
