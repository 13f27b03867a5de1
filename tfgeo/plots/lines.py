"""Numbers against numbers: velocities, lengths against angles, paths in a plane."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from tfgeo.plots.style import CLASS_COLORS, CLASS_MARKERS, new_figure

__all__ = ["bands", "lines", "plane_lines", "scatter_lines"]

# Standard errors on both sides of a mean that hold it in 95 of 100 cases.
CONFIDENCE = 1.96


def lines(x: np.ndarray, values: Mapping[str, np.ndarray], x_label: str, label: str) -> Figure:
    """Lines `[n]` over the same `x` `[n]`, by name."""
    figure = new_figure(3.6, 2.2)
    axes = figure.subplots()
    for color, (name, line) in zip(CLASS_COLORS, values.items(), strict=False):
        axes.plot(x, line, color=color, linewidth=1.2, label=name)
    axes.set(xlabel=x_label, ylabel=label)
    axes.set_ylim(bottom=0.0)
    axes.legend(frameon=False)
    return figure


def scatter_lines(x: np.ndarray, values: Mapping[str, np.ndarray], x_label: str, label: str) -> Figure:
    """Points `[n]` over `x` `[n]`, by name, each with its least-squares line and the share that this explains."""
    figure = new_figure(3.6, 2.8)
    axes = figure.subplots()
    ends = np.array([x.min(), x.max()])
    for color, marker, (name, points) in zip(CLASS_COLORS, CLASS_MARKERS, values.items(), strict=False):
        slope, offset = np.polyfit(x, points, 1)
        explained = np.corrcoef(x, points)[0, 1] ** 2
        axes.scatter(
            x, points, s=8, color=color, marker=marker, linewidths=0, label=f"{name}, $R^2$ {explained:.2f}"
        )
        axes.plot(ends, slope * ends + offset, color=color, linewidth=0.8)
    axes.set(xlabel=x_label, ylabel=label)
    axes.legend(frameon=False)
    return figure


def bands(x: np.ndarray, values: Mapping[str, np.ndarray], x_label: str, label: str) -> Figure:
    """Means over n of `[m, n]` values with their 95 % confidence intervals, over a logarithmic axis."""
    figure = new_figure(3.6, 2.6)
    axes = figure.subplots()
    for color, (name, rows) in zip(CLASS_COLORS, values.items(), strict=False):
        mean = rows.mean(axis=1)
        error = CONFIDENCE * rows.std(axis=1, ddof=1) / np.sqrt(rows.shape[1]) if rows.shape[1] > 1 else 0.0 * mean
        axes.plot(x, mean, color=color, linewidth=1.2, label=name)
        axes.fill_between(x, mean - error, mean + error, color=color, alpha=0.25, linewidth=0.0)
    axes.set(xlabel=x_label, ylabel=label, xscale="log")
    figure.legend(frameon=False, loc="outside upper center", ncols=len(values))  # bands leave no room inside
    return figure


def plane_lines(paths: Mapping[str, np.ndarray], x_label: str, y_label: str) -> Figure:
    """Paths `[T, 2]` in a plane of equal units, by name."""
    figure = new_figure(3.2, 3.2)
    axes = figure.subplots()
    for color, (name, path) in zip(CLASS_COLORS, paths.items(), strict=False):
        axes.plot(*path.T, color=color, linewidth=1.2, label=name)
    axes.set(xlabel=x_label, ylabel=y_label, aspect="equal")
    figure.legend(frameon=False, loc="outside upper center", ncols=len(paths))  # paths may go anywhere inside
    return figure
