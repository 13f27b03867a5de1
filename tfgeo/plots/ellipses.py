"""Metrics of a latent plane as ellipses: Tissot's indicatrices."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import EllipseCollection

from tfgeo.errors import UserError, check_count
from tfgeo.plots.planes import Bounds, axes_grid, check_bounds, check_metric, name_axes
from tfgeo.plots.protocols import Metric
from tfgeo.plots.style import axes_of

__all__ = ["draw_ellipses", "tissot"]

# Smallest over largest eigenvalue below which float32 cannot tell a metric from a degenerate one.
LEAST_RATIO = 1e-12


def tissot(manifold: Metric, ax: Axes | None = None, bounds: Bounds | None = None, num: int = 12) -> Axes:
    """The metric on a grid of the latent plane as ellipses of vectors of equal length.

    They are long where moving costs little, and share one scale, by which the widest fills its place.

    Args:
      manifold: a manifold of dimension d = 2.
      ax: where to draw, by default in a new figure.
      bounds: `((low, high), (low, high))` of the two latent dimensions, by default what `ax` shows.
      num: ellipses along each side.

    Returns:
      The axes.

    Raises:
      UserError: if d is not 2, nothing says which part of the plane to draw, there are no ellipses, or the metric
        is degenerate everywhere.
    """
    import tensorflow as tf

    num = check_count("num", num)
    bounds = check_bounds(bounds, ax)
    # Each in the middle of its cell, so that none is cut at a side.
    halves = [(high - low) / (2 * num) for low, high in bounds]
    inner = [(low + half, high - half) for (low, high), half in zip(bounds, halves, strict=True)]
    grid = axes_grid(inner, num)
    check_metric(manifold, grid)
    centers = grid.reshape(-1, 2)
    ax = axes_of(ax)
    draw_ellipses(ax, centers, np.asarray(manifold.metric_tensor(tf.constant(centers))), 2.0 * min(halves))
    ax.set(xlim=bounds[0], ylim=bounds[1])
    name_axes(ax)
    return ax


def draw_ellipses(ax: Axes, centers: np.ndarray, metrics: np.ndarray, spacing: float | None = None) -> None:
    """The ellipses `v^T G v = r^2` around centres `[m, 2]` of metrics `[m, 2, 2]`, with one r for all.

    The widest is `spacing` wide, by default the least gap between centres; a single one fills what `ax` shows.
    """
    metrics = np.asarray(metrics, np.float64)
    known = np.isfinite(metrics).all(axis=(1, 2))
    values, vectors = np.linalg.eigh(np.where(known[:, None, None], metrics, np.eye(2)))
    # A degenerate metric has no ellipse.
    known &= values[:, 0] > LEAST_RATIO * values[:, 1]
    if not known.any():
        raise UserError("the metric is degenerate at every ellipse's centre; give other bounds")
    all_centers, centers, values, vectors = centers, centers[known], values[known], vectors[known]
    # Half axes for r = 1; the first eigenvalue is the smallest, its axis the longest.
    axes_lengths = 1.0 / np.sqrt(values)
    if spacing is None:
        spacing = _least_gap(ax, all_centers)
    scale = spacing / np.max(axes_lengths)
    angles = np.degrees(np.arctan2(vectors[:, 1, 0], vectors[:, 0, 0]))
    ax.add_collection(
        EllipseCollection(
            scale * axes_lengths[:, 0],
            scale * axes_lengths[:, 1],
            angles,
            units="xy",
            offsets=centers,
            offset_transform=ax.transData,
            facecolors="none",
            edgecolors="#555555",
            linewidths=0.5,
            zorder=2,
        )
    )
    ax.autoscale_view()


def _least_gap(ax: Axes, centers: np.ndarray) -> float:
    """The least distance between centres, with an ellipse or without; for a single one the shorter side of `ax`."""
    gaps = np.linalg.norm(centers[:, None] - centers[None], axis=-1)
    if (gaps > 0.0).any():
        return float(np.min(gaps[gaps > 0.0]))
    return float(min(abs(high - low) for low, high in (ax.get_xlim(), ax.get_ylim())))
