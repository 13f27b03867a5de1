"""Distances without a solver: a grid, a graph and landmarks, against closed forms and the solver."""

import numpy as np
import pytest

from tests.cases import FLAT_MATRIX, flat, random_points
from tfgeo.errors import UserError
from tfgeo.geodesics import KNNGraph, distance_error, distances, grid_distances, pairwise
from tfgeo.geodesics.methods.landmarks import LandmarkApproximation
from tfgeo.manifolds import IndependentNoise, Pullback

MANIFOLD = Pullback(flat)
# Five strips.
POINTS = random_points(75, 2, low=-1.0, high=1.0, dtype=np.float32)
EXACT = np.linalg.norm((POINTS[:, None] - POINTS[None]) @ FLAT_MATRIX.T.astype(np.float32), axis=-1)
# Settings, and how far off each is in a flat plane: a share of the distance for 95 % of pairs, and one for all.
# Neighbours of a graph of few points lie in few directions; landmarks at the rim do not see across it.
METHODS = {
    "grid": ({"resolution": 25, "points_per_edge": 2}, 0.04, 0.2),
    "graph": ({"k": 25, "points_per_edge": 2}, 0.1, 0.4),
    "landmarks": ({"num_landmarks": 40, "k": 40, "points_per_edge": 2}, 0.15, 1.0),
}
PAIRS = np.triu_indices(len(POINTS), 1)
each = pytest.mark.parametrize("method", METHODS)


@pytest.fixture(scope="module")
def matrices():
    return {
        method: pairwise(MANIFOLD, POINTS, progress=False, method=method, **settings)
        for method, (settings, *_) in METHODS.items()
    }


@each
def test_matrices_are_near_the_closed_form(matrices, method):
    matrix = matrices[method]
    assert matrix.dtype == np.float32
    np.testing.assert_array_equal(matrix, matrix.T)
    np.testing.assert_array_equal(np.diag(matrix), 0.0)
    errors = np.abs(matrix[PAIRS] / EXACT[PAIRS] - 1.0)
    _, most, worst = METHODS[method]
    assert np.quantile(errors, 0.95) < most and errors.max() < worst


def test_a_grid_and_a_graph_give_what_their_own_functions_do(matrices):
    settings = METHODS["grid"][0]
    through_points = grid_distances(MANIFOLD, POINTS, **settings)
    assert (matrices["grid"] >= (1.0 - 1e-5) * through_points).all()
    longer = matrices["grid"][PAIRS] / through_points[PAIRS]
    assert np.median(longer) < 1.005 and np.quantile(longer, 0.99) < 1.05
    graph = KNNGraph(MANIFOLD, POINTS, **METHODS["graph"][0], progress=False)
    np.testing.assert_allclose(matrices["graph"], graph.distances(), rtol=1e-5)
    assert (matrices["graph"] >= 0.999 * EXACT).all()


def test_far_neighbours_shorten_the_paths_of_a_graph_and_keep_them_paths():
    settings = {"k": 6, "points_per_edge": 2}
    found = pairwise(MANIFOLD, POINTS, progress=False, method="graph", **settings)[PAIRS]
    near = KNNGraph(MANIFOLD, POINTS, **settings, progress=False).distances()[PAIRS]
    assert (found <= near * (1.0 + 1e-5)).all() and (found >= 0.999 * EXACT[PAIRS]).all()
    assert np.mean(found / EXACT[PAIRS] - 1.0) < 0.9 * np.mean(near / EXACT[PAIRS] - 1.0)


def test_landmarks_bound_the_distances_of_their_graph_from_below_and_are_exact_at_themselves():
    settings = METHODS["landmarks"][0]
    approximation = LandmarkApproximation(MANIFOLD, POINTS, **settings)
    found = approximation.rows(0, len(POINTS))
    graph = KNNGraph(MANIFOLD, POINTS, 40, points_per_edge=2, progress=False).distances()
    assert (found <= graph + 1e-6).all()
    np.testing.assert_allclose(found[approximation.landmarks], graph[approximation.landmarks], atol=1e-6)
    assert len(set(approximation.landmarks)) == settings["num_landmarks"]
    np.testing.assert_array_equal(approximation.rows(10, 13), found[10:13])


def test_landmarks_by_the_solver_have_no_error_of_a_graph():
    settings = {**METHODS["landmarks"][0], "by": "solver"}
    approximation = LandmarkApproximation(MANIFOLD, POINTS, **settings)
    found = approximation.rows(0, len(POINTS))
    np.testing.assert_allclose(found[approximation.landmarks], EXACT[approximation.landmarks], rtol=1e-3, atol=1e-5)


@each
def test_distances_from_some_to_others_are_those_among_all(matrices, method):
    settings = METHODS[method][0]
    found = distances(MANIFOLD, POINTS[:30], POINTS[30:], progress=False, method=method, **settings)
    np.testing.assert_allclose(found, matrices[method][:30, 30:], rtol=1e-5)


