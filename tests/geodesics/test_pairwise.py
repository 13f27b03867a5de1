"""Distance matrices of geodesics."""

import numpy as np
import pytest

from tests.cases import paraboloid, random_points
from tfgeo.errors import UserError
from tfgeo.geodesics import connect, pairwise
from tfgeo.geodesics.pairwise import DISTANCES, all_pairs, distance_matrix
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


def test_more_pairs_than_one_call_finds_are_refused_before_memory_is_taken():
    points = np.zeros([30_000, 2], np.float32)
    said = "449985000 geodesics, whose distances alone are 1.8 GB.*`KNNGraph.distances`"
    for ask in (pairwise, all_pairs):
        with pytest.raises(UserError, match=said):
            ask(MANIFOLD, points)
