"""One latent plane under several metrics: the same points and the same pairs, a picture for each metric."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from tfgeo.errors import UserError, check_count
from tfgeo.plots.fields import logarithm, on_grid
from tfgeo.plots.latent import Names, Panel, latent_panels
from tfgeo.plots.planes import Bounds, axes_grid, check_bounds, check_metric, check_plane, grid_points
from tfgeo.plots.protocols import Ends, Metric

__all__ = ["metric_panels"]

# Decades tell at a glance by which factor a step costs more than another.
LOG10_VOLUME_LABEL = r"log$_{10}$ $\sqrt{\det G(z)}$"
# Points of a curve at which it is drawn and measured.
CURVE_POINTS = 101
# Three pictures with their bars fit the width of a page.
COLUMNS = 3


def metric_panels(
    manifolds: Mapping[str, Metric],
    geodesics: Mapping[str, Ends],
    latents: np.ndarray,
    labels: np.ndarray | None = None,
    class_names: Names = (),
    bounds: Bounds | None = None,
    resolution: int = 200,
    columns: int = COLUMNS,
    numbers: Sequence[int] | None = None,
) -> Figure:
    """Geodesics between the same pairs under each metric, on its volume; straight lines come first.

    Each title has the length of the geodesics over that of the straight lines under the same metric: the mean over
    the pairs, and from least to most. Lengths themselves have another unit under each metric. Straight lines are
    dashed in every picture, and pairs have the numbers of their rows, or those that are given.

    Args:
      manifolds: by name, metrics of the same latent space of dimension d = 2.
      geodesics: by the same names, what `tfgeo.geodesics.connect` found under each, all between the same ends.
      latents: `[n, 2]` latent points.
      labels: `[n]` their classes, or None.
      class_names: what the labels are called in the legend, as `latent_points` takes them.
      bounds: `((low, high), (low, high))` of the two latent dimensions, by default those of `grid_points`.
      resolution: points along each side at which volumes are computed.
      columns: pictures in a row.
      numbers: the number of each pair, where these are some of more pairs; by default the rows.

    Returns:
      The figure.

    Raises:
      UserError: if d is not 2, there is no metric, a metric has no geodesics, ends differ, or `numbers` are not as
        many as pairs.
    """
    latents = check_plane(latents, "latents")
    if not len(latents) or not np.isfinite(latents).all():
        raise UserError(
            f"`latents` {latents.shape} must be at least one point, and all finite; leave the others out"
        )
    if labels is not None and len(labels) != len(latents):
        raise UserError(f"there are {len(labels)} `labels` for {len(latents)} `latents`; give one for each")
    straight = _straight_lines(manifolds, geodesics)
    resolution, columns = check_count("resolution", resolution, 2), check_count("columns", columns)
    grid = grid_points(latents, resolution) if bounds is None else axes_grid(check_bounds(bounds, None), resolution)
    if numbers is not None and len(numbers) != len(straight):
        raise UserError(f"there are {len(numbers)} `numbers` for {len(straight)} pairs; give one for each")
    shown = True if numbers is None else numbers
    panels = [Panel("straight lines", labels, dashed=straight, numbers=shown)]
    for manifold in manifolds.values():
        check_metric(manifold, grid)
    for name, manifold in manifolds.items():
        curves = geodesics[name].points(CURVE_POINTS)
        panels.append(
            Panel(
                f"{name}\n{_describe_lengths(manifold, curves, straight)}",
                labels,
                logarithm(on_grid(manifold.volume, grid)) / np.log(10.0),
                LOG10_VOLUME_LABEL,
                curves,
                dashed=straight,
                numbers=shown,
            )
        )
    figure = latent_panels(latents, panels, grid, class_names, columns)
    for axes in figure.axes:  # also where there is no field
        axes.set(xlim=(grid[0, 0, 0], grid[0, -1, 0]), ylim=(grid[0, 0, 1], grid[-1, 0, 1]))
    return figure


def _straight_lines(manifolds: Mapping[str, Metric], geodesics: Mapping[str, Ends]) -> np.ndarray:
    """`[B, T, 2]` straight lines between the ends that all geodesics share."""
    if not isinstance(manifolds, Mapping) or not isinstance(geodesics, Mapping) or not manifolds:
        raise UserError(
            "`manifolds` and `geodesics` must be by name, and not empty, such as {'pull-back': manifold}"
        )
    missing = [name for name in manifolds if name not in geodesics]
    if missing:
        raise UserError(
            f"`geodesics` has none for {', '.join(missing)}; give what `connect` finds under each of `manifolds`"
        )
    first = geodesics[next(iter(manifolds))]
    start, end = check_plane(first.start, "geodesics"), check_plane(first.end, "geodesics")
    for name in manifolds:
        found = geodesics[name]
        if not (_agree(found.start, start) and _agree(found.end, end)):
            raise UserError(f"`geodesics`[{name!r}] are between other ends than the first; connect the same pairs")
    t = np.linspace(0.0, 1.0, CURVE_POINTS, dtype=start.dtype)[:, None]
    return (1.0 - t) * start[:, None] + t * end[:, None]


def _agree(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether these are the same ends, up to the precision of the less precise ones."""
    dtype = min(one.dtype, other.dtype, key=lambda dtype: dtype.itemsize)
    return np.array_equal(one.astype(dtype), other.astype(dtype), equal_nan=True)


def _describe_lengths(manifold: Metric, curves: np.ndarray, straight: np.ndarray) -> str:
    """Lengths of geodesics over those of straight lines, both `[B, T, 2]`; left out where either has none."""
    length, whole = (
        np.sqrt(np.maximum(np.asarray(manifold.segment_energies(points), np.float64), 0.0)).sum(axis=-1)
        for points in (curves, straight)
    )
    counts = np.isfinite(length) & np.isfinite(whole) & (whole > 0.0)
    ratios = length[counts] / whole[counts]
    if not len(ratios):
        return "straight lines have no length"
    spread = f" ({ratios.min():.2f} to {ratios.max():.2f})" if len(ratios) > 1 else ""
    return f"{ratios.mean():.2f} of the straight length{spread}"
