"""Graphs of nearest neighbours against laws, closed forms and plain oracles."""

import re
import warnings

import numpy as np
import pytest
import tensorflow as tf
from scipy import sparse
from scipy.sparse import csgraph

from tests.cases import SmallDecoder, flat, great_circle, paraboloid, random_points, sphere
from tfgeo.errors import UserError
from tfgeo.geodesics import KNNGraph
from tfgeo.manifolds import ExpectedPullback, IndependentNoise, Manifold, Pullback


class Conformal(Manifold):
    """A metric that is no pull-back: (1 + |z|^2)^2 I, measured at the middle of each segment."""

    def metric_tensor(self, z):
        return tf.square(self.scale(z))[..., None] * tf.eye(2, dtype=z.dtype)

    def segment_energies(self, points):
        middle, steps = 0.5 * (points[..., 1:, :] + points[..., :-1, :]), points[..., 1:, :] - points[..., :-1, :]
        return tf.reduce_sum(tf.square(self.scale(middle) * steps), axis=-1)

    def scale(self, z):
        return 1.0 + tf.reduce_sum(tf.square(z), axis=-1, keepdims=True)


class Shortened(Pullback):
    """A pull-back whose lengths are less than the distances of its decoded ends."""

    def length(self, points):
        return 0.1 * super().length(points)


MANIFOLDS = {
    "pullback": Pullback(paraboloid),
    "expected": ExpectedPullback(SmallDecoder()),
    "independent_noise": IndependentNoise(SmallDecoder()),
    "conformal": Conformal(),
    "shortened": Shortened(paraboloid),
}
POINTS = random_points(90, 2, low=-1.2, high=1.2, seed=1)
BOUNDS = {"none": (0, 0), "landmarks": (8, 0), "decoded": (0, 2), "both": (8, 3)}


def build(manifold, points=POINTS, k=4, num_landmarks=8, num_directions=2, **settings):
    return KNNGraph(
        manifold,
        points,
        k,
        num_landmarks=num_landmarks,
        num_directions=num_directions,
        **({"block_size": 64, "progress": False} | settings),
    )


@pytest.fixture(scope="module", params=list(MANIFOLDS))
def graph(request):
    return build(MANIFOLDS[request.param])


@pytest.fixture(scope="module")
def two_parts():
    """40 and 25 nodes far apart."""
    return build(Pullback(flat), np.concatenate([POINTS[:25] + 30.0, POINTS[25:65]]))


def edges_of(graph):
    rows = np.repeat(np.arange(len(graph)), np.diff(graph.weights.indptr))
    return rows, graph.weights.indices, graph.weights.data


def test_nodes_are_joined_to_their_k_nearest_both_ways(graph):
    apart = np.linalg.norm(POINTS[:, None] - POINTS, axis=-1)
    np.fill_diagonal(apart, np.inf)
    expected = np.zeros(apart.shape, bool)
    np.put_along_axis(expected, np.argsort(apart, axis=1)[:, :4], True, axis=1)
    rows, columns, _ = edges_of(graph)
    joined = np.zeros(apart.shape, bool)
    joined[rows, columns] = True
    np.testing.assert_array_equal(joined, expected | expected.T)


def test_weights_are_lengths_of_straight_segments(graph):
    rows, columns, weights = edges_of(graph)
    t = np.linspace(0.0, 1.0, 5)[:, None]
    segments = POINTS[rows, None] + t * (POINTS[columns] - POINTS[rows])[:, None]
    np.testing.assert_allclose(weights, graph.manifold.length(segments), rtol=1e-10)
    assert (graph.weights != graph.weights.T).nnz == 0


@pytest.mark.parametrize("points_per_edge", [2, 3, 6])
def test_sharing_decoded_nodes_changes_nothing(points_per_edge):
    measure = build(MANIFOLDS["expected"], points_per_edge=points_per_edge)._measure
    pairs = np.random.default_rng(0).integers(len(POINTS), size=[150, 2])
    shared = measure.between(POINTS, pairs, measure.embed_to_share(POINTS))
    np.testing.assert_allclose(shared, measure.between(POINTS, pairs), rtol=1e-12)
    # Too large to keep: the segments are decoded whole.
    assert measure.embed_to_share(POINTS, max_bytes=1000) is None


