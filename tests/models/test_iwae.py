"""Tests of the IWAE: the bound of a linear Gaussian model, its gradient by hand, and the VAE at K = 1."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.special import logsumexp, softmax

from tests.models.linear import linear_data, make_linear_vae, repeated
from tests.models.tiny import DATA_DIM, LATENT_DIM, assert_same_values, make_data, make_vae
from tfgeo.errors import UserError
from tfgeo.layers import MLP
from tfgeo.models import IWAE, VAE, GaussianDecoder, GaussianEncoder, fit
from tfgeo.models import iwae as iwae_module


def iwae(num):
    return functools.partial(IWAE, num_importance_samples=num)


def make_iwae(num, kind="bernoulli", seed=0):
    return make_vae(kind, seed, lambda *parts: IWAE(*parts[:2], num, parts[2]))


def make_learned_variance(gives_variance=True):
    keras.utils.set_random_seed(0)
    decoder = GaussianDecoder(MLP([5], "tanh", DATA_DIM, "softplus"), 0.1, learn_variance=True)
    model = IWAE(GaussianEncoder(LATENT_DIM, [5], "tanh", gives_variance=gives_variance), decoder, 5)
    model.build((None, DATA_DIM))
    return model


def test_the_bound_rises_with_k_to_the_exact_log_density():
    x = None
    means, errors = [], []
    for num in (1, 5, 50):
        model, marginal, _ = make_linear_vae(1.4, 0.3, iwae(num))
        x = linear_data(marginal) if x is None else x
        bounds = repeated(model.elbo, x, 1000).mean(axis=1)
        means.append(bounds.mean())
        errors.append(bounds.std(ddof=1) / np.sqrt(len(bounds)))
    exact = marginal.logpdf(x).mean()
    # Each gain is far beyond its error, and no bound is above what it bounds.
    gains, spread = np.diff([*means, exact]), np.hypot(errors, [*errors[1:], 0.0])
    assert np.all(gains > 4.5 * spread), (means, exact)
    assert gains[-1] < 0.02


def test_with_the_exact_posterior_every_k_gives_the_exact_log_density():
    model, marginal, _ = make_linear_vae(make_model=iwae(7))
    x = linear_data(marginal)
    np.testing.assert_allclose(model.elbo(x), marginal.logpdf(x), atol=2e-4)


def test_the_gradient_is_the_one_derived_by_hand():
    # d/dtheta log 1/K sum_k w_k = sum_k w~_k d/dtheta log w_k: with z = m + s e, W and b of the decoder and m, s of
    # the encoder the derivatives are written out below.
    num = 6
    model, marginal, _ = make_linear_vae(1.3, 0.2, iwae(num))
    x, seed = linear_data(marginal, 5), tf.constant([3, 4])
    variables = [*model.decoder.mean_network.weights, model.encoder.mean.kernel, model.encoder.stddev.bias]
    with tf.GradientTape() as tape:
        terms = model.elbo_terms(x, seed)
        bound = tf.reduce_sum(terms[0] - terms[1])
    found = tape.gradient(bound, [variable.value for variable in variables])

    kernel, bias = (np.array(weight, np.float64) for weight in model.decoder.mean_network.weights)
    mean, stddev = (np.array(part, np.float64) for part in model.encoder(x))
    z = np.array(model.encode(x).sample(num, seed=seed), np.float64)
    noise, variance = (z - mean) / stddev, model.decoder.constant_variance
    residual = x - z @ kernel - bias
    log_weights = -0.5 * np.sum(residual**2, -1) / variance - 0.5 * np.sum(z**2, -1)
    log_weights += 0.5 * np.sum(noise**2, -1) + np.sum(np.log(stddev), -1)
    weight = softmax(log_weights, axis=0)[..., None]
    # With the noise held, log q(z | x) changes by -log s alone.
    along_z = residual @ kernel.T / variance - z
    along_stddev = np.sum(weight * (along_z * noise + 1.0 / stddev), axis=0)
    expected = [
        np.einsum("kni,knj->ij", weight * z, residual) / variance,
        np.sum(weight * residual, axis=(0, 1)) / variance,
        np.einsum("ni,nj->ij", x.astype(np.float64), np.sum(weight * along_z, axis=0)),
        # The encoder's head gives log(s - floor).
        np.sum(along_stddev * stddev, axis=0),
    ]
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-4, atol=2e-4)
    shift = -0.5 * DATA_DIM * np.log(2.0 * np.pi * variance)
    np.testing.assert_allclose(terms[0] - terms[1], logsumexp(log_weights, axis=0) - np.log(num) + shift, rtol=1e-5)


@pytest.mark.parametrize("kind", ["bernoulli", None])
def test_one_sample_is_the_vae_bit_for_bit(kind):
    models, x = (make_iwae(1, kind, 5), make_vae(kind, 5)), make_data(60)
    for model in models:
        fit(model, x, 4, 20, 1e-2, seed=1, verbose=0)
    assert_same_values(*models)
    np.testing.assert_array_equal(models[0].elbo(x), models[1].elbo(x))
    np.testing.assert_array_equal(models[0].log_likelihood(x, 9), models[1].log_likelihood(x, 9))


def test_training_raises_the_bound_and_the_terms_are_what_is_tracked():
    model, x = make_iwae(8), make_data(60)
    before = np.mean(model.elbo(x))
    history = fit(model, x, 30, 20, 1e-2, verbose=0).history
    assert np.mean(model.elbo(x)) > before + 0.05
    np.testing.assert_allclose(
        history["loss"], np.add(history["reconstruction"], history["kl_divergence"]), rtol=1e-5
    )


def test_bounds_in_blocks_are_those_of_the_blocks(monkeypatch):
    model, x = make_iwae(4), make_data(23)
    whole = np.array(model.elbo(x))
    monkeypatch.setattr(iwae_module, "MAX_BLOCK", 10 * 4 * DATA_DIM)
    blocks = np.array(model.elbo(x))
    assert blocks.shape == whole.shape and not np.array_equal(blocks, whole)
    # Ten rows at a time, each block with noise of its own.
    seeds = [tf.random.experimental.stateless_fold_in(model._default_seed(None, "elbo"), at) for at in (0, 10, 20)]
    parts = [VAE.elbo(model, x[at : at + 10], seed) for at, seed in zip((0, 10, 20), seeds, strict=True)]
    np.testing.assert_array_equal(blocks, np.concatenate(parts))


def test_every_weight_gets_a_gradient_with_a_learned_variance():
    model, x = make_learned_variance(), make_data(16)
    assert [v.name for v in model.trainable_variables].count("log_variance") == 1
    with tf.GradientTape() as tape:
        loss = -tf.reduce_mean(model.elbo(x))
    for variable, gradient in zip(
        model.trainable_variables, tape.gradient(loss, [v.value for v in model.trainable_variables]), strict=True
    ):
        assert gradient is not None and np.any(gradient != 0.0), variable.path


def test_the_learned_variance_is_that_of_the_residuals_where_all_else_is_right():
    model, marginal, _ = make_linear_vae(make_model=iwae(3))
    decoder = GaussianDecoder(model.decoder.mean_network, 2.0, learn_variance=True)
    x = marginal.rvs(4000, random_state=0).astype(np.float32)
    z = model.encode(x).sample(seed=(0, 1))
    fast = decoder.log_prob(x, z)
    np.testing.assert_allclose(fast, decoder.distribution(z).log_prob(x), rtol=1e-5)
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(decoder.log_prob(x, z))
    slope = tape.gradient(loss, decoder.log_variance.value)
    squares = np.mean(np.sum((x - np.array(decoder(z)[0])) ** 2, -1))
    np.testing.assert_allclose(slope, 0.5 * (squares / 2.0 - DATA_DIM), rtol=1e-4)


def test_the_spread_head_gives_the_variance_where_asked():
    one, other = (make_learned_variance(gives_variance=gives).encoder for gives in (True, False))
    other.set_weights(one.get_weights())
    x = make_data(9)
    np.testing.assert_allclose(np.square(one(x)[1]), other(x)[1], rtol=2e-4)


@pytest.mark.filterwarnings("error:Skipping variable loading")
@pytest.mark.parametrize("make", [lambda: make_iwae(3, seed=2), make_learned_variance])
def test_a_saved_model_is_the_same_when_loaded_in_safe_mode(make, tmp_path):
    model, x = make(), make_data(20)
    fit(model, x, 1, 10, 1e-2, verbose=0)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras", safe_mode=True)
    assert type(again) is IWAE and again.num_importance_samples == model.num_importance_samples
    np.testing.assert_array_equal(again.elbo(x), model.elbo(x))
    model.save_weights(tmp_path / "model.weights.h5")
    fresh = make()
    fresh.load_weights(tmp_path / "model.weights.h5")
    np.testing.assert_array_equal(fresh.elbo(x), model.elbo(x))


def test_no_sample_is_refused():
    with pytest.raises(UserError, match="num_importance_samples"):
        make_iwae(0)
