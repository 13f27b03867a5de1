"""Convolutions between rows: shapes, any leading dimensions and sides, derivatives, configuration."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfgeo.layers import Convolutions, TransposedConvolutions
from tfgeo.manifolds import Pullback

SHAPES = [(8, 8), (7, 10), (5, 3)]


def make(shape):
    return Convolutions(shape, (3, 4), "elu"), TransposedConvolutions(shape, (6,), (4, 3), "elu", "sigmoid")


@pytest.mark.parametrize("shape", SHAPES)
def test_rows_of_pixels_go_in_and_out_with_any_leading_dimensions(shape):
    down, up = make(shape)
    x = np.random.default_rng(0).normal(size=(2, 3, np.prod(shape))).astype(np.float32)
    features = down(x)
    # Each of two layers halves the sides, rounding up.
    expected = int(np.ceil(np.ceil(shape[0] / 2) / 2) * np.ceil(np.ceil(shape[1] / 2) / 2)) * 4
    assert features.shape == (2, 3, expected) and down.compute_output_shape(x.shape) == (2, 3, expected)
    np.testing.assert_allclose(features[1, 2], down(x[1, 2:])[0], atol=1e-6)
    images = up(x[..., :2])
    assert images.shape == x.shape and up.compute_output_shape((2, 3, 2)) == x.shape
    np.testing.assert_allclose(images[1], up(x[1, :, :2]), atol=1e-6)


def test_batches_of_unknown_size_keep_their_width():
    down, up = make((8, 8))
    for layer, width, out in ((down, 64, 16), (up, 2, 64)):
        traced = tf.function(layer, input_signature=[tf.TensorSpec([None, width])]).get_concrete_function()
        assert traced.output_shapes.as_list() == [None, out]


def test_a_pixel_reaches_its_own_neighbourhood_alone():
    down, _ = make((8, 8))
    x = np.zeros([2, 8, 8], np.float32)
    x[1, 0, 0] = 1.0
    first, second = down(x.reshape(2, 64)).numpy().reshape(2, 2, 2, 4)
    moved = np.abs(second - first).max(axis=-1) > 0.0
    assert moved[0, 0] and not moved[1, 1]


def test_the_metric_of_a_decoder_is_that_of_differences():
    _, up = make((7, 10))
    z, step = np.array([[0.3, -0.2]], np.float32), 1e-2
    metric = Pullback(up).metric_tensor(tf.constant(z)).numpy()[0]
    columns = [(up(z + move) - up(z - move)).numpy()[0] / (2 * step) for move in step * np.eye(2, dtype=np.float32)]
    np.testing.assert_allclose(metric, np.inner(columns, columns), rtol=1e-2, atol=1e-5)


@pytest.mark.parametrize("index", [0, 1])
def test_the_configuration_makes_the_same_layer(index):
    layer, x = make((8, 8))[index], np.ones([3, (64, 2)[index]], np.float32)
    before = layer(x)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    again.build(x.shape)
    again.set_weights(layer.get_weights())
    np.testing.assert_array_equal(again(x), before)
    again.trainable = False
    frozen = type(again).from_config(again.get_config())
    frozen.trainable = False
    frozen.build(x.shape)
    assert not frozen.trainable_weights
