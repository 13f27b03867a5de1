"""Tests of HVAE and RHVAE: books of the volume, lost trajectories, the metric of a step, limits on gradients."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tests.models.linear import linear_data, make_linear_vae
from tests.models.tiny import LATENT_DIM, make_data, make_flow_model
from tfgeo.errors import UserError
from tfgeo.flows import Tempering
from tfgeo.layers import MetricNetwork
from tfgeo.models import HVAE, RHVAE, fit
from tfgeo.models.callbacks import StopOnNonFiniteLoss

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
            head.kernel.assign(0.3 * keras.initializers.GlorotUniform(1)(head.kernel.shape))
        model.update_metric(x)
    return model, marginal, x


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
    model, _, x = make_linear("rhvae", num_steps=3, step_size=0.6, sqrt_beta_zero=0.5)
    estimates = model.log_likelihood(x, 50, "flow").numpy()
    weights = model._flow_weights(tf.constant(x), 50, np.array([1, 2])).numpy()
    lost = np.mean(np.isneginf(weights))
    assert not np.isnan(weights).any() and not np.isnan(estimates).any() and 0.05 < lost < 0.95


def test_steps_that_run_off_weigh_nothing():
    model, _, x = make_linear("hvae", num_steps=30, step_size=100.0)
    assert np.isneginf(model._flow_weights(tf.constant(x), 3, np.array([1, 2]))).all()


LEARNT = [f"learn_{name}" for name in ("step_size", "beta_zero", "temperature", "regularization")]
SETTINGS = {"hvae": {"step_size": [0.1, 0.2]}, "rhvae": {"step_size": 0.05, **dict.fromkeys(LEARNT, True)}}


@pytest.mark.parametrize("kind", KINDS)
def test_settings_that_are_not_learnt_stay(kind):
    fixed = dict.fromkeys(LEARNT if kind == "rhvae" else LEARNT[:2], False)
    model = make_flow_model(kind, step_size=0.02, sqrt_beta_zero=0.4, **fixed)
    assert not any("log_" in weight.path for weight in model.trainable_variables)
    np.testing.assert_allclose([model.step_size, model.sqrt_beta_zero], [0.02, 0.4], rtol=1e-6)
    if kind == "rhvae":
        np.testing.assert_allclose([model.temperature, model.regularization], [0.8, 0.01], rtol=1e-6)


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


@pytest.mark.parametrize(("kind", "other"), [KINDS, KINDS[::-1]])
def test_weights_of_another_kind_are_refused(kind, other, tmp_path):
    make_flow_model(kind).save_weights(tmp_path / "model.weights.h5")
    with pytest.raises(ValueError, match="another kind of model"):
        make_flow_model(other).load_weights(tmp_path / "model.weights.h5")


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


def test_before_training_the_metric_is_one_bump_at_the_origin():
    model = make_flow_model("rhvae", num_centroids=20)
    z = np.array([[0.0, 0.0], [0.8, 0.0], [30.0, 0.0]], np.float32)
    heights = np.array([1.0, np.exp(-1.0), 0.0]) + 0.01
    expected = heights[:, None, None] * np.eye(LATENT_DIM)
    np.testing.assert_allclose(model.manifold().inverse_metric_tensor(z), expected, rtol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_a_limit_on_gradients_changes_them_and_not_the_bound(kind):
    """A limit beyond all gradients changes no bit; one far below leaves what does not come through points."""
    x, results = tf.constant(make_data(8)), []
    for limit in (None, 1e30, 1e-3):
        # The same flow, in which the metric's own gradient matters.
        model = make_flow_model(kind, num_centroids=8, step_size=0.1, gradient_limit=limit)
        model.compile("adam")
        results.append(model._terms_and_gradients(x, np.array([1, 2])))
    (terms, free), (_, wide), (limited_terms, limited) = results
    for one, other in zip(terms, limited_terms, strict=True):
        np.testing.assert_array_equal(one, other)
    for one, other in zip(free, wide, strict=True):
        np.testing.assert_array_equal(one, other)
    size, change = (
        float(tf.linalg.global_norm(each)) for each in (free, [a - b for a, b in zip(free, limited, strict=True)])
    )
    assert change > 0.1 * size
    assert float(tf.linalg.global_norm(limited)) < 3.0 * size


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


def test_a_metric_that_loses_definiteness_is_a_divergence_with_a_remedy():
    """All factors the same and of rank one: beside entries of 1e8, float32 loses a floor of 1e-9 to rounding."""
    settings = {"num_steps": 1, "num_fixed_point_steps": 1, "temperature": 5.0, "regularization": 1e-9}
    model = make_flow_model("rhvae", num_centroids=24, **settings)
    diagonal, lower = model.metric_network.diagonal_head, model.metric_network.lower_head
    for head, bias in ((diagonal, [9.2, -20.0]), (lower, [1.2345e4])):
        head.set_weights([np.zeros(head.kernel.shape), np.array(bias)])
    train(model, make_data(24), 1)
    message = model.explain_divergence()
    assert "diverged at the start of the flow in training step 0; " in message and "`regularization`" in message


def test_weights_that_break_without_a_divergence_have_the_remedy_of_flows():
    model = make_flow_model("rhvae", num_centroids=8, num_steps=1)
    model.metric_network.diagonal_head.bias.assign([np.nan, 0.0])
    assert model.explain_divergence() is None
    stop = StopOnNonFiniteLoss()
    stop.set_model(model)
    with pytest.raises(UserError, match=r"round 1.*weights; lower `step_size`"):
        stop.on_epoch_end(0, {"loss": 1.0})


def test_a_sample_of_the_posterior_is_where_the_flow_ends():
    """On the linear model means swing around the exact ones, with the exact standard deviations as periods."""
    model, _, x = make_linear("hvae", 1.0, 1.0, num_steps=10, step_size=0.1, sqrt_beta_zero=1.0)
    exact, _, stddev = make_linear_vae()
    z = np.reshape(model.sample_posterior(np.tile(x, (400, 1))), (400, NUM_DATA, LATENT_DIM))
    offsets = np.mean(z - exact.encode(x).mean(), axis=(0, 1))
    # One unit of time, from an offset of 1; the leapfrog's own period is a percent off.
    np.testing.assert_allclose(offsets, np.cos(1.0 / stddev), atol=0.03)
    np.testing.assert_array_equal(model.sample_posterior(x), model.sample_posterior(x))


def test_wrong_uses_are_refused():
    model, x = make_flow_model("hvae"), make_data(3)
    with pytest.raises(UserError, match="proposal"):
        model.log_likelihood(x, 5, "prior")
    for measure in (model.elbo, lambda x: model.log_likelihood(x, 5), lambda x: model.log_likelihood(x, 5, "flow")):
        with pytest.raises(UserError, match=r"`x` run from .*\[0, 1\]"):
            measure(255.0 * x)
    with pytest.raises(UserError, match=r"latent_dim.* is 3"):
        RHVAE(model.encoder, model.decoder, MetricNetwork(3), 5)
    with pytest.raises(UserError, match="`num_centroids`"):
        fit(make_flow_model("rhvae", num_centroids=4), x, 1, 10, 1e-3, verbose=0)
    with pytest.raises(UserError, match="`num_centroids`"):
        make_flow_model("rhvae", num_centroids=0)
    with pytest.raises(UserError, match=r"`inputs` run from 0 to 255.*\[0, 1\]"):
        fit(make_flow_model("rhvae", num_centroids=3), np.float32([[0.0, 255.0, 1.0]] * 3), 1, 10, 1e-3, verbose=0)


class Hiccup(HVAE):
    """A flow whose bound is not a number for one sample in training step 2."""

    def training_terms(self, x, seed):
        reconstruction, divergence = super().training_terms(x, seed)
        of_one = tf.one_hot(0, tf.shape(x)[0], on_value=np.nan, off_value=1.0)
        return tf.where(tf.equal(self.optimizer.iterations, 2), of_one, 1.0) * reconstruction, divergence


def test_a_step_without_a_finite_gradient_is_left_out_and_counted():
    like = make_flow_model("hvae")
    model = Hiccup(like.encoder, like.decoder, num_steps=1)
    history = fit(model, make_data(10), epochs=6, batch_size=10, learning_rate=0.01, verbose=0).history
    assert sum(history["skipped_steps"]) == 1
    assert all(np.isfinite(weight).all() for weight in model.weights)


def test_training_ends_where_most_steps_are_left_out(monkeypatch):
    model = make_flow_model("hvae")
    monkeypatch.setattr(type(model), "share_of_skipped_steps", 0.6)
    with pytest.raises(UserError, match="gradients of most steps"):
        fit(model, make_data(10), epochs=2, batch_size=10, learning_rate=0.01, verbose=0)
