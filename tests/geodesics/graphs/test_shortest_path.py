"""A* and its bounds against plain oracles on random graphs."""

import itertools

import numpy as np
import pytest
from scipy import sparse
from scipy.sparse import csgraph

from tests.cases import random_points
from tfgeo.geodesics.graphs.shortest_path import (
    AdjacencyLists,
    decoded_bound,
    landmark_bound,
    landmark_distances,
    shortest_path,
)

NUM_NODES = 40
# Where a path may begin and end, each with the length that is added there.
STARTS = {3: 0.2, 17: 0.0, 5: 1.0}
ENDS = {30: 0.3, 8: 0.05}


def random_graph(seed, num_edges=90, zeros=0.0):
    """`[n, n]` symmetric weights between random nodes, a share of them 0."""
    generator = np.random.default_rng(seed)
    dense = np.full([NUM_NODES, NUM_NODES], np.inf)
    for i, j in generator.integers(NUM_NODES, size=[num_edges, 2]):
        if i != j:
            dense[i, j] = dense[j, i] = generator.uniform() * (generator.uniform() >= zeros)
    rows, columns = np.nonzero(np.isfinite(dense))
    return sparse.csr_matrix((dense[rows, columns], (rows, columns)), shape=dense.shape)


def floyd_warshall(weights):
    """All distances by the textbook's three loops."""
    distances = np.full(weights.shape, np.inf)
    rows = np.repeat(np.arange(NUM_NODES), np.diff(weights.indptr))
    distances[rows, weights.indices] = weights.data
    np.fill_diagonal(distances, 0.0)
    for node in range(NUM_NODES):
        distances = np.minimum(distances, distances[:, node, None] + distances[node])
    return distances


def path_length(weights, nodes):
    return sum(weights[pair] for pair in itertools.pairwise(nodes))


def is_consistent(bound, weights, ends):
    rows = np.repeat(np.arange(NUM_NODES), np.diff(weights.indptr))
    along_edges = bound[rows] <= weights.data + bound[weights.indices] + 1e-12
    return along_edges.all() and all(bound[node] <= added + 1e-12 for node, added in ends.items())


@pytest.mark.parametrize("num_landmarks", [0, 1, 4, NUM_NODES + 5])
@pytest.mark.parametrize(("num_edges", "zeros"), [(90, 0.0), (45, 0.0), (90, 0.4)], ids=["dense", "split", "zeros"])
def test_a_star_finds_the_shortest_path(num_landmarks, num_edges, zeros):
    weights = random_graph(0, num_edges, zeros)
    distances, graph = floyd_warshall(weights), AdjacencyLists(weights)
    landmarks = landmark_distances(weights, 0, num_landmarks)
    for i in range(NUM_NODES):
        for j in range(0, NUM_NODES, 3):
            bound = landmark_bound(landmarks, {j: 0.0}, [i]).tolist() if num_landmarks else None
            nodes, length = shortest_path(graph, {i: 0.0}, {j: 0.0}, bound)
            np.testing.assert_allclose(length, distances[i, j], rtol=1e-12)
            if np.isfinite(length):
                assert nodes[0] == i and nodes[-1] == j and len(set(nodes)) == len(nodes)
                np.testing.assert_allclose(path_length(weights, nodes), length, rtol=1e-12)
            else:
                assert nodes == []


@pytest.mark.parametrize("seed", range(5))
def test_several_starts_and_ends_with_lengths_of_their_own(seed):
    weights = random_graph(seed, 60)
    distances = floyd_warshall(weights)
    expected = min(a + distances[i, j] + b for i, a in STARTS.items() for j, b in ENDS.items())
    bound = landmark_bound(landmark_distances(weights, 0, 6), ENDS, list(STARTS))
    for heuristic in (None, bound.tolist()):
        nodes, length = shortest_path(AdjacencyLists(weights), STARTS, ENDS, heuristic)
        np.testing.assert_allclose(length, expected, rtol=1e-12)
        if nodes:
            outer = STARTS[nodes[0]] + ENDS[nodes[-1]]
            np.testing.assert_allclose(outer + path_length(weights, nodes), length, rtol=1e-12)


@pytest.mark.parametrize("ends", [{8: 0.0}, ENDS], ids=["one_end", "several_ends"])
@pytest.mark.parametrize("num_edges", [90, 45], ids=["dense", "split"])
@pytest.mark.parametrize("num_active", [1, 3, 10])
def test_landmark_bounds_are_consistent_and_at_most_the_distance(ends, num_edges, num_active):
    weights = random_graph(1, num_edges)
    landmarks = landmark_distances(weights, 0, 10)
    bound = landmark_bound(landmarks, ends, [0, 5], num_active)
    true = np.min([floyd_warshall(weights)[:, node] + added for node, added in ends.items()], axis=0)
    assert (bound >= 0.0).all() and (bound <= true + 1e-12).all()
    assert is_consistent(bound, weights, ends)


def test_a_landmark_at_every_node_bounds_exactly():
    weights = random_graph(2, 120)
    landmarks = landmark_distances(weights, 0, NUM_NODES)
    bound = landmark_bound(landmarks, {7: 0.0}, [0], NUM_NODES)
    np.testing.assert_allclose(bound, csgraph.dijkstra(weights, indices=7), rtol=1e-12)


def test_landmarks_are_graph_distances_from_different_nodes():
    weights = random_graph(3, 120)
    landmarks = landmark_distances(weights, 0, 8)
    chosen = [int(np.flatnonzero(row == 0.0)[0]) for row in landmarks]
    assert len(set(chosen)) == 8
    np.testing.assert_allclose(landmarks, floyd_warshall(weights)[chosen], rtol=1e-12)


def test_decoded_bounds_are_consistent_where_edges_are_at_least_their_chords():
    coordinates = random_points(NUM_NODES, 6, seed=4)
    weights = random_graph(4, 120)
    rows = np.repeat(np.arange(NUM_NODES), np.diff(weights.indptr))
    weights.data = np.linalg.norm(coordinates[rows] - coordinates[weights.indices], axis=1) * (1.0 + weights.data)
    # Columns that are orthonormal shorten every chord.
    projection = np.linalg.qr(random_points(6, 2, low=-1.0, seed=5))[0]
    for points in (coordinates, coordinates @ projection):
        bound = decoded_bound(points, points[9])
        assert bound[9] == 0.0 and is_consistent(bound, weights, {9: 0.0})
        assert (bound <= floyd_warshall(weights)[9] + 1e-12).all()


def test_a_bound_spares_nodes():
    """On a line of nodes the bound keeps A* from running the wrong way; Dijkstra's algorithm runs both."""
    line = np.arange(NUM_NODES - 1)
    weights = sparse.csr_matrix((np.ones(NUM_NODES - 1), (line, line + 1)), shape=(NUM_NODES, NUM_NODES))
    weights = sparse.csr_matrix(weights + weights.T)
    graph = AdjacencyLists(weights)
    visited = []

    class Watched(dict):
        def __contains__(self, node):
            visited.append(node)
            return super().__contains__(node)

    middle, goal = 20, 25
    bound = np.abs(np.arange(NUM_NODES) - goal).astype(float).tolist()
    for heuristic, expected in ((None, set(range(15, 26))), (bound, set(range(20, 26)))):
        visited.clear()
        assert shortest_path(graph, {middle: 0.0}, Watched({goal: 0.0}), heuristic)[1] == 5.0
        # Ties at the goal's own distance may go either way.
        assert set(visited) - {15} == expected - {15}
        assert len(visited) == len(set(visited))
