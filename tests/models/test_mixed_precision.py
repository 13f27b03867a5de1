"""Training in mixed precision: the networks in bfloat16 while they are trained, all else in float32."""

import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.models.tiny import make_data, make_flow_model, make_vae
from tfgeo.errors import UserError
from tfgeo.manifolds import ExpectedPullback, Pullback
from tfgeo.models import fit

X = make_data(20)


class Look(keras.callbacks.Callback):
    """Keeps what the networks and the heads compute in."""

    def on_train_begin(self, logs=None):
        model = self.model
        networks = [*model.encoder.networks, model.decoder.network]
        points = [X] * (len(networks) - 1) + [np.zeros([1, 2], np.float32)]
        self.networks = {network(x).dtype for network, x in zip(networks, points, strict=True)}
        self.others = {part.dtype for part in (*model.encoder(X), *model.decoder(points[-1]), model.elbo(X))}


@pytest.mark.parametrize("kind", ["bernoulli", "gmm", pytest.param("rhvae", marks=pytest.mark.slow)])
def test_networks_alone_are_in_half_precision_and_the_loss_is_near(kind):
    make = make_vae if kind != "rhvae" else lambda _: make_flow_model("rhvae", num_steps=1)
    losses = []
    for mixed in (False, True):
        model, look = make(kind), Look()
        history = fit(model, X, 10, 10, 1e-2, verbose=0, mixed_precision=mixed, callbacks=[look])
        losses.append(history.history["loss"][-1])
        assert look.networks == {tf.bfloat16 if mixed else tf.float32} and look.others == {tf.float32}
        assert {weight.dtype for weight in model.weights} == {"float32"}
        assert model.encoder.hidden(X).dtype == tf.float32
    # Three digits of each decoded value; not the same, or nothing was rounded.
    np.testing.assert_allclose(losses[1], losses[0], rtol=0.02)
    assert losses[0] != losses[1]


def test_the_geometry_of_what_was_trained_so_has_all_digits():
    model = make_vae(None)
    fit(model, X, 1, 10, 1e-2, verbose=0, mixed_precision=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        assert np.isfinite(ExpectedPullback(model.decoder).volume(np.zeros([1, 2], np.float32))).all()


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16", "float16"])
def test_a_policy_that_would_round_likelihoods_is_refused(policy):
    keras.config.set_dtype_policy(policy)
    try:
        with pytest.raises(UserError, match=f"policy '{policy}' .* `fit\\(..., mixed_precision=True\\)`"):
            make_vae(None)
    finally:
        keras.config.set_dtype_policy("float32")


def test_half_precision_inside_of_a_decoder_is_warned_of():
    """The last layer gives float32, as Keras advises."""
    layers = [keras.layers.Dense(8, "tanh", dtype="mixed_bfloat16"), keras.layers.Dense(5)]
    surface = Pullback(keras.Sequential([keras.Input([2]), *layers]))
    with pytest.warns(UserWarning, match="computes in bfloat16, to 2 digits"):
        surface.volume(np.zeros([1, 2], np.float32))


def test_functions_that_run_eagerly_train_to_the_same_weights():
    models = [make_vae(None), make_vae(None)]
    fit(models[0], X, 2, 10, 1e-2, verbose=0)
    tf.config.run_functions_eagerly(True)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # tf.data says that it does not run eagerly
            fit(models[1], X, 2, 10, 1e-2, verbose=0)
    finally:
        tf.config.run_functions_eagerly(False)
    for one, other in zip(*(model.weights for model in models), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)