def test_more_points_per_edge_approach_the_length_from_below():
    totals = [build(Pullback(sphere), points_per_edge=num).weights.sum() for num in (2, 3, 5, 9)]
    assert (np.diff(totals) > 0.0).all()
    # Chords fall short in proportion to the square of the step.
    fine = build(Pullback(sphere), points_per_edge=65).weights.sum()
    np.testing.assert_allclose((fine - totals[1]) / (fine - totals[2]), 4.0, rtol=0.1)


def test_distances_obey_the_laws_of_a_metric(graph):
    distances = graph.distances()
    np.testing.assert_allclose(distances, distances.T, rtol=1e-12)
    np.testing.assert_array_equal(np.diag(distances), 0.0)
    assert (distances[:, :, None] <= distances[:, None, :] + distances.T[None] + 1e-12).all()
    # No edge is shorter than the way around it.
    rows, columns, weights = edges_of(graph)
    assert (distances[rows, columns] <= weights).all()


def test_distances_between_some_nodes_are_those_of_all(graph):
    sources, targets = np.array([3, 50, 7, 3]), np.array([80, 0])
    expected = graph.distances()[np.ix_(sources, targets)]
    np.testing.assert_allclose(graph.distances(sources, targets), expected, rtol=1e-12)
    np.testing.assert_allclose(graph.distances(targets, sources), expected.T, rtol=1e-12)
    assert graph.distances(sources[:0], targets).shape == (0, 2)


@pytest.mark.parametrize("bound", list(BOUNDS))
@pytest.mark.parametrize("name", list(MANIFOLDS))
def test_a_star_equals_dijkstra(name, bound):
    num_landmarks, num_directions = BOUNDS[bound]
    graph = build(MANIFOLDS[name], num_landmarks=num_landmarks, num_directions=num_directions)
    distances = csgraph.dijkstra(graph.weights)
    for i, j in np.random.default_rng(2).integers(len(POINTS), size=[60, 2]):
        path = graph.shortest_path(i, j)
        np.testing.assert_allclose(path.length, distances[i, j], rtol=1e-12)
        assert path.nodes[0] == i and path.nodes[-1] == j
        np.testing.assert_array_equal(path.points, POINTS[path.nodes])
        steps = [graph.weights[pair] for pair in zip(path.nodes[:-1], path.nodes[1:], strict=True)]
        np.testing.assert_allclose(np.diff(path.arc_lengths), steps, rtol=1e-9)


@pytest.mark.parametrize("num_directions", [1, 2, 3, 16])
def test_the_decoded_bound_is_consistent_in_any_number_of_directions(num_directions):
    graph = build(MANIFOLDS["expected"], num_landmarks=0, num_directions=num_directions, points_per_edge=2)
    decoded = graph.manifold.embedding(tf.constant(POINTS)).numpy()
    rows, columns, weights = edges_of(graph)
    for target in (0, 41):
        bound = np.array(graph._bound([0], {target: 0.0}, graph._coordinates[target]))
        # At 2 points per edge weights are the chords themselves: the bound has nothing to spare.
        assert (bound[rows] <= weights + bound[columns] + 1e-12).all() and bound[target] == 0.0
        assert (bound <= np.linalg.norm(decoded - decoded[target], axis=-1) + 1e-12).all()
        assert (bound <= graph.distances([target])[0] + 1e-12).all() and bound.max() > 0.0


def test_manifolds_without_an_embedding_of_their_lengths_have_no_decoded_bound():
    for name in ("conformal", "shortened"):
        assert build(MANIFOLDS[name])._coordinates is None
    for name in ("pullback", "expected", "independent_noise"):
        assert build(MANIFOLDS[name])._coordinates is not None


