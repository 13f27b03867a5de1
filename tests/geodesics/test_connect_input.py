"""What `connect` does with pairs that cannot be solved and with input that makes no sense."""

import numpy as np
import pytest
import tensorflow as tf

from tests.cases import SmallDecoder, paraboloid, random_ends
from tfgeo.curves import Polyline
from tfgeo.errors import UserError
from tfgeo.geodesics import Adam, Georce, GradientDescent, LevenbergMarquardt, connect
from tfgeo.geodesics.solvers.solver import Reason
from tfgeo.manifolds import IndependentNoise, Pullback, TensorField

MANIFOLD = IndependentNoise(SmallDecoder())
# Where the energy does not matter: its graphs are small.
SURFACE = Pullback(paraboloid)
START, END = random_ends(6, seed=8)


@pytest.fixture(scope="module")
def clean():
    return connect(MANIFOLD, START, END, num_points=7)


def test_equal_ends_have_length_zero(clean):
    start = START.copy()
    start[2] = END[2]
    geodesics = connect(MANIFOLD, start, END, num_points=7)
    # Although this energy has a noise term: a point is at no distance from itself.
    assert geodesics.length[2] == geodesics.energy[2] == 0.0 and geodesics.converged[2]
    assert "equal" in geodesics.reason[2] and geodesics.num_iterations[2] == 0
    np.testing.assert_allclose(geodesics.points(4)[2], np.tile(END[2], (4, 1)), rtol=1e-6)
    others = np.arange(6) != 2
    np.testing.assert_allclose(geodesics.length[others], clean.length[others], rtol=1e-6)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_ends_that_are_not_finite_fail_alone(clean, value):
    start, end = START.copy(), END.copy()
    start[1, 0] = value
    end[4] = value
    with pytest.warns(UserWarning, match="2 of 6 pairs.*not finite"):
        geodesics = connect(MANIFOLD, start, end, num_points=7)
    failed = np.isin(np.arange(6), [1, 4])
    np.testing.assert_array_equal(geodesics.converged, ~failed)
    assert np.isnan(geodesics.length[failed]).all() and np.isnan(geodesics.energy[failed]).all()
    assert all("not finite" in reason for reason in geodesics.reason[failed])
    np.testing.assert_allclose(geodesics.length[~failed], clean.length[~failed], rtol=1e-6)
    np.testing.assert_allclose(geodesics.parameters[~failed], clean.parameters[~failed], rtol=1e-3, atol=1e-4)


def test_equal_infinite_ends_are_no_point(clean):
    start = START.copy()
    start[0] = np.inf
    end = END.copy()
    end[0] = np.inf
    geodesics = connect(MANIFOLD, start, end, num_points=7, warn=False)
    assert not geodesics.converged[0] and np.isnan(geodesics.length[0])
    np.testing.assert_allclose(geodesics.length[1:], clean.length[1:], rtol=1e-6)


@pytest.mark.parametrize("solver", [GradientDescent(), Adam()], ids=["gradient_descent", "adam"])
def test_first_order_solvers_keep_failures_apart_too(solver):
    start = START.copy()
    start[0], start[1] = np.nan, END[1]
    geodesics = connect(SURFACE, start, END, solver=solver, num_points=7, warn=False)
    assert np.isnan(geodesics.length[0]) and not geodesics.converged[0]
    assert geodesics.length[1] == 0.0 and geodesics.converged[1]
    assert np.isfinite(geodesics.length[2:]).all() and geodesics.converged[2:].all()


def test_a_pair_that_runs_out_of_iterations_says_so():
    solver = LevenbergMarquardt(max_iterations=1)
    with pytest.warns(UserWarning, match="6 of 6 pairs did not converge.*max_iterations"):
        geodesics = connect(SURFACE, START, END, solver=solver, num_points=7)
    assert not geodesics.converged.any() and (geodesics.num_iterations == 1).all()
    assert all("max_iterations" in reason for reason in geodesics.reason)
    # What was found is returned, no longer than the straight line.
    line = SURFACE.length(np.linspace(START, END, 7, axis=1)).numpy()
    assert (geodesics.length <= line * (1.0 + 1e-6)).all()


