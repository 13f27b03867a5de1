"""What every curve family promises, against finite differences, autodiff and the straight line."""

import numpy as np
import pytest
import tensorflow as tf

from tests.curves.families import FAMILIES, LINEAR, SMALL, T, random_curve
from tfgeo import curves
from tfgeo.curves import Neural, Polyline
from tfgeo.errors import UserError

# Inside the pieces of all families: a polyline has no derivative at its nodes.
INSIDE = np.array([0.0, 0.031, 0.2875, 0.47, 0.633, 0.815, 1.0])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(), (4,), (2, 3)])
@pytest.mark.parametrize("curve", FAMILIES, ids=repr)
def test_end_points_are_exact(curve, shape, dtype):
    parameters, start, end = random_curve(curve, dtype, shape=shape)
    points = curve.points(parameters, start, end, tf.constant(T.astype(dtype))).numpy()
    assert points.shape == (*shape, len(T), 3) and points.dtype == dtype
    np.testing.assert_array_equal(points[..., 0, :], start)
    np.testing.assert_array_equal(points[..., -1, :], end)


@pytest.mark.parametrize("curve", FAMILIES, ids=repr)
def test_zero_parameters_are_the_straight_line(curve):
    parameters, start, end = random_curve(curve)
    points = curve.points(0.0 * parameters, start, end, T)
    np.testing.assert_allclose(points, np.linspace(start, end, len(T), axis=1), atol=1e-14)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("curve", FAMILIES, ids=repr)
def test_initial_parameters_are_the_straight_line(curve, dtype):
    _, start, end = random_curve(curve, dtype)
    parameters = curve.initial_parameters(start, end)
    assert parameters.shape == (4, curve.num_parameters(3)) and parameters.dtype == dtype
    points = curve.points(parameters, start, end, T.astype(dtype)).numpy()
    # The paper's form starts from a network fitted to the line; all others are the line.
    fitted = getattr(curve, "boundary", None) == "paper"
    atol = 0.05 if fitted else (1e-14 if dtype == np.float64 else 1e-6)
    np.testing.assert_allclose(points, np.linspace(start, end, len(T), axis=1), atol=atol)


@pytest.mark.parametrize("curve", FAMILIES, ids=repr)
def test_a_batch_equals_a_loop(curve):
    parameters, start, end = random_curve(curve)
    for function in (curve.points, curve.derivative):
        whole = function(parameters, start, end, T)
        for row in range(4):
            alone = function(parameters[row], start[row], end[row], T)
            np.testing.assert_allclose(whole[row], alone, rtol=1e-12, atol=1e-12)
    rows = [2, 0]
    ends = (tf.gather(start, rows), tf.gather(end, rows))
    again = tf.gather(curve.initial_parameters(start, end), rows)
    np.testing.assert_allclose(curve.initial_parameters(*ends), again, atol=1e-9)


