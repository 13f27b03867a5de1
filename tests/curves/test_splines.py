"""Cubic splines, Bezier curves and polylines against their definitions."""

import numpy as np
import pytest
import tensorflow as tf
from scipy.interpolate import CubicSpline as Interpolant

from tests.curves.families import T, random_curve
from tfgeo.curves import Bezier, CubicSpline, Polyline, Quadratic

SPLINES = [CubicSpline(4), CubicSpline(7), CubicSpline(4, "natural"), CubicSpline(3, "natural")]


def one_sided(curve, t, side):
    """Basis functions at `t` `[T]` and their first, second and third derivatives there: each `[T, K]`.

    From four points on one side (-1 or 1), which determine a cubic.
    """
    moves = 0.02 * side * np.arange(4.0)
    values = np.stack([curve.basis(tf.constant(t + move)).numpy() for move in moves])
    coefficients = np.linalg.solve(np.vander(moves, increasing=True), values.reshape(4, -1))
    return np.reshape(coefficients * [[1.0], [1.0], [2.0], [6.0]], values.shape)


@pytest.mark.parametrize("curve", SPLINES, ids=repr)
def test_splines_have_two_continuous_derivatives(curve):
    knots = np.linspace(0.0, 1.0, curve.num_segments + 1)[1:-1]
    left, right = one_sided(curve, knots, -1), one_sided(curve, knots, 1)
    for order in range(3):
        np.testing.assert_allclose(left[order], right[order], atol=1e-8)
    jumps = np.abs(left[3] - right[3]).max(axis=-1)
    if curve.end_condition == "natural":
        assert (jumps > 1.0).all()  # cubic pieces, not one polynomial
    else:
        # What gives the condition its name: the first and last inner knots are none.
        np.testing.assert_allclose(jumps[[0, -1]], 0.0, atol=1e-6)
        assert (jumps[1:-1] > 1.0).all()


@pytest.mark.parametrize("curve", SPLINES, ids=repr)
def test_parameters_are_displacements_at_the_inner_knots(curve):
    knots = np.linspace(0.0, 1.0, curve.num_segments + 1)[1:-1]
    np.testing.assert_allclose(curve.basis(tf.constant(knots)), np.eye(curve.num_nodes), atol=1e-12)


def test_natural_splines_do_not_bend_at_their_ends():
    for end, side in ((0.0, 1), (1.0, -1)):
        ends = np.array([end])
        np.testing.assert_allclose(one_sided(CubicSpline(5, "natural"), ends, side)[2], 0.0, atol=1e-8)
        assert np.abs(one_sided(CubicSpline(5), ends, side)[2]).max() > 1.0


@pytest.mark.parametrize("curve", SPLINES, ids=repr)
def test_splines_are_those_of_scipy(curve):
    parameters, start, end = random_curve(curve)
    knots = np.linspace(0.0, 1.0, curve.num_segments + 1)
    values = curve.points(parameters, start, end, knots).numpy()
    bc_type = curve.end_condition.replace("_", "-")
    t = np.linspace(0.0, 1.0, 50)
    expected = Interpolant(knots, values, axis=1, bc_type=bc_type)(t)
    np.testing.assert_allclose(curve.points(parameters, start, end, t), expected, atol=1e-12)


def test_a_spline_that_is_not_a_knot_contains_the_cubics():
    t = np.linspace(0.0, 1.0, 30)
    cubic = tf.constant((t**3 - 2.0 * t**2 + 0.3 * t)[None, :, None])
    fitted = {condition: CubicSpline(4, condition) for condition in ("not_a_knot", "natural")}
    errors = {
        condition: np.abs(curve.points(curve.fit(cubic), cubic[:, 0], cubic[:, -1], t) - cubic).max()
        for condition, curve in fitted.items()
    }
    assert errors["not_a_knot"] < 1e-13 and errors["natural"] > 1e-3


def test_splines_approach_smooth_curves_at_fourth_order():
    t = np.linspace(0.0, 1.0, 400)
    smooth = tf.constant(np.stack([np.sin(3.0 * t), np.exp(t)], axis=-1)[None])
    errors = []
    for num_segments in (8, 16):
        curve = CubicSpline(num_segments)
        points = curve.points(curve.fit(smooth), smooth[:, 0], smooth[:, -1], t)
        errors.append(np.abs(points - smooth).max())
    assert errors[1] < errors[0] / 12.0  # 2^4 in the limit


def test_bezier_curves_are_those_of_de_casteljau():
    curve = Bezier(5)
    parameters, start, end = random_curve(curve)
    displacement = np.pad(parameters.numpy().reshape(4, 4, 3), [(0, 0), (1, 1), (0, 0)])
    control = np.linspace(start, end, 6, axis=1) + displacement
    expected = []
    for t in T:
        level = control
        while level.shape[1] > 1:
            level = (1.0 - t) * level[:, :-1] + t * level[:, 1:]
        expected.append(level[:, 0])
    points = curve.points(parameters, start, end, T)
    np.testing.assert_allclose(points, np.stack(expected, axis=1), atol=1e-13)


def test_a_bezier_curve_of_degree_2_is_a_quadratic():
    parameters, start, end = random_curve(Bezier(2))
    # C(2, 1) t (1 - t) b against -t (1 - t) a.
    expected = Quadratic().points(-2.0 * parameters, start, end, T)
    np.testing.assert_allclose(Bezier(2).points(parameters, start, end, T), expected, atol=1e-14)


def test_second_derivatives_of_bezier_curves_are_finite_at_the_ends():
    t = tf.constant([0.0, 0.5, 1.0])
    with tf.GradientTape() as outer:
        outer.watch(t)
        with tf.GradientTape() as inner:
            inner.watch(t)
            total = tf.reduce_sum(Bezier(4).basis(t) * [1.0, 2.0, 3.0])
        slope = inner.gradient(total, t)
    # 4 t (1-t)^3 + 12 t^2 (1-t)^2 + 12 t^3 (1-t) = 4 t + 0 t^2 + 0 t^3 - 4 t^4.
    np.testing.assert_allclose(slope, 4.0 - 16.0 * t**3, atol=1e-5)
    np.testing.assert_allclose(outer.gradient(slope, t), -48.0 * t**2, atol=1e-5)


def test_polylines_are_straight_between_their_nodes():
    curve = Polyline(4)
    parameters, start, end = random_curve(curve)
    nodes = np.linspace(start, end, 6, axis=1)
    nodes[:, 1:-1] += parameters.numpy().reshape(4, 4, 3)
    np.testing.assert_allclose(curve.points(parameters, start, end, np.linspace(0, 1, 6)), nodes, atol=1e-14)
    t = np.linspace(0.0, 1.0, 33)
    expected = [[np.interp(t, np.linspace(0, 1, 6), column) for column in curve.T] for curve in nodes]
    np.testing.assert_allclose(curve.points(parameters, start, end, t), np.swapaxes(expected, 1, 2), atol=1e-14)


def test_polyline_velocities_are_those_of_the_segments():
    curve = Polyline(3)
    parameters, start, end = random_curve(curve)
    nodes = curve.points(parameters, start, end, np.linspace(0.0, 1.0, 5)).numpy()
    velocities = curve.derivative(parameters, start, end, [0.0, 0.1, 0.3, 0.7, 0.9, 1.0])
    np.testing.assert_allclose(velocities, 4.0 * np.diff(nodes, axis=1)[:, [0, 0, 1, 2, 3, 3]], atol=1e-12)
