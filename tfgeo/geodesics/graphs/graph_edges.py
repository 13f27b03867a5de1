"""The edges of a graph of nearest neighbours: which there are, how long, and what they join."""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph
from sklearn.neighbors import KDTree

from tfgeo.errors import UserError
from tfgeo.geodesics.latents import as_latents

__all__ = [
    "check_lengths",
    "check_nodes",
    "joining_neighbours",
    "nearest_neighbour_edges",
    "number_components",
    "symmetric_weights",
]

# Edges of the largest graph that is tried to find out how many neighbours join all nodes.
MAX_EDGES = 5_000_000


def check_nodes(points: np.ndarray) -> np.ndarray:
    """Nodes as finite float `[n, d]`; UserError names the first row that is not."""
    points = np.ascontiguousarray(as_latents(points, "points"))
    if not len(points):
        raise UserError(f"`points` {points.shape} has no rows; give at least one")
    finite = np.isfinite(points).all(axis=1)
    if not finite.all():
        row = int(np.argmin(finite))
        raise UserError(
            f"`points` has {np.sum(~finite)} of {len(points)} rows that are not finite, the first is row {row} "
            f"({points[row]}); remove them"
        )
    return points


def nearest_neighbour_edges(tree: KDTree, points: np.ndarray, k: int) -> np.ndarray:
    """`[E, 2]` edges between each point and its k nearest others, each once, the smaller index first."""
    nearest = tree.query(points, k + 1, return_distance=False)
    rows = np.arange(len(points))
    # A point need not be the first of its own neighbours, nor among them at all, where others are equal to it.
    itself = nearest == rows[:, None]
    itself[~itself.any(axis=1), -1] = True
    edges = np.stack([np.repeat(rows, k), nearest[~itself]], axis=1)
    return np.unique(np.sort(edges, axis=1), axis=0)


def joining_neighbours(tree: KDTree, points: np.ndarray, k: int) -> int | None:
    """The smallest number of neighbours above `k` with which all points are one component.

    None where that takes more than `MAX_EDGES` edges to find out.
    """

    def joined(neighbours: int) -> bool:
        edges = nearest_neighbour_edges(tree, points, neighbours)
        return bool(number_components(symmetric_weights(np.ones(len(edges)), edges, len(points))).max() == 0)

    most = min(len(points) - 1, MAX_EDGES // len(points))
    high = k
    while not joined(high):
        if high >= most:
            return None
        k, high = high, min(2 * high, most)
    # Not joined by k, joined by `high`.
    while high - k > 1:
        middle = (k + high) // 2
        k, high = (k, middle) if joined(middle) else (middle, high)
    return high


def check_lengths(lengths: np.ndarray, edges: np.ndarray, points: np.ndarray) -> None:
    """UserError names the first of the edges `[E, 2]` whose length `[E]` is not finite."""
    wrong = ~np.isfinite(lengths)
    if wrong.any():
        i, j = edges[np.argmax(wrong)]
        raise UserError(
            f"{np.sum(wrong)} of {len(lengths)} edges have no finite length, the first is from node {i} "
            f"({points[i]}) to node {j} ({points[j]}); the manifold is not finite between them: remove such nodes"
        )


def symmetric_weights(lengths: np.ndarray, edges: np.ndarray, num_nodes: int) -> sparse.csr_matrix:
    """Each edge in both directions; edges between equal points stay, as explicit zeros."""
    rows, columns = np.concatenate([edges, edges[:, ::-1]]).T
    return sparse.csr_matrix((np.tile(lengths, 2), (rows, columns)), shape=(num_nodes, num_nodes))


def number_components(weights: sparse.csr_matrix) -> np.ndarray:
    """`[n]` component of each node, numbered from the largest."""
    # Ones: an edge without length joins its nodes too.
    structure = sparse.csr_matrix((np.ones(weights.nnz), weights.indices, weights.indptr), shape=weights.shape)
    labels = csgraph.connected_components(structure, directed=False)[1]
    return np.argsort(np.argsort(-np.bincount(labels), kind="stable"))[labels]
