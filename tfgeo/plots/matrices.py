"""Distance matrices side by side."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from tfgeo.plots.style import FIELD_MAP, new_figure

__all__ = ["distance_matrices"]


def distance_matrices(matrices: Mapping[str, np.ndarray], labels: np.ndarray | None = None) -> Figure:
    """`[n, n]` matrices by title; lines part the classes where samples are sorted by `labels`."""
    figure = new_figure(3.4 * len(matrices), 3.0)
    borders = np.zeros(0) if labels is None else np.flatnonzero(np.diff(labels)) + 0.5
    for axes, (title, matrix) in zip(
        figure.subplots(1, len(matrices), squeeze=False)[0], matrices.items(), strict=True
    ):
        image = axes.imshow(matrix, cmap=FIELD_MAP, interpolation="nearest")
        for border in borders:
            axes.axhline(border, color="white", linewidth=0.8)
            axes.axvline(border, color="white", linewidth=0.8)
        figure.colorbar(image, ax=axes, label="distance")
        axes.set(title=title, xlabel="sample", ylabel="sample")
    return figure
