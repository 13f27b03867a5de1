"""What every approximation gives: rows of distances among points that it has seen as a whole."""

from __future__ import annotations

import abc

import numpy as np

from tfgeo.errors import UserError

__all__ = ["Approximation"]


class Approximation(abc.ABC):
    """Lengths of shortest curves among points, a few rows at a time. Subclasses take their points when made."""

    @abc.abstractmethod
    def rows(self, first: int, last: int) -> np.ndarray:
        """Lengths from the points `first` to `last - 1` to all n points: `[last - first, n]` float64."""

    @staticmethod
    def check_points(points: np.ndarray, method: str, least: int = 2) -> None:
        """Refuses too few points, or points that are not finite: `[n, d]`."""
        if len(points) < least:
            raise UserError(
                f"`method`={method!r} needs at least {least} points, got {len(points)}; use method='solver'"
            )
        finite = np.isfinite(points).all(axis=1)
        if not finite.all():
            raise UserError(
                f"`method`={method!r} needs finite points, but {np.sum(~finite)} of {len(points)} rows are not, "
                f"the first is row {np.argmin(finite)}; remove them"
            )
