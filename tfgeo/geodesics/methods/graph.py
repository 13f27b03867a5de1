"""Distances in any dimension by shortest paths on a graph of nearest neighbours."""

from __future__ import annotations

import numpy as np

from tfgeo.errors import check_count
from tfgeo.geodesics.graphs.graph import KNNGraph
from tfgeo.geodesics.methods.approximation import Approximation
from tfgeo.manifolds import Manifold

__all__ = ["GraphApproximation", "connected_graph"]


class GraphApproximation(Approximation):
    """One tree of shortest paths for each point, on the graph of nearest neighbours.

    Args:
      manifold: the manifold.
      points: `[n, d]`.
      progress: whether to show progress bars.
      k: neighbours that each point is joined to, or all others where they are fewer. More than a graph for single
        paths has: few neighbours lie in few directions, and detours are the largest part of the error.
      points_per_edge: likewise.
      block_size: likewise.

    Raises:
      UserError: as `KNNGraph`, or if the graph falls into parts.
    """

    def __init__(
        self,
        manifold: Manifold,
        points: np.ndarray,
        progress: bool = False,
        *,
        k: int = 30,
        points_per_edge: int = 5,
        block_size: int = 512,
    ) -> None:
        self.check_points(points, "graph")
        self._graph = connected_graph(manifold, points, k, points_per_edge, block_size, progress)

    def rows(self, first: int, last: int) -> np.ndarray:
        return self._graph.distances(np.arange(first, last))


def connected_graph(
    manifold: Manifold, points: np.ndarray, k: int, points_per_edge: int, block_size: int, progress: bool
) -> KNNGraph:
    """A graph for distances in bulk, in which every pair has a path; of few points it joins all."""
    k = min(check_count("k", k), len(points) - 1)
    graph = KNNGraph(manifold, points, k, points_per_edge, 0, 0, block_size, progress)
    # Of all nodes, from one of them: whether there are parts is seen from anywhere.
    graph.distances(np.zeros(1, int), require_connected=True)
    return graph
