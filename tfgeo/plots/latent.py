"""Latent spaces of dimension 2: samples, fields on a grid, curves, metrics as ellipses."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tfgeo.errors import UserError
from tfgeo.plots.along import curves_in_plane
from tfgeo.plots.ellipses import draw_ellipses
from tfgeo.plots.fields import distance_map, field
from tfgeo.plots.planes import check_plane, name_axes
from tfgeo.plots.protocols import Distances
from tfgeo.plots.style import CLASS_COLORS, CLASS_MARKERS, axes_of, color_bar, dot_area, new_figure

__all__ = ["Panel", "class_looks", "equidistance_lines", "latent_panels", "latent_points"]

# For numbers that may be angles: the same colour at both ends.
CYCLE_MAP = "twilight"

# Above this number white rims would be most of a dot.
DOTS_WITH_RIMS = 1000
# Names of a legend that fit in one row below a panel.
NAMES_PER_PANEL = 3
# Between a panel and a legend below it, in sizes of its letters: numbers and the name of the axis are there.
LEGEND_GAP = 4.5
# Rows of a legend that leave the panels their place. Where classes need more, they go without names.
LEGEND_ROWS = 4


# What classes are called: by label, or in their order.
Names = Mapping[Any, str] | Sequence[str]


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
      distances: distances from a point, with lines of equal distance, in place of a field, or None.
      numbers: whether the rows of `curves`, or of `dashed` where there are no others, stand where they begin; or
        the numbers that do.
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
    distances: Distances | None = None
    numbers: bool | Sequence[int] = False


def latent_panels(
    latents: np.ndarray,
    panels: Sequence[Panel],
    grid: np.ndarray | None = None,
    class_names: Names = (),
    columns: int | None = None,
) -> Figure:
    """Pictures of the same latent points side by side.

    Args:
      latents: `[n, 2]` latent points.
      panels: what each picture shows.
      grid: `[r, r, 2]` where fields are given, from `grid_points`.
      class_names: what the panels' labels mean, for the legend, as `latent_points` takes them; more than fit below
        are left out.
      columns: pictures in a row, by default all of them.

    Returns:
      The figure.
    """
    across = len(panels) if columns is None else min(columns, len(panels))
    down = -(-len(panels) // across)
    # A second bar of colours beside a panel has a width of its own, not the panel's.
    bars = sum(panel.field is not None and panel.values is not None for panel in panels)
    figure = new_figure(3.3 * across + 0.9 * bars, 3.2 * down)
    places = figure.subplots(down, across, squeeze=False).ravel()
    for axes in places[len(panels) :]:
        axes.remove()
    known = [panel.labels for panel in panels if panel.labels is not None]
    # One class has one look in all panels, whichever classes a panel lacks.
    classes = np.unique(np.concatenate(known)) if known else None
    handles: dict[str, Artist] = {}
    for axes, panel in zip(places, panels, strict=False):
        if panel.field is not None and grid is not None:
            field(grid, panel.field, axes, panel.field_label)
        if panel.distances is not None:
            distance_map(panel.distances, axes)
        if panel.metrics is not None:
            draw_ellipses(axes, *panel.metrics)
        if panel.values is not None:
            area = dot_area(len(latents))
            dots = axes.scatter(*latents.T, s=area, c=panel.values, cmap=CYCLE_MAP, linewidths=0, zorder=1)
            color_bar(axes, dots, panel.values_label)
        else:
            handles |= _scatter(axes, latents, panel.labels, class_names, classes)
        if panel.curves is not None or panel.dashed is not None:  # once the extent of all is known
            curves_in_plane(panel.curves, axes, panel.dashed, panel.numbers)
        if panel.marked is not None:
            handles[panel.marked_name] = _mark(axes, latents[panel.marked])
        name_axes(axes, panel.title)
    fitting = NAMES_PER_PANEL * across
    if len(handles) > LEGEND_ROWS * fitting:
        marks = {panel.marked_name for panel in panels if panel.marked is not None}
        handles = {name: handle for name, handle in handles.items() if name in marks}
    if handles:
        figure.legend(
            list(handles.values()),
            list(handles),
            loc="outside lower center",
            ncols=min(len(handles), fitting),
            frameon=False,
        )
    return figure


def latent_points(
    latents: np.ndarray,
    labels: np.ndarray | None = None,
    ax: Axes | None = None,
    class_names: Names = (),
) -> Axes:
    """Latent points in the plane, a colour and a shape for each class; dots fit their number.

    Names stand below the plane, where they cover no points; those of more than 12 classes are left out, which a
    title says where there is none. What is not finite is nowhere, with a warning.

    Args:
      latents: `[n, 2]` latent points.
      labels: `[n]` classes or clusters, or None. `tfgeo.clustering.match` gives clusters the classes' numbers, and
        with these their colours.
      ax: where to draw, by default in a new figure.
      class_names: what labels are called in the legend, by label; or in a sequence, which is by label where all
        labels are numbers below how many names there are, else in the order of the sorted labels.

    Returns:
      The axes.

    Raises:
      UserError: if the points are not of dimension d = 2, or labels are not as many.
    """
    latents = check_plane(latents, "latents")
    if labels is not None and len(labels) != len(latents):
        raise UserError(f"{len(labels)} `labels` and {len(latents)} `latents` must be as many; pass one each")
    missing = np.count_nonzero(~np.isfinite(latents).all(axis=-1))
    if missing:
        warnings.warn(
            f"{missing} of {len(latents)} `latents` are not finite and are not drawn; leave them out", stacklevel=2
        )
    ax = axes_of(ax)
    handles = _scatter(ax, latents, None if labels is None else np.asarray(labels), class_names)
    most = LEGEND_ROWS * NAMES_PER_PANEL
    if 0 < len(handles) <= most:
        ax.legend(
            list(handles.values()),
            list(handles),
            loc="upper center",
            bbox_to_anchor=(0.5, 0.0),
            borderaxespad=LEGEND_GAP,
            ncols=min(len(handles), NAMES_PER_PANEL),
            frameon=False,
            fontsize="small",
        )
    # A title that is there says what its author wants.
    is_untold = len(handles) > most and not ax.get_title()
    name_axes(ax, f"{len(handles)} classes, too many to name" if is_untold else "")
    return ax


def equidistance_lines(
    latents: np.ndarray,
    labels: np.ndarray | None,
    maps: Sequence[Distances],
    sources: Sequence[np.ndarray],
) -> Figure:
    """Lines of equal distance from latent points, a picture for each.

    Args:
      latents: `[n, 2]` samples.
      labels: `[n]` their classes, or None.
      maps: distances of each picture, from `tfgeo.geodesics.distance_map`.
      sources: `[2]` the points from which each map measures.
    """
    figure = new_figure(3.3 * len(maps), 3.2)
    panels = figure.subplots(1, len(maps), squeeze=False)[0]
    for axes, found, source in zip(panels, maps, sources, strict=True):
        _scatter(axes, latents, labels, ())
        distance_map(found, axes, source, in_colors=False)
        axes.set_title("equal distance")
    return figure


def _mark(axes: Axes, points: np.ndarray) -> Artist:
    return axes.scatter(points[:, 0], points[:, 1], s=90, facecolors="none", edgecolors="black", zorder=4)


def _scatter(
    axes: Axes,
    latents: np.ndarray,
    labels: np.ndarray | None,
    class_names: Names,
    classes: np.ndarray | None = None,
) -> dict[str, Artist]:
    """Draws the samples; returns what the legend shows, by name."""
    handles: dict[str, Artist] = {}
    shown = np.zeros(len(latents), int) if labels is None else labels
    present = np.unique(shown) if labels is None or classes is None else classes
    looks, names = class_looks(present), _names(present, class_names)
    for look, name, label in zip(looks, names, present, strict=True):
        chosen = latents[shown == label]
        if not len(chosen):
            continue
        drawn = axes.scatter(
            chosen[:, 0],
            chosen[:, 1],
            s=dot_area(len(latents)),
            c=CLASS_COLORS[look % len(CLASS_COLORS)],
            # Shapes move on with every round of the colours: 49 classes look different.
            marker=CLASS_MARKERS[(look + look // len(CLASS_COLORS)) % len(CLASS_MARKERS)],
            edgecolors="white",
            linewidths=0.3 if len(latents) <= DOTS_WITH_RIMS else 0.0,
            zorder=3,
        )
        if labels is not None:
            handles[name] = drawn
    return handles


def class_looks(classes: np.ndarray) -> list[int]:
    """Which colour and shape each of the sorted classes has: its own number, whichever classes are beside it.

    So a class looks the same in every figure, with or without names, and clusters of `match`, which leave gaps,
    look as their classes do. What are no numbers, or too large ones, go by their order.
    """
    return _indices(classes, len(CLASS_COLORS) * len(CLASS_MARKERS))


def _names(classes: np.ndarray, names: Names) -> list[str]:
    """What each of the sorted classes is called: its label, where there is no name."""
    if isinstance(names, Mapping):
        return [names.get(label, str(label)) for label in classes.tolist()]
    places = _indices(classes, len(names))
    # Fewer classes than names, and labels that are no places of names: whose names they are is not known.
    known = len(classes) >= len(names) or bool(np.array_equal(places, classes))
    return [
        names[place] if known and place < len(names) else str(label)
        for place, label in zip(places, classes, strict=True)
    ]


def _indices(classes: np.ndarray, most: int) -> list[int]:
    """The sorted classes themselves, where all are numbers from 0 to below `most`, else their order."""
    if classes.dtype.kind in "biu" and len(classes) and classes[0] >= 0 and classes[-1] < most:
        return [int(label) for label in classes]
    return list(range(len(classes)))
