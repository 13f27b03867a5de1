"""Decoders of counts: densities of SciPy, moments of samples, geometry in closed form, training."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from tests.models.linear import repeated
from tests.models.tiny import DATA_DIM, LATENT_DIM, assert_same_values, make_counts, make_vae
from tfgeo.errors import UserError
from tfgeo.geodesics import connect
from tfgeo.manifolds import ExpectedPullback, FisherRao, Pullback
from tfgeo.models import HVAE, CountEncoder, GaussianEncoder, fit

KINDS = ["poisson", "negative_binomial"]
TOTAL_COUNT = np.array([0.3, 2.0, 40.0], np.float32)


def make_model(kind, model_class=None):
    """A built model with total counts of three kinds, where it has any."""
    model = make_vae(kind) if model_class is None else make_vae(kind, model_class=model_class)
    if kind == "negative_binomial":
        model.decoder.log_total_count.assign(np.log(TOTAL_COUNT))
    return model


def latents(num=20):
    return np.random.default_rng(1).normal(size=(num, LATENT_DIM)).astype(np.float32)


def scipy_of(kind, mean):
    if kind == "poisson":
        return stats.poisson(mean)
    return stats.nbinom(TOTAL_COUNT, TOTAL_COUNT / (TOTAL_COUNT + mean))


@pytest.mark.parametrize("kind", KINDS)
def test_density_mean_and_deviation_are_those_of_scipy(kind):
    model, z, x = make_model(kind), latents(), make_counts(20)
    mean = np.exp(np.array(model.decoder.log_mean(z), np.float64))
    expected = scipy_of(kind, mean)
    np.testing.assert_allclose(model.decoder.log_prob(x, z), expected.logpmf(x).sum(-1), rtol=1e-4)
    np.testing.assert_allclose(model.decode(z).log_prob(x), expected.logpmf(x).sum(-1), rtol=1e-4)
    for found in (model.decoder(z), (model.decode(z).mean(), model.decode(z).stddev())):
        np.testing.assert_allclose(found[0], expected.mean(), rtol=1e-4)
        np.testing.assert_allclose(found[1], expected.std(), rtol=1e-4)
    samples = np.array(model.decode(z[:2]).sample(4000, seed=(0, 1)))
    assert np.array_equal(samples, np.floor(samples)) and samples.min() >= 0.0
    error = expected.std()[:2] / np.sqrt(4000)
    assert (np.abs(samples.mean(axis=0) - expected.mean()[:2]) < 4.5 * error).all()


@pytest.mark.parametrize("kind", KINDS)
def test_the_stabilized_embedding_has_the_fisher_rao_metric(kind):
    model, z = make_model(kind), latents()
    expected = FisherRao(model.decode).metric_tensor(z)
    np.testing.assert_allclose(Pullback(model.decoder.stabilize).metric_tensor(z), expected, rtol=1e-4, atol=1e-5)


def test_many_negative_binomial_trials_are_poisson_counts():
    one, other, z = make_model("poisson"), make_model("negative_binomial"), latents()
    other.decoder.log_total_count.assign(np.full(DATA_DIM, 14.0))
    assert_same_values(one.decoder.network, other.decoder.network)
    x = make_counts(20)
    # Both differ by x^2 / r, and lgamma of 1e6 is known to 1 in float32.
    np.testing.assert_allclose(other.decoder.log_prob(x, z), one.decoder.log_prob(x, z), rtol=0.02, atol=2.0)
    np.testing.assert_allclose(other.decoder.stabilize(z), one.decoder.stabilize(z), rtol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_geometry_is_finite_wherever_a_curve_goes(kind):
    model = make_model(kind)
    far = 1e6 * latents(8)
    for manifold in (ExpectedPullback(model.decode), Pullback(model.decoder.stabilize), FisherRao(model.decode)):
        assert np.isfinite(manifold.metric_tensor(far)).all()
        assert np.isfinite(manifold.length(tf.constant(far[None]))).all()
    assert np.isfinite(model.decoder.log_prob(make_counts(8), far)).all()
    model.decoder.network.dense_layers[-1].bias.assign([-200.0, 0.0, 200.0])
    z = latents(6)
    for manifold in (ExpectedPullback(model.decode), Pullback(model.decoder.stabilize)):
        found = connect(manifold, z[:3], z[3:], warn=False)
        assert np.isfinite(found.length).all() and np.isfinite(found.energy).all()


def test_the_encoder_sees_logarithms():
    encoders = [kind(LATENT_DIM, [4], "tanh") for kind in (CountEncoder, GaussianEncoder)]
    for encoder in encoders:
        encoder.build((None, DATA_DIM))
    encoders[1].set_weights(encoders[0].get_weights())
    x = make_counts(5)
    for one, other in zip(encoders[0](x), encoders[1](np.log1p(x)), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_training_explains_counts_better(kind):
    model, x = make_vae(kind), make_counts(40)
    before = float(np.mean(model.log_likelihood(x)))
    fit(model, x, epochs=150, batch_size=40, learning_rate=1e-2, verbose=0)
    after = np.mean(model.log_likelihood(x))
    assert after > before + 5.0 and np.mean(repeated(model.elbo, x, 20)) < after


def test_total_counts_are_learned():
    total_count = np.array([0.5, 2.0, 8.0])
    x = np.random.default_rng(0).negative_binomial(total_count, total_count / (total_count + 30.0), size=(400, 3))
    model = make_vae("negative_binomial")
    fit(model, x, epochs=1200, batch_size=400, learning_rate=2e-2, verbose=0)
    # Their standard error is a tenth of them; some of what varies may be told by the latent point.
    np.testing.assert_allclose(model.decoder.total_count, total_count, rtol=0.25)


@pytest.mark.parametrize("kind", KINDS)
def test_models_of_counts_are_saved_whole_and_differentiable_twice(kind, tmp_path):
    model, x = make_model(kind, lambda *parts: HVAE(*parts[:2], num_steps=2)), make_counts(10)
    with tf.GradientTape() as tape:
        loss = -tf.reduce_mean(model.elbo(x, (0, 0)))
    gradients = tape.gradient(loss, [variable.value for variable in model.trainable_variables])
    assert all(gradient is not None and np.abs(gradient).max() > 0.0 for gradient in gradients)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras", safe_mode=True)
    np.testing.assert_array_equal(again.elbo(x, (0, 0)), model.elbo(x, (0, 0)))
    assert type(again.encoder) is CountEncoder


@pytest.mark.parametrize("wrong", [-1.0, 2.5])
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_count_is_named_before_training(kind, wrong):
    model, x = make_vae(kind), make_counts(6)
    x[3, 1] = wrong
    for use in (lambda: fit(model, x, 1, 6, 1e-3), lambda: model.elbo(x), lambda: model.log_likelihood(x)):
        with pytest.raises(UserError, match=rf"row 3, column 1 is {wrong:g}; give raw counts"):
            use()
