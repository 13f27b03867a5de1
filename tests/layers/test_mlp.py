"""Tests of the multi-layer perceptron."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfgeo.errors import UserError
from tfgeo.layers import MLP, ResidualMLP

NETWORKS = {
    "hidden only": ([4, 3], "relu", None, None),
    "hidden and output": ([4], "tanh", 2, "sigmoid"),
    "output only": ([], "relu", 2, None),
    "nothing": ([], "relu", None, None),
}


def plain_forward(layer, inputs, hidden, output):
    """The same network in NumPy."""
    functions = {
        "relu": lambda x: np.maximum(x, 0.0),
        "tanh": np.tanh,
        "sigmoid": lambda x: 1.0 / (1.0 + np.exp(-x)),
        None: lambda x: x,
    }
    weights = [np.array(weight, np.float64) for weight in layer.weights]
    names = [hidden] * (len(layer.hidden_units)) + [output] * (len(weights) // 2 - len(layer.hidden_units))
    for kernel, bias, name in zip(weights[::2], weights[1::2], names, strict=True):
        inputs = functions[name](inputs @ kernel + bias)
    return inputs


@pytest.mark.parametrize("arguments", NETWORKS.values(), ids=NETWORKS)
@pytest.mark.parametrize("leading", [(7,), (2, 1, 3)])
def test_is_dense_layers_one_after_the_other(arguments, leading):
    layer = MLP(*arguments)
    inputs = np.random.default_rng(0).normal(size=(*leading, 5)).astype(np.float32)
    outputs = layer(inputs)
    assert tuple(outputs.shape) == tuple(layer.compute_output_shape(inputs.shape))
    num_layers = len(arguments[0]) + (arguments[2] is not None)
    assert len(layer.trainable_variables) == len(layer.variables) == 2 * num_layers
    np.testing.assert_allclose(outputs, plain_forward(layer, inputs, arguments[1], arguments[3]), atol=1e-6)


@pytest.mark.parametrize("arguments", NETWORKS.values(), ids=NETWORKS)
def test_unknown_batch_size_and_symbolic_input(arguments):
    layer = MLP(*arguments)
    inputs = np.random.default_rng(0).normal(size=(6, 5)).astype(np.float32)
    expected = layer(inputs)
    compiled = tf.function(layer, input_signature=[tf.TensorSpec([None, 5])])
    symbolic = keras.Input((5,))
    functional = keras.Model(symbolic, layer(symbolic))
    for num in (1, 6):
        np.testing.assert_allclose(compiled(tf.constant(inputs[:num])), expected[:num], atol=1e-6)
        np.testing.assert_allclose(functional.predict(inputs[:num], verbose=0), expected[:num], atol=1e-6)


@pytest.mark.parametrize("arguments", NETWORKS.values(), ids=NETWORKS)
def test_config_round_trip_through_json(arguments):
    layer = MLP(*arguments, name="network")
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(layer)))
    again = keras.saving.deserialize_keras_object(config)
    inputs = np.ones([2, 5], np.float32)
    layer(inputs), again(inputs)
    again.set_weights(layer.get_weights())
    assert again.get_config() == layer.get_config()
    np.testing.assert_array_equal(again(inputs), layer(inputs))


def test_residual_layers_add_to_what_they_are_given_and_survive_json():
    layer = ResidualMLP([4, 4, 4], "tanh", 2, "softplus")
    inputs = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    output = layer(inputs)
    (first, first_bias), (second, second_bias), (third, third_bias), (last, last_bias) = (
        [np.array(weight, np.float64) for weight in dense.weights] for dense in layer.dense_layers
    )
    hidden = np.tanh(inputs @ first + first_bias)
    hidden = hidden + np.tanh(hidden @ second + second_bias)
    hidden = hidden + np.tanh(hidden @ third + third_bias)
    np.testing.assert_allclose(output, np.logaddexp(0.0, hidden @ last + last_bias), rtol=1e-5)
    again = keras.saving.deserialize_keras_object(
        json.loads(json.dumps(keras.saving.serialize_keras_object(layer)))
    )
    again.build((None, 3))
    again.set_weights(layer.get_weights())
    assert type(again) is ResidualMLP
    np.testing.assert_array_equal(again(inputs), output)


def test_residual_layers_of_different_widths_are_refused():
    with pytest.raises(UserError, match="one width"):
        ResidualMLP([4, 5], "tanh")
