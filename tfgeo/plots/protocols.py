"""What drawings ask of manifolds and of what was found on them: methods alone, so that those may have drawings."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

__all__ = ["Distances", "Ends", "Metric"]


class Metric(Protocol):
    """A manifold, such as any `tfgeo.manifolds.Manifold`."""

    def metric_tensor(self, z: Any) -> Any:
        """`[..., d]` to `[..., d, d]`."""

    def volume(self, z: Any) -> Any:
        """`[..., d]` to `[...]`."""

    def segment_energies(self, points: Any) -> Any:
        """`[B, T, d]` to `[B, T - 1]`."""


class Ends(Protocol):
    """Curves between ends, such as `tfgeo.geodesics.Geodesics`."""

    @property
    def start(self) -> np.ndarray:
        """`[B, d]`."""

    @property
    def end(self) -> np.ndarray:
        """`[B, d]`."""

    def points(self, num: int) -> np.ndarray:
        """`[B, num, d]`."""


class Distances(Protocol):
    """Distances from a point to a grid, such as `tfgeo.geodesics.DistanceMap`."""

    @property
    def axes(self) -> tuple[np.ndarray, np.ndarray]:
        """Coordinates of the columns and of the rows."""

    @property
    def distances(self) -> np.ndarray:
        """By row and column."""
