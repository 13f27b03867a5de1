"""Nearest neighbours by geodesic distance."""

import numpy as np
import pytest

from tests.cases import paraboloid, random_points
from tfgeo.errors import UserError
from tfgeo.geodesics import geodesic_neighbours, pairwise
from tfgeo.geodesics.graphs.graph import KNNGraph
from tfgeo.geodesics.neighbours import _find_candidates
from tfgeo.manifolds import Pullback

MANIFOLD = Pullback(paraboloid)
SETTINGS = {"num_points": 6, "block_size": 64, "progress": False}
# More than one search on the graph has sources for.
POINTS = random_points(100, 2, low=-2.0, high=2.0, dtype=np.float32)


@pytest.fixture(scope="module")
def matrix():
    return pairwise(MANIFOLD, POINTS, **SETTINGS)


def test_neighbours_are_the_nearest_of_all_distances(matrix):
    indices, measured = geodesic_neighbours(MANIFOLD, POINTS, 4, **SETTINGS)
    assert indices.shape == measured.shape == (100, 4) and measured.dtype == np.float32
    others = matrix + np.diag(np.full(len(POINTS), np.inf, np.float32))
    expected = np.argsort(others, axis=1)[:, :4]
    assert np.mean([len(set(a) & set(b)) for a, b in zip(indices, expected, strict=True)]) > 3.9
    np.testing.assert_allclose(measured, np.take_along_axis(matrix, indices, axis=1), rtol=1e-3)
    assert (np.diff(measured, axis=1) >= 0).all()


def test_all_others_as_candidates_miss_none(matrix):
    points, few = POINTS[:12], matrix[:12, :12] + np.diag(np.full(12, np.inf, np.float32))
    indices, measured = geodesic_neighbours(MANIFOLD, points, 11, **SETTINGS)
    np.testing.assert_array_equal(np.sort(indices, axis=1), [np.delete(np.arange(12), row) for row in range(12)])
    np.testing.assert_allclose(measured, np.sort(few, axis=1)[:, :11], rtol=1e-3)


def test_candidates_are_the_nearest_on_the_graph():
    found = _find_candidates(MANIFOLD, POINTS, 9, progress=False)
    graph = KNNGraph(MANIFOLD, POINTS, 9, num_landmarks=0, progress=False).distances()
    np.fill_diagonal(graph, np.inf)
    np.testing.assert_array_equal(np.sort(found, axis=1), np.sort(np.argsort(graph, axis=1)[:, :9], axis=1))


def test_equal_points_are_neighbours_at_distance_zero():
    points = np.concatenate([POINTS[:20], POINTS[:2]])
    indices, measured = geodesic_neighbours(MANIFOLD, points, 3, **SETTINGS)
    np.testing.assert_array_equal(indices[[0, 1, 20, 21], 0], [20, 21, 0, 1])
    np.testing.assert_array_equal(measured[[0, 1, 20, 21], 0], 0.0)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"k": 100}, "`k`=100 must be less than the 100 rows of `points`; lower it"),
        ({"k": 0}, "`k` must be an integer of at least 1"),
        ({"k": 5, "num_candidates": 4}, "`num_candidates` must be an integer of at least 5"),
        ({"k": 5, "num_candidates": 100}, "`num_candidates`=100 must be less than the 100 rows"),
        ({"k": 5, "distance": "lenght"}, "'lenght' is not known"),
        ({"k": 5, "points": np.full([9, 2], np.nan)}, "9 of 9 rows that are not finite"),
        ({"k": 5, "manifold": paraboloid}, "`manifold` is function"),
    ],
)
def test_what_makes_no_sense_is_said_in_one_line(arguments, said):
    with pytest.raises(UserError, match=said):
        geodesic_neighbours(**{"manifold": MANIFOLD, "points": POINTS, "progress": False, **arguments})
