"""HVAE and RHVAE where log p(x) is known, and what training and saving keep."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tests.models.tiny import DATA_DIM, LATENT_DIM, make_data, weights_of
from tfgeo.errors import UserError
from tfgeo.layers import MLP, MetricNetwork
from tfgeo.models import HVAE, RHVAE, BernoulliDecoder, GaussianDecoder, GaussianEncoder, UpdateMetric, fit
from tfgeo.randomness import derive_seed

tfd = tfp.distributions

MODELS = ["hvae", "rhvae"]
VARIANCE = 0.3
NUM = 24
PHASE_POINTS = tf.unstack(tf.random.stateless_normal([2, NUM, LATENT_DIM], [0, 1]))


def make_model(kind, linear=False, **settings):
    """A built model; `linear` makes the decoder linear and Gaussian, so that log p(x) is known."""
    keras.utils.set_random_seed(3)
    network = MLP([] if linear else [6], "tanh", DATA_DIM, name="mean")
    decoder = GaussianDecoder(network, VARIANCE) if linear else BernoulliDecoder(network)
    encoder = GaussianEncoder(LATENT_DIM, [5], "tanh")
    if kind == "hvae":
        model = HVAE(encoder, decoder, **settings)
    else:
        model = RHVAE(encoder, decoder, MetricNetwork(LATENT_DIM, [4]), NUM, **settings)
    model.build((None, DATA_DIM))
    if kind == "rhvae":
        model.update_metric(make_data(NUM))
    return model


def known_log_likelihood(model, x):
    """Log density of `N(b, A A^T + sigma^2 I)` for the decoder `z -> A z + b`."""
    z = np.concatenate([np.zeros([1, LATENT_DIM]), np.eye(LATENT_DIM)]).astype(np.float32)
    offset, *columns = np.asarray(model.decoder.mean_network(z), np.float64)
    matrix = np.stack(columns, axis=-1) - offset[:, None]
    covariance = matrix @ matrix.T + VARIANCE * np.eye(DATA_DIM)
    return tfd.MultivariateNormalTriL(offset, np.linalg.cholesky(covariance)).log_prob(np.float64(x)).numpy()


def mean_bound(model, x, repeats=2000):
    """The bound of each of `[n, D]` data, the mean over its noise, and the standard error: `[n]` each."""
    values = model.elbo(np.tile(x, [repeats, 1])).numpy().reshape(repeats, len(x)).astype(np.float64)
    return values.mean(axis=0), values.std(axis=0) / np.sqrt(repeats)


@pytest.mark.parametrize("kind", MODELS)
def test_bounds_lie_below_the_known_likelihood_and_rise_with_the_steps(kind):
    x = make_data(4, seed=5)
    means = []
    for num_steps in (1, 3, 6):
        model = make_model(
            kind,
            linear=True,
            num_steps=num_steps,
            step_size=0.1 if kind == "hvae" else 0.01,
            sqrt_beta_zero=0.7,
            **({} if kind == "hvae" else {"temperature": 2.0, "regularization": 1.0, "num_fixed_point_steps": 12}),
        )
        known = known_log_likelihood(model, x)
        mean, error = mean_bound(model, x)
        assert (mean < known + 4.0 * error).all()
        means.append(mean.mean())
    assert means[0] < means[1] < means[2] < known.mean()


@pytest.mark.parametrize("kind", MODELS)
def test_both_proposals_are_unbiased_with_tempering_on(kind):
    x = make_data(4, seed=5)
    model = make_model(
        kind,
        linear=True,
        num_steps=3,
        step_size=0.1,
        sqrt_beta_zero=0.5,
        **({} if kind == "hvae" else {"temperature": 2.0, "regularization": 1.0}),
    )
    known = known_log_likelihood(model, x)
    for proposal in ("encoder", "flow"):
        estimate = model.log_likelihood(x, num_samples=20_000, proposal=proposal).numpy()
        assert estimate.dtype == np.float64
        # Leaving the volume of the tempering out would add d log(1 / sqrt(beta_0)) = 1.39 nats.
        np.testing.assert_allclose(estimate, known, atol=0.1, err_msg=proposal)


@pytest.mark.parametrize("kind", MODELS)
def test_every_weight_that_is_learnt_gets_a_gradient(kind):
    learn = {"learn_step_size": True, "learn_beta_zero": True}
    if kind == "rhvae":
        learn |= {"learn_temperature": True, "learn_regularization": True}
    model = make_model(kind, num_steps=2, step_size=0.1, **learn)
    if kind == "rhvae":
        # They start at 0, and no gradient comes through them to the layers below.
        for head in (model.metric_network.diagonal_head, model.metric_network.lower_head):
            head.kernel.assign(keras.initializers.GlorotUniform(0)(head.kernel.shape))
    model.compile("sgd")
    _, gradients = model._terms_and_gradients(tf.constant(make_data(NUM)), tf.constant([1, 2]))
    names = [variable.path for variable in model.trainable_variables]
    assert sum("log_" in name for name in names) == len(learn)
    for name, gradient in zip(names, gradients, strict=True):
        assert gradient is not None and np.isfinite(gradient).all() and np.abs(gradient).max() > 0.0, name


@pytest.fixture(scope="module", params=MODELS)
def trained(request):
    """Kind, model, data, and the model's flow, made before the model was trained, with what it did then."""
    model, x = make_model(request.param, num_steps=2, step_size=0.1), make_data(NUM)
    flow = model.flow(x)
    before = [part.numpy() for part in flow.forward(PHASE_POINTS)]
    fit(model, x, 3, NUM, 0.05, verbose=0)
    return request.param, model, x, flow, before


