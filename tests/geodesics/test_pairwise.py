"""Distance matrices of geodesics."""

import numpy as np
import pytest

from tests.cases import paraboloid, random_points
from tfgeo.errors import UserError
from tfgeo.geodesics import connect, pairwise
from tfgeo.geodesics.pairwise import DISTANCES, all_pairs, distance_matrix
from tfgeo.geodesics.stores import resources
from tfgeo.manifolds import Pullback

MANIFOLD = Pullback(paraboloid)
# One block shape for all, so that it is compiled once.
SETTINGS = {"num_points": 8, "block_size": 5}
POINTS = random_points(6, 2, low=-1.0, high=1.0, dtype=np.float32)


@pytest.fixture(scope="module")
def geodesics():
    return all_pairs(MANIFOLD, POINTS, **SETTINGS)


@pytest.mark.parametrize("distance", DISTANCES)
def test_a_distance_matrix_is_symmetric_with_a_zero_diagonal(distance):
    matrix = pairwise(MANIFOLD, POINTS, distance, progress=False, **SETTINGS)
    assert matrix.shape == (6, 6) and matrix.dtype == np.float32
    np.testing.assert_array_equal(matrix, matrix.T)
    np.testing.assert_array_equal(np.diag(matrix), 0.0)
    assert (matrix[np.triu_indices(6, 1)] > 0.0).all()


def test_entries_are_those_of_connect(geodesics):
    rows, columns = np.array([0, 2, 5]), np.array([3, 1, 4])
    expected = connect(MANIFOLD, POINTS[rows], POINTS[columns], **SETTINGS)
    # Some with ends exchanged, in another block: both stop at a relative decrease of 1e-5.
    np.testing.assert_allclose(distance_matrix(geodesics, 6)[rows, columns], expected.length, rtol=1e-4)
    np.testing.assert_allclose(distance_matrix(geodesics, 6, "energy")[rows, columns], expected.energy, rtol=1e-4)


def test_root_energy_is_the_root_of_the_energy(geodesics):
    np.testing.assert_allclose(
        distance_matrix(geodesics, 6, "root_energy") ** 2, distance_matrix(geodesics, 6, "energy"), rtol=1e-5
    )


def test_points_that_agree_are_at_distance_zero():
    points = np.concatenate([POINTS[:3], POINTS[:1]])
    matrix = pairwise(MANIFOLD, points, progress=False, **SETTINGS)
    assert matrix[0, 3] == 0.0
    np.testing.assert_allclose(matrix[3, 1:3], matrix[0, 1:3], rtol=1e-4)


def test_a_single_point_has_no_distances():
    np.testing.assert_array_equal(pairwise(MANIFOLD, POINTS[:1], progress=False), [[0.0]])


def test_an_unknown_distance_is_named_before_the_work_is_done():
    def never(z):
        raise AssertionError("the embedding was called")

    with pytest.raises(UserError, match=r"'lenght'.*length"):
        pairwise(Pullback(never), POINTS, "lenght", progress=False)


def test_points_must_be_a_table():
    with pytest.raises(UserError, match=r"\[n, d\]"):
        pairwise(MANIFOLD, POINTS[:, 0], progress=False)


def test_more_pairs_than_are_found_at_once_are_refused_before_memory_is_taken():
    points = random_points(30_000, 2, low=-1.0, high=1.0, dtype=np.float32)
    said = r"30000 x 30000 distances take 3.6 GB and about [\d.]+ \w+ of this machine.*`store`; give store='dist"
    with pytest.raises(UserError, match=said):
        pairwise(MANIFOLD, points, progress=False, **SETTINGS)
    with pytest.raises(UserError, match=r"449985000 geodesics are more than .* a `store`"):
        all_pairs(MANIFOLD, points)


@pytest.mark.parametrize("method", ["solver", "graph", "landmarks"])
def test_what_does_not_fit_in_memory_is_refused_in_one_line_before_anything_is_done(monkeypatch, method):
    monkeypatch.setattr(resources, "available_memory", lambda: 100)
    settings = SETTINGS if method == "solver" else {}
    with pytest.raises(
        UserError, match=r"6 x 6 distances take 144 bytes.* 100 bytes of memory are available"
    ) as error:
        pairwise(MANIFOLD, POINTS, progress=False, method=method, **settings)
    said = str(error.value)
    assert "store='distances.zarr'" in said and "`geodesic_neighbours`" in said
    assert ("of this machine" in said) == (method == "solver")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"method": "grit"}, "unknown method 'grit'; did you mean 'grid'.*solver, grid, graph, landmarks"),
        ({"method": None}, "unknown method 'None'"),
        ({"resolution": 20}, "unknown setting of method 'solver' 'resolution'"),
        (
            {"method": "graph", "num_landmark": 3},
            "unknown setting of method 'graph' 'num_landmark'.*points_per_edge",
        ),
        ({"method": "landmarks", "num_points": 8}, "unknown setting of method 'landmarks' 'num_points'"),
        ({"return_error": True}, "`return_error` is for methods that approximate"),
    ],
)
def test_methods_and_settings_that_do_not_fit_are_named(settings, said):
    with pytest.raises(UserError, match=said):
        pairwise(MANIFOLD, POINTS, progress=False, **settings)
