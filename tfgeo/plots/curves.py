"""Values against passes over the data: how training went."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from tfgeo.plots.style import CLASS_COLORS, new_figure

__all__ = ["moving_average", "training_curves"]

# Line styles say the same as the colours once more.
_LINE_STYLES = ("-", "--", "-.", ":")


def moving_average(values: np.ndarray, width: int) -> np.ndarray:
    """Means of `[n]` values over the last `width` of them, fewer at the beginning; not-a-number stays apart."""
    values = np.asarray(values, np.float64)
    known = np.isfinite(values)
    sums = np.concatenate([[0.0], np.cumsum(np.where(known, values, 0.0))])
    counts = np.concatenate([[0], np.cumsum(known)])
    start = np.maximum(np.arange(len(values)) + 1 - width, 0)
    total, count = sums[1:] - sums[start], counts[1:] - counts[start]
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def training_curves(
    panels: Mapping[str, Mapping[str, tuple[np.ndarray, np.ndarray]]], marked: float | None = None
) -> Figure:
    """Lines against epochs, a picture for each title.

    Args:
      panels: by title, which is also the axis' label: lines by name, each epochs `[n]` and values `[n]`.
      marked: an epoch to mark by a vertical line, such as the one whose weights are kept.

    Returns:
      The figure.
    """
    figure = new_figure(3.6 * len(panels), 2.8)
    for axes, (title, lines) in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels.items(), strict=True):
        for index, (name, (epochs, values)) in enumerate(lines.items()):
            axes.plot(
                epochs,
                values,
                color=CLASS_COLORS[index % len(CLASS_COLORS)],
                linestyle=_LINE_STYLES[index % len(_LINE_STYLES)],
                linewidth=1.2,
                label=name,
            )
        if marked is not None:
            axes.axvline(marked, color="#555555", linewidth=0.8, linestyle=":", label="weights kept")
        axes.set(title=title, xlabel="epoch", ylabel=title)
        if len(lines) > 1 or marked is not None:
            axes.legend(frameon=False)
    return figure
