"""What a decoder returns: what its outputs are called, what is doubted, and distributions."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tests.manifolds.decoders.kinds import functional, hidden
from tfgeo.errors import UserError
from tfgeo.manifolds import (
    Decoder,
    ExpectedPullback,
    FisherRao,
    Pullback,
    expected_volume,
)

tfd = tfp.distributions

POINTS = np.random.default_rng(0).normal(size=[4, 2]).astype(np.float32)


@pytest.mark.parametrize(
    ("heads", "outputs", "said"),
    [
        ((None, None), ("mean", "sigma"), "name what the decoder returns by one of"),
        ((None, None), ("mean", "stddev"), r"stddev .* is negative .*outputs=\('mean', 'log_variance'\)"),
        ((None,), "probs", r"outside of \[0, 1\]; are they logits"),
        ((None,), ("mean", "stddev"), "names 2 .*returns 1"),
        ((None, None), "logits", "names 1 .*returns 2"),
    ],
)
def test_outputs_that_are_not_what_they_are_said_to_be(heads, outputs, said):
    keras.utils.set_random_seed(0)
    with pytest.raises(UserError, match=said):
        ExpectedPullback(functional(*heads), outputs).metric_tensor(POINTS)


def test_outputs_belong_to_networks():
    with pytest.raises(UserError, match=r"returns Normal; leave it out"):
        ExpectedPullback(lambda z: tfd.Normal(hidden(z), 1.0), ("mean", "stddev")).metric_tensor(POINTS)
    with pytest.raises(UserError, match="set it there"):
        Pullback(Decoder(hidden), "mean")


def test_expected_volume_takes_outputs():
    model = functional(None, "softplus")
    seed = tf.constant([1, 2])
    volumes = expected_volume(model, POINTS, 8, seed, outputs=("mean", "stddev"))
    by_hand = expected_volume(lambda z: tfd.Normal(*model(z)), POINTS, 8, seed)
    np.testing.assert_allclose(volumes, by_hand, rtol=1e-6)


def test_names_of_outputs_are_of_decoders_that_have_names():
    latents = keras.Input([2])
    mean, log_variance = keras.layers.Dense(3, name="x_mean")(latents), keras.layers.Dense(3, name="x_lv")(latents)
    outputs = {"mean": "x_mean", "log_variance": "x_lv"}
    named = ExpectedPullback(keras.Model(latents, {"x_mean": mean, "x_lv": log_variance}), outputs=outputs)
    ordered = ExpectedPullback(keras.Model(latents, [log_variance, mean]), outputs=("log_variance", "mean"))
    np.testing.assert_allclose(named.volume(POINTS), ordered.volume(POINTS), rtol=1e-6)
    # A list has an order and no names: either way of reading them would be a guess.
    for decoder, names in (
        (keras.Model(latents, [log_variance, mean]), outputs),
        (keras.Model(latents, mean), {"mean": "something else"}),
    ):
        with pytest.raises(UserError, match=r"outputs without names; say what they are in their order, such as"):
            ExpectedPullback(decoder, outputs=names).volume(POINTS)


def test_distributions_that_layers_wrap_are_what_they_wrap():
    tf_keras = pytest.importorskip("tf_keras")
    scaled = tf_keras.layers.Lambda(lambda values: 200.0 * values)
    hidden_layers = [tf_keras.layers.Input([2]), tf_keras.layers.Dense(4), scaled]
    model = tf_keras.Sequential([*hidden_layers, tfp.layers.IndependentBernoulli([4])])

    def plain(z):
        logits = tf_keras.Sequential(model.layers[:-1])(z)
        return tfd.Independent(tfd.Bernoulli(logits=logits), 1)

    # Outputs saturate at some points, where TFP's own root has no derivative.
    z = np.random.default_rng(0).normal(size=(20, 2)).astype(np.float32)
    for kind in (ExpectedPullback, FisherRao):
        found = kind(model).volume(z).numpy()
        assert np.isfinite(found).all()
        np.testing.assert_allclose(found, kind(plain).volume(z), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("activation", "outputs", "message"),
    [
        ("sigmoid", "logits", "logits .* all lie in .0, 1.; are they probabilities"),
        ("softmax", "probs", "sum to 1, .* return tfp.distributions.OneHotCategorical"),
        ("sigmoid", "probs", None),
        ("linear", "logits", None),
    ],
)
def test_the_wrong_bernoulli_parameter_is_doubted_once(activation, outputs, message, recwarn):
    keras.utils.set_random_seed(0)
    network = keras.Sequential([keras.Input([2]), keras.layers.Dense(10, activation)])
    manifold = FisherRao(network, outputs=outputs)
    for _ in range(2):
        manifold.volume(POINTS)
    said = [str(one.message) for one in recwarn if one.category is UserWarning]
    assert len(said) == (message is not None)
    if message is not None:
        with pytest.warns(UserWarning, match=message):
            FisherRao(network, outputs=outputs).volume(POINTS)