def test_float32_rounding_does_not_mislead_a_star():
    """Coordinates far from 0: decoded differences lose four digits, and weights at 2 points are the bound."""
    manifold = Pullback(lambda z: paraboloid(z) + 3000.0)
    graph = build(manifold, POINTS.astype(np.float32), points_per_edge=2, num_directions=3, num_landmarks=0)
    assert graph.points.dtype == np.float32
    distances = csgraph.dijkstra(graph.weights)
    for i, j in np.random.default_rng(3).integers(len(POINTS), size=[200, 2]):
        np.testing.assert_allclose(graph.shortest_path(i, j).length, distances[i, j], rtol=1e-12)


def test_the_flat_distance_is_the_straight_one_or_more():
    graph = build(Pullback(flat), k=8)
    decoded = flat(tf.constant(POINTS)).numpy()
    straight = np.linalg.norm(decoded[:, None] - decoded, axis=-1)
    assert (graph.distances() >= straight - 1e-12).all()


def test_graph_distances_tend_to_the_great_circle_from_above():
    excess = []
    for num, k in ((60, 6), (240, 10), (960, 24)):
        points = random_points(num, 2, low=0.6, high=1.4, seed=4)
        distances = build(Pullback(sphere), points, k=k, points_per_edge=9, num_directions=0).distances(range(20))
        pairs = [np.broadcast_to(part, (20, num, 2)) for part in (points[:20, None], points[None])]
        angle = great_circle(*(part.reshape(-1, 2) for part in pairs)).reshape(20, num)
        # Edges are chords of at most 0.05: short of their arcs by less than 0.05^2 / 24.
        assert (distances >= angle * (1.0 - 2e-4)).all()
        assert (distances >= 2.0 * np.sin(angle / 2.0) - 1e-12).all()
        far = angle > 0.2
        excess.append(np.mean(distances[far] / angle[far] - 1.0))
    assert excess[0] > excess[1] > excess[2] and excess[2] < 0.02


def test_parts_are_told_apart(two_parts):
    np.testing.assert_array_equal(np.bincount(two_parts.components), [40, 25])
    message = r"node 2 \(in a component of 25 nodes\) to node 30 \(in one of 40\).*2 components of 40, 25.*`k`=4"
    with pytest.raises(UserError, match=message):
        two_parts.shortest_path(2, 30)
    distances = two_parts.distances()
    apart = two_parts.components[:, None] != two_parts.components
    np.testing.assert_array_equal(np.isinf(distances), apart)
    with pytest.raises(UserError, match="no path from node"):
        two_parts.distances([0], [1, 30], require_connected=True)
    assert np.isfinite(two_parts.distances([0], [1, 3], require_connected=True)).all()
    # Landmarks lie in the larger part; the search in the smaller one does without.
    for i, j in ((0, 24), (30, 60)):
        np.testing.assert_allclose(two_parts.shortest_path(i, j).length, distances[i, j], rtol=1e-12)


def test_the_error_names_the_neighbours_that_join_the_components(two_parts):
    with pytest.raises(UserError) as caught:
        two_parts.shortest_path(2, 30)
    joining = int(re.search(r"raise `k`=4 to (\d+), which joins them", str(caught.value)).group(1))
    graphs = [KNNGraph(two_parts.manifold, two_parts.points, k, progress=False) for k in (joining - 1, joining)]
    assert [graph.components.max() > 0 for graph in graphs] == [True, False]


def test_pairs_without_a_path_are_marked_and_the_others_are_returned(two_parts):
    start = np.array([[30.1, 30.2], [0.1, 0.2], [np.nan, 0.0], [0.0, 0.0]])
    end = np.array([[0.0, 0.0], [0.6, -0.7], [0.0, 0.0], [np.inf, 0.0]])
    with (
        pytest.warns(UserWarning, match=r"1 of 4 pairs have no path: .* 2 components of 40, 25 nodes; raise `k`=4"),
        pytest.warns(UserWarning, match=r"2 of 4 pairs have ends that are not finite"),
    ):
        paths = two_parts.connect(start, end)
    np.testing.assert_array_equal(np.isinf(paths.length), [True, False, False, False])
    np.testing.assert_array_equal(np.isnan(paths.length), [False, False, True, True])
    points = paths.points(5)
    assert points.shape == (4, 5, 2) and np.isfinite(points[1]).all() and np.isnan(points[[0, 2, 3]]).all()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        two_parts.connect(start, end, warn=False)


