"""The exponential map against closed forms, and the laws of geodesics."""

import numpy as np
import pytest
import tensorflow as tf

from tests.cases import SmallDecoder, paraboloid, sphere
from tests.geodesics.maps.map_cases import (
    DECODER,
    FLAT,
    HALF_PLANE,
    RELU,
    SPHERE,
    MetricOnly,
    ends,
    half_plane_exponential,
    push,
)
from tfgeo.errors import UserError
from tfgeo.geodesics import exponential_map, geodesic_flow, logarithm_map
from tfgeo.geodesics.maps.degenerate import describe_degenerate
from tfgeo.geodesics.solvers.smoothness import MAX_JUMP_SHARE, jump_share
from tfgeo.manifolds import ExpectedPullback, Pullback

Z = ends("sphere")[0]
V = np.array([[0.6, 0.4], [0.3, -0.5], [-0.4, 0.9], [0.1, 0.0]])
# The solver allows 1e-9 per step; it takes some tens, and reads the end off between two of them.
ODE = {np.float64: 1e-7, np.float32: 1e-5}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sphere_has_great_circles(dtype):
    ended = exponential_map(SPHERE, Z.astype(dtype), V.astype(dtype))
    assert ended.dtype == dtype
    velocity = push(Z, V)
    speed = np.linalg.norm(velocity, axis=-1, keepdims=True)
    expected = np.cos(speed) * sphere(tf.constant(Z)) + np.sin(speed) * velocity / speed
    np.testing.assert_allclose(sphere(tf.constant(ended)), expected, atol=ODE[dtype])


def test_half_plane_has_circles_that_meet_the_boundary_at_right_angles():
    # One of them straight up, and one so fast that z + v lies beyond the boundary.
    v = np.concatenate([V[:2], [[0.0, 0.7], [0.2, -3.0]]])
    z = ends("half_plane")[0]
    expected = half_plane_exponential(z, v)
    np.testing.assert_allclose(exponential_map(HALF_PLANE, z, v), expected, rtol=1e-6, atol=1e-7)


def test_flat_space_has_straight_lines():
    np.testing.assert_allclose(exponential_map(FLAT, Z, V, t=0.7), Z + 0.7 * V, atol=ODE[np.float64])


def test_the_metric_alone_gives_the_same_geodesics():
    manifold = MetricOnly(SPHERE)
    np.testing.assert_allclose(exponential_map(manifold, Z, V), exponential_map(SPHERE, Z, V), atol=ODE[np.float64])


def test_geodesics_keep_their_speed_and_scale_with_time():
    z, end = ends("decoder")
    v = 0.5 * (end - z)
    points, velocities = geodesic_flow(DECODER, z, v, [0.3, 0.6, 1.0])
    assert points.shape == velocities.shape == (4, 3, 2)
    speed = DECODER.norm(z, v).numpy()
    for index in range(3):
        actual = DECODER.norm(points[:, index], velocities[:, index])
        np.testing.assert_allclose(actual, speed, rtol=1e-6)
    np.testing.assert_allclose(exponential_map(DECODER, z, 0.6 * v), points[:, 1], atol=1e-7)
    np.testing.assert_allclose(exponential_map(DECODER, z, v, t=0.6), points[:, 1], atol=1e-7)
    # Back the way it came.
    back = exponential_map(DECODER, points[:, -1], -velocities[:, -1])
    np.testing.assert_allclose(back, z, atol=1e-6)


def test_a_batch_equals_a_loop():
    whole = exponential_map(SPHERE, Z, V)
    for row in range(4):
        # Other steps, within the tolerance.
        np.testing.assert_allclose(exponential_map(SPHERE, Z[row], V[row]), whole[row], atol=ODE[np.float64])
    np.testing.assert_allclose(exponential_map(SPHERE, Z[0], V)[0], whole[0], atol=ODE[np.float64])


def test_no_velocity_is_no_motion():
    np.testing.assert_allclose(exponential_map(SPHERE, Z, 0.0 * V), Z, atol=1e-14)


