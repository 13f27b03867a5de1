"""Tests of the VAE: closed forms of a linear model, gradients, and behaviour as a Keras model."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tests.models.linear import linear_data, make_linear_vae, repeated
from tests.models.tiny import DATA_DIM, LATENT_DIM, assert_same_bits, make_data, make_vae, weights_of
from tfgeo.errors import UserError
from tfgeo.layers import MLP
from tfgeo.models import VAE, BernoulliDecoder, GaussianEncoder, fit, fit_variance

tfd = tfp.distributions

KINDS = ["gmm", "bernoulli"]


def test_log_likelihood_with_the_exact_posterior_is_the_marginal():
    model, marginal, _ = make_linear_vae()
    x = linear_data(marginal)
    # All importance weights are equal, so one sample is enough and only float32 is left.
    for num_samples in (1, 50):
        value = model.log_likelihood(x, num_samples)
        assert value.dtype == tf.float64 and value.shape == (len(x),)
        np.testing.assert_allclose(value, marginal.logpdf(x), atol=2e-4)


def test_log_likelihood_with_a_wider_posterior_is_the_marginal_within_its_error():
    model, marginal, _ = make_linear_vae(widening=1.4)
    x = linear_data(marginal)
    estimates = repeated(lambda x: model.log_likelihood(x, 500), x, 20)
    error = estimates.std(axis=0, ddof=1) / np.sqrt(len(estimates))
    assert error.max() < 0.02
    # 4.5 standard errors for 12 points; the logarithm's bias, half the variance of one estimate, comes on top.
    bias = 0.5 * estimates.var(axis=0, ddof=1)
    assert np.all(np.abs(estimates.mean(axis=0) - marginal.logpdf(x)) < 4.5 * error + bias)


@pytest.mark.parametrize(("widening", "shift"), [(1.0, 0.0), (1.4, 0.0), (0.7, 0.2)])
def test_elbo_falls_short_of_the_marginal_by_the_divergence_from_the_exact_posterior(widening, shift):
    model, marginal, exact_stddev = make_linear_vae(widening, shift)
    x = linear_data(marginal)
    elbos = repeated(model.elbo, x, 400)
    gap = tfd.Normal(np.full(LATENT_DIM, shift), widening * exact_stddev).kl_divergence(
        tfd.Normal(np.zeros(LATENT_DIM), exact_stddev)
    )
    error = elbos.std(axis=0, ddof=1) / np.sqrt(len(elbos))
    assert np.all(np.abs(elbos.mean(axis=0) - (marginal.logpdf(x) - np.sum(gap))) < 4.5 * error + 1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_elbo_is_at_most_the_log_likelihood_and_more_samples_are_tighter(kind):
    model, x = make_vae(kind), make_data(16)
    elbo = repeated(model.elbo, x, 200)
    few, many = (repeated(lambda x, num=num: model.log_likelihood(x, num), x, 100) for num in (2, 50))
    # Summed over 16 points the gaps are far beyond the error of 100 repeats.
    assert elbo.mean() < few.mean() < many.mean()


def test_divergence_from_the_prior_in_closed_form_is_that_of_samples():
    model, x = make_vae(), make_data(8)
    log_likelihood, divergence = model.elbo_terms(x, (0, 0))
    posterior = model.encode(x)
    z = posterior.sample(20_000, seed=(0, 1))
    ratios = np.array(posterior.log_prob(z) - model.prior.log_prob(z))
    error = ratios.std(axis=0) / np.sqrt(len(ratios))
    assert np.all(np.abs(ratios.mean(axis=0) - divergence) < 4.5 * error)
    np.testing.assert_allclose(model.elbo(x, (0, 0)), log_likelihood - divergence, rtol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_methods_are_deterministic_without_a_seed_and_follow_a_given_one(kind):
    model, x = make_vae(kind), make_data(8)
    methods = {
        "elbo": lambda **seed: model.elbo(x, **seed),
        "log_likelihood": lambda **seed: model.log_likelihood(x, 5, **seed),
        "sample": lambda **seed: model.sample(4, **seed),
    }
    for name, method in methods.items():
        first = np.array(method())
        tf.random.set_seed(1)
        np.testing.assert_array_equal(first, method(), err_msg=name)
        np.testing.assert_array_equal(method(seed=(3, 4)), method(seed=(3, 4)), err_msg=name)
        assert not np.array_equal(first, method(seed=(3, 4))), name
    assert not np.array_equal(model.elbo(x), make_vae(kind, seed=1).elbo(x))


@pytest.mark.parametrize(("kind", "num"), [("gmm", 1), ("bernoulli", 7)])
def test_samples_are_decoded_draws_from_the_prior(kind, num):
    model = make_vae(kind)
    samples = np.array(model.sample(num, seed=(0, 0)))
    assert samples.shape == (num, DATA_DIM)
    z = model.prior.sample(num, seed=(0, 0))
    np.testing.assert_allclose(samples, model.decoder(z)[0], rtol=1e-6)
    if kind == "bernoulli":
        assert samples.min() >= 0.0 and samples.max() <= 1.0


def test_numbers_of_any_dtype_and_single_points_are_accepted():
    model, x = make_vae("bernoulli"), make_data(6)
    for method in (model.elbo, model.log_likelihood):
        np.testing.assert_array_equal(method(x.astype(np.float64)), method(x))
        np.testing.assert_array_equal(method(np.round(x).astype(int)), method(np.round(x)))
    z = np.random.default_rng(0).normal(size=(6, LATENT_DIM))
    for method, values in ((model.encode, x), (model.decode, z)):
        single = method(values[2])
        assert single.batch_shape == ()
        np.testing.assert_allclose(single.mean(), method(values).mean()[2], rtol=1e-5)


@pytest.mark.parametrize("kind", ["gmm", "rbf", None, "bernoulli"])
def test_every_trainable_variable_gets_a_gradient_in_the_first_stage(kind):
    model, x = make_vae(kind), make_data(16)
    # Kernel and bias of two encoder heads, of one hidden layer on each side, and of the decoder's output.
    assert len(model.trainable_variables) == 2 * (1 + 2) + 2 * 2
    with tf.GradientTape() as tape:
        loss = -tf.reduce_mean(model.elbo(x))
    for variable, gradient in zip(
        model.trainable_variables,
        tape.gradient(loss, [v.value for v in model.trainable_variables]),
        strict=True,
    ):
        assert gradient is not None and np.any(gradient != 0.0), variable.path


@pytest.mark.parametrize("kind", ["gmm", "rbf"])
def test_every_trainable_variable_gets_a_gradient_in_the_second_stage(kind):
    model, x = make_vae(kind), make_data(16)
    model.decoder.precision.fit_features(np.array(model.encoder(x)[0]), seed=0)
    model.decoder.uses_precision = True
    model.encoder.trainable = model.decoder.mean_network.trainable = False
    assert [v.path.split("/")[-1] for v in model.trainable_variables] == ["log_scale"]
    with tf.GradientTape() as tape:
        loss = -tf.reduce_mean(model.elbo(x))
    gradient = tape.gradient(loss, model.trainable_variables[0].value)
    assert gradient is not None and np.all(gradient != 0.0)


class _CountEpochs(keras.callbacks.Callback):
    """Counts what Keras calls, and keeps the last logs."""

    num_epochs, num_batches = 0, 0

    def on_epoch_end(self, epoch, logs=None):
        self.num_epochs, self.logs = self.num_epochs + 1, logs

    def on_train_batch_end(self, batch, logs=None):
        self.num_batches += 1


@pytest.mark.filterwarnings("error:Gradients do not exist")
def test_keras_fit_evaluate_and_predict():
    model, x = make_vae("gmm"), make_data(40)
    before = weights_of(model)
    model.compile(keras.optimizers.Adam(1e-2))
    counter = _CountEpochs()
    history = model.fit(x, epochs=2, batch_size=10, validation_data=(x,), callbacks=[counter], verbose=0)
    assert (counter.num_epochs, counter.num_batches) == (2, 8)
    names = {"loss", "reconstruction", "kl_divergence"}
    assert set(history.history) == names | {f"val_{name}" for name in names} == set(counter.logs)
    changed = [not np.array_equal(before[v.path], v) for v in model.trainable_variables]
    assert all(changed)
    scores = model.evaluate(x, batch_size=40, return_dict=True, verbose=0)
    np.testing.assert_allclose(scores["loss"], scores["reconstruction"] + scores["kl_divergence"], rtol=1e-5)
    np.testing.assert_allclose(scores["kl_divergence"], np.mean(model.elbo_terms(x, (0, 0))[1]), rtol=1e-5)
    for part, expected in zip(model.predict(x, batch_size=16, verbose=0), model(x), strict=True):
        np.testing.assert_allclose(part, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.filterwarnings("ignore:`shuffle=True` was passed")
def test_keras_fit_from_a_tf_data_set_of_numpy_numbers_with_a_short_last_batch():
    model, x = make_vae("bernoulli"), make_data(25).astype(np.float64)
    model.compile("adam")
    # With targets, as autoencoders are often fed: they are not looked at.
    model.fit(tf.data.Dataset.from_tensor_slices((x, x)).batch(10), epochs=2, verbose=0)
    assert int(model.optimizer.iterations) == 6


def test_symbolic_call():
    model = make_vae()
    symbolic = keras.Input((DATA_DIM,))
    functional = keras.Model(symbolic, model(symbolic))
    x = make_data(5)
    for part, expected in zip(functional.predict(x, verbose=0), model(x), strict=True):
        np.testing.assert_allclose(part, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.filterwarnings("error:Skipping variable loading")
@pytest.mark.parametrize(("kind", "stage"), [("gmm", 1), ("gmm", 2), ("rbf", 2), (None, 1), ("bernoulli", 1)])
def test_a_saved_model_is_the_same_when_loaded_in_safe_mode(kind, stage, tmp_path):
    model, x = make_vae(kind, seed=3), make_data(20)
    model.compile("adam")
    if stage == 2:
        fit_variance(model, x, 1, 10, 1e-2, verbose=0)
    model.optimizer.build(model.trainable_variables)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras", safe_mode=True)
    assert type(again) is VAE and again.seed == 3
    for one, other in zip(model(x), again(x), strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(model.elbo(x), again.elbo(x))
    assert [tuple(v.shape) for v in again.trainable_variables] == [
        tuple(v.shape) for v in model.trainable_variables
    ]
    assert int(again.optimizer.iterations) == int(model.optimizer.iterations)


def test_weights_file_round_trip(tmp_path):
    model, other, x = make_vae("gmm"), make_vae("gmm", seed=1), make_data(20)
    model.decoder.precision.fit_features(np.array(model.encoder(x)[0]), seed=0)
    model.decoder.uses_precision = True
    model.save_weights(tmp_path / "model.weights.h5")
    other.load_weights(tmp_path / "model.weights.h5")
    other.decoder.uses_precision = True
    for one, same in zip(weights_of(model).values(), weights_of(other).values(), strict=True):
        np.testing.assert_array_equal(one, same)
    np.testing.assert_array_equal(model(x)[1], other(x)[1])


def test_construction_depends_on_the_seed_alone():
    assert_same_bits(
        {str(i): np.array(v) for i, v in enumerate(make_vae(seed=2).weights)},
        {str(i): np.array(v) for i, v in enumerate(make_vae(seed=2).weights)},
    )


@pytest.mark.parametrize(("precision", "has_variance"), [(None, True), ("bernoulli", False)])
def test_what_to_change_is_there_to_be_changed(precision, has_variance):
    assert ("output_variance" in make_vae(precision).remedy()) == has_variance


@pytest.mark.parametrize("built", [True, False])
def test_data_of_another_width_are_refused_with_both_widths_and_leave_the_model_as_it_was(built):
    model, x = make_vae("bernoulli"), make_data(20)
    if not built:
        model = VAE(GaussianEncoder(LATENT_DIM, [4]), BernoulliDecoder(MLP([4], "relu", DATA_DIM)))
    wide = np.repeat(x, 2, axis=1)
    for values in (wide, (255 * wide).astype(np.uint8)):
        with pytest.raises(UserError, match="`inputs` has 6 columns, but the decoder has 3"):
            fit(model, values, 2, 10, 1e-3, verbose=0)
    for use in (model.encode, model.elbo, model.log_likelihood, lambda x: model.elbo_terms(x, (0, 0))):
        with pytest.raises(UserError, match="`x` has 6 columns, but the decoder has 3"):
            use(wide)
    with pytest.raises(UserError, match="`z` has 3 columns, but the latent space has 2"):
        model.decode(x)
    fit(model, x, 2, 10, 1e-3, verbose=0)
    assert model.encode(x).mean().shape == (20, LATENT_DIM)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.zeros([0, DATA_DIM]), r"shape \(0, 3\)"),
        (np.zeros(DATA_DIM), r"shape \(3,\)"),
        (np.zeros([2, 2, DATA_DIM]), r"shape \(2, 2, 3\)"),
        (0.5, "`x` is a single number"),
        ([["a", "b", "c"]], "string, not real numbers"),
        ([[1j, 0, 0]], "complex"),
        (np.ma.masked_less([[1.0, -1.0, 0.0]], 0.0), "masked values; fill them"),
        ([[1.0, 2.0], [3.0]], "no array of numbers"),
    ],
)
def test_data_that_are_no_table_of_numbers_are_named(x, message):
    model = make_vae()
    for method in (model.elbo, model.log_likelihood):
        with pytest.raises(UserError, match=message):
            method(x)