@pytest.mark.parametrize("num_directions", [0, 2])
def test_ends_where_the_manifold_is_not_finite_fail_alone(num_directions):
    graph = build(Pullback(lambda z: tf.sqrt(z)), np.abs(POINTS), num_directions=num_directions)
    start, end = np.array([[0.3, 0.4], [0.2, -0.1]]), np.array([[1.0, 0.9], [0.8, 0.8]])
    for a, b in ((start, end), (end, start)):
        paths = graph.connect(a, b, warn=False)
        assert np.isnan(paths.length[1]) and paths.paths[1] is None
        assert np.isfinite(paths.length[0]) and np.isfinite(paths.points(3)[0]).all()


def test_ends_that_are_nodes_give_the_paths_of_nodes(graph):
    start, end = np.array([0, 5, 9, 9]), np.array([70, 33, 12, 9])
    paths = graph.connect(POINTS[start], POINTS[end])
    for path, length, i, j in zip(paths.paths, paths.length, start, end, strict=True):
        expected = graph.shortest_path(i, j)
        np.testing.assert_allclose(length, expected.length, rtol=1e-12)
        np.testing.assert_allclose(path.points[[0, -1]], expected.points[[0, -1]])


def test_paths_between_other_points_are_those_of_the_graph_with_them(graph):
    start, end = (random_points(12, 2, low=-1.0, high=1.0, seed=seed) for seed in (5, 6))
    found = graph.connect(start, end)
    for row in range(len(start)):
        ends = np.stack([start[row], end[row]])
        apart = np.linalg.norm(ends[:, None] - POINTS, axis=-1)
        nearest = np.argsort(apart, axis=1)[:, :4]
        rows, columns, weights = (list(part) for part in edges_of(graph))
        t = np.linspace(0.0, 1.0, 5)[:, None]
        for side in (0, 1):
            for node in nearest[side]:
                segment = ends[side] + t * (POINTS[node] - ends[side])
                rows.append(len(POINTS) + side)
                columns.append(node)
                weights.append(float(graph.manifold.length(segment[None])[0]))
        if np.linalg.norm(ends[0] - ends[1]) <= np.max(np.sort(apart, axis=1)[:, 3]):
            rows.append(len(POINTS))
            columns.append(len(POINTS) + 1)
            weights.append(float(graph.manifold.length((ends[0] + t * (ends[1] - ends[0]))[None])[0]))
        size = len(POINTS) + 2
        extended = sparse.csr_matrix((weights, (rows, columns)), shape=(size, size))
        expected = csgraph.dijkstra(extended, directed=False, indices=size - 2)[-1]
        # Below it only by a way through an end, which is none of the nodes.
        np.testing.assert_allclose(found.length[row], expected, rtol=1e-9)
        np.testing.assert_array_equal(found.paths[row].points[[0, -1]], ends)
        np.testing.assert_allclose(found.paths[row].length, sum(np.diff(found.paths[row].arc_lengths)), rtol=1e-12)


def test_neighbouring_ends_are_joined_directly():
    graph = build(Pullback(flat))
    start = np.array([[0.1, 0.1]])
    end = start + 0.01
    path = graph.connect(start, end).paths[0]
    assert len(path.nodes) == 0 and len(path.points) == 2
    np.testing.assert_allclose(path.length, np.linalg.norm(flat(tf.constant(end - start))), rtol=1e-9)


def test_paths_are_resampled_at_equal_steps_of_their_length():
    graph = build(Pullback(flat))
    start, end = POINTS[:6], POINTS[40:46]
    length = graph.connect(start, end).length
    points = graph.paths(start, end, 400)
    assert points.shape == (6, 400, 2)
    np.testing.assert_array_equal(points[:, 0], start)
    np.testing.assert_array_equal(points[:, -1], end)
    steps = np.linalg.norm(np.diff(flat(tf.constant(points)).numpy(), axis=1), axis=-1)
    # In a flat metric a step is shorter than the others only where it cuts a corner at a node.
    equal = length[:, None] / 399
    assert (steps <= equal * (1.0 + 1e-9)).all()
    assert np.mean(steps >= equal * (1.0 - 1e-9)) > 0.9
    np.testing.assert_allclose(steps.sum(axis=1), length, rtol=0.02)


