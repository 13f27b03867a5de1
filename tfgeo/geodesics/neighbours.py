"""Nearest neighbours by geodesic distance, without the matrix of all distances."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from scipy.sparse import csgraph
from tqdm import tqdm

from tfgeo.errors import UserError, check_count
from tfgeo.geodesics.connect import PAIRS_PER_CALL, connect
from tfgeo.geodesics.graphs.graph import KNNGraph
from tfgeo.geodesics.latents import as_latents, check_manifold
from tfgeo.geodesics.result import check_distance, distance_of
from tfgeo.manifolds import Manifold

__all__ = ["geodesic_neighbours"]

# Points of one search on the graph: their distances to all nodes are held at once.
POINTS_PER_CALL = 64


def geodesic_neighbours(
    manifold: Manifold,
    points: Any,
    k: int,
    num_candidates: int | None = None,
    distance: str = "length",
    progress: bool = True,
    **settings: Any,
) -> tuple[np.ndarray, np.ndarray]:
    """The k nearest others of each point by geodesic distance, and how far they are.

    A graph of nearest neighbours gives candidates, the nearest by shortest paths on it, and the solver measures
    them. What is missed are neighbours that are no candidates: more of them find more. The work grows with n, but
    for a search on the graph that is cheap up to hundreds of thousands of points.

    Args:
      manifold: the manifold.
      points: `[n, d]` latent points, as for `connect`.
      k: how many, less than n.
      num_candidates: how many each point has, at least k; by default 2 k + 5, or all where there are fewer.
      distance: "length", "energy" or "root_energy".
      progress: whether to show progress bars.
      **settings: as for `connect`.

    Returns:
      Rows of the neighbours `[n, k]`, the nearest first, and their distances `[n, k]`, infinite where no geodesic
      of finite length was found.

    Raises:
      UserError: if k or `num_candidates` is not below n, points are not finite, or as for `connect`.
    """
    check_manifold(manifold)
    check_distance(distance)
    points = as_latents(points, "points")
    k = check_count("k", k)
    if k >= len(points):
        raise UserError(f"`k`={k} must be less than the {len(points)} rows of `points`; lower it")
    if num_candidates is None:
        num_candidates = min(2 * k + 5, len(points) - 1)
    if check_count("num_candidates", num_candidates, k) >= len(points):
        raise UserError(f"`num_candidates`={num_candidates} must be less than the {len(points)} rows of `points`")
    warn = settings.pop("warn", True)

    candidates = _find_candidates(manifold, points, num_candidates, progress)
    rows = np.repeat(np.arange(len(points)), num_candidates)
    # Two points that are candidates of each other are connected once.
    pairs, inverse = np.unique(np.sort(np.stack([rows, candidates.ravel()], axis=1)), axis=0, return_inverse=True)
    values = np.zeros(len(pairs), points.dtype)
    num_failed = 0
    with tqdm(
        total=len(pairs) * settings.get("starts", 1), desc="geodesics", unit="pair", disable=not progress
    ) as bar:
        for first in range(0, len(pairs), PAIRS_PER_CALL):
            start, end = pairs[first : first + PAIRS_PER_CALL].T
            geodesics = connect(manifold, points[start], points[end], **settings, progress=bar, warn=False)
            values[first : first + len(start)] = distance_of(geodesics.length, geodesics.energy, distance)
            num_failed += int(np.sum(~geodesics.converged))
    if warn and num_failed:
        warnings.warn(f"{num_failed} of {len(pairs)} pairs did not converge", stacklevel=2)
    measured = values[inverse.reshape(-1)].reshape(candidates.shape)
    measured = np.where(np.isfinite(measured), measured, np.inf)
    order = np.argsort(measured, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(candidates, order, axis=1), np.take_along_axis(measured, order, axis=1)


def _find_candidates(manifold: Manifold, points: np.ndarray, num: int, progress: bool) -> np.ndarray:
    """The nearest others on the graph: `[n, num]` rows."""
    graph = KNNGraph(manifold, points, num, num_landmarks=0, progress=progress)
    # Edges are paths, so that the `num`-th shortest of a node is not below the distances that are sought: no search
    # needs to go further. Nodes of similar reach are searched together.
    reach = _nth_edge(graph, num)
    candidates = np.zeros([len(points), num], np.int64)
    order = np.argsort(reach, kind="stable")
    with tqdm(total=len(points), desc="candidates", unit="point", disable=not progress) as bar:
        for first in range(0, len(points), POINTS_PER_CALL):
            nodes = order[first : first + POINTS_PER_CALL]
            found = csgraph.dijkstra(graph.weights, indices=nodes, limit=float(reach[nodes[-1]]) * ROUNDING)
            found[np.arange(len(nodes)), nodes] = np.inf
            nearest = np.argpartition(found, num - 1, axis=1)[:, :num]
            candidates[nodes] = nearest
            bar.update(len(nodes))
    return candidates


# Sums of edges round: a limit must not lie below what it bounds.
ROUNDING = 1.0 + 1e-9


def _nth_edge(graph: KNNGraph, num: int) -> np.ndarray:
    """`[n]` length of each node's edge that is the `num`-th shortest: every node has that many."""
    weights = graph.weights
    order = np.lexsort((weights.data, np.repeat(np.arange(len(graph)), np.diff(weights.indptr))))
    return weights.data[order][weights.indptr[:-1] + num - 1]
