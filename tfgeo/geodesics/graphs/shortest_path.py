"""Shortest paths between two nodes of a graph by A*, and the lower bounds that guide it."""

from __future__ import annotations

import heapq
import math
from collections.abc import Mapping, Sequence

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

__all__ = ["AdjacencyLists", "decoded_bound", "landmark_bound", "landmark_distances", "shortest_path"]

# Landmarks that bound a query, of all there are: each costs a pass over all nodes. On 60,000 digits 6 of 64 left
# 402 nodes to settle (median), 10 of 64 left 381, and all of 16 left 697.
ACTIVE_LANDMARKS = 6


class AdjacencyLists:
    """A graph as Python lists: a search that visits few nodes reads them faster than an array's elements.

    Args:
      weights: `[n, n]` symmetric sparse matrix of edge weights of at least 0.
    """

    def __init__(self, weights: sparse.csr_matrix) -> None:
        self.starts: list[int] = weights.indptr.tolist()
        self.neighbours: list[int] = weights.indices.tolist()
        self.weights: list[float] = weights.data.tolist()

    def __len__(self) -> int:
        return len(self.starts) - 1


def shortest_path(
    graph: AdjacencyLists, starts: Mapping[int, float], ends: Mapping[int, float], bound: Sequence[float] | None
) -> tuple[list[int], float]:
    """A shortest path from any of `starts` to any of `ends`, by A* (Hart, Nilsson and Raphael, 1968).

    Nodes are settled in the order of g + h, for the length g of the path to them and the bound h on what
    remains. A consistent bound, `h(u) <= w(u, v) + h(v)` along every edge and `h(v) <= ends[v]`, makes g + h
    grow along paths, so that each node is settled once, at its distance. h = 0 is Dijkstra's algorithm.

    Args:
      graph: the graph.
      starts: nodes where a path may begin, each with the length at which it begins there.
      ends: nodes where a path may end, each with the length that is added there.
      bound: `[n]` consistent lower bound of the length from each node to behind the ends, or None for 0.

    Returns:
      The nodes of the path and its length; no nodes and infinity where there is none.
    """
    heuristic = [0.0] * len(graph) if bound is None else bound
    cost = [math.inf] * len(graph)
    parent = [-1] * len(graph)
    settled = bytearray(len(graph))
    for node, length in starts.items():
        cost[node] = length
    queue = [(length + heuristic[node], node) for node, length in starts.items()]
    heapq.heapify(queue)
    best, last = math.inf, -1
    begin, neighbours, weights = graph.starts, graph.neighbours, graph.weights
    while queue:
        estimate, node = heapq.heappop(queue)
        if estimate >= best:
            break
        if settled[node]:
            continue
        settled[node] = True
        length = cost[node]
        if node in ends and length + ends[node] < best:
            best, last = length + ends[node], node
        edges = slice(begin[node], begin[node + 1])
        for neighbour, weight in zip(neighbours[edges], weights[edges], strict=True):
            new = length + weight
            # A settled node is at its distance. Only rounding in the bound could offer a shorter way to it,
            # and taking that way could close a circle of edges without length.
            if new < cost[neighbour] and not settled[neighbour]:
                cost[neighbour] = new
                parent[neighbour] = node
                heapq.heappush(queue, (new + heuristic[neighbour], neighbour))
    nodes = []
    while last >= 0:
        nodes.append(last)
        last = parent[last]
    return nodes[::-1], best


def decoded_bound(coordinates: np.ndarray, target: np.ndarray) -> np.ndarray:
    """`h(v) = |P f(v) - P f(target)|`, for pull-back metrics.

    An edge weight is the length of a polyline of decoded points, so by the triangle inequality at least
    `|f(u) - f(v)|`, and for P with orthonormal rows at least `|P f(u) - P f(v)|`. So h is consistent,
    `h(u) <= |P f(u) - P f(v)| + h(v) <= w(u, v) + h(v)`, and being 0 at the target never above the distance.

    Args:
      coordinates: `[n, num_directions]` projected decoded nodes `P f(v)`.
      target: `[num_directions]` projected decoded target.

    Returns:
      `[n]`, in data units.
    """
    return np.sqrt(np.sum(np.square(coordinates - target), axis=-1))


def landmark_bound(
    distances: np.ndarray, ends: Mapping[int, float], starts: Sequence[int], num_active: int = ACTIVE_LANDMARKS
) -> np.ndarray:
    """`h(v) = max_L |D(L, v) - D(L, end)|` for landmarks L, from the triangle inequality of graph distances.

    Holds for the edges of any manifold; Goldberg and Harrelson (2005), "Computing the shortest path: A* search
    meets graph theory". With several ends j, each with a length b_j that is added there, the distance from v is
    `min_j D(v, j) + b_j`, which is at least `min_j (D(L, j) + b_j) - D(L, v)` and at least
    `D(L, v) - max_j (D(L, j) - b_j)`. Both change by at most w(u, v) along an edge, so h is consistent.

    Args:
      distances: `[L, n]` distances from each landmark, 0 where it reaches no node: the bound is then 0 or b_j.
      ends: nodes where a path may end, each with the length that is added there.
      starts: nodes where a path may begin.
      num_active: how many landmarks count; those that bound best at the starts.

    Returns:
      `[n]`, at least 0, in data units.
    """
    nodes, added = list(ends), np.fromiter(ends.values(), float)
    nearest = np.min(distances[:, nodes] + added, axis=1)
    farthest = np.max(distances[:, nodes] - added, axis=1)
    here = distances[:, list(starts)]
    at_starts = np.min(np.maximum(nearest[:, None] - here, here - farthest[:, None]), axis=1)
    bound = np.zeros(distances.shape[1])
    for landmark in np.argsort(-at_starts, kind="stable")[:num_active]:
        np.maximum(bound, nearest[landmark] - distances[landmark], out=bound)
        np.maximum(bound, distances[landmark] - farthest[landmark], out=bound)
    return bound


def landmark_distances(weights: sparse.csr_matrix, first: int, num: int) -> np.ndarray:
    """Distances from landmarks, each chosen farthest from those before it: `[num, n]`.

    Landmarks at the rim bound best: the path from a landmark to a node tends to lead past its neighbours.

    Args:
      weights: `[n, n]` symmetric sparse matrix of edge weights.
      first: a node of the component in which all landmarks are; the first landmark is farthest from it.
      num: how many; fewer where the component has fewer nodes.

    Returns:
      `[L, n]` float64; 0 for nodes of other components.
    """
    nearest = csgraph.dijkstra(weights, indices=first)
    reached = np.isfinite(nearest)
    rows: list[np.ndarray] = []
    for _ in range(min(num, int(np.count_nonzero(reached)))):
        landmark = int(np.argmax(np.where(reached, nearest, -1.0)))
        row = csgraph.dijkstra(weights, indices=landmark)
        # The node that the search began from is no landmark: its distances count only for the first choice.
        nearest = np.minimum(nearest, row) if rows else row
        rows.append(np.where(reached, row, 0.0))
    return np.stack(rows) if rows else np.zeros([0, weights.shape[0]])
