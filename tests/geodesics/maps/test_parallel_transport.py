"""Parallel transport: closed forms, and inner products that stay what they are."""

import numpy as np
import pytest
import tensorflow as tf

from tests.geodesics.maps.map_cases import (
    DECODER,
    FLAT,
    HALF_PLANE,
    MANIFOLDS,
    RELU,
    SPHERE,
    ends,
    names_and_dtypes,
)
from tfgeo.curves import CubicSpline, Neural, Polyline, Quadratic
from tfgeo.errors import UserError
from tfgeo.geodesics import connect, geodesic_flow, parallel_transport
from tfgeo.geodesics.maps.parallel_transport import _follow

U, V = np.random.default_rng(1).normal(size=[2, 4, 2])


def bent_path(start, end):
    """Curves between the ends that are no geodesics, `[B, 7, d]`."""
    t = np.linspace(0.0, 1.0, 7)[:, None]
    return (1.0 - t) * start[:, None] + t * end[:, None] + 0.2 * np.sin(np.pi * t) * [0.3, 1.0]


@pytest.mark.parametrize("angle", [0.5, 1.5, 2.0 * np.pi])
def test_a_circle_of_latitude_turns_vectors(angle):
    # In the frame (d theta, sin theta d phi) by cos(theta) per unit of longitude: once around, the holonomy.
    theta = 0.6
    path = np.linspace([theta, 0.2], [theta, 0.2 + angle], 7)
    first, second = parallel_transport(SPHERE, path, np.array([0.7, -0.4]))
    turn = np.cos(theta) * angle
    frame = np.array([0.7, -0.4 * np.sin(theta)])
    expected = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]]) @ frame
    np.testing.assert_allclose([first, second * np.sin(theta)], expected, atol=1e-6)


def test_a_horizontal_line_of_the_half_plane_turns_vectors():
    # By 1 / y per unit of x, clockwise to the right: the lengths stay.
    path = np.linspace([0.0, 0.5], [0.8, 0.5], 7)
    moved = parallel_transport(HALF_PLANE, path, np.array([0.0, 1.0]))
    np.testing.assert_allclose(moved, [np.sin(1.6), np.cos(1.6)], atol=1e-6)


def test_flat_space_keeps_vectors():
    np.testing.assert_allclose(parallel_transport(FLAT, bent_path(*ends("flat")), V), V, atol=1e-9)


@pytest.mark.parametrize(("name", "dtype"), names_and_dtypes(["sphere", "half_plane", "decoder"]))
def test_inner_products_are_kept_along_any_curve(name, dtype):
    manifold = MANIFOLDS[name]
    start, end = ends(name, dtype)
    path = bent_path(start, end).astype(dtype)
    u, v = U.astype(dtype), V.astype(dtype)
    moved_u, moved_v = (parallel_transport(manifold, path, w) for w in (u, v))
    assert moved_u.dtype == dtype
    scale = (manifold.norm(start, u) * manifold.norm(start, v)).numpy()
    for pair, moved in (((u, v), (moved_u, moved_v)), ((u, u), (moved_u, moved_u))):
        change = manifold.inner_product(end, *moved) - manifold.inner_product(start, *pair)
        np.testing.assert_allclose(change / scale, 0.0, atol=1e-5)


def test_the_velocity_of_a_geodesic_is_carried_to_its_velocity():
    start, end = ends("decoder")
    v = 0.4 * (end - start)
    points, velocities = geodesic_flow(DECODER, start, v, np.linspace(0.0, 1.0, 7)[1:])
    path = np.concatenate([start[:, None], points], axis=1)
    # A spline of 6 pieces through the geodesic: its velocities have an error of third order.
    speed = DECODER.norm(start, v).numpy()
    error = DECODER.norm(points[:, -1], parallel_transport(DECODER, path, v) - velocities[:, -1]).numpy()
    assert (error < 2e-3 * speed).all()


def test_transport_is_linear_whatever_the_size():
    path = bent_path(*ends("sphere"))
    moved_u, moved_v, both = (parallel_transport(SPHERE, path, w) for w in (U, V, 1e6 * (2.0 * U - V)))
    np.testing.assert_allclose(1e-6 * both, 2.0 * moved_u - moved_v, atol=1e-6)


def test_the_way_back_leads_back():
    path = bent_path(*ends("sphere"))
    moved = parallel_transport(SPHERE, path, V)
    np.testing.assert_allclose(parallel_transport(SPHERE, path[:, ::-1], moved), V, atol=1e-6)


def test_curves_of_connect_are_followed():
    start, end = ends("sphere")
    geodesics = connect(SPHERE, start, end, curve="cubic_spline", num_points=20)
    moved = parallel_transport(SPHERE, geodesics, V)
    np.testing.assert_allclose(SPHERE.norm(end, moved), SPHERE.norm(start, V), rtol=1e-6)


@pytest.mark.parametrize("num_nodes", [3, pytest.param(20, marks=pytest.mark.slow)])
def test_corners_of_polylines_are_no_obstacle(num_nodes):
    start, end = ends("sphere")
    geodesics = connect(SPHERE, start, end, curve=Polyline(num_nodes))
    moved = parallel_transport(SPHERE, geodesics, V)
    np.testing.assert_allclose(SPHERE.norm(end, moved), SPHERE.norm(start, V), rtol=1e-5)


def test_curves_that_are_not_finite_are_marked():
    path = bent_path(*ends("sphere"))
    clean = parallel_transport(SPHERE, path, V)
    path[2, 3] = np.nan
    moved = parallel_transport(SPHERE, path, V)
    assert np.isnan(moved[2]).all()
    np.testing.assert_allclose(np.delete(moved, 2, 0), np.delete(clean, 2, 0), atol=1e-7)


def test_no_vector_stays_none():
    np.testing.assert_array_equal(parallel_transport(SPHERE, bent_path(*ends("sphere")), 0.0 * V), 0.0 * V)


def test_piecewise_linear_decoders_are_refused():
    with pytest.raises(UserError, match=r"parallel_transport.*ReLU"):
        parallel_transport(RELU, bent_path(*ends("decoder")), V)


@pytest.mark.parametrize(
    ("path", "v", "message"),
    [
        (np.zeros([4, 1, 2]), V, "`path`"),
        (np.zeros([2]), V, "`path`"),
        (np.zeros([4, 5, 2]), V[:3], "different B"),
        (np.zeros([4, 5, 2]), V[:, :1], "same d"),
        (np.zeros([5, 2]), V, "`v` has 4 rows"),
    ],
)
def test_arguments_that_make_no_sense_are_named(path, v, message):
    with pytest.raises(UserError, match=message):
        parallel_transport(SPHERE, path, v)


@pytest.mark.parametrize("curve", [Neural((3,)), Neural((3,), "paper"), CubicSpline(3), Quadratic()])
def test_each_curve_is_followed_at_its_own_time(curve):
    start, end = ends("flat")
    t = np.array([0.0, 0.2, 0.7, 1.0])
    parameters = np.random.default_rng(0).normal(size=[4, curve.num_parameters(2)])
    parameters, start, end, t = map(tf.constant, (parameters, start, end, t))
    points, velocities = _follow(curve, parameters, start, end, t)
    np.testing.assert_allclose(points, np.einsum("bbd->bd", curve.points(parameters, start, end, t)), atol=1e-12)
    expected = np.einsum("bbd->bd", curve.derivative(parameters, start, end, t))
    np.testing.assert_allclose(velocities, expected, atol=1e-12)
