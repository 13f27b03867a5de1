"""Tests of inference and generator networks as layers and as distributions."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.models.tiny import DATA_DIM, LATENT_DIM, make_data, make_vae
from tfgeo.layers import MLP
from tfgeo.models import BernoulliDecoder, GaussianDecoder, GaussianEncoder

KINDS = ["gmm", "rbf", None, "bernoulli", "poisson", "negative_binomial"]


def make_decoder(kind):
    """A decoder that uses its precision, if it has one."""
    model = make_vae(kind)
    decoder = model.decoder
    if kind in ("gmm", "rbf"):
        decoder.precision.fit_features(np.random.default_rng(0).normal(size=(30, LATENT_DIM)), seed=0)
        decoder.uses_precision = True
    return decoder


def make_encoder():
    encoder = GaussianEncoder(LATENT_DIM, [4, 3], "tanh", "exponential")
    encoder.build((None, DATA_DIM))
    return encoder


@pytest.mark.parametrize("leading", [(6,), (2, 1, 3)])
@pytest.mark.parametrize("kind", [*KINDS, "encoder"])
def test_shapes_with_leading_dimensions(kind, leading):
    layer, dims = (
        (make_encoder(), (DATA_DIM, LATENT_DIM))
        if kind == "encoder"
        else (make_decoder(kind), (LATENT_DIM, DATA_DIM))
    )
    inputs = np.random.default_rng(0).normal(size=(*leading, dims[0])).astype(np.float32)
    mean, stddev = layer(inputs)
    assert tuple(mean.shape) == tuple(stddev.shape) == (*leading, dims[1])
    flat = [np.array(part) for part in layer(inputs.reshape(-1, dims[0]))]
    for part, expected in zip((mean, stddev), flat, strict=True):
        np.testing.assert_allclose(part, expected.reshape(part.shape), rtol=1e-5, atol=1e-6)
    distribution = layer.distribution(inputs)
    assert distribution.batch_shape == leading and distribution.event_shape == (dims[1],)
    np.testing.assert_allclose(distribution.mean(), mean, rtol=1e-6)
    np.testing.assert_allclose(distribution.stddev(), stddev, rtol=1e-5)


@pytest.mark.parametrize("kind", [*KINDS, "encoder"])
def test_unknown_batch_size_and_symbolic_input(kind):
    layer, width = (make_encoder(), DATA_DIM) if kind == "encoder" else (make_decoder(kind), LATENT_DIM)
    inputs = np.random.default_rng(0).normal(size=(5, width)).astype(np.float32)
    expected = [np.array(part) for part in layer(inputs)]
    compiled = tf.function(layer, input_signature=[tf.TensorSpec([None, width])])
    symbolic = keras.Input((width,))
    functional = keras.Model(symbolic, layer(symbolic))
    for num in (1, 5):
        for outputs in (compiled(tf.constant(inputs[:num])), functional.predict(inputs[:num], verbose=0)):
            for part, whole in zip(outputs, expected, strict=True):
                np.testing.assert_allclose(part, whole[:num], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", [*KINDS, "encoder"])
def test_config_round_trip_through_json(kind):
    layer, width = (make_encoder(), DATA_DIM) if kind == "encoder" else (make_decoder(kind), LATENT_DIM)
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(layer)))
    again = keras.saving.deserialize_keras_object(config)
    again.build((None, width))
    assert again.get_config() == layer.get_config()
    again.set_weights(layer.get_weights())
    inputs = np.ones([2, width], np.float32)
    for one, other in zip(layer(inputs), again(inputs), strict=True):
        np.testing.assert_array_equal(one, other)


def test_posterior_stddev_stays_positive_where_the_activation_underflows():
    for activation in ("softplus", "exponential"):
        encoder = GaussianEncoder(LATENT_DIM, [], stddev_activation=activation)
        encoder.build((None, DATA_DIM))
        encoder.stddev.bias.assign(np.full(LATENT_DIM, -200.0))
        inputs = make_data(4)
        assert np.all(encoder(inputs)[1] > 0.0)
        posterior = encoder.distribution(inputs)
        assert np.isfinite(posterior.log_prob(posterior.sample(seed=(0, 0)))).all()


@pytest.mark.parametrize("binary", [True, False])
def test_bernoulli_log_probability_is_minus_the_cross_entropy(binary):
    decoder = make_decoder("bernoulli")
    z = np.random.default_rng(0).normal(size=(20, LATENT_DIM)).astype(np.float32)
    x = np.random.default_rng(1).uniform(size=(20, DATA_DIM)).astype(np.float32)
    x = np.round(x) if binary else x
    mean = np.array(decoder(z)[0], np.float64)
    expected = np.sum(x * np.log(mean) + (1.0 - x) * np.log1p(-mean), axis=-1)
    np.testing.assert_allclose(decoder.distribution(z).log_prob(x), expected, rtol=1e-5)


def test_saturated_bernoulli_pixels_have_finite_log_probability():
    decoder = BernoulliDecoder(MLP([], output_units=DATA_DIM))
    decoder.build((None, LATENT_DIM))
    decoder.logits_network.dense_layers[0].bias.assign([-300.0, 0.0, 300.0])
    value = decoder.distribution(np.zeros([1, LATENT_DIM], np.float32)).log_prob([[1.0, 0.5, 0.0]])
    # A logit of 300 against the opposite value costs 300 nats, twice.
    np.testing.assert_allclose(value, [-600.0 - np.log(2.0)], rtol=1e-6)


def test_gaussian_log_probability_follows_the_constant_or_the_fitted_variance():
    decoder = make_decoder("gmm")
    z = np.random.default_rng(0).normal(size=(20, LATENT_DIM)).astype(np.float32)
    x = make_data(20)
    mean = np.array(decoder.mean_network(z), np.float64)
    for uses_precision in (False, True):
        decoder.uses_precision = uses_precision
        variance = np.array(decoder.precision.variance(z), np.float64) if uses_precision else 0.05
        terms = -0.5 * (np.log(2.0 * np.pi * variance) + (x - mean) ** 2 / variance)
        np.testing.assert_allclose(decoder.distribution(z).log_prob(x), terms.sum(-1), rtol=1e-4)


def test_precision_weights_are_trainable_exactly_when_they_are_used():
    decoder = make_decoder("gmm")
    num_network = len(decoder.mean_network.trainable_variables)
    assert len(decoder.trainable_variables) == num_network + 1
    decoder.uses_precision = False
    assert len(decoder.trainable_variables) == num_network


def test_a_missing_precision_cannot_be_used():
    with pytest.raises(ValueError, match="`precision` is None"):
        GaussianDecoder(MLP([], output_units=DATA_DIM), uses_precision=True)


def test_the_log_density_of_pixels_is_that_of_the_distribution_with_both_derivatives():
    decoder = BernoulliDecoder(keras.layers.Dense(DATA_DIM, activation="tanh"))
    decoder.build((None, LATENT_DIM))
    x, z = make_data(6), tf.constant(np.random.default_rng(0).normal(size=(4, 6, LATENT_DIM)), tf.float32)

    def derivatives(log_prob):
        with tf.GradientTape() as outer:
            outer.watch(z)
            with tf.GradientTape() as inner:
                inner.watch(z)
                value = log_prob(z)
            slope = inner.gradient(value, z)
        return value, slope, outer.gradient(slope, z, output_gradients=tf.ones_like(slope) * x[:, :1])

    actual = derivatives(lambda z: decoder.log_prob(x, z))
    expected = derivatives(lambda z: decoder.distribution(z).log_prob(x))
    for one, other in zip(actual, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)
    gaussian = GaussianDecoder(keras.layers.Dense(DATA_DIM), 0.3)
    gaussian.build((None, LATENT_DIM))
    np.testing.assert_array_equal(gaussian.log_prob(x, z), gaussian.distribution(z).log_prob(x))
