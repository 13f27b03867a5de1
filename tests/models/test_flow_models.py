"""Tests of HVAE and RHVAE: closed forms of a linear model, the books of the volume, gradients, stored metric."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tests.models.linear import linear_data, make_linear_vae, repeated
from tests.models.tiny import DATA_DIM, LATENT_DIM, make_data, make_flow_model, weights_of
from tfgeo.errors import UserError
from tfgeo.flows import Tempering
from tfgeo.layers import MetricNetwork
from tfgeo.models import HVAE, RHVAE, BernoulliDecoder, GaussianDecoder, UpdateMetric, fit

tfd = tfp.distributions

KINDS = ["hvae", "rhvae"]
NUM_DATA = 12


def train(model, x, num_steps=2):
    """Some training steps without the time that compiling takes."""
    model.compile(keras.optimizers.Adam(0.05))
    for _ in range(num_steps):
        model.train_step(tf.constant(x))


def make_linear(kind, widening=1.4, shift=0.3, **settings):
    """The linear model with a flow, and its data; that of the RHVAE has a curved metric."""

    def make(encoder, decoder):
        if kind == "hvae":
            return HVAE(encoder, decoder, **settings)
        keras.utils.set_random_seed(0)
        metric = {"temperature": 1.5, "regularization": 0.5, "num_fixed_point_steps": 6}
        return RHVAE(encoder, decoder, MetricNetwork(LATENT_DIM, [4]), NUM_DATA, **metric | settings)

    model, marginal, _ = make_linear_vae(widening, shift, make)
    x = linear_data(marginal, NUM_DATA)
    if kind == "rhvae":
        # Gently curved, so that the fixed points have solutions: eigenvalues of G^-1 between 0.5 and 7.
        model.metric_network.diagonal_head.bias.assign([-1.2, -1.0])
        for head in (model.metric_network.diagonal_head, model.metric_network.lower_head):
            head.kernel.assign(0.3 * head.kernel)
        model.update_metric(x)
    return model, marginal, x


@pytest.mark.parametrize("kind", KINDS)
def test_the_bound_lies_below_and_rises_with_the_steps(kind):
    shortfalls = []
    for num_steps in (1, 4, 8):
        model, marginal, x = make_linear(kind, num_steps=num_steps, step_size=0.08, sqrt_beta_zero=0.8)
        bounds = repeated(model.elbo, x, 300)
        error = np.sqrt(np.sum(bounds.var(axis=0, ddof=1))) / np.sqrt(len(bounds)) / len(x)
        shortfalls.append(np.mean(marginal.logpdf(x) - bounds.mean(axis=0)))
        assert shortfalls[-1] > 4.0 * error
    assert shortfalls[0] > shortfalls[1] + 0.01 and shortfalls[1] > shortfalls[2] + 0.01


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("proposal", ["encoder", "flow"])
def test_both_proposals_estimate_the_marginal_with_tempering_on(kind, proposal):
    model, marginal, x = make_linear(kind, num_steps=3, step_size=0.06, sqrt_beta_zero=0.5)
    estimates = repeated(lambda x: model.log_likelihood(x, 200, proposal).numpy(), x, 40)
    # The estimates are unbiased before the logarithm.
    ratios = np.exp(estimates - marginal.logpdf(x))
    error = ratios.std(axis=0, ddof=1) / np.sqrt(len(ratios))
    assert error.max() < 0.04
    assert np.all(np.abs(ratios.mean(axis=0) - 1.0) < 4.5 * error)


@pytest.mark.parametrize("kind", KINDS)
def test_the_volume_of_tempering_is_in_the_books(kind):
    """By the heated momentum's density the cooling's volume is needed; without it d log(1/0.3) is too much."""
    heat, num_steps = 0.3, 3
    model, marginal, x = make_linear(kind, num_steps=num_steps, step_size=0.05, sqrt_beta_zero=heat)
    flow, posterior, seed = model.flow(x), model.encode(x), np.array([1, 2])
    states, (log_joint, log_weights) = model._run(x, posterior, flow, (400,), seed)
    leapfrog, (z, heated) = flow.leapfrog, states[0]
    start, end = leapfrog.position(z), leapfrog.position(states[-1][0])
    # N(0, G / beta_0) at the heated momentum.
    log_heated = leapfrog.momentum_log_prob(start, heat * heated) + LATENT_DIM * np.log(heat)
    cooling = sum(
        Tempering(heat, num_steps, step).forward_log_det_jacobian(list(states[0]))
        for step in range(1, num_steps + 1)
    )
    log_end = log_joint + leapfrog.momentum_log_prob(end, states[-1][1])
    without_volume = log_end - posterior.log_prob(z) - log_heated
    np.testing.assert_allclose(without_volume + cooling, log_weights, rtol=1e-4, atol=1e-3)
    excess = LATENT_DIM * np.log(1.0 / heat)
    np.testing.assert_allclose(without_volume - log_weights, excess, rtol=1e-3)

    def estimate(values):
        return np.mean(tf.reduce_logsumexp(values, axis=0) - np.log(400.0) - marginal.logpdf(x))

    assert abs(estimate(log_weights)) < 0.1 and estimate(without_volume) > excess - 0.1


@pytest.mark.parametrize("kind", KINDS)
def test_short_steps_leave_the_bound_of_the_encoder(kind):
    """Without motion the momentum's densities cancel, and what is left is the encoder's importance weight."""
    model, _, x = make_linear(kind, num_steps=2, step_size=1e-6, sqrt_beta_zero=0.3)
    log_weights = model.elbo(x, np.array([3, 4]))
    of_position, _ = tfp.random.split_seed(np.array([3, 4]), n=2)
    posterior = model.encode(x)
    z = posterior.sample(seed=of_position)
    expected = model.decode(z).log_prob(x) + model.prior.log_prob(z) - posterior.log_prob(z)
    np.testing.assert_allclose(log_weights, expected, atol=1e-3)


def test_weights_of_trajectories_that_do_not_come_back_are_zero():
    model, _, x = make_linear("rhvae", num_steps=3, step_size=0.4, sqrt_beta_zero=0.5)
    estimates = model.log_likelihood(x, 50, "flow").numpy()
    weights = model._flow_weights(tf.constant(x), 50, np.array([1, 2])).numpy()
    lost = np.mean(np.isneginf(weights))
    assert not np.isnan(weights).any() and not np.isnan(estimates).any() and 0.05 < lost < 0.95


def test_steps_that_run_off_weigh_nothing():
    model, _, x = make_linear("hvae", num_steps=30, step_size=100.0)
    assert np.isneginf(model._flow_weights(tf.constant(x), 3, np.array([1, 2]))).all()


def learnt(**flags):
    return {f"learn_{name}": True for name in ("step_size", "temperature", "regularization", "beta_zero")} | flags


SETTINGS = {"hvae": {"step_size": [0.1, 0.2]}, "rhvae": {"step_size": 0.05} | learnt()}


@pytest.mark.parametrize("kind", KINDS)
def test_every_trainable_weight_gets_a_gradient(kind):
    model, x = make_flow_model(kind, **SETTINGS[kind]), tf.constant(make_data(8))
    names = {weight.path.split("/")[-1] for weight in model.trainable_variables}
    assert {"log_step_size", "log_sqrt_beta_zero"} <= names
    assert kind == "hvae" or {"log_temperature", "log_regularization"} <= names
    model.compile("adam")
    _, gradients = model._terms_and_gradients(x, np.array([0, 1]))
    assert len(gradients) == len(model.trainable_variables) == {"hvae": 12, "rhvae": 20}[kind]
    for weight, gradient in zip(model.trainable_variables, gradients, strict=True):
        assert gradient is not None and np.isfinite(gradient).all() and np.any(gradient != 0.0), weight.path


@pytest.mark.parametrize("kind", KINDS)
def test_settings_that_are_not_learnt_stay(kind):
    fixed = {name: False for name in learnt() if kind == "rhvae" or name in ("learn_step_size", "learn_beta_zero")}
    model = make_flow_model(kind, step_size=0.02, sqrt_beta_zero=0.4, **fixed)
    assert not any("log_" in weight.path for weight in model.trainable_variables)
    np.testing.assert_allclose([model.step_size, model.sqrt_beta_zero], [0.02, 0.4], rtol=1e-6)
    if kind == "rhvae":
        np.testing.assert_allclose([model.temperature, model.regularization], [0.8, 0.01], rtol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_a_flow_that_is_kept_follows_the_training(kind):
    model, x = make_flow_model(kind, **SETTINGS[kind]), make_data(20)
    flow = model.flow(x)
    pair = [tf.ones([20, LATENT_DIM]), tf.ones([20, LATENT_DIM])]
    before = flow.forward(pair)
    train(model, x)
    model.after_training(x)
    after = flow.forward(pair)
    for old, new, expected in zip(before, after, model.flow(x).forward(pair), strict=True):
        assert np.abs(old - new).max() > 1e-4
        np.testing.assert_array_equal(new, expected)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.filterwarnings("error:Skipping variable loading")
def test_weights_and_models_are_the_same_when_loaded(kind, tmp_path):
    model, x = make_flow_model(kind, **SETTINGS[kind]), make_data(20)
    train(model, x)
    model.after_training(x)
    model.save_weights(tmp_path / "model.weights.h5")
    # What is learnt and what not does not matter to the file.
    fixed = {"learn_step_size": False, "learn_beta_zero": False}
    other = make_flow_model(kind, seed=1, step_size=np.ones(model.step_size.shape), **fixed)
    other.load_weights(tmp_path / "model.weights.h5")
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras", safe_mode=True)
    assert type(again) is type(model)
    for loaded in (other, again):
        for method in ("elbo", "log_likelihood"):
            values = [getattr(each, method)(x, seed=np.array([1, 2])) for each in (model, loaded)]
            np.testing.assert_array_equal(*values)
        for name in ("step_size", "sqrt_beta_zero"):
            np.testing.assert_array_equal(getattr(model, name), getattr(loaded, name))
    assert len(again.trainable_variables) == len(model.trainable_variables)


@pytest.mark.parametrize("kind", KINDS)
def test_same_seed_same_bits(kind):
    x, results = make_data(20), []
    for _ in range(2):
        model = make_flow_model(kind, seed=3, **SETTINGS[kind])
        train(model, x, 3)
        model.after_training(x)
        results.append(list(weights_of(model).values()))
        tf.random.set_seed(5)
    for one, other in zip(*results, strict=True):
        np.testing.assert_array_equal(one, other)
    assert not np.array_equal(model.elbo(x), make_flow_model(kind, seed=4).elbo(x))


def test_a_training_step_has_the_metric_of_its_batch():
    model, x = make_flow_model("rhvae", step_size=0.05, num_centroids=8), tf.constant(make_data(8))
    model.compile("adam")
    seed = np.array([5, 6])
    untrained = model.elbo_terms(x, seed)
    terms = model.training_terms(x, seed)
    model.update_metric(x.numpy())
    # The stored metric of the same data gives the same.
    for actual, expected in zip(terms, model.elbo_terms(x, seed), strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-5)
    assert np.abs(untrained[1] - terms[1]).max() > 1e-3
    for actual, expected in zip(model.terms_given(x)(x, seed), terms, strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-5)


def test_the_stored_metric_is_that_of_all_data_or_of_medoids():
    x = make_data(20)
    model = make_flow_model("rhvae", num_centroids=20)
    start = model.manifold()
    np.testing.assert_allclose(
        start.inverse_metric_tensor(tf.zeros([LATENT_DIM])), 1.01 * np.eye(LATENT_DIM), rtol=1e-5
    )
    model.update_metric(x)
    means = np.array(model.encoder(x)[0])
    np.testing.assert_array_equal(model.centroids, means)
    np.testing.assert_allclose(model.centroid_factors, model.metric_network(x), rtol=1e-6)
    fewer = make_flow_model("rhvae", num_centroids=3)
    fewer.update_metric(x)
    chosen = [np.flatnonzero((means == centroid).all(axis=1)) for centroid in np.array(fewer.centroids)]
    assert all(len(rows) == 1 for rows in chosen) and len({int(rows[0]) for rows in chosen}) == 3
    np.testing.assert_allclose(
        fewer.centroid_factors, model.metric_network(x[[int(rows[0]) for rows in chosen]]), rtol=1e-5
    )
    manifold = fewer.manifold()
    np.testing.assert_allclose([manifold.temperature, manifold.regularization], [0.8, 0.01], rtol=1e-6)
    with pytest.raises(UserError, match="num_centroids"):
        model.update_metric(x[:19])
    with pytest.raises(UserError, match="num_centroids"):
        fit(model, x[:19], 1, 10, 1e-3, verbose=0)


def test_in_keras_fit_a_callback_keeps_the_metric():
    model, x = make_flow_model("rhvae", num_centroids=10), make_data(10)
    model.compile("adam", run_eagerly=True)
    seen = []

    class Look(keras.callbacks.Callback):
        def on_test_batch_begin(self, batch, logs=None):
            seen.append(np.abs(np.array(self.model.centroids) - self.model.encoder(x)[0]).max())

    model.fit(x, epochs=2, batch_size=10, validation_data=(x,), callbacks=[UpdateMetric(x), Look()], verbose=0)
    assert len(seen) == 2 and max(seen) < 1e-6
    np.testing.assert_allclose(model.centroids, model.encoder(x)[0], atol=1e-6)


def break_target(model):
    """Makes a target that throws every trajectory out."""
    model.decoder.logits_network.dense_layers[0].kernel.assign(np.full([LATENT_DIM, 5], 1e18))
    model._log_step_size.assign(np.log(1e25))


@pytest.mark.parametrize("kind", KINDS)
def test_a_divergence_is_named_with_its_steps(kind):
    model, x = make_flow_model(kind, num_steps=4, learn_step_size=False, learn_beta_zero=False), make_data(20)
    train(model, x, 1)
    assert model.explain_divergence() is None and model.divergence.found() == (-1, -1)
    break_target(model)
    for _ in range(2):
        model.train_step(tf.constant(x))
    training_step, leapfrog_step = model.divergence.found()
    # Counted from 0; the second broken step is not the first one.
    assert training_step == 1 and 1 <= leapfrog_step <= 4
    message = model.explain_divergence()
    assert f"leapfrog step {leapfrog_step} of 4, training step 1;" in message and "`step_size`" in message
    assert ("`temperature`" in message) == (kind == "rhvae")


def test_training_stops_at_a_divergence_and_names_it():
    model, x = make_flow_model("hvae"), make_data(20)

    class Break(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                break_target(self.model)

    # Passes of two steps, 25 of which make a round.
    with pytest.raises(UserError, match=r"round 2.*diverged.*of 2, training step 50;.*`step_size`") as caught:
        fit(model, x, 50, 10, 1e-3, callbacks=[Break()], verbose=0)
    assert "\n" not in str(caught.value)


def test_a_sample_of_the_posterior_is_where_the_flow_ends():
    """On the linear model means swing around the exact ones, with the exact standard deviations as periods."""
    model, _, x = make_linear("hvae", 1.0, 1.0, num_steps=10, step_size=0.1, sqrt_beta_zero=1.0)
    exact, _, stddev = make_linear_vae()
    z = np.reshape(model.sample_posterior(np.tile(x, (400, 1))), (400, NUM_DATA, LATENT_DIM))
    offsets = np.mean(z - exact.encode(x).mean(), axis=(0, 1))
    # One unit of time, from an offset of 1; the leapfrog's own period is a percent off.
    np.testing.assert_allclose(offsets, np.cos(1.0 / stddev), atol=0.03)
    np.testing.assert_array_equal(model.sample_posterior(x), model.sample_posterior(x))


WRONG = [
    ("hvae", {"num_steps": 0}, "`num_steps`"),
    ("hvae", {"step_size": 0.0}, "`step_size`"),
    ("hvae", {"step_size": [0.1, 0.1, 0.1]}, "`step_size`"),
    ("hvae", {"sqrt_beta_zero": -1.0}, "`sqrt_beta_zero`"),
    ("rhvae", {"temperature": 0.0}, "`temperature`"),
    ("rhvae", {"regularization": np.nan}, "`regularization`"),
    ("rhvae", {"num_fixed_point_steps": 0}, "`num_fixed_point_steps`"),
    ("rhvae", {"num_centroids": 0}, "`num_centroids`"),
]


@pytest.mark.parametrize(("kind", "settings", "message"), WRONG)
def test_wrong_settings_are_refused(kind, settings, message):
    with pytest.raises(UserError, match=message):
        make_flow_model(kind, **settings)


def test_wrong_uses_are_refused():
    model, x = make_flow_model("hvae"), make_data(3)
    with pytest.raises(UserError, match="proposal"):
        model.log_likelihood(x, 5, "prior")
    with pytest.raises(UserError, match=r"latent_dim.* is 3"):
        RHVAE(model.encoder, model.decoder, MetricNetwork(3), 5)


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
