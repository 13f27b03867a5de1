"""Values over a latent plane in colours: volumes, and distances from a point with lines of equal distance."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from matplotlib.axes import Axes

from tfgeo.errors import check_count
from tfgeo.plots.planes import Bounds, axes_grid, check_bounds, check_metric, check_plane, name_axes
from tfgeo.plots.protocols import Distances, Metric
from tfgeo.plots.style import FIELD_MAP, axes_of, color_bar, color_limits

__all__ = ["VOLUME_LABEL", "distance_map", "field", "logarithm", "on_grid", "volume"]

VOLUME_LABEL = r"log $\sqrt{\det G(z)}$"
# Grid points that are evaluated together.
BLOCK = 900


def on_grid(function: Callable, grid: np.ndarray) -> np.ndarray:
    """`[r, r]` values of a function of TensorFlow `[n, 2]` to `[n]` on a grid `[r, r, 2]`, compiled once."""
    import tensorflow as tf

    from tfgeo.batches import batched

    rows = grid.reshape(-1, 2)
    return batched(
        tf.function(function, autograph=False, reduce_retracing=True), rows, min(len(rows), BLOCK)
    ).reshape(grid.shape[:2])


def logarithm(values: np.ndarray) -> np.ndarray:
    """Logarithm; where a volume vanishes, far from data, that of the smallest one that does not."""
    positive = values[values > 0.0]
    return np.log(np.maximum(values, positive.min() if len(positive) else 1.0))


def field(grid: np.ndarray, values: np.ndarray, ax: Axes | None = None, label: str = "") -> Axes:
    """Values on a grid of the latent plane, in colours with a bar beside; a few extreme ones are cut, as it shows.

    Args:
      grid: `[r, r, 2]`, rows along z2.
      values: `[r, r]`.
      ax: where to draw, by default in a new figure.
      label: name and unit of the values.

    Returns:
      The axes.
    """
    check_plane(grid, "grid")
    ax = axes_of(ax)
    low, high, extend = color_limits(values)
    image = ax.pcolormesh(
        grid[0, :, 0], grid[:, 0, 1], values, cmap=FIELD_MAP, vmin=low, vmax=high, shading="nearest",
        rasterized=True, zorder=0,
    )  # fmt: skip
    color_bar(ax, image, label, extend)
    name_axes(ax)
    return ax


def volume(manifold: Metric, ax: Axes | None = None, bounds: Bounds | None = None, resolution: int = 200) -> Axes:
    """The logarithm of the volume sqrt(det G(z)) over a part of the latent plane: `Manifold.plot_volume`.

    Args:
      manifold: a manifold of dimension d = 2.
      ax: where to draw, by default in a new figure.
      bounds: `((low, high), (low, high))` of the two latent dimensions, by default what `ax` shows.
      resolution: points along each side.

    Returns:
      The axes.

    Raises:
      UserError: if d is not 2, nothing says which part of the plane to draw, or there are no points.
    """
    grid = axes_grid(check_bounds(bounds, ax), check_count("resolution", resolution))
    check_metric(manifold, grid)
    return field(grid, logarithm(on_grid(manifold.volume, grid)), ax, VOLUME_LABEL)


def distance_map(
    found: Distances,
    ax: Axes | None = None,
    source: np.ndarray | None = None,
    num_lines: int = 10,
    in_colors: bool = True,
) -> Axes:
    """Distances from a point to the latent plane around it, with lines of equal distance.

    Args:
      found: what `tfgeo.geodesics.distance_map` found.
      ax: where to draw, by default in a new figure.
      source: `[2]` the point that it measures from, marked by a star; None leaves it out.
      num_lines: lines of equal distance, about; 0 for none.
      in_colors: whether distances are colours as well.

    Returns:
      The axes.

    Raises:
      UserError: if the source is no point of a plane.
    """
    distances = np.where(np.isfinite(found.distances), found.distances, np.nan)
    ax = axes_of(ax)
    if in_colors:
        field(np.stack(np.meshgrid(*found.axes), axis=-1), distances, ax, "distance")
    # Up to where nearly all of the plane is reached: beyond lie steep walls, line on line.
    limit = color_limits(distances)[1]
    if num_lines and limit > 0.0:  # a decoder that does not move has no distances
        levels = np.linspace(0.0, limit, num_lines + 2)[1:-1]  # even in distance
        color = "white" if in_colors else "black"
        lines = ax.contour(*found.axes, distances, levels=levels, colors=color, linewidths=0.7, zorder=1.5)
        if not in_colors:  # beside a bar of colours numbers say nothing new
            ax.clabel(lines, fontsize=6)
    if source is not None:
        x, y = check_plane(np.atleast_2d(source), "source")[0]
        ax.plot(x, y, "*", color="white", markeredgecolor="black", markersize=10, zorder=5)
    name_axes(ax)
    return ax
