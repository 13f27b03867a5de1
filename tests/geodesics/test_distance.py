"""Distances that can be differentiated, against closed forms and finite differences."""

import numpy as np
import pytest
import tensorflow as tf

from tests.cases import flat_metric, great_circle
from tests.geodesics.maps.map_cases import DECODER, FLAT, HALF_PLANE, SPHERE, ends, half_plane_distance
from tfgeo.errors import UserError
from tfgeo.geodesics import LevenbergMarquardt, connect, distance
from tfgeo.manifolds import Pullback

# Down to the minimum, in float64: the envelope theorem is as exact as that.
EXACT = LevenbergMarquardt(max_iterations=200, tolerance=1e-12, gradient_tolerance=1e-6)


def value_and_gradients(manifold, start, end, **settings):
    start, end = tf.constant(start), tf.constant(end)
    with tf.GradientTape() as tape:
        tape.watch([start, end])
        value = distance(manifold, start, end, **settings)
    return value.numpy(), *(gradient.numpy() for gradient in tape.gradient(value, [start, end]))


def differences(function, start, end, step=1e-4):
    """Central differences of `[B]` distances in start and end."""
    gradients = np.zeros([2, *start.shape])
    for side, column in np.ndindex(2, 2):
        move = np.zeros(2)
        move[column] = step
        moves = [move * (side == 0), move * (side == 1)]
        ahead = function(start + moves[0], end + moves[1])
        gradients[side, :, column] = (ahead - function(start - moves[0], end - moves[1])) / (2.0 * step)
    return gradients


@pytest.mark.parametrize(
    ("manifold", "name", "closed_form"),
    [(SPHERE, "sphere", great_circle), (HALF_PLANE, "half_plane", half_plane_distance)],
    ids=["sphere", "half_plane"],
)
def test_value_and_gradient_are_those_of_the_closed_form(manifold, name, closed_form):
    start, end = ends(name)
    value, *gradients = value_and_gradients(manifold, start, end, solver=EXACT, num_points=40)
    # 39 segments: chords are short by (length / 39)^2 / 24, some 1e-4 at most.
    np.testing.assert_allclose(value, closed_form(start, end), rtol=3e-4)
    np.testing.assert_allclose(gradients, differences(closed_form, start, end), rtol=1e-3, atol=1e-3)


def test_flat_gradients_are_unit_vectors():
    start, end = ends("flat")
    value, at_start, at_end = value_and_gradients(FLAT, start, end)
    expected = np.einsum("nij,nj->ni", flat_metric(start), end - start) / value[:, None]
    np.testing.assert_allclose(at_end, expected, rtol=1e-6)
    np.testing.assert_allclose(at_start, -expected, rtol=1e-6)


def test_the_gradient_is_that_of_the_value_itself():
    start, end = ends("decoder")
    settings = {"solver": EXACT, "num_points": 12}

    def value(start, end):
        return distance(DECODER, start, end, **settings).numpy()

    gradients = value_and_gradients(DECODER, start, end, **settings)[1:]
    np.testing.assert_allclose(gradients, differences(value, start, end), rtol=1e-5, atol=1e-5)


def test_a_compiled_function_gives_the_same():
    start, end = ends("decoder", np.float32)
    eager = value_and_gradients(DECODER, start, end, num_points=12)

    @tf.function(input_signature=[tf.TensorSpec([None, 2])] * 2, autograph=False)
    def compiled(start, end):
        with tf.GradientTape() as tape:
            tape.watch([start, end])
            value = distance(DECODER, start, end, num_points=12)
        return value, *tape.gradient(value, [start, end])

    for actual, expected in zip(compiled(start, end), eager, strict=True):
        assert actual.dtype == tf.float32
        np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-5)


def test_the_value_is_the_root_of_the_energy_of_connect():
    start, end = ends("decoder")
    geodesics = connect(DECODER, start, end, curve="cubic_spline", num_points=12)
    value = distance(DECODER, start, end, num_points=12)
    np.testing.assert_allclose(tf.square(value), geodesics.energy, rtol=1e-9)


def test_the_weights_of_the_decoder_get_a_gradient():
    # Lengths on an ellipsoid z = scale (x, y): proportional to the scale.
    scale = tf.Variable(1.5, dtype=tf.float64)
    manifold = Pullback(lambda z: tf.concat([scale * z, scale * tf.reduce_sum(z**2, -1, keepdims=True)], axis=-1))
    start, end = ends("decoder")
    with tf.GradientTape() as tape:
        value = distance(manifold, start, end, num_points=12)
        total = tf.reduce_sum(value)
    np.testing.assert_allclose(tape.gradient(total, scale), total / 1.5, rtol=1e-9)


def test_equal_ends_have_no_gradient_and_bad_ends_are_marked():
    start, end = ends("sphere")
    clean = value_and_gradients(SPHERE, start, end)
    start[1], end[2] = end[1], np.nan
    with pytest.warns(UserWarning, match="1 of 4"):
        value, *gradients = value_and_gradients(SPHERE, start, end)
    assert value[1] == 0.0 and np.isnan(value[2])
    for gradient, expected in zip(gradients, clean[1:], strict=True):
        np.testing.assert_array_equal(gradient[1], 0.0)
        np.testing.assert_allclose(gradient[[0, 3]], expected[[0, 3]], rtol=1e-6)


def test_a_loss_moves_points_to_a_given_distance():
    point, target = tf.Variable([[0.9, 0.2]], dtype=tf.float64), tf.constant([[1.1, 1.0]], tf.float64)
    for _ in range(25):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum((distance(SPHERE, point, target) - 0.3) ** 2)
        point.assign_sub(0.3 * tape.gradient(loss, point))
    np.testing.assert_allclose(great_circle(point.numpy(), target.numpy()), 0.3, atol=1e-3)


@pytest.mark.parametrize(
    ("start", "end", "message"),
    [
        (tf.zeros([2, 2]), tf.zeros([2, 2], tf.float64), "float32.*float64"),
        (tf.zeros([2, 2], tf.int32), tf.zeros([2, 2], tf.int32), "int32"),
        (tf.zeros([2, 2]), tf.zeros([3, 2]), r"\(2, 2\).*\(3, 2\)"),
        (tf.zeros([2]), tf.zeros([2]), r"\[B, d\]"),
    ],
)
def test_arguments_that_make_no_sense_are_named(start, end, message):
    with pytest.raises(UserError, match=message):
        distance(SPHERE, start, end)