def test_warnings_can_be_left_out(recwarn):
    start = np.full_like(START, np.nan)
    assert not connect(MANIFOLD, start, END, num_points=7, warn=False).converged.any()
    assert not [warning for warning in recwarn if "converge" in str(warning.message)]


def test_every_reason_has_a_message():
    assert all(isinstance(reason.message, str) and reason.message for reason in Reason)
    assert len({reason.message for reason in Reason}) == len(Reason)
    assert all(Reason(int(reason)) is reason for reason in Reason)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"curve": "quadratc"}, "unknown curve 'quadratc'.*'quadratic'"),
        ({"solver": "addam"}, "unknown solver 'addam'.*'adam'"),
        ({"num_points": 2}, "`num_points` must be an integer of at least 3"),
        ({"num_points": 10.0}, "`num_points` must be an integer"),
        ({"block_size": 0}, "`block_size` must be an integer of at least 1"),
        ({"curve": None}, "`curve` is None; give a name"),
        ({"solver": LevenbergMarquardt}, "`solver` is <class.*give a name"),
        ({"curve": "neural"}, "Neural has .* parameters.*solver='adam'"),
        ({"curve": "quadratic", "solver": "georce"}, "georce moves the nodes of a polyline"),
    ],
)
def test_settings_that_make_no_sense_are_named(settings, message):
    with pytest.raises(UserError, match=message):
        connect(MANIFOLD, START, END, **settings)


@pytest.mark.parametrize(
    ("solver", "settings"),
    [
        (LevenbergMarquardt, {"max_iterations": 0}),
        (LevenbergMarquardt, {"tolerance": -1.0}),
        (LevenbergMarquardt, {"initial_damping": 0.0}),
        (Georce, {"gradient_tolerance": np.nan}),
        (GradientDescent, {"learning_rate": 1e-12}),
        (Adam, {"learning_rate": 0.0}),
    ],
)
def test_solvers_check_their_settings(solver, settings):
    with pytest.raises(UserError, match=f"`{next(iter(settings))}`"):
        solver(**settings)


def test_a_function_is_no_manifold():
    with pytest.raises(UserError, match="`manifold` is function; give a tfgeo"):
        connect(paraboloid, START, END)


def test_where_a_metric_is_none_the_pair_is_marked():
    with pytest.warns(UserWarning, match="did not converge"):
        geodesics = connect(TensorField(lambda z: -tf.eye(2, batch_shape=tf.shape(z)[:-1])), START, END)
    assert not geodesics.converged.any() and np.isnan(geodesics.length).all()


def test_a_pair_that_is_not_finite_leaves_the_others_in_three_dimensions():
    start, end = (np.random.default_rng(seed).normal(size=[5, 3]).astype(np.float32) for seed in (1, 2))
    start[2] = np.nan
    geodesics = connect(SURFACE, start, end, curve=Polyline(4), warn=False)
    np.testing.assert_array_equal(geodesics.converged, np.arange(5) != 2)
    assert np.isnan(geodesics.length[2]) and np.isfinite(geodesics.length[[0, 1, 3, 4]]).all()


@pytest.mark.parametrize(
    ("start", "end"),
    [((2,), (2,)), ((3, 2), (4, 2)), ((3, 2), (3, 1)), ((2,), (3, 2)), ((1, 3, 2), (1, 3, 2))],
)
def test_shapes_that_do_not_match_are_named(start, end):
    with pytest.raises(UserError, match=r"`start`.* \(.*\[B, d\]"):
        connect(MANIFOLD, np.zeros(start), np.zeros(end))


def test_ends_that_are_no_numbers_are_named():
    with pytest.raises(UserError, match="`start`"):
        connect(MANIFOLD, np.array([["a", "b"]]), np.array([["c", "d"]]))


def test_ends_may_be_lists_and_integers():
    geodesics = connect(MANIFOLD, [[0, 0]], [[1, 1]], num_points=7)
    assert geodesics.length.dtype == np.float32 and geodesics.converged.all()