@pytest.mark.parametrize("curve", FAMILIES, ids=repr)
def test_samples_of_parameters_share_their_ends(curve):
    # As stochastic searches call it: many parameters for each pair.
    parameters, start, end = random_curve(curve)
    samples = tf.stack([parameters, 2.0 * parameters], axis=1)
    points = curve.points(samples, start[:, None, :], end[:, None, :], T)
    expected = curve.points(2.0 * parameters, start, end, T)
    np.testing.assert_allclose(points[:, 1], expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("curve", FAMILIES, ids=repr)
def test_the_derivative_is_that_of_finite_differences(curve):
    parameters, start, end = random_curve(curve)
    step = 1e-6
    inside = INSIDE[1:-1]
    ahead, behind = (curve.points(parameters, start, end, inside + move) for move in (step, -step))
    derivative = curve.derivative(parameters, start, end, INSIDE)
    assert derivative.shape == (4, len(INSIDE), 3)
    # Central differences: step^2 times third derivatives, which networks of random weights have in the thousands.
    np.testing.assert_allclose(derivative[:, 1:-1], (ahead - behind) / (2.0 * step), rtol=1e-6, atol=1e-6)
    for end_point, inward in ((0, 1.0), (-1, -1.0)):
        near = curve.points(parameters, start, end, INSIDE[[end_point]] + inward * step)[:, 0]
        slope = inward * (near - (start, end)[end_point]) / step
        np.testing.assert_allclose(derivative[:, end_point], slope, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("curve", SMALL, ids=repr)
def test_the_jacobian_is_that_of_autodiff(curve):
    parameters, start, end = random_curve(curve)
    with tf.GradientTape() as tape:
        tape.watch(parameters)
        points = curve.points(parameters, start, end, T)
    expected = tape.batch_jacobian(points, parameters)
    jacobian = curve.jacobian(parameters, start, end, T)
    assert jacobian.shape == (4, len(T), 3, curve.num_parameters(3))
    np.testing.assert_allclose(jacobian, expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("curve", [Neural((3,)), Polyline(3), curves.Quadratic()], ids=repr)
def test_the_jacobian_by_forward_mode_is_the_same(curve):
    parameters, start, end = random_curve(curve)
    expected = curves.Curve.jacobian(curve, parameters, start, end, T)
    np.testing.assert_allclose(curve.jacobian(parameters, start, end, T), expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("curve", LINEAR, ids=repr)
def test_points_are_linear_in_the_parameters(curve):
    parameters, start, end = random_curve(curve)
    line = curve.points(0.0 * parameters, start, end, T)
    moved = 2.5 * (curve.points(parameters, start, end, T) - line)
    np.testing.assert_allclose(curve.points(2.5 * parameters, start, end, T) - line, moved, atol=1e-13)
    # The displacement does not depend on the ends.
    displacement = curve.points(parameters, 0.0 * start, 0.0 * end, T)
    np.testing.assert_allclose(moved / 2.5, displacement, atol=1e-13)
    parts = tf.reshape(parameters, [4, curve.num_nodes, 3])
    np.testing.assert_allclose(displacement, curve.basis(tf.constant(T)) @ parts, atol=1e-13)


@pytest.mark.parametrize("curve", LINEAR, ids=repr)
def test_the_basis_vanishes_at_both_ends_and_is_independent(curve):
    for dtype in (np.float32, np.float64):
        basis = curve.basis(tf.constant(np.linspace(0.0, 1.0, 101), dtype)).numpy()
        assert basis.shape == (101, curve.num_nodes) and basis.dtype == dtype
        np.testing.assert_array_equal(basis[[0, -1]], 0.0)
    assert np.linalg.cond(basis) < 100.0


@pytest.mark.parametrize("num_points", [45, 200])
@pytest.mark.parametrize("curve", LINEAR, ids=repr)
def test_fitted_parameters_of_a_member_are_its_own(curve, num_points):
    parameters, start, end = random_curve(curve)
    points = curve.points(parameters, start, end, np.linspace(0.0, 1.0, num_points))
    np.testing.assert_allclose(curve.fit(points), parameters, atol=1e-10)


@pytest.mark.parametrize("curve", LINEAR, ids=repr)
def test_a_fit_is_the_least_squares_fit(curve):
    points = tf.constant(np.random.default_rng(3).normal(size=[2, 40, 3]))
    t = np.linspace(0.0, 1.0, 40)
    line = (1.0 - t)[:, None] * points[:, :1] + t[:, None] * points[:, -1:]
    expected = [
        np.linalg.lstsq(curve.basis(tf.constant(t)).numpy(), row, rcond=None)[0] for row in (points - line).numpy()
    ]
    np.testing.assert_allclose(curve.fit(points), np.reshape(expected, [2, -1]), atol=1e-10)


@pytest.mark.parametrize("curve", FAMILIES, ids=repr)
def test_a_path_of_few_points_is_followed(curve):
    points = tf.constant([[[0.0, 0.0], [0.6, 1.0], [1.0, 0.4]]], tf.float64)
    parameters = curve.fit(points)
    middle = curve.points(parameters, points[:, 0], points[:, -1], [0.5])[:, 0]
    line = 0.5 * (points[:, 0] + points[:, -1])
    # A smooth curve of few parameters cuts the corner; none stays near the straight line.
    gained = np.linalg.norm(middle - points[:, 1]) / np.linalg.norm(line - points[:, 1])
    assert gained < 0.35
    if curve == Polyline():
        # A node on each side of the corner, at 9/19 and 10/19, and none on it.
        assert gained < 0.05


@pytest.mark.parametrize("curve", FAMILIES, ids=repr)
def test_a_fit_to_the_straight_line_is_the_straight_line(curve):
    _, start, end = random_curve(curve)
    line = np.linspace(start, end, 9, axis=1)
    points = curve.points(curve.fit(line), start, end, np.linspace(0.0, 1.0, 9))
    np.testing.assert_allclose(points, line, atol=0.05 if getattr(curve, "boundary", None) == "paper" else 1e-8)


@pytest.mark.parametrize("curve", FAMILIES, ids=repr)
def test_a_fit_works_in_a_compiled_function(curve):
    points = tf.constant(np.random.default_rng(3).normal(size=[2, 7, 3]))
    function = tf.function(curve.fit, input_signature=[tf.TensorSpec([None, 7, 3], tf.float64)])
    np.testing.assert_allclose(function(points), curve.fit(points), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("curve", FAMILIES, ids=repr)
def test_a_curve_is_hashable_and_equal_to_its_like(curve):
    again = type(curve)(**vars(curve))
    assert hash(curve) == hash(again) and curve == again


def test_unknown_curve_is_named():
    with pytest.raises(UserError, match=r"'quadratik'.*'quadratic'"):
        curves.from_name("quadratik")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: curves.CubicSpline(1), "num_segments"),
        (lambda: curves.CubicSpline(4, "clamped"), "`end_condition`='clamped'.*natural"),
        (lambda: curves.Bezier(1), "degree"),
        (lambda: Polyline(0), "num_nodes"),
        (lambda: Neural(()), "hidden_units"),
        (lambda: Neural((3, 0)), "hidden_units"),
        (lambda: Neural(boundary="safe"), "`boundary`='safe'.*additive"),
        (lambda: curves.Bezier().fit(tf.zeros([2, 1, 3])), r"\(2, 1, 3\).*at least 2"),
        (lambda: Neural((3,)).fit(tf.zeros([2, 1, 3])), r"\(2, 1, 3\).*at least 2"),
    ],
)
def test_settings_that_make_no_sense_are_named(make, message):
    with pytest.raises(UserError, match=message):
        make()
