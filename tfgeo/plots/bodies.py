"""Stick figures of skeletons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from tfgeo.plots.style import CLASS_COLORS, new_figure

__all__ = ["stick_figures"]

# Directions from which a walker that faces along z is seen: half from the side.
VIEW = np.array([[0.35, 0.0, 0.94], [0.0, 1.0, 0.0]])


def stick_figures(rows: Mapping[str, np.ndarray], bones: Sequence[tuple[int, int]]) -> Figure:
    """Bodies side by side, a row for each name, all in one scale.

    Args:
      rows: by name, positions of the joints `[n, joints, 3]`, y upwards.
      bones: the pairs of joints that lines join.
    """
    columns = max(len(bodies) for bodies in rows.values())
    figure = new_figure(0.8 * columns + 0.6, 1.5 * len(rows))
    flat = {name: bodies @ VIEW.T for name, bodies in rows.items()}
    low, high = (
        function([function(places, axis=(0, 1)) for places in flat.values()], axis=0)
        for function in (np.min, np.max)
    )
    grid = figure.subplots(len(rows), columns, squeeze=False)
    for color, row, (name, bodies) in zip(CLASS_COLORS, grid, flat.items(), strict=False):
        for axes in row:
            axes.set_axis_off()
        for axes, body in zip(row, bodies, strict=False):
            for joint, end in bones:
                axes.plot(*body[[joint, end]].T, color=color, linewidth=1.2, solid_capstyle="round")
            axes.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), aspect="equal")
        row[0].text(-0.15, 0.5, name, transform=row[0].transAxes, ha="right", va="center")
    return figure
