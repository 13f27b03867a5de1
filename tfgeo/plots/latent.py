"""Latent spaces of dimension 2: samples, fields on a grid, curves, metrics as ellipses."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import EllipseCollection
from matplotlib.figure import Figure
from matplotlib.patheffects import Normal, Stroke

from tfgeo.plots.style import CLASS_COLORS, CLASS_MARKERS, FIELD_MAP, new_figure

__all__ = ["Panel", "equidistance_lines", "grid_points", "latent_panels"]

# For numbers that may be angles: the same colour at both ends.
CYCLE_MAP = "twilight"

# A dark rim, so that white curves show on the bright end of the field's colours too.
_OUTLINE = (Stroke(linewidth=1.5, foreground="black"), Normal())

# Names of a legend that fit in one row below a panel.
NAMES_PER_PANEL = 3
# Rows of a legend that leave the panels their place. Where classes need more, they go without names.
LEGEND_ROWS = 4


@dataclasses.dataclass(frozen=True)
class Panel:
    """One picture of the latent space.

    Attributes:
      title: what it shows.
      labels: `[n]` classes or clusters that colour the samples, or None.
      field: `[r, r]` values on the grid of `grid_points`, or None.
      field_label: name and unit of the field.
      curves: `[B, T, 2]` curves, or None.
      marked: indices of samples to mark, such as medoids.
      metrics: centres `[m, 2]` and metrics `[m, 2, 2]`, drawn as the ellipses of vectors of equal length: long
        where moving costs little. They share one scale, by which the widest fills its place among the centres.
      marked_name: what marked samples are called in the legend.
      dashed: `[B, T, 2]` curves to compare `curves` with, or None.
      values: `[n]` numbers that colour the samples in place of classes, such as angles, or None.
      values_label: name and unit of these numbers.
    """

    title: str
    labels: np.ndarray | None = None
    field: np.ndarray | None = None
    field_label: str = ""
    curves: np.ndarray | None = None
    marked: np.ndarray | None = None
    metrics: tuple[np.ndarray, np.ndarray] | None = None
    marked_name: str = "medoid"
    dashed: np.ndarray | None = None
    values: np.ndarray | None = None
    values_label: str = ""


def grid_points(latents: np.ndarray, resolution: int, margin: float = 0.25) -> np.ndarray:
    """A square grid around latent points: `[n, 2]` to `[resolution, resolution, 2]`, rows along z2."""
    low, high = latents.min(axis=0), latents.max(axis=0)
    center, half = (low + high) / 2.0, (0.5 + margin) * float(np.max(high - low))
    z1, z2 = (np.linspace(c - half, c + half, resolution, dtype=np.float32) for c in center)
    return np.stack(np.meshgrid(z1, z2), axis=-1)


def latent_panels(
    latents: np.ndarray,
    panels: Sequence[Panel],
    grid: np.ndarray | None = None,
    class_names: Sequence[str] = (),
) -> Figure:
    """Pictures of the same latent points side by side.

    Args:
      latents: `[n, 2]` latent points.
      panels: what each picture shows.
      grid: `[r, r, 2]` where fields are given, from `grid_points`.
      class_names: what a panel's labels mean, for the legend; more than fit below are left out.

    Returns:
      The figure.
    """
    # A second bar of colours beside a panel has a width of its own, not the panel's.
    bars = sum(panel.field is not None and panel.values is not None for panel in panels)
    figure = new_figure(3.3 * len(panels) + 0.9 * bars, 3.2)
    handles: dict[str, Artist] = {}
    for axes, panel in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        if panel.field is not None and grid is not None:
            image = axes.pcolormesh(
                grid[0, :, 0], grid[:, 0, 1], panel.field, cmap=FIELD_MAP, shading="nearest", rasterized=True
            )
            figure.colorbar(image, ax=axes, label=panel.field_label)
        for curves, style in ((panel.dashed, "--"), (panel.curves, "-")):
            for curve in () if curves is None else curves:
                axes.plot(*curve.T, style, color="white", linewidth=0.7, path_effects=_OUTLINE, zorder=2)
        if panel.metrics is not None:
            _draw_ellipses(axes, *panel.metrics)
        if panel.values is not None:
            dots = axes.scatter(*latents.T, s=4, c=panel.values, cmap=CYCLE_MAP, linewidths=0, zorder=1)
            figure.colorbar(dots, ax=axes, label=panel.values_label)
        else:
            handles |= _scatter(axes, latents, panel, class_names)
        axes.set(title=panel.title, xlabel="$z_1$", ylabel="$z_2$", aspect="equal")
    columns = NAMES_PER_PANEL * len(panels)
    if len(handles) > LEGEND_ROWS * columns:
        marks = {panel.marked_name for panel in panels if panel.marked is not None}
        handles = {name: handle for name, handle in handles.items() if name in marks}
    if handles:
        figure.legend(
            list(handles.values()),
            list(handles),
            loc="outside lower center",
            ncols=min(len(handles), columns),
            frameon=False,
        )
    return figure


def equidistance_lines(
    latents: np.ndarray,
    labels: np.ndarray | None,
    maps: Sequence[tuple[tuple[np.ndarray, np.ndarray], np.ndarray]],
    sources: Sequence[np.ndarray],
) -> Figure:
    """Lines of equal distance from latent points, a picture for each.

    Args:
      latents: `[n, 2]` samples.
      labels: `[n]` their classes, or None.
      maps: axes `([r1], [r2])` and distances `[r2, r1]` of each picture, as `distance_map` gives them.
      sources: `[2]` the points from which each map measures.
    """
    figure = new_figure(3.3 * len(maps), 3.2)
    for axes, (nodes, distances), source in zip(
        figure.subplots(1, len(maps), squeeze=False)[0], maps, sources, strict=True
    ):
        _scatter(axes, latents, Panel("", labels), ())
        finite = np.where(np.isfinite(distances), distances, np.nan)
        lines = axes.contour(*nodes, finite, levels=10, colors="black", linewidths=0.7, zorder=4)
        axes.clabel(lines, fontsize=6)
        axes.plot(*source, "*", color="white", markeredgecolor="black", markersize=10, zorder=5)
        axes.set(title="equal distance", xlabel="$z_1$", ylabel="$z_2$", aspect="equal")
    return figure


def _draw_ellipses(axes: Axes, centers: np.ndarray, metrics: np.ndarray) -> None:
    """The ellipses `v^T G v = r^2` around each centre, with one r for all."""
    values, vectors = np.linalg.eigh(np.asarray(metrics, np.float64))
    # Half axes for r = 1; the first eigenvalue is the smallest, its axis the longest.
    axes_lengths = 1.0 / np.sqrt(values)
    gaps = np.linalg.norm(centers[:, None] - centers[None], axis=-1)
    spacing = np.min(gaps[gaps > 0.0]) if (gaps > 0.0).any() else 1.0
    scale = spacing / np.max(axes_lengths)
    angles = np.degrees(np.arctan2(vectors[:, 1, 0], vectors[:, 0, 0]))
    axes.add_collection(
        EllipseCollection(
            scale * axes_lengths[:, 0],
            scale * axes_lengths[:, 1],
            angles,
            units="xy",
            offsets=centers,
            offset_transform=axes.transData,
            facecolors="none",
            edgecolors="#555555",
            linewidths=0.5,
            zorder=2,
        )
    )
    axes.autoscale_view()


def _scatter(axes: Axes, latents: np.ndarray, panel: Panel, class_names: Sequence[str]) -> dict[str, Artist]:
    """Draws the samples; returns what the legend shows, by name."""
    handles: dict[str, Artist] = {}
    labels = np.zeros(len(latents), int) if panel.labels is None else panel.labels
    for index, label in enumerate(np.unique(labels)):
        chosen = latents[labels == label]
        name = class_names[index] if index < len(class_names) else str(label)
        drawn = axes.scatter(
            chosen[:, 0],
            chosen[:, 1],
            s=14,
            c=CLASS_COLORS[index % len(CLASS_COLORS)],
            # Shapes move on with every round of the colours: 49 classes look different.
            marker=CLASS_MARKERS[(index + index // len(CLASS_COLORS)) % len(CLASS_MARKERS)],
            edgecolors="white",
            linewidths=0.3,
            zorder=3,
        )
        if panel.labels is not None:
            handles[name] = drawn
    if panel.marked is not None:
        handles[panel.marked_name] = axes.scatter(
            latents[panel.marked, 0],
            latents[panel.marked, 1],
            s=90,
            facecolors="none",
            edgecolors="black",
            zorder=4,
        )
    return handles
