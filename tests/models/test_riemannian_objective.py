"""What RHVAEs are trained on: which objectives are bounds, what each part changes, and what none changes."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tests.models.test_hamiltonian_models import known_log_likelihood
from tests.models.tiny import DATA_DIM, LATENT_DIM, make_data, make_flow_model
from tfgeo.errors import UserError
from tfgeo.layers import MLP, MetricNetwork
from tfgeo.models import RHVAE, GaussianDecoder, GaussianEncoder, RiemannianObjective

BOUND, RELEASED = (RiemannianObjective.named(name) for name in RiemannianObjective.NAMES)
X = make_data(4, seed=5)
SEED = tf.constant([3, 4])


def make_linear_model(objective, num_fixed_point_steps=12):
    """A model whose log p(x) is known, with factors that are no multiples of the identity."""
    keras.utils.set_random_seed(3)
    model = RHVAE(
        GaussianEncoder(LATENT_DIM, [5], "tanh"),
        GaussianDecoder(MLP([], "tanh", DATA_DIM, name="mean"), 0.3),
        MetricNetwork(LATENT_DIM, [4], "tanh"),
        len(X),
        num_steps=2,
        step_size=0.03,
        temperature=2.0,
        regularization=1.0,
        sqrt_beta_zero=0.7,
        num_fixed_point_steps=num_fixed_point_steps,
        objective=objective,
    )
    model.build((None, DATA_DIM))
    for head in (model.metric_network.diagonal_head, model.metric_network.lower_head):
        head.kernel.assign(keras.initializers.GlorotUniform(0)(head.kernel.shape))
    # Momenta of the factors spread further than those of the metric, so that weights have a variance.
    model.metric_network.diagonal_head.bias.assign([0.3, 0.3])
    model.compile("adam")  # flows note the training step in which they diverge
    return model


def terms_of(objective, **settings):
    log_likelihood, divergence = make_linear_model(objective, **settings).training_terms(X, SEED)
    return (log_likelihood - divergence).numpy()


def gradients_of(objective):
    model = make_linear_model(objective)
    with tf.GradientTape() as tape:
        log_likelihood, divergence = model.training_terms(X, SEED)
        loss = tf.reduce_mean(divergence - log_likelihood)
    return tape.gradient(loss, model.trainable_variables)


def ratio_to_the_likelihood(objective, num_draws):
    """Mean over the noise of `exp(objective) / p(x)`, and its standard error: `[4]` each."""
    model = make_linear_model(objective)

    @tf.function(autograph=False)
    def log_weights(seeds):
        return tf.map_fn(
            lambda seed: tf.subtract(*model.training_terms(X, seed)), seeds, fn_output_signature=tf.float32
        )

    draws = np.stack([np.arange(num_draws), np.zeros(num_draws)], axis=-1).astype(np.int32)
    values = log_weights(tf.constant(draws)).numpy().astype(np.float64)
    ratios = np.exp(values - known_log_likelihood(model, X))
    return ratios.mean(axis=0), ratios.std(axis=0) / np.sqrt(num_draws)


@pytest.mark.parametrize("momentum", ["metric", "factor"])
def test_a_bound_is_an_unbiased_weight_of_the_likelihood(momentum):
    objective = dataclasses.replace(BOUND, momentum=momentum, gradient="last_kick")
    assert objective.is_bound
    mean, error = ratio_to_the_likelihood(objective, 600)
    np.testing.assert_array_less(np.abs(mean - 1.0), 5.0 * error)
    assert error.max() < 0.25


def test_the_bound_is_that_of_evaluation_with_the_metric_of_the_batch():
    model = make_linear_model("bound")
    expected_terms = model.terms_given(tf.constant(X))(X, SEED)
    for actual, expected in zip(model.training_terms(X, SEED), expected_terms, strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-5)


def test_the_released_objective_is_no_bound():
    assert BOUND.is_bound and not RELEASED.is_bound
    assert dataclasses.asdict(RELEASED) == {
        "momentum": "factor", "momentum_density": False, "gradient": "last_kick", "position": "explicit"
    }  # fmt: skip
    mean, error = ratio_to_the_likelihood(RELEASED, 200)
    assert (np.abs(mean - 1.0) > 10.0 * error).all()


def test_what_it_leaves_out_is_the_density_of_the_momenta():
    factor = dataclasses.replace(RELEASED, momentum_density=True)
    momenta = factor.momenta(make_linear_model(factor).metric_network(X))
    _, log_density = momenta(None, None, _noise_of_a_step())
    np.testing.assert_allclose(terms_of(RELEASED) - terms_of(factor), log_density, rtol=1e-4)


def _noise_of_a_step():
    """The standard normal numbers of the momenta of `SEED`."""
    return tf.random.stateless_normal([len(X), LATENT_DIM], tfp.random.split_seed(SEED, n=2)[1])


def test_momenta_of_the_factor_have_its_covariance():
    factors = make_linear_model("released").metric_network(X)
    noise = tf.random.stateless_normal([len(X), LATENT_DIM], [1, 2])
    rho, log_density = dataclasses.replace(BOUND, momentum="factor").momenta(factors)(None, None, noise)
    covariances = np.float64(factors @ tf.linalg.matrix_transpose(factors))
    for one, covariance, density in zip(np.float64(rho), covariances, log_density.numpy(), strict=True):
        expected = -0.5 * (one @ np.linalg.solve(covariance, one) + np.linalg.slogdet(2.0 * np.pi * covariance)[1])
        np.testing.assert_allclose(density, expected, rtol=1e-4)


def test_the_last_kick_changes_gradients_and_no_value():
    whole, last = BOUND, dataclasses.replace(BOUND, gradient="last_kick")
    np.testing.assert_allclose(terms_of(last), terms_of(whole), rtol=1e-5)
    differences = [np.abs(a - b).max() for a, b in zip(gradients_of(whole), gradients_of(last), strict=True)]
    assert max(differences) > 1e-3


def test_explicit_positions_are_the_first_iteration_of_implicit_ones():
    explicit = dataclasses.replace(BOUND, position="explicit")
    assert np.abs(terms_of(explicit) - terms_of(BOUND)).max() > 1e-3
    np.testing.assert_allclose(
        terms_of(explicit, num_fixed_point_steps=1), terms_of(BOUND, num_fixed_point_steps=1), rtol=1e-5
    )


@pytest.mark.parametrize("objective", [BOUND, RELEASED])
def test_every_weight_gets_a_gradient(objective):
    for gradient in gradients_of(objective):
        assert gradient is not None and np.isfinite(gradient).all() and np.abs(gradient).max() > 0.0


def test_evaluation_does_not_depend_on_it():
    bound, released = (make_linear_model(name) for name in RiemannianObjective.NAMES)
    for model in (bound, released):
        model.update_metric(X)
    np.testing.assert_array_equal(bound.elbo(X), released.elbo(X))
    for proposal in ("encoder", "flow"):
        np.testing.assert_array_equal(
            bound.log_likelihood(X, 5, proposal), released.log_likelihood(X, 5, proposal), err_msg=proposal
        )


def test_it_is_saved_with_the_model(tmp_path):
    objective = RiemannianObjective.named("released", gradient="flow")
    model = make_flow_model("rhvae", objective=objective)
    assert type(model).from_config(model.get_config()).objective == objective
    model.save(tmp_path / "model.keras")
    assert keras.saving.load_model(tmp_path / "model.keras").objective == objective


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: RiemannianObjective.named("relased"), "did you mean 'released'"),
        (lambda: RiemannianObjective(momentum="factors"), "choose one of metric, factor"),
        (lambda: RiemannianObjective.named("bound", position="euler"), "`position`='euler'"),
    ],
)
def test_unknown_choices_are_refused(make, message):
    with pytest.raises(UserError, match=message):
        make()
