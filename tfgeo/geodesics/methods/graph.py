"""Distances in any dimension by shortest paths on a graph of neighbours near and far."""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph
from sklearn.neighbors import KDTree

from tfgeo.errors import check_count
from tfgeo.geodesics.graphs.graph import KNNGraph
from tfgeo.geodesics.graphs.graph_edges import nearest_neighbour_edges, symmetric_weights
from tfgeo.geodesics.graphs.segment_lengths import SegmentLengths
from tfgeo.geodesics.methods.approximation import Approximation
from tfgeo.manifolds import Manifold
from tfgeo.randomness import generator

__all__ = ["GraphApproximation", "connected_weights"]

# Sources of one search: their distances to all nodes are held at once.
SOURCES_PER_CALL = 32
# Each level of far neighbours is among this share of the points of the level before.
LEVEL_SHARE = 4
# Points on the edges of a level: they are longer, and bend more.
POINTS_PER_FAR_EDGE = 10


class GraphApproximation(Approximation):
    """One tree of shortest paths for each point, on a graph of neighbours near and far.

    Besides its nearest neighbours (`KNNGraph`), every fourth point, drawn once, has its nearest among those, every
    sixteenth among these, and so on: a third more edges, which long paths follow with fewer turns.

    Args:
      manifold: the manifold.
      points: `[n, d]`.
      progress: whether to show progress bars.
      k: neighbours that each point is joined to, or all others where they are fewer. More than a graph for single
        paths has: few neighbours lie in few directions, and detours are the largest part of the error.
      points_per_edge: as for `tfgeo.geodesics.KNNGraph`; edges of far neighbours have 10 at least.
      block_size: as for `KNNGraph`.

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
        self._weights = connected_weights(manifold, points, k, points_per_edge, block_size, progress)

    def rows(self, first: int, last: int) -> np.ndarray:
        # The matrix is symmetric as it stands: each search goes along its edges as they are directed.
        parts = [
            csgraph.dijkstra(self._weights, indices=np.arange(start, min(start + SOURCES_PER_CALL, last)))
            for start in range(first, last, SOURCES_PER_CALL)
        ]
        return np.concatenate(parts)


def connected_weights(
    manifold: Manifold, points: np.ndarray, k: int, points_per_edge: int, block_size: int, progress: bool
) -> sparse.csr_matrix:
    """`[n, n]` symmetric edge lengths of a graph in which every pair has a path; of few points it joins all."""
    k = min(check_count("k", k), len(points) - 1)
    graph = KNNGraph(manifold, points, k, points_per_edge, 0, 0, block_size, progress)
    # Of all nodes, from one of them: whether there are parts is seen from anywhere.
    graph.distances(np.zeros(1, int), require_connected=True)
    near = graph.weights.tocoo()
    once = near.row < near.col
    edges, lengths = [np.stack([near.row[once], near.col[once]], axis=1)], [near.data[once]]
    measure = SegmentLengths(manifold, max(points_per_edge, POINTS_PER_FAR_EDGE), block_size, progress)
    level = generator(0, "levels of a graph").permutation(len(points))
    while len(level := level[: len(level) // LEVEL_SHARE]) > k:
        some = points[level]
        far = np.sort(level[nearest_neighbour_edges(KDTree(some), some, k)], axis=1)
        far_lengths = measure(points[far[:, 0]], points[far[:, 1]])
        # Far neighbours may have a hole of the manifold between them; near ones may not.
        edges.append(far[np.isfinite(far_lengths)])
        lengths.append(far_lengths[np.isfinite(far_lengths)])
    # Two that are joined on several levels are so by the shortest edge.
    pairs, places = np.unique(np.concatenate(edges), axis=0, return_inverse=True)
    shortest = np.full(len(pairs), np.inf)
    np.minimum.at(shortest, places.reshape(-1), np.concatenate(lengths))
    return symmetric_weights(shortest, pairs, len(points))
