"""Distances from one point to a whole region of a latent plane."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

from tfgeo.errors import UserError, check_count
from tfgeo.geodesics.segment_lengths import SegmentLengths
from tfgeo.manifolds import Manifold

__all__ = ["STENCILS", "DistanceMap", "distance_map"]

# Half of the steps (columns, rows) to the neighbours of a grid node; the other half are their negatives. A path
# that may only go in these directions is longer than the straight line by at most 1 / cos(half the largest angle
# between neighbouring directions): 41.4 %, 8.2 %, 2.7 % and 1.3 %.
STENCILS: dict[int, tuple[tuple[int, int], ...]] = {
    4: ((1, 0), (0, 1)),
    8: ((1, 0), (0, 1), (1, 1), (1, -1)),
    16: ((1, 0), (0, 1), (1, 1), (1, -1), (2, 1), (2, -1), (1, 2), (1, -2)),
    32: (
        *((1, 0), (0, 1), (1, 1), (1, -1), (2, 1), (2, -1), (1, 2), (1, -2)),
        *((3, 1), (3, -1), (1, 3), (1, -3), (3, 2), (3, -2), (2, 3), (2, -3)),
    ),
}

# Nodes in this many cells around the source are joined to it directly, in all directions: near it the few steps
# of a stencil would be coarsest. A little more than 3, so that for a source on the grid rounding does not decide.
SOURCE_REACH = 3.001


@dataclasses.dataclass(frozen=True)
class DistanceMap:
    """Distances from a source to the nodes of a grid.

    Attributes:
      axes: the coordinates of the columns `[r1]` (first latent dimension) and of the rows `[r2]` (second).
      distances: `[r2, r1]` float64, in data units.
    """

    axes: tuple[np.ndarray, np.ndarray]
    distances: np.ndarray


def distance_map(
    manifold: Manifold,
    source: np.ndarray,
    bounds: Sequence[Sequence[float]],
    resolution: int | tuple[int, int] = 100,
    num_neighbours: int = 32,
    points_per_edge: int = 3,
    block_size: int = 512,
    progress: bool = False,
) -> DistanceMap:
    """Geodesic distances from `source` to a grid in a latent plane, by Dijkstra's algorithm on the grid.

    Grid nodes are joined to 8, 16 or 32 neighbours by edges of Riemannian length. In a flat metric the distance
    is at least the true one and at most 8.2 %, 2.7 % or 1.3 % above it (more where cells are not square in
    the metric): refining the grid does not lessen this error, more neighbours do.

    Args:
      manifold: a manifold of dimension d = 2.
      source: `[2]` latent point inside the bounds; it need not be a grid node.
      bounds: `((low, high), (low, high))` of the two latent dimensions.
      resolution: grid nodes along each dimension, one number or two.
      num_neighbours: 4, 8, 16 or 32.
      points_per_edge: T, points on each edge at which its length is measured, both nodes included.
      block_size: edges that are measured together.
      progress: whether to show progress bars.

    Returns:
      `DistanceMap`.

    Raises:
      UserError: if the source lies outside the bounds, or a setting or a length makes no sense.
    """
    if num_neighbours not in STENCILS:
        raise UserError(f"`num_neighbours`={num_neighbours!r} is not known; choose one of {list(STENCILS)}")
    sides = resolution if isinstance(resolution, tuple) else (resolution, resolution)
    columns, rows = (check_count("resolution", side, 2) for side in sides)
    low_high = np.asarray(bounds, np.float64)
    if low_high.shape != (2, 2) or not np.isfinite(low_high).all() or not (low_high[:, 0] < low_high[:, 1]).all():
        raise UserError(f"`bounds` must be ((low, high), (low, high)) with low < high, got {bounds!r}")
    source = np.asarray(source)
    if source.shape != (2,) or not ((low_high[:, 0] <= source) & (source <= low_high[:, 1])).all():
        raise UserError(f"`source`={source} must be a point [2] inside `bounds`={low_high.tolist()}")

    dtype = np.float64 if source.dtype == np.float64 else np.float32
    axes = tuple(
        np.linspace(low, high, num).astype(dtype)
        for (low, high), num in zip(low_high, (columns, rows), strict=True)
    )
    nodes = np.stack(np.meshgrid(*axes), axis=-1).reshape(-1, 2)
    points = np.concatenate([nodes, source[None].astype(dtype)])
    edges = np.concatenate(
        [_grid_edges(rows, columns, step) for step in STENCILS[num_neighbours]] + [_source_edges(axes, source)]
    )
    measure = SegmentLengths(
        manifold,
        check_count("points_per_edge", points_per_edge, 2),
        check_count("block_size", block_size),
        progress,
    )
    lengths = measure.between(points, edges, measure.embed_to_share(points))
    if not np.isfinite(lengths).all():
        i, j = edges[np.argmin(np.isfinite(lengths))]
        raise UserError(f"the manifold has no finite length between {points[i]} and {points[j]}; change `bounds`")
    weights = sparse.csr_matrix((lengths, edges.T), shape=(len(points), len(points)))
    distances = csgraph.dijkstra(weights, directed=False, indices=len(nodes))
    return DistanceMap((axes[0], axes[1]), distances[:-1].reshape(rows, columns))


def _grid_edges(rows: int, columns: int, step: tuple[int, int]) -> np.ndarray:
    """`[E, 2]` edges from each node to the one `step` (columns, rows) away, where both are on the grid."""
    index = np.arange(rows * columns).reshape(rows, columns)
    right, up = step
    low, high = max(0, -up), rows - max(0, up)
    start = index[low:high, : max(0, columns - right)]
    end = index[low + up : high + up, right:] if low < high else start
    return np.stack([start.ravel(), end.ravel()], axis=1)


def _source_edges(axes: tuple[np.ndarray, ...], source: np.ndarray) -> np.ndarray:
    """`[E, 2]` edges between the source, the last node, and all nodes in the cells around it."""
    columns, rows = (
        np.flatnonzero(np.abs(axis - at) <= SOURCE_REACH * (axis[1] - axis[0]))
        for axis, at in zip(axes, source, strict=True)
    )
    near = (rows[:, None] * len(axes[0]) + columns).ravel()
    return np.stack([near, np.full(len(near), len(axes[0]) * len(axes[1]))], axis=1)