def test_equal_nodes_are_at_distance_zero():
    points = np.concatenate([POINTS[:20], np.repeat(POINTS[:1], 6, axis=0)])
    graph = build(Pullback(flat), points, k=3)
    rows, columns, weights = edges_of(graph)
    assert (rows != columns).all() and (weights == 0.0).sum() > 0
    assert len(np.unique(graph.components[20:])) == 1
    assert graph.shortest_path(20, 25).length == 0.0
    np.testing.assert_allclose(graph.distances([20], [25]), 0.0)
    np.testing.assert_array_equal(graph.shortest_path(20, 25).resample(3), np.repeat(POINTS[:1], 3, axis=0))


def test_a_path_to_itself_is_a_point():
    path = build(Pullback(flat)).shortest_path(7, 7)
    assert path.length == 0.0 and list(path.nodes) == [7]
    np.testing.assert_array_equal(path.resample(4), np.repeat(POINTS[7:8], 4, axis=0))


def test_blocks_do_not_matter():
    whole, parts = (build(MANIFOLDS["expected"], block_size=size).weights for size in (10_000, 7))
    np.testing.assert_array_equal(whole.indices, parts.indices)
    np.testing.assert_allclose(whole.data, parts.data, rtol=1e-12)


def nan_row():
    points = POINTS.copy()
    points[17, 1] = np.nan
    return points


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"points": nan_row()}, r"`points` has 1 of 90 rows.*row 17"),
        ({"points": POINTS[:, 0]}, r"`points`.*\[n, d\]"),
        ({"points": np.array([["a", "b"]])}, "`points`"),
        ({"k": 90}, "`k`=90 must be less than the 90 rows"),
        ({"k": 0}, "`k`"),
        ({"k": 2.5}, "`k`"),
        ({"points_per_edge": 1}, "`points_per_edge`"),
        ({"num_landmarks": -1}, "`num_landmarks`"),
        ({"num_directions": -1}, "`num_directions`"),
        ({"block_size": 0}, "`block_size`"),
    ],
)
def test_settings_that_make_no_sense_are_named(settings, message):
    with pytest.raises(UserError, match=message):
        build(**({"manifold": Pullback(flat)} | settings))


def test_an_edge_without_a_finite_length_is_named():
    with pytest.raises(UserError, match=r"edges have no finite length, the first is from node \d+ \(.*\) to node"):
        build(Pullback(lambda z: tf.sqrt(z)))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda graph: graph.shortest_path(0, 65), "`j` names node 65, but nodes are 0 to 64"),
        (lambda graph: graph.shortest_path(-1, 0), "`i` names node -1"),
        (lambda graph: graph.shortest_path(0.5, 0), "`i` must be node indices"),
        (lambda graph: graph.distances([0, 99]), "`sources` names node 99"),
        (lambda graph: graph.distances([0], [[1]]), "`targets` must be node indices"),
        (lambda graph: graph.connect(np.zeros([2, 3]), np.zeros([2, 3])), r"must both be \[B, 2\]"),
        (lambda graph: graph.connect(np.zeros([2, 2]), np.zeros([1, 2])), r"must both be \[B, d\]"),
        (lambda graph: graph.paths(np.zeros([1, 2]), np.ones([1, 2]), 1), "`num_points`"),
    ],
)
def test_questions_that_make_no_sense_are_named(two_parts, call, message):
    with pytest.raises(UserError, match=message):
        call(two_parts)


def test_no_pairs_have_no_paths(two_parts):
    paths = two_parts.connect(np.zeros([0, 2]), np.zeros([0, 2]))
    assert len(paths) == 0 and paths.length.shape == (0,) and paths.points(4).shape == (0, 4, 2)
