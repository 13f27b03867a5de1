"""Distances in a latent plane by shortest paths on a grid."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

from tfgeo.errors import UserError
from tfgeo.geodesics.graphs.distance_maps import points_on_grid
from tfgeo.geodesics.methods.approximation import Approximation
from tfgeo.manifolds import Manifold

__all__ = ["GridApproximation"]

# Sources of one search: their distances to all nodes are held at once.
SOURCES_PER_CALL = 32


class GridApproximation(Approximation):
    """One tree of shortest paths for each point, on a grid of the plane that all points are joined to.

    As `tfgeo.geodesics.grid_distances`, but for paths that would lead through other points.

    Args:
      manifold: of dimension d = 2.
      points: `[n, 2]`.
      progress: whether to show progress bars.
      bounds: as for `tfgeo.geodesics.grid_distances`.
      resolution: likewise.
      num_neighbours: likewise.
      points_per_edge: likewise.
      block_size: likewise.

    Raises:
      UserError: if d is not 2, or as `grid_distances`.
    """

    def __init__(
        self,
        manifold: Manifold,
        points: np.ndarray,
        progress: bool = False,
        *,
        bounds: Sequence[Sequence[float]] | None = None,
        resolution: int | tuple[int, int] = 100,
        num_neighbours: int = 32,
        points_per_edge: int = 3,
        block_size: int = 512,
    ) -> None:
        if points.shape[1] != 2:
            raise UserError(
                f"`method`='grid' needs a latent plane, but points have d = {points.shape[1]}; use method='graph' "
                "or 'landmarks'"
            )
        self.check_points(points, "grid", 1)
        self._num_points = len(points)
        self._first, weights = points_on_grid(
            manifold, points, bounds, resolution, num_neighbours, points_per_edge, block_size, progress
        )
        self._weights = _one_way_graph(weights, self._first)

    def rows(self, first: int, last: int) -> np.ndarray:
        parts = [
            csgraph.dijkstra(
                self._weights, indices=self._first + np.arange(start, min(start + SOURCES_PER_CALL, last))
            )[:, -self._num_points :]
            for start in range(first, last, SOURCES_PER_CALL)
        ]
        lengths = np.concatenate(parts)
        lengths[np.arange(last - first), np.arange(first, last)] = 0.0
        return lengths


def _one_way_graph(weights: sparse.csr_matrix, first: int) -> sparse.csr_matrix:
    """The same edges, each from where a path begins to where it ends.

    Nodes are those of the grid, each point as a source, and each as a target. Paths lead from a source to a target,
    at once or through the grid, and through no other point: a search then looks at the edges of the grid and of
    targets alone, a fifth of all for 10,000 points.

    Args:
      weights: of the grid's nodes and the points behind them, each edge once.
      first: where the points begin.
    """
    edges = weights.tocoo()
    # The larger of two nodes is the point, if one is.
    one, other = np.minimum(edges.row, edges.col), np.maximum(edges.row, edges.col)
    num_points = weights.shape[0] - first
    joins_points, on_grid = one >= first, other < first
    from_point = ~on_grid & ~joins_points
    starts = [
        one[on_grid],
        other[on_grid],
        other[from_point],
        one[from_point],
        one[joins_points],
        other[joins_points],
    ]
    ends = [
        other[on_grid],
        one[on_grid],
        one[from_point],
        other[from_point],
        other[joins_points],
        one[joins_points],
    ]
    for to_target in (3, 4, 5):
        ends[to_target] = ends[to_target] + num_points
    lengths = [edges.data[part] for part in (on_grid, from_point, joins_points) for _ in range(2)]
    size = weights.shape[0] + num_points
    pairs = np.concatenate(starts), np.concatenate(ends)
    return sparse.csr_matrix((np.concatenate(lengths), pairs), shape=(size, size))
