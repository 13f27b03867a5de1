"""The tabulated metric against the manifold it is made from, its own derivatives, and SciPy's splines."""

import numpy as np
import pytest
import tensorflow as tf
from scipy.interpolate import make_interp_spline

from tests.cases import SURFACES, SmallDecoder, half_plane_metric, random_points, sphere
from tfgeo.errors import UserError
from tfgeo.geodesics import exponential_map
from tfgeo.manifolds import ExpectedPullback, Interpolated, Pullback, TensorField

BOUNDS = ((0.2, 1.4), (0.3, 1.6))


def table_of(manifold, resolution=24, bounds=BOUNDS, dtype=tf.float64):
    return Interpolated(manifold, bounds, resolution, dtype)


def relative_errors(table, manifold, z):
    exact, actual = manifold.metric_tensor(z).numpy(), table.metric_tensor(z).numpy()
    return np.linalg.norm(actual - exact, axis=(-1, -2)) / np.linalg.norm(exact, axis=(-1, -2))


@pytest.mark.parametrize("name", SURFACES)
def test_error_falls_with_the_fourth_power_of_the_cell(name):
    manifold = Pullback(SURFACES[name][0])
    # Up to the border: the ends of the splines are of the same order.
    z = random_points(400, 2, low=0.31, high=1.39)
    edge = np.stack([np.full(20, 0.201), np.linspace(0.3, 1.6, 20)], axis=-1)
    z = np.concatenate([z, edge])
    coarse, fine = (relative_errors(table_of(manifold, num), manifold, z) for num in (13, 25))
    assert coarse.max() < 1e-4
    assert fine.max() < max(coarse.max() / 10.0, 1e-13)


def test_stated_errors_are_those_of_other_points_too():
    manifold = ExpectedPullback(SmallDecoder())
    table = table_of(manifold, bounds=((-1.0, 1.0), (-1.2, 1.2)))
    z = random_points(2000, 2, low=-1.0, high=1.0)
    errors = relative_errors(table, manifold, z)
    assert 0.0 < errors.max() <= 1.2 * table.max_relative_error
    assert np.median(errors) <= 1.2 * table.median_relative_error
    v = random_points(2000, 2, low=-1.0, high=1.0, seed=1)
    ratios = (table.norm(z, v) / manifold.norm(z, v)).numpy()
    assert 0.0 < np.abs(ratios - 1.0).max() <= 1.2 * table.max_norm_error
    assert f"{table.max_relative_error:.1e}" in table.describe() and "24 x 24 nodes" in table.describe()


@pytest.mark.parametrize("dtype", [tf.float32, tf.float64])
def test_maps_compute_in_the_precision_of_the_table(dtype):
    table = table_of(Pullback(sphere), dtype=dtype)
    for points in (tf.float32, tf.float64):
        assert table.working_dtype(2, points) == dtype
        # What is asked in another precision comes back in it, with the digits of the table's.
        z = tf.constant([[0.7, 0.8]], points)
        ended = exponential_map(table, z.numpy(), np.array([[0.1, 0.2]], points.as_numpy_dtype))
        assert ended.dtype == points.as_numpy_dtype
        expected = exponential_map(table, *np.array([[[0.7, 0.8]], [[0.1, 0.2]]], dtype.as_numpy_dtype))
        np.testing.assert_allclose(ended, expected, rtol=1e-6)


def test_entries_are_scipys_not_a_knot_splines():
    table = table_of(TensorField(half_plane_metric), resolution=9)
    x, y = (np.linspace(*bounds, 9) for bounds in BOUNDS)
    inner = make_interp_spline(y, 1.0 / y**2, k=3)
    z = random_points(50, 2, low=0.3, high=1.4)
    metric, first, second = table.derivatives(z)
    for actual, order in ((metric, 0), (first[..., 1], 1), (second[..., 1, 1], 2)):
        np.testing.assert_allclose(actual[:, 0, 0], inner(z[:, 1], nu=order), rtol=1e-9)
    assert table.num_raised == 0
    # It goes through the nodes, the corners included.
    nodes = np.stack(np.meshgrid(x, y), axis=-1)
    np.testing.assert_allclose(table.metric_tensor(nodes), half_plane_metric(nodes), rtol=1e-11, atol=1e-11)