def test_an_energy_is_the_square_of_a_length(matrices):
    settings = {"method": "graph", "progress": False, **METHODS["graph"][0]}
    energy = pairwise(MANIFOLD, POINTS.astype(np.float64), "energy", **settings)
    assert energy.dtype == np.float64
    np.testing.assert_allclose(energy, matrices["graph"] ** 2, rtol=1e-4)
    np.testing.assert_array_equal(pairwise(MANIFOLD, POINTS, "root_energy", **settings), matrices["graph"])


def test_equal_points_are_at_distance_zero():
    points = np.concatenate([POINTS, POINTS[:3]])
    for method, (settings, *_) in METHODS.items():
        matrix = pairwise(MANIFOLD, points, progress=False, method=method, **settings)
        np.testing.assert_array_equal(matrix[np.arange(3), 75 + np.arange(3)], 0.0)


def test_a_store_holds_what_memory_does(matrices, tmp_path):
    pytest.importorskip("zarr")
    for method in ("graph", "landmarks"):
        store, settings = tmp_path / f"{method}.zarr", METHODS[method][0]
        for _ in range(2):  # the second finds all blocks there
            array = pairwise(MANIFOLD, POINTS, progress=False, method=method, store=store, **settings)
            np.testing.assert_array_equal(array[:], matrices[method])
    with pytest.raises(UserError, match=r"other method .*, other settings"):
        pairwise(MANIFOLD, POINTS, progress=False, store=store)


def test_the_error_is_measured_and_said_in_one_line(capsys, tmp_path):
    settings = {"method": "graph", **METHODS["graph"][0]}
    matrix, error = pairwise(MANIFOLD, POINTS, return_error=True, **settings)
    said = [line for line in capsys.readouterr().err.splitlines() if "method='graph'" in line]
    assert len(said) == 1 and str(error) in said[0] and "error against the solver on 256 pairs: median" in said[0]
    errors = matrix[PAIRS] / EXACT[PAIRS] - 1.0
    np.testing.assert_allclose(error.median, np.median(np.abs(errors)), atol=0.01)
    np.testing.assert_allclose(error.bias, np.mean(errors), atol=0.01)
    assert error.percentile_95 <= error.worst <= np.max(np.abs(errors)) + 1e-4


def test_errors_of_a_matrix_that_is_known():
    error = distance_error(MANIFOLD, 1.1 * EXACT, POINTS, num_pairs=256)
    np.testing.assert_allclose([error.median, error.worst, error.bias], 0.1, rtol=1e-3)
    assert (error.num_pairs, error.num_left_out) == (256, 0)
    same = np.repeat(POINTS[:1], 3, axis=0)
    error = distance_error(MANIFOLD, np.zeros([3, 3]), same, num_pairs=256)
    assert (error.num_pairs, error.num_left_out) == (0, 256) and np.isnan(error.median) and np.isnan(error.bias)
    with pytest.raises(UserError, match=r"`matrix` \(75, 75\) must be \[n, m\] for 75 and 3 points"):
        distance_error(MANIFOLD, EXACT, POINTS, POINTS[:3])


HEAPS = np.concatenate([POINTS[:30], POINTS[:30] + 50.0])


@pytest.mark.parametrize(
    ("method", "points", "settings", "said"),
    [
        ("grid", random_points(5, 3), {}, "needs a latent plane, but points have d = 3; use method='graph'"),
        ("graph", POINTS[:1], {}, "needs at least 2 points, got 1; use method='solver'"),
        ("grid", np.full([3, 2], np.nan, np.float32), {}, "needs finite points, but 3 of 3 rows are not"),
        ("graph", HEAPS, {"k": 5}, "the graph falls into 2 components of 30, 30 nodes; raise `k`=5 to 30"),
        ("landmarks", HEAPS, {"k": 5}, "the graph falls into 2 components"),
        ("landmarks", POINTS, {"by": "grid"}, "`by`='grid' is not known; choose 'graph' or 'solver'"),
        ("landmarks", POINTS, {"num_landmarks": 0}, "`num_landmarks` must be an integer of at least 1"),
        ("graph", POINTS, {"k": 0}, "`k` must be an integer of at least 1"),
    ],
)
def test_what_a_method_cannot_do_is_said_in_one_line(method, points, settings, said):
    with pytest.raises(UserError, match=said):
        pairwise(MANIFOLD, points, progress=False, method=method, **settings)


def test_the_energy_of_a_potential_is_no_square_of_a_length():
    from tests.cases import SmallDecoder

    with pytest.raises(UserError, match="IndependentNoise is no square; give distance='length'"):
        pairwise(IndependentNoise(SmallDecoder()), POINTS, "energy", progress=False, method="graph")
