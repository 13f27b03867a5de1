"""Distances in a latent plane by shortest paths on a grid."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.sparse import csgraph

from tfgeo.errors import UserError
from tfgeo.geodesics.graphs.distance_maps import points_on_grid
from tfgeo.geodesics.graphs.graph_edges import symmetric_weights
from tfgeo.geodesics.methods.approximation import Approximation
from tfgeo.manifolds import Manifold

__all__ = ["GridApproximation"]

# Sources of one search: their distances to all nodes are held at once.
SOURCES_PER_CALL = 32


class GridApproximation(Approximation):
    """One tree of shortest paths for each point, on a grid of the plane that all points are joined to.

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
        self._first, weights = points_on_grid(
            manifold, points, bounds, resolution, num_neighbours, points_per_edge, block_size, progress
        )
        edges = weights.tocoo()
        # Searches then find edges in both directions without a transpose, which is made for each call otherwise.
        self._weights = symmetric_weights(edges.data, np.stack([edges.row, edges.col], axis=1), edges.shape[0])

    def rows(self, first: int, last: int) -> np.ndarray:
        parts = [
            csgraph.dijkstra(
                self._weights, indices=self._first + np.arange(start, min(start + SOURCES_PER_CALL, last))
            )[:, self._first :]
            for start in range(first, last, SOURCES_PER_CALL)
        ]
        return np.concatenate(parts)
