"""Shortest paths of a graph as latent curves."""

from __future__ import annotations

import dataclasses

import numpy as np

from tfgeo.errors import check_count

__all__ = ["GraphPath", "GraphPaths"]


@dataclasses.dataclass(frozen=True)
class GraphPath:
    """A shortest path of a graph.

    Attributes:
      nodes: indices of the nodes it passes.
      points: `[S, d]` latent points it joins by straight segments: the nodes, and ends that are no nodes.
      arc_lengths: `[S]` length of the path up to each point, in data units; the first is 0.
    """

    nodes: np.ndarray
    points: np.ndarray
    arc_lengths: np.ndarray

    @property
    def length(self) -> float:
        """Length of the path, in data units."""
        return float(self.arc_lengths[-1])

    def resample(self, num_points: int) -> np.ndarray:
        """`[num_points, d]` points at equal steps of the path's length, the ends included.

        On each segment the speed is taken as constant: what is asked is where a point lies on the path.
        """
        num_points = check_count("num_points", num_points, 2)
        at = np.linspace(0.0, self.length, num_points)
        columns = [np.interp(at, self.arc_lengths, column) for column in self.points.T]
        sampled = np.stack(columns, axis=-1).astype(self.points.dtype)
        # Exactly, also where segments without length lie before an end.
        sampled[0], sampled[-1] = self.points[0], self.points[-1]
        return sampled


@dataclasses.dataclass(frozen=True)
class GraphPaths:
    """Shortest paths of B pairs.

    Attributes:
      paths: B paths; None where there is none.
      length: `[B]` in data units; infinite where the ends are not connected, NaN where an end, or the manifold at
        it, is not finite.
      dimension: d.
    """

    paths: tuple[GraphPath | None, ...]
    length: np.ndarray
    dimension: int

    def __len__(self) -> int:
        return len(self.paths)

    def points(self, num: int) -> np.ndarray:
        """`[B, num, d]` points at equal steps of each path's length, the ends included; NaN without a path."""
        missing = np.full([num, self.dimension], np.nan, np.float32)
        sampled = [missing if path is None else path.resample(num) for path in self.paths]
        return np.stack(sampled) if sampled else np.zeros([0, num, self.dimension], np.float32)