def test_derivatives_are_those_of_the_metric():
    table = table_of(ExpectedPullback(SmallDecoder()), resolution=12)
    z = tf.constant(random_points(3, 5, 2, low=0.31, high=1.39))
    metric, first, second = table.derivatives(z)
    np.testing.assert_allclose(metric, table.metric_tensor(z), rtol=1e-13)
    step = 1e-5
    for k in range(2):
        shift = step * np.eye(2)[k]
        ahead, behind = table.derivatives(z + shift), table.derivatives(z - shift)
        # Central differences, also across the borders of cells: error step^2, rounding 1e-16 / step.
        np.testing.assert_allclose(first[..., k], (ahead[0] - behind[0]) / (2.0 * step), rtol=1e-6, atol=1e-7)
        np.testing.assert_allclose(second[..., k], (ahead[1] - behind[1]) / (2.0 * step), rtol=1e-5, atol=1e-4)
    np.testing.assert_array_equal(table.metric_derivative(z), first)
    with tf.autodiff.ForwardAccumulator(z, tf.ones_like(z)) as accumulator:
        metric = table.metric_tensor(z)
    np.testing.assert_allclose(accumulator.jvp(metric), np.sum(first, axis=-1), rtol=1e-10, atol=1e-10)
    with tf.GradientTape() as tape:
        tape.watch(z)
        total = tf.reduce_sum(table.metric_tensor(z))
    np.testing.assert_allclose(tape.gradient(total, z), np.sum(first, axis=(-2, -3)), rtol=1e-10, atol=1e-10)


def test_two_derivatives_are_continuous_across_cells():
    table = table_of(ExpectedPullback(SmallDecoder()), resolution=8)
    knots = np.stack(np.meshgrid(np.linspace(*BOUNDS[0], 8)[1:-1], np.linspace(*BOUNDS[1], 8)[1:-1]), axis=-1)
    for below, above in zip(table.derivatives(knots - 1e-12), table.derivatives(knots + 1e-12), strict=True):
        np.testing.assert_allclose(below, above, rtol=1e-8, atol=1e-7)