def test_the_flow_of_a_model_follows_its_weights(trained):
    _, model, x, flow, before = trained
    after = flow.forward(PHASE_POINTS)
    fresh = model.flow(x).forward(PHASE_POINTS)
    for old, new, expected in zip(before, after, fresh, strict=True):
        assert np.abs(new - old).max() > 1e-4
        np.testing.assert_array_equal(new, expected)


def test_weights_are_saved_with_the_metric(trained, tmp_path):
    kind, model, x, _, _ = trained
    model.save_weights(tmp_path / "model.weights.h5")
    loaded = make_model(kind, num_steps=2, step_size=0.1)
    loaded.load_weights(tmp_path / "model.weights.h5")
    np.testing.assert_array_equal(loaded.elbo(x), model.elbo(x))
    if kind == "rhvae":
        np.testing.assert_array_equal(loaded.centroids, model.encoder(x)[0])
        z = model.encoder(x)[0]
        np.testing.assert_array_equal(loaded.manifold().metric_tensor(z), model.manifold().metric_tensor(z))


def test_keras_fit_keeps_the_metric_by_the_callback():
    model, x = make_model("rhvae", num_steps=1), make_data(NUM)
    model.compile("adam", run_eagerly=True)
    distances = []

    class Look(keras.callbacks.Callback):
        def on_test_batch_begin(self, batch, logs=None):
            distances.append(np.abs(np.array(self.model.centroids) - self.model.encoder(x)[0]).max())

    model.fit(x, epochs=2, batch_size=NUM, validation_data=(x,), callbacks=[UpdateMetric(x), Look()], verbose=0)
    assert len(distances) == 2 and max(distances) < 1e-6
    np.testing.assert_allclose(model.centroids, model.encoder(x)[0], rtol=1e-6)


def test_fewer_centroids_are_medoids_of_the_means():
    keras.utils.set_random_seed(0)
    encoder, decoder = GaussianEncoder(LATENT_DIM, [5], "tanh"), BernoulliDecoder(MLP([6], "tanh", DATA_DIM))
    model, x = RHVAE(encoder, decoder, MetricNetwork(LATENT_DIM, [4]), 5), make_data(NUM)
    model.build((None, DATA_DIM))
    model.update_metric(x)
    means = model.encoder(x)[0].numpy()
    chosen = [int(np.argmin(np.linalg.norm(means - centroid, axis=-1))) for centroid in model.centroids.numpy()]
    assert len(set(chosen)) == 5
    np.testing.assert_allclose(model.centroids, means[chosen], rtol=1e-6)
    np.testing.assert_allclose(model.centroid_factors, model.metric_network(x[chosen]), rtol=1e-5)
    with pytest.raises(UserError, match="too few"):
        model.update_metric(x[:3])


@pytest.mark.parametrize("kind", MODELS)
def test_training_stops_early_and_keeps_the_best_pass(kind):
    model, x, held_out = make_model(kind, num_steps=1), make_data(NUM), make_data(8, seed=9)
    # Steps so long that the bound of what was held out soon falls.
    history = fit(model, x, 200, NUM, 0.3, verbose=0, validation_data=held_out, patience=5)
    losses = history.val_losses
    assert history.best_epoch == int(np.argmin(losses)) + 1
    assert len(losses) == history.best_epoch + 5 < 200
    # An RHVAE keeps the metric of that pass as well, by which the pass was judged.
    noise = tf.random.experimental.stateless_fold_in(derive_seed(0, "validation"), 0)
    np.testing.assert_allclose(-np.mean(model.elbo(held_out, noise)), min(losses), rtol=1e-5)
    again = make_model(kind, num_steps=1)
    same = fit(again, x, history.best_epoch, NUM, 0.3, verbose=0, validation_data=held_out)
    # Another number of epochs is another graph, which TensorFlow may round differently.
    np.testing.assert_allclose(same.val_losses, losses[: history.best_epoch], rtol=1e-4)
    for first, second in zip(weights_of(again).values(), weights_of(model).values(), strict=True):
        np.testing.assert_allclose(first, second, rtol=1e-3, atol=1e-4)


def test_a_trajectory_that_diverges_ends_training_with_its_step():
    model = make_model("rhvae", num_steps=2, step_size=1e18)
    with pytest.raises(UserError, match=r"leapfrog step \d of 2, training step \d+; lower `step_size`"):
        fit(model, make_data(NUM), 5, NUM, 1e-3, verbose=0)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"step_size": 0.0}, "step_size"),
        ({"step_size": [0.1, 0.1, 0.1]}, "step_size"),
        ({"num_steps": 0}, "num_steps"),
        ({"sqrt_beta_zero": -1.0}, "sqrt_beta_zero"),
        ({"temperature": 0.0}, "temperature"),
        ({"regularization": -1e-3}, "regularization"),
        ({"num_fixed_point_steps": 0}, "num_fixed_point_steps"),
        ({"gradient_limit": 0.0}, "gradient_limit"),
        ({"gradient_limit": np.nan}, "gradient_limit"),
    ],
)
def test_wrong_settings_are_refused(settings, message):
    with pytest.raises(UserError, match=message):
        make_model("rhvae", **settings)
