"""Starting `connect` from geodesics or paths that are known already, and ends outside of a table."""

import numpy as np
import pytest

from tests.cases import half_plane_distance, half_plane_metric, random_points
from tfgeo.curves import CubicSpline, Polyline
from tfgeo.errors import UserError
from tfgeo.geodesics import LevenbergMarquardt, connect, connect_coarse_to_fine
from tfgeo.geodesics.solvers.solver import Reason
from tfgeo.manifolds import Interpolated, TensorField

HALF_PLANE = TensorField(half_plane_metric)
NUM_POINTS = 11
CURVE = Polyline(NUM_POINTS - 2)
# Ends whose straight line is far from the geodesic, in float64: what a start leaves to do is seen in the steps.
START = np.array([[-1.0, 0.3], [-0.8, 0.2], [-1.2, 0.4], [0.0, 0.2]])
END = np.array([[1.0, 0.3], [0.9, 0.4], [1.0, 0.3], [1.5, 0.3]])
SOLVER = LevenbergMarquardt(max_iterations=200, tolerance=1e-10)


def solve(manifold=HALF_PLANE, curve=CURVE, **settings):
    return connect(manifold, START, END, curve=curve, solver=SOLVER, num_points=NUM_POINTS, **settings)


@pytest.fixture(scope="module")
def cold():
    return solve()


def circle_arcs(num):
    """`[4, num, 2]` points on the geodesics, half circles around the x axis, at equal hyperbolic steps."""
    middle = 0.5 * (END[:, 0] + START[:, 0]) + 0.5 * (END[:, 1] ** 2 - START[:, 1] ** 2) / (END[:, 0] - START[:, 0])
    radius = np.hypot(START[:, 0] - middle, START[:, 1])
    # On a half circle the distance is the difference of log tan of half the angle.
    logs = [np.log(np.tan(0.5 * np.arctan2(ends[:, 1], ends[:, 0] - middle))) for ends in (START, END)]
    angle = 2.0 * np.arctan(np.exp(np.linspace(*logs, num, axis=1)))
    return np.stack([middle[:, None] + radius[:, None] * np.cos(angle), radius[:, None] * np.sin(angle)], axis=-1)


def test_geodesics_of_the_same_pairs_are_where_they_start(cold):
    assert cold.converged.all() and (cold.num_iterations > 3).all()
    warm = solve(warm_start=cold)
    assert (warm.num_iterations < 0.5 * cold.num_iterations).all()
    np.testing.assert_allclose(warm.energy, cold.energy, rtol=1e-8)
    np.testing.assert_allclose(warm.length, cold.length, rtol=1e-6)  # which the energy bounds to second order only


def test_paths_are_where_they_start(cold):
    # More points than the curve has nodes, and as many.
    for num in (NUM_POINTS, 31):
        warm = solve(warm_start=circle_arcs(num))
        assert (warm.num_iterations < cold.num_iterations).all(), num
        np.testing.assert_allclose(warm.energy, cold.energy, rtol=1e-8)


def test_no_steps_leave_the_path_itself():
    arcs = circle_arcs(NUM_POINTS)
    solver = LevenbergMarquardt(max_iterations=1, initial_damping=1e7)  # a step of nearly nothing
    found = connect(HALF_PLANE, START, END, curve=CURVE, solver=solver, warm_start=arcs, warn=False)
    np.testing.assert_allclose(found.points(NUM_POINTS), arcs, atol=1e-5)
    # The arcs are geodesics: their chords are as long as the closed form, up to the midpoint rule.
    np.testing.assert_allclose(found.length, half_plane_distance(START, END), rtol=2e-2)


def test_geodesics_of_another_curve_are_where_they_start(cold):
    # Coarse to fine: few parameters first, then all nodes.
    coarse = solve(curve=CubicSpline(4))
    warm = solve(warm_start=coarse)
    assert warm.num_iterations.sum() < cold.num_iterations.sum()
    np.testing.assert_allclose(warm.energy, cold.energy, rtol=1e-6)


def test_a_start_that_is_worse_than_the_straight_line_is_left(cold):
    bad = circle_arcs(NUM_POINTS)
    bad[:, 1:-1, 1] = 0.01  # along the border, which is far away from everything
    np.testing.assert_allclose(solve(warm_start=bad).length, cold.length, rtol=1e-8)


