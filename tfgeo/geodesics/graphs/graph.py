"""Geodesics on a graph of nearest neighbours."""

from __future__ import annotations

import warnings
from collections.abc import Mapping

import numpy as np
from scipy.sparse import csgraph
from sklearn.neighbors import KDTree
from tqdm import tqdm

from tfgeo.errors import UserError, check_count
from tfgeo.geodesics.graphs.graph_edges import (
    check_lengths,
    check_nodes,
    joining_neighbours,
    nearest_neighbour_edges,
    number_components,
    symmetric_weights,
)
from tfgeo.geodesics.graphs.graph_path import GraphPath, GraphPaths
from tfgeo.geodesics.graphs.segment_lengths import SegmentLengths
from tfgeo.geodesics.graphs.shortest_path import (
    AdjacencyLists,
    decoded_bound,
    landmark_bound,
    landmark_distances,
    shortest_path,
)
from tfgeo.geodesics.latents import as_pairs, check_manifold
from tfgeo.manifolds import Manifold

__all__ = ["KNNGraph"]

# Rows of the decoded nodes from which principal directions are taken; any directions keep the bound valid.
PRINCIPAL_ROWS = 512
# Decoded points that are projected together: in float64 they take M times 4 KB.
ROWS_PER_CALL = 512
# Sources of one call to Dijkstra in bulk: few enough for the progress bar to move.
SOURCES_PER_CALL = 64