@pytest.mark.parametrize("jit_compile", [False, True], ids=["graph", "xla"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_compiled_functions_agree_with_eager(dtype, jit_compile):
    table = table_of(Pullback(sphere), resolution=16, dtype=tf.as_dtype(dtype))
    unknown = tf.TensorSpec([7, 2] if jit_compile else [None, 2], dtype)
    derivatives = tf.function(table.derivatives, input_signature=[unknown], jit_compile=jit_compile)
    metric = tf.function(table.metric_tensor, input_signature=[unknown], jit_compile=jit_compile)
    z = random_points(7, 2, low=0.3, high=1.4, dtype=dtype)
    # Second derivatives are differences of coefficients over squared cells: they lose (15 / 1.2)^2 digits.
    tolerance = 200.0 * np.finfo(dtype).eps * np.array([1.0, 15.0, 200.0])
    for actual, expected, atol in zip(derivatives(z), table.derivatives(z), tolerance, strict=True):
        assert actual.dtype == dtype
        np.testing.assert_allclose(actual, expected, atol=atol)
    np.testing.assert_allclose(metric(z), sphere_table(z), atol=max(1e-5, tolerance[0]))


def sphere_table(z):
    return SURFACES["sphere"][1](np.asarray(z, np.float64))


@pytest.mark.parametrize("shape", [(2,), (4, 2), (3, 4, 2)])
def test_any_leading_shape(shape):
    table = table_of(Pullback(sphere))
    z = random_points(*shape, low=0.3)
    metric, first, second = table.derivatives(z)
    assert metric.shape == (*shape, 2) and first.shape == (*shape, 2, 2) and second.shape == (*shape, 2, 2, 2)
    np.testing.assert_allclose(metric, SURFACES["sphere"][1](z), rtol=1e-4, atol=1e-10)
    # Second derivatives in both orders are the same.
    np.testing.assert_array_equal(second, np.swapaxes(second, -1, -2))


def spike(z):
    """A flat metric with a narrow needle of 1e4 at one node: its splines ring below zero beside it."""
    distance = tf.reduce_sum(tf.square(z - tf.constant([0.8, 0.95], z.dtype)), axis=-1)
    return tf.eye(2, dtype=z.dtype) * (0.01 + 1e4 * tf.exp(-distance / 1e-4))[..., None, None]


def test_it_is_positive_definite_where_the_plain_spline_is_not():
    table = table_of(TensorField(spike), resolution=13)
    assert table.num_raised > 0
    assert f"{table.num_raised} of 225" in table.describe()
    dense = np.stack(np.meshgrid(np.linspace(*BOUNDS[0], 200), np.linspace(*BOUNDS[1], 200)), axis=-1)
    assert np.linalg.eigvalsh(table.metric_tensor(dense)).min() >= 1e-4 * (1.0 - 1e-9)
    along = np.linspace(*BOUNDS[0], 13)
    assert make_interp_spline(along, 0.01 + 1e4 * (np.arange(13) == 6), k=3)(dense[0, :, 0]).min() < -100.0


def test_outside_of_the_bounds_the_metric_is_that_of_the_border():
    table = table_of(ExpectedPullback(SmallDecoder()))
    outside = np.array([[0.0, 1.0], [3.0, 1.0], [1.0, -9.0], [5.0, np.inf]])
    border = np.array([[0.2, 1.0], [1.4, 1.0], [1.0, 0.3], [1.4, 1.6]])
    metric, first, second = table.derivatives(outside)
    np.testing.assert_allclose(metric, table.metric_tensor(border), rtol=1e-12)
    np.testing.assert_allclose(table.metric_tensor(outside), table.metric_tensor(border), rtol=1e-12)
    # Across the border nothing changes, along it the derivatives are those of the border.
    np.testing.assert_array_equal(first[:2, ..., 0], np.zeros([2, 2, 2]))
    np.testing.assert_allclose(first[:2, ..., 1], table.derivatives(border)[1][:2, ..., 1], rtol=1e-10)
    np.testing.assert_array_equal(second[:2, ..., 0], np.zeros([2, 2, 2, 2]))
    np.testing.assert_array_equal(first[3], np.zeros([2, 2, 2]))


def test_points_that_are_not_a_number_spoil_only_themselves():
    table = table_of(Pullback(sphere))
    z = random_points(4, 2, low=0.3)
    clean = table.derivatives(z)
    z[1, 0] = np.nan
    for actual, expected in zip(table.derivatives(z), clean, strict=True):
        assert np.isnan(actual[1]).any()
        np.testing.assert_array_equal(np.delete(actual, 1, axis=0), np.delete(expected, 1, axis=0))


def test_it_knows_what_it_contains():
    table = table_of(Pullback(sphere), resolution=5)
    points = np.array([[0.2, 0.3], [1.4, 1.6], [0.5, 1.75], [0.1, 1.0], [np.nan, 1.0]])
    np.testing.assert_array_equal(table.contains(tf.constant(points)), [True, True, False, False, False])


def test_around_leaves_a_margin():
    points = random_points(30, 2, dtype=np.float32)
    table = Interpolated.around(Pullback(sphere), points, resolution=8, margin=0.1)
    low, high = points.min(axis=0), points.max(axis=0)
    np.testing.assert_allclose(table.bounds[:, 0], low - 0.1 * (high - low), rtol=1e-6)
    np.testing.assert_allclose(table.bounds[:, 1], high + 0.1 * (high - low), rtol=1e-6)
    assert table.metric_tensor(points).dtype == tf.float32
    table = Interpolated.around(Pullback(sphere), points, resolution=8, margin=0.0)
    assert np.all(table.contains(tf.constant(points)))


@pytest.mark.parametrize(
    "bounds", [((0.0, 1.0),), ((1.0, 0.0), (0.0, 1.0)), ((0.0, 0.0), (0.0, 1.0)), ((0.0, np.nan), (0.0, 1.0))]
)
def test_bounds_that_are_none(bounds):
    with pytest.raises(UserError, match="`bounds`"):
        Interpolated(Pullback(sphere), bounds)


def test_points_on_a_line_along_an_axis_get_a_plane_around_them():
    table = Interpolated.around(Pullback(sphere), np.array([[1.0, 0.0], [2.0, 0.0]]), resolution=8, margin=0.0)
    np.testing.assert_allclose(table.bounds, [[1.0, 2.0], [-0.05, 0.05]])


def test_other_wrong_input():
    with pytest.raises(UserError, match="`resolution`"):
        Interpolated(Pullback(sphere), BOUNDS, resolution=3)
    with pytest.raises(UserError, match=r"not finite.*"):
        Interpolated(TensorField(half_plane_metric), ((0.0, 1.0), (0.0, 1.0)), resolution=4)
    with pytest.raises(UserError, match="`points`"):
        Interpolated.around(Pullback(sphere), np.zeros([0, 2]))
    with pytest.raises(UserError, match="no bounds; give `bounds`"):
        Interpolated.around(Pullback(sphere), np.zeros([3, 2]))