@pytest.mark.parametrize("shape", [(4, 5), (3, 5, 2), (4, 5, 3), (4, 2, 5, 2)])
def test_paths_of_another_shape_are_refused(shape):
    with pytest.raises(UserError, match=r"`warm_start` \(.*\) must be \[B, S, d\].*4 pairs of 2"):
        solve(warm_start=np.zeros(shape))


def test_geodesics_of_other_pairs_are_refused(cold):
    with pytest.raises(UserError, match=r"`warm_start`.*each of the 2 pairs"):
        connect(HALF_PLANE, START[:2], END[:2], curve=CURVE, warm_start=cold)


def test_coarse_to_fine_ends_where_fine_does_with_fewer_fine_steps(cold):
    # Its own steps are those of both stages; the coarse ones are known from the coarse problem alone.
    coarse = connect(HALF_PLANE, START, END, curve=CubicSpline(), solver=SOLVER, num_points=6)
    both = connect_coarse_to_fine(HALF_PLANE, START, END, num_points=NUM_POINTS, coarse_num_points=6, solver=SOLVER)
    assert both.curve == CURVE and both.converged.all()
    assert (both.num_iterations - coarse.num_iterations < cold.num_iterations).all()
    np.testing.assert_allclose(both.energy, cold.energy, rtol=1e-6)


def test_the_fine_curves_are_of_the_family_that_is_asked_for():
    fine = {"curve": CubicSpline(8), "num_points": 61, "solver": SOLVER}
    both = connect_coarse_to_fine(HALF_PLANE, START, END, **fine)
    alone = connect(HALF_PLANE, START, END, **fine)
    assert both.curve == CubicSpline(8) and both.converged.all()
    np.testing.assert_allclose(both.energy, alone.energy, rtol=1e-6)


@pytest.mark.parametrize(
    ("settings", "words"),
    [({"curve": "bogus"}, "bogus"), ({"curve": "cubic_spline", "solver": "georce"}, "georce")],
)
def test_a_fine_curve_that_cannot_be_is_refused_before_the_coarse_ones_are_found(settings, words, monkeypatch):
    monkeypatch.setattr("tfgeo.geodesics.coarse_to_fine.connect", None)
    with pytest.raises(UserError, match=words):
        connect_coarse_to_fine(HALF_PLANE, START, END, **settings)


def test_the_failures_of_a_coarse_stage_stay_with_their_pairs(cold):
    start = START.copy()
    start[1] = np.nan
    with pytest.warns(UserWarning, match="1 of 4 pairs did not converge"):
        found = connect_coarse_to_fine(
            HALF_PLANE, start, END, num_points=NUM_POINTS, coarse_num_points=6, solver=SOLVER
        )
    np.testing.assert_array_equal(found.converged, [True, False, True, True])
    np.testing.assert_allclose(found.energy[[0, 2, 3]], cold.energy[[0, 2, 3]], rtol=1e-6)


TABLE = Interpolated(HALF_PLANE, ((-1.5, 1.5), (0.2, 1.5)), 24)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_ends_outside_of_the_table_are_marked_and_the_others_returned(dtype):
    # float64 ends on a float32 table are solved in the table's precision and returned as they came.
    start, end = random_points(2, 6, 2, low=0.3, high=1.4).astype(dtype)
    start[1], end[4], start[5] = [0.5, 0.1], [2.0, 1.0], [np.nan, 0.5]
    settings = {"curve": CubicSpline(3), "num_points": 32}
    with pytest.warns(UserWarning, match="3 of 6 pairs did not converge"):
        found = connect(TABLE, start, end, **settings)
    np.testing.assert_array_equal(np.isin(np.arange(6), [1, 4]), found.reason_codes == Reason.OUTSIDE)
    assert all("bounds" in reason for reason in found.reason[[1, 4]]) and "not finite" in found.reason[5]
    assert np.isnan(found.length[[1, 4, 5]]).all() and np.isnan(found.energy[[1, 4, 5]]).all()
    others = [0, 2, 3]
    assert found.converged[others].all() and not found.converged[[1, 4, 5]].any()
    assert found.length.dtype == found.parameters.dtype == dtype
    # The table's error, and that of 31 segments.
    np.testing.assert_allclose(found.length[others], half_plane_distance(start, end)[others], rtol=2e-3)
