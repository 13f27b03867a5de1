"""Levels of lines of equal distance, and where their labels stand."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

__all__ = ["label_places", "round_levels"]


def round_levels(most: float, count: int) -> list[float]:
    """About so many round levels between 0 and the largest distance; none where that is none."""
    if not 0.0 < most < math.inf:
        return []
    rough = most / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1.0, 2.0, 2.5, 5.0, 10.0) if factor * power >= rough)
    return [float(level) for level in np.arange(1, math.ceil(most / step)) * step]


def label_places(lines: Any, levels: Sequence[float]) -> dict[str, list]:
    """A place for the label of each level: the middle of its longest line."""
    places: dict[str, list] = {"x": [], "y": [], "text": []}
    for level, xs, ys in zip(levels, lines.xs, lines.ys, strict=False):
        # Lines of one level follow one another, parted by NaN.
        breaks = [-1, *np.flatnonzero(np.isnan(xs)).tolist(), len(xs)]
        pieces = [(first + 1, last) for first, last in itertools.pairwise(breaks)]
        first, last = max(pieces, key=lambda piece: piece[1] - piece[0])
        if last - first > 8:
            middle = (first + last) // 2
            places["x"].append(float(xs[middle]))
            places["y"].append(float(ys[middle]))
            places["text"].append(f"{level:g}")
    return places