class KNNGraph:
    """Latent points joined to their nearest neighbours by edges of Riemannian length.

    Chen et al. (2019), "Fast approximate geodesics for deep generative models", https://arxiv.org/abs/1812.08284:
    each node is joined to its k nearest in latent space, by a k-d tree; the weight of an edge is the length of
    the straight latent segment, the sum over equidistant points along it; geodesics are shortest paths, found
    by A*. A path is a curve, so its length is that of a geodesic or more, up to the error of the edge lengths.

    A* is guided by the larger of two consistent bounds: that of `num_landmarks` landmarks, for all metrics, and
    the distance of decoded nodes in `num_directions` principal directions, for pull-back metrics only. With
    neither it is Dijkstra's algorithm.

    Edges that are measured at their two ends alone come out too short where the decoder bends between them.
    Landmarks, the default bound, know nearly all of the distance and cost a few look-ups a node, decoded nodes know
    less and cost more; `launch.benchmark --suite=graph` times A* beside Dijkstra's algorithm.

    Args:
      manifold: the manifold.
      points: `[n, d]` latent points, the nodes; float64 is kept, all else becomes float32.
      k: neighbours that each node is joined to, less than n. Edges go both ways, so nodes may have more.
      points_per_edge: T, points on each edge at which its length is measured, both nodes included.
      num_landmarks: landmarks for the bound, 8 n bytes each; 0 for none.
      num_directions: principal directions of decoded nodes for the bound, 8 n bytes each; 0 for none. Without
        effect where the manifold is no pull-back, or its decoded nodes together exceed 1 GiB.
      block_size: edges that are measured together.
      progress: whether to show progress bars.

    Attributes:
      points: `[n, d]`.
      weights: `[n, n]` symmetric sparse CSR matrix of float64 edge lengths, in data units.
      components: `[n]` int, the connected component of each node, the largest first.

    Raises:
      UserError: if points are not finite, k is not below n, or an edge has no finite length.
    """

    def __init__(
        self,
        manifold: Manifold,
        points: np.ndarray,
        k: int = 10,
        points_per_edge: int = 5,
        num_landmarks: int = 64,
        num_directions: int = 0,
        block_size: int = 512,
        progress: bool = True,
    ) -> None:
        check_manifold(manifold)
        self.manifold = manifold
        self.points = check_nodes(points)
        self.k = check_count("k", k)
        if self.k >= len(self.points):
            raise UserError(f"`k`={k} must be less than the {len(self.points)} rows of `points`; lower it")
        check_count("num_directions", num_directions, 0)
        check_count("num_landmarks", num_landmarks, 0)
        self.points_per_edge = check_count("points_per_edge", points_per_edge, 2)
        self.block_size = check_count("block_size", block_size)
        self._measure = SegmentLengths(manifold, self.points_per_edge, self.block_size, progress)
        self._tree = KDTree(self.points)
        edges = nearest_neighbour_edges(self._tree, self.points, self.k)
        embedded = self._measure.embed_to_share(self.points)
        lengths = self._measure.between(self.points, edges, embedded)
        check_lengths(lengths, edges, self.points)

        self._projection, self._coordinates = None, None
        if embedded is not None and num_directions:
            self._center, self._projection = _principal_directions(embedded, num_directions)
            self._coordinates = self._project(embedded)
            # Equal but for rounding where the bound is attained; above it, so that A* stays exact.
            lengths = np.maximum(lengths, _distances(*(self._coordinates[side] for side in edges.T)))
        del embedded
        self.weights = symmetric_weights(lengths, edges, len(self.points))
        self.components = number_components(self.weights)
        # Node 0 of the largest component: where it begins does not matter.
        first = int(np.argmin(self.components))
        self._landmarks = landmark_distances(self.weights, first, num_landmarks) if num_landmarks else None
        self._adjacency = AdjacencyLists(self.weights)

    def __len__(self) -> int:
        return len(self.points)

    def shortest_path(self, i: int, j: int) -> GraphPath:
        """The shortest path from node `i` to node `j`, by A*.

        Raises:
          UserError: if a node does not exist, or the nodes lie in different components.
        """
        i, j = (self._check_nodes_exist([node], name)[0] for node, name in ((i, "i"), (j, "j")))
        if self.components[i] != self.components[j]:
            raise self._disconnected_error(int(i), int(j))
        ends = {int(j): 0.0}
        target = None if self._coordinates is None else self._coordinates[j]
        nodes, _ = shortest_path(self._adjacency, {int(i): 0.0}, ends, self._bound([int(i)], ends, target))
        return self._path(nodes)

    def distances(
        self,
        sources: np.ndarray | None = None,
        targets: np.ndarray | None = None,
        require_connected: bool = False,
        progress: bool = False,
    ) -> np.ndarray:
        """Graph distances in bulk, by Dijkstra's algorithm (`scipy.sparse.csgraph.dijkstra`).

        Args:
          sources: nodes, or None for all n.
          targets: nodes, or None for all n.
          require_connected: whether a pair without a path is an error.
          progress: whether to show a progress bar.

        Returns:
          `[sources, targets]` float64, in data units; infinite where there is no path.

        Raises:
          UserError: if a node does not exist, or with `require_connected` the nodes lie in several components.
        """
        everything = np.arange(len(self))
        sources = everything if sources is None else self._check_nodes_exist(sources, "sources")
        targets = everything if targets is None else self._check_nodes_exist(targets, "targets")
        if require_connected and len(sources) and len(targets):
            apart = self.components[sources][0] != self.components[np.concatenate([sources, targets])]
            if apart.any():
                other = int(np.concatenate([sources, targets])[np.argmax(apart)])
                raise self._disconnected_error(int(sources[0]), other)
        # Distances are symmetric, and the work is in proportion to the sources.
        if len(targets) < len(sources):
            return self.distances(targets, sources, progress=progress).T
        matrix = np.empty([len(sources), len(targets)])
        with tqdm(total=len(sources), desc="distances", unit="source", disable=not progress) as bar:
            for first in range(0, len(sources), SOURCES_PER_CALL):
                rows = sources[first : first + SOURCES_PER_CALL]
                # The matrix is symmetric as it stands: `directed` spares a search of its transpose.
                found = csgraph.dijkstra(self.weights, directed=True, indices=rows)
                matrix[first : first + len(rows)] = found[:, targets]
                bar.update(len(rows))
        return matrix

    def connect(self, start: np.ndarray, end: np.ndarray, warn: bool = True) -> GraphPaths:
        """Shortest paths between points that need not be nodes.

        Each end is joined to its k nearest nodes by edges of measured length, and both ends to one another
        where one lies among what would be the other's neighbours.

        Args:
          start: `[B, d]`.
          end: `[B, d]`.
          warn: whether to warn when pairs have no path.

        Returns:
          `GraphPaths`; pairs without a path, or whose ends cannot be measured, are marked there.

        Raises:
          UserError: if the shapes do not match.
        """
        start, end = self._check_ends(start, end)
        paths: list[GraphPath | None] = [None] * len(start)
        length = np.full(len(start), np.nan)
        pairs = np.flatnonzero(np.isfinite(start).all(axis=1) & np.isfinite(end).all(axis=1))
        for pair, (path, found) in zip(pairs, self._connect_finite(start[pairs], end[pairs]), strict=True):
            paths[pair], length[pair] = path, found
        apart, unknown = np.sum(np.isinf(length)), np.sum(np.isnan(length))
        if warn and apart:
            warnings.warn(
                f"{apart} of {len(length)} pairs have no path: the graph falls into {self._describe_components()}; "
                f"{self._remedy()}",
                stacklevel=2,
            )
        if warn and unknown:
            warnings.warn(
                f"{unknown} of {len(length)} pairs have ends that are not finite, or where the manifold is not",
                stacklevel=2,
            )
        return GraphPaths(tuple(paths), length, self.points.shape[1])

    def paths(self, start: np.ndarray, end: np.ndarray, num_points: int, warn: bool = True) -> np.ndarray:
        """Shortest paths as `connect` finds them, as curves that can start a solver.

        Args:
          start: `[B, d]`.
          end: `[B, d]`.
          num_points: S, points on each path at equal steps of its length, the ends included.
          warn: whether to warn when pairs have no path.

        Returns:
          `[B, S, d]`; NaN for pairs without a path.
        """
        check_count("num_points", num_points, 2)
        return self.connect(start, end, warn).points(num_points)

    def _connect_finite(self, start: np.ndarray, end: np.ndarray) -> list[tuple[GraphPath | None, float]]:
        """The path of each pair and its length: without a path infinite, or NaN where an end has no links."""
        if not len(start):
            return []
        num = len(start)
        ends = np.concatenate([start, end])
        distance, nearest = self._tree.query(ends, self.k)
        links = self._measure(np.repeat(ends, self.k, axis=0), self.points[nearest.ravel()]).reshape(-1, self.k)
        coordinates: list[np.ndarray | None] = [None] * len(ends)
        if self._coordinates is not None:
            # As for edges: rounding must not leave a link shorter than the bound across it.
            projected = np.concatenate(
                [
                    self._project(self._measure.embed(ends[first : first + ROWS_PER_CALL]))
                    for first in range(0, len(ends), ROWS_PER_CALL)
                ]
            )
            links = np.maximum(links, _distances(projected[:, None], self._coordinates[nearest]))
            coordinates = list(projected)
        direct = np.full(num, np.inf)
        reach = np.maximum(distance[:num, -1], distance[num:, -1])
        near = np.flatnonzero(np.linalg.norm(start - end, axis=1) <= reach)
        direct[near] = self._measure(start[near], end[near])

        found: list[tuple[GraphPath | None, float]] = []
        for row in range(num):
            first, last = (_finite_links(nearest[side], links[side]) for side in (row, num + row))
            measurable = bool(first and last)
            # A search without a goal would visit the whole component.
            common = {self.components[node] for node in first} & {self.components[node] for node in last}
            first = {node: link for node, link in first.items() if self.components[node] in common}
            bound = self._bound(list(first), last, coordinates[num + row]) if first else None
            nodes, length = shortest_path(self._adjacency, first, last, bound)
            if np.isfinite(direct[row]) and direct[row] <= length:
                points = np.stack([start[row], end[row]])
                path = GraphPath(np.zeros(0, int), points, np.array([0.0, direct[row]]))
                found.append((path, path.length))
            elif nodes:
                path = self._path(nodes, (start[row], first[nodes[0]]), (end[row], last[nodes[-1]]))
                found.append((path, path.length))
            else:
                found.append((None, np.inf if measurable else np.nan))
        return found

    def _path(
        self,
        nodes: list[int],
        start: tuple[np.ndarray, float] | None = None,
        end: tuple[np.ndarray, float] | None = None,
    ) -> GraphPath:
        """The path along `nodes`, from and to ends that are joined to the outer nodes by links of given length."""
        points = [self.points[nodes]]
        steps = [np.asarray(self.weights[nodes[:-1], nodes[1:]]).ravel() if len(nodes) > 1 else np.zeros(0)]
        # An end that is the node itself adds nothing.
        if start is not None and not np.array_equal(start[0], self.points[nodes[0]]):
            points.insert(0, start[0][None])
            steps.insert(0, np.array([start[1]]))
        if end is not None and not np.array_equal(end[0], self.points[nodes[-1]]):
            points.append(end[0][None])
            steps.append(np.array([end[1]]))
        arc_lengths = np.concatenate([[0.0], np.cumsum(np.concatenate(steps))])
        return GraphPath(np.array(nodes, int), np.concatenate(points), arc_lengths)

    def _bound(self, starts: list[int], ends: Mapping[int, float], target: np.ndarray | None) -> list[float] | None:
        """The pointwise maximum of consistent bounds, which is consistent."""
        bounds = []
        if self._coordinates is not None and target is not None:
            bounds.append(decoded_bound(self._coordinates, target))
        if self._landmarks is not None:
            bounds.append(landmark_bound(self._landmarks, ends, starts))
        return np.max(bounds, axis=0).tolist() if bounds else None

    def _project(self, embedded: np.ndarray) -> np.ndarray:
        """`[n, M]` to `[n, num_directions]`, in float64: differences of neighbours are small beside the values."""
        return np.concatenate(
            [
                (embedded[first : first + ROWS_PER_CALL].astype(np.float64) - self._center) @ self._projection
                for first in range(0, len(embedded), ROWS_PER_CALL)
            ]
        )

    def _check_nodes_exist(self, nodes: object, name: str) -> np.ndarray:
        indices = np.asarray(nodes)
        if indices.ndim != 1 or (indices.size and indices.dtype.kind not in "iu"):
            raise UserError(f"`{name}` must be node indices, integers from 0 to {len(self) - 1}, got {nodes!r}")
        wrong = indices[(indices < 0) | (indices >= len(self))]
        if len(wrong):
            raise UserError(f"`{name}` names node {wrong[0]}, but nodes are 0 to {len(self) - 1}")
        return indices.astype(int)

    def _check_ends(self, start: np.ndarray, end: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        start, end = as_pairs(start, end)
        dimension = self.points.shape[1]
        if start.shape[1] != dimension:
            raise UserError(f"`start` {start.shape} and `end` {end.shape} must both be [B, {dimension}]")
        return start.astype(self.points.dtype), end.astype(self.points.dtype)

    def _disconnected_error(self, i: int, j: int) -> UserError:
        sizes = np.bincount(self.components)
        return UserError(
            f"no path from node {i} (in a component of {sizes[self.components[i]]} nodes) to node {j} (in one of "
            f"{sizes[self.components[j]]}): the graph falls into {self._describe_components()}; {self._remedy()}"
        )

    def _remedy(self) -> str:
        """The number of neighbours that would join the components, where it can be found."""
        k = joining_neighbours(self._tree, self.points, self.k)
        return f"raise `k`={self.k}" + ("" if k is None else f" to {k}, which joins them")

    def _describe_components(self) -> str:
        sizes = np.bincount(self.components)
        shown = ", ".join(str(size) for size in sizes[:5]) + (", ..." if len(sizes) > 5 else "")
        return f"{len(sizes)} components of {shown} nodes"


def _principal_directions(embedded: np.ndarray, num: int) -> tuple[np.ndarray, np.ndarray]:
    """Centre `[M]` and orthonormal columns `[M, num]` along which some of the decoded nodes differ most."""
    rows = embedded[:: max(1, len(embedded) // PRINCIPAL_ROWS)][:PRINCIPAL_ROWS].astype(np.float64)
    center = rows.mean(axis=0)
    directions = np.linalg.svd(rows - center, full_matrices=False)[2]
    return center, directions[:num].T


def _distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.sqrt(np.sum(np.square(a - b), axis=-1))


def _finite_links(nodes: np.ndarray, lengths: np.ndarray) -> dict[int, float]:
    return {int(node): float(length) for node, length in zip(nodes, lengths, strict=True) if np.isfinite(length)}
