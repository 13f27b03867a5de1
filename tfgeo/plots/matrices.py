"""Distance matrices, alone and side by side."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tfgeo.errors import UserError
from tfgeo.plots.style import FIELD_MAP, axes_of, color_bar, color_limits, new_figure

__all__ = ["distance_matrices", "distance_matrix"]


def distance_matrices(matrices: Mapping[str, np.ndarray], labels: np.ndarray | None = None) -> Figure:
    """`[n, n]` matrices by title; lines part the classes where samples are sorted by `labels`."""
    figure = new_figure(3.4 * len(matrices), 3.0)
    panels = figure.subplots(1, len(matrices), squeeze=False)[0]
    for axes, (title, matrix) in zip(panels, matrices.items(), strict=True):
        distance_matrix(matrix, axes, labels)
        axes.set_title(title)
    return figure


def distance_matrix(matrix: np.ndarray, ax: Axes | None = None, labels: np.ndarray | None = None) -> Axes:
    """Distances `[n, n]` in colours; a few extreme ones are cut, as the bar beside shows.

    Args:
      matrix: the distances; what is not finite is left white.
      ax: where to draw, by default in a new figure.
      labels: `[n]` classes of samples that are sorted by them, which lines part; or None.

    Returns:
      The axes.

    Raises:
      UserError: if there is no matrix.
    """
    matrix = np.asarray(matrix, np.float64)
    if matrix.ndim != 2:
        raise UserError(f"`matrix` must be [n, n] distances, got {list(matrix.shape)}; `pairwise` gives some")
    ax = axes_of(ax)
    low, high, extend = color_limits(matrix)
    image = ax.imshow(matrix, cmap=FIELD_MAP, vmin=low, vmax=high, interpolation="nearest")
    for border in () if labels is None else np.flatnonzero(np.diff(labels)) + 0.5:
        ax.axhline(border, color="white", linewidth=0.8)
        ax.axvline(border, color="white", linewidth=0.8)
    color_bar(ax, image, "distance", extend)
    ax.set(xlabel="sample", ylabel="sample")
    return ax