def test_only_pairs_that_meet_a_singular_point_are_marked():
    # x = u^2 is flat: u(t) = sqrt(u0^2 + 2 u0 v t), which the second pair drives into u = 0 at t = 1/2.
    manifold = Pullback(lambda z: tf.stack([tf.square(z[..., 0]), z[..., 1]], axis=-1))
    z, v = np.ones([4, 2]), np.array([[1.0, 0.3], [-1.0, 0.0], [-0.3, 0.2], [np.nan, 1.0]])
    ended = exponential_map(manifold, z, v)
    assert np.isnan(ended[[1, 3]]).all()
    v = v[[0, 2]]
    expected = np.stack([np.sqrt(1.0 + 2.0 * v[:, 0]), 1.0 + v[:, 1]], axis=-1)
    np.testing.assert_allclose(ended[[0, 2]], expected, atol=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_piecewise_linear_decoders_are_refused(dtype):
    z, end = ends("decoder", dtype)
    for manifold in (RELU, MetricOnly(RELU)):
        with pytest.raises(UserError, match=r"exponential_map.*second derivatives.*ReLU.*use `connect`.*softplus"):
            exponential_map(manifold, z, end - z)


@pytest.mark.parametrize("activation", [tf.tanh, tf.nn.softplus, tf.nn.elu, tf.sin], ids=lambda a: a.__name__)
def test_smooth_decoders_are_not(activation):
    for spread in (0.0, 0.3):
        assert (
            jump_share(ExpectedPullback(SmallDecoder(activation, spread)), *ends("decoder")) < 0.3 * MAX_JUMP_SHARE
        )


@pytest.mark.parametrize("activation", [tf.nn.relu, tf.nn.leaky_relu], ids=lambda a: a.__name__)
def test_kinks_are_seen_below_a_smooth_output(activation):
    # Second derivatives that do not vanish, and jumps all the same.
    def embedding(z):
        return tf.sigmoid(SmallDecoder(activation)(z).mean())

    assert jump_share(Pullback(embedding), *ends("decoder")) > 3.0 * MAX_JUMP_SHARE


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((Z, V[:, :1]), r"\(4, 2\).*\(4, 1\)"),
        ((Z, V[:3]), "different B"),
        ((Z[None], V), r"\[B, d\]"),
        ((Z.astype(str), V), "real numbers"),
        ((Z, V, 0.0), "`t`"),
        ((Z, V, 1.0, -1.0), "`tolerance`"),
    ],
)
def test_arguments_that_make_no_sense_are_named(arguments, message):
    with pytest.raises(UserError, match=message):
        exponential_map(SPHERE, *arguments)


@pytest.mark.parametrize("times", [[0.0, 1.0], [1.0, 0.5], [], [[1.0]]])
def test_times_must_increase(times):
    with pytest.raises(UserError, match="`times`"):
        geodesic_flow(SPHERE, Z, V, times)


def collapsed(z):
    """A decoder that ignores its second coordinate, as a collapsed posterior leaves one: its metric is singular."""
    return tf.concat([tf.sin(z[..., :1]), z[..., :1] ** 2, z[..., :1]], axis=-1)


def test_where_the_metric_is_singular_all_along_there_is_no_geodesic():
    points, velocities = geodesic_flow(Pullback(collapsed), Z, V, [0.5, 1.0])
    assert np.isnan(points).all() and np.isnan(velocities).all()


def test_a_singular_metric_leaves_the_others():
    # Singular to the right of 0.5, where nothing of the second coordinate is left.
    def embedding(z):
        left = tf.nn.relu(0.5 - z[..., :1]) ** 3
        return tf.concat([z[..., :1], left * z[..., 1:]], axis=-1)

    z = np.array([[-1.0, 0.2], [0.7, 0.2], [0.3, 0.1]])
    v = np.array([[0.3, 0.1], [0.3, 0.1], [0.6, 0.0]])
    ended = exponential_map(Pullback(embedding), z, v)
    np.testing.assert_array_equal(np.isnan(ended).any(axis=-1), [False, True, True])
    alone = exponential_map(Pullback(embedding), z[:1], v[:1])
    np.testing.assert_allclose(ended[0], alone[0], atol=ODE[np.float64])


def test_a_decoder_of_fewer_outputs_than_latent_dimensions_has_no_such_maps():
    """Said in one line, with what can be done; more points or iterations could not."""
    weights = np.random.default_rng(0).normal(size=(5, 3))
    manifold = Pullback(lambda z: tf.tanh(tf.linalg.matmul(z, tf.constant(weights, z.dtype))))
    z, v = np.random.default_rng(1).normal(size=(2, 4, 5))
    said = "of 5 latent dimensions the decoder moves in 3, .* use `connect`"
    with pytest.warns(UserWarning, match=f"4 of 4 geodesics are NaN; the metric is singular: {said}"):
        assert np.isnan(exponential_map(manifold, z, 0.1 * v)).all()
    with pytest.warns(UserWarning, match=f"4 of 4 logarithms did not converge; the metric is singular: {said}"):
        logarithm_map(manifold, z, z + 0.1 * v)
    assert describe_degenerate(Pullback(paraboloid), z[:, :2]) == ""
