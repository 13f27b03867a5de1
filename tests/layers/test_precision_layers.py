"""Tests of precisions against plain formulas and scikit-learn, and of their behaviour far from data."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn.mixture import GaussianMixture

from tfgeo.errors import UserError
from tfgeo.layers import GMMPrecision, RBFPrecision
from tfgeo.layers.gmm_precision import RELATIVE_VARIANCE_FLOOR

MAX_VARIANCE = 50.0
DATA_DIM = 3
LAYERS = [GMMPrecision, RBFPrecision]


def make_latents(latent_dim=2, num=150, seed=0):
    """Three blobs of different spread, off the origin."""
    generator = np.random.default_rng(seed)
    centres = generator.uniform(-3.0, 3.0, (3, latent_dim)) + 1.0
    spreads = np.array([0.2, 0.4, 0.8])[:, None]
    rows = np.arange(num) % 3
    return (centres[rows] + spreads[rows] * generator.normal(size=(num, latent_dim))).astype(np.float32)


def make_fitted(layer_class, latent_dim=2, num_components=3, max_variance=MAX_VARIANCE, **settings):
    """A layer placed on `make_latents` with weights W that differ from 1."""
    layer = layer_class(num_components, DATA_DIM, latent_dim, max_variance, **settings)
    layer.fit_features(make_latents(latent_dim), seed=0)
    layer.log_scale.assign(np.random.default_rng(1).normal(size=layer.log_scale.shape))
    return layer


def plain_rbf(z, means, gammas, scale, max_variance):
    """Precision of Eq. 6 of Yang and Hauberg (2018), one difference at a time."""
    precision = np.full((len(z), scale.shape[1]), 1.0 / max_variance)
    for mean, gamma, row in zip(means, gammas, scale, strict=True):
        precision += np.exp(-gamma * np.sum((z - mean) ** 2, axis=1))[:, None] * row
    return precision


@pytest.mark.parametrize("latent_dim", [1, 2, 5])
def test_mixture_density_is_that_of_scikit_learn(latent_dim):
    layer, latents = make_fitted(GMMPrecision, latent_dim), make_latents(latent_dim)
    floor = RELATIVE_VARIANCE_FLOOR * latents.astype(np.float64).var(axis=0).mean()
    reference = GaussianMixture(3, covariance_type="spherical", reg_covar=floor, n_init=5, random_state=0).fit(
        latents.astype(np.float64)
    )
    probes = np.concatenate([latents, latents + 2.0])
    expected = reference.score_samples(probes)
    # Float32: squared distances of order 10 lose 1e-6, divided by variances of order 0.04.
    np.testing.assert_allclose(layer.log_density(probes), expected, rtol=1e-4, atol=1e-3)
    density = np.exp(expected)[:, None]
    precision = density * np.exp(np.array(layer.log_scale)) + 1.0 / MAX_VARIANCE
    np.testing.assert_allclose(layer(probes), precision, rtol=2e-3)


def test_mixture_density_integrates_to_one():
    layer = make_fitted(GMMPrecision)
    axis = np.linspace(-8.0, 10.0, 361, dtype=np.float32)
    grid = np.stack(np.meshgrid(axis, axis), axis=-1)
    # The narrowest component's standard deviation is 0.2, four cells: the rectangle rule is exact to 1e-4.
    np.testing.assert_allclose(np.exp(layer.log_density(grid)).sum() * (axis[1] - axis[0]) ** 2, 1.0, rtol=1e-3)


@pytest.mark.parametrize("factor", [1.0, 2.5])
@pytest.mark.parametrize("latent_dim", [2, 5])
def test_basis_functions_follow_the_plain_formula_with_the_bandwidths_of_the_paper(latent_dim, factor):
    layer = make_fitted(RBFPrecision, latent_dim, 6, bandwidth_factor=factor)
    latents = make_latents(latent_dim).astype(np.float64)
    means = np.array(layer.means, np.float64)
    labels = np.argmin(((latents[:, None] - means) ** 2).sum(-1), axis=1)
    gammas = []
    for k in range(6):
        members = latents[labels == k]
        # k-means has converged: a centre is the mean of its cluster.
        np.testing.assert_allclose(members.mean(axis=0), means[k], atol=1e-3)
        gammas.append(0.5 * (factor * np.linalg.norm(members - means[k], axis=1).mean()) ** -2)
    np.testing.assert_allclose(layer.gammas, gammas, rtol=1e-3)
    scale = np.exp(np.array(layer.log_scale, np.float64))
    expected = plain_rbf(latents, means, np.array(layer.gammas, np.float64), scale, MAX_VARIANCE)
    np.testing.assert_allclose(layer(latents.astype(np.float32)), expected, rtol=1e-4)


def test_a_cluster_of_one_point_has_the_mean_bandwidth_of_the_others():
    latents = np.concatenate([make_latents(num=90), [[40.0, 40.0]]])
    layer = RBFPrecision(4, DATA_DIM, 2)
    layer.fit_features(latents, seed=0)
    gammas, alone = np.array(layer.gammas), int(np.argmax(np.array(layer.means)[:, 0]))
    spreads = np.sqrt(0.5 / gammas)
    np.testing.assert_allclose(spreads[alone], np.delete(spreads, alone).mean(), rtol=1e-5)


def test_as_many_basis_functions_as_samples_are_refused():
    with pytest.raises(UserError, match="num_components"):
        RBFPrecision(5, DATA_DIM, 2).fit_features(make_latents(num=5), seed=0)


@pytest.mark.filterwarnings("ignore:Number of distinct clusters")
@pytest.mark.parametrize("num_components", [1, 2])
@pytest.mark.parametrize("layer_class", LAYERS)
def test_latents_in_a_single_point_are_refused(layer_class, num_components):
    with pytest.raises(UserError, match="one point"):
        layer_class(num_components, DATA_DIM, 2).fit_features(np.ones([5, 2], np.float32), seed=0)


def test_a_component_on_a_single_point_has_a_bounded_density():
    latents = np.concatenate([make_latents(num=90), np.full([10, 2], 9.0, np.float32)])
    layer = GMMPrecision(4, DATA_DIM, 2)
    layer.fit_features(latents, seed=0)
    # The floor is a thousandth of the latents' variance, so their density is at most 1000 / (2 pi variance).
    assert np.exp(layer.log_density(latents)).max() <= 1001.0 / (2.0 * np.pi * latents.var(axis=0).mean())


@pytest.mark.parametrize("layer_class", LAYERS)
def test_fewer_samples_than_components_are_refused(layer_class):
    with pytest.raises(UserError, match=r"4 samples .*`num_components`=5") as caught:
        layer_class(5, DATA_DIM, 2).fit_features(make_latents(num=4), seed=0)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("layer_class", LAYERS)
@pytest.mark.parametrize("latent_dim", [2, 10])
def test_variance_grows_along_rays_that_leave_the_data_up_to_the_ceiling(layer_class, latent_dim):
    layer = make_fitted(layer_class, latent_dim)
    means = np.array(layer.means)
    middle = means.mean(axis=0)
    # From this radius on, every ray moves away from all centres at once.
    radius = np.linalg.norm(means - middle, axis=1).max()
    directions = np.random.default_rng(2).normal(size=(20, latent_dim))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    steps = np.concatenate([[0.0], np.geomspace(0.05, 1e3, 60)])
    rays = middle + (radius + steps)[None, :, None] * directions[:, None]
    variance = np.array(layer.variance(rays.astype(np.float32)))
    assert variance.shape == (20, 61, DATA_DIM)
    # Rounding of 1 / (1 / max_variance) in float32 is the only slack.
    assert np.all(np.diff(variance, axis=1) >= -1e-6 * variance[:, 1:])
    assert np.all(variance > 0.0) and np.all(variance <= MAX_VARIANCE * (1.0 + 1e-6))
    np.testing.assert_allclose(variance[:, -1], MAX_VARIANCE, rtol=1e-6)
    at_data = np.array(layer.variance(make_latents(latent_dim)))
    assert np.median(at_data, axis=0).max() < 0.9 * MAX_VARIANCE


@pytest.mark.parametrize("layer_class", LAYERS)
@pytest.mark.parametrize("radius", [0.0, 10.0, 1e3, 1e6])
def test_values_and_gradients_are_finite_everywhere(layer_class, radius):
    layer = make_fitted(layer_class)
    angles = np.linspace(0.0, 2.0 * np.pi, 16)
    z = tf.constant(radius * np.stack([np.cos(angles), np.sin(angles)], axis=-1), tf.float32)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(z)
        outputs = {
            "variance": layer.variance(z),
            "log variance": tf.math.log(layer.variance(z)),
            "log density": layer.log_density(z),
        }
        sums = {name: tf.reduce_sum(value) for name, value in outputs.items()}
    for name, value in outputs.items():
        assert np.isfinite(value).all(), name
        assert np.isfinite(tape.gradient(sums[name], z)).all(), name
    assert np.isfinite(tape.gradient(sums["log variance"], layer.log_scale.value)).all()


@pytest.mark.parametrize("layer_class", LAYERS)
def test_gradients_agree_with_differences(layer_class):
    layer = make_fitted(layer_class)
    z = tf.constant(make_latents(num=30) + 0.1)
    theoretical, numerical = tf.test.compute_gradient(
        lambda z: tf.reduce_sum(tf.math.log(layer.variance(z)), axis=-1), [z], delta=1e-2
    )
    # Central differences of step 1e-2 in float32: about 1e-4 of truncation, 1e-4 of rounding, times curvature.
    np.testing.assert_allclose(theoretical[0], numerical[0], atol=0.03 * np.abs(numerical[0]).max())


@pytest.mark.parametrize("layer_class", LAYERS)
def test_output_weights_are_positive_whatever_the_optimizer_does(layer_class):
    layer = make_fitted(layer_class)
    latents = make_latents()
    for sign in (-1.0, 1.0):
        layer.log_scale.assign(np.full(layer.log_scale.shape, 20.0 * sign))
        precision = np.array(layer(latents))
        assert np.isfinite(precision).all()
        assert np.all(precision >= (1.0 - 1e-6) / MAX_VARIANCE)


@pytest.mark.parametrize(("layer_class", "num_rows", "num_fixed"), [(GMMPrecision, 1, 3), (RBFPrecision, 3, 2)])
def test_only_the_output_weights_are_trainable(layer_class, num_rows, num_fixed):
    layer = make_fitted(layer_class)
    assert [tuple(weight.shape) for weight in layer.trainable_weights] == [(num_rows, DATA_DIM)]
    assert len(layer.non_trainable_weights) == num_fixed


@pytest.mark.parametrize("layer_class", LAYERS)
def test_config_and_weights_round_trip(layer_class, tmp_path):
    settings = {"bandwidth_factor": 1.7} if layer_class is RBFPrecision else {}
    layer = make_fitted(layer_class, **settings)
    again = keras.saving.deserialize_keras_object(
        json.loads(json.dumps(keras.saving.serialize_keras_object(layer)))
    )
    assert type(again) is layer_class and again.get_config() == layer.get_config()
    latents = make_latents()
    models = [keras.Sequential([keras.Input((2,)), each]) for each in (layer, again)]
    assert not np.array_equal(models[0](latents), models[1](latents))
    models[0].save_weights(tmp_path / "precision.weights.h5")
    models[1].load_weights(tmp_path / "precision.weights.h5")
    np.testing.assert_array_equal(models[0](latents), models[1](latents))
    np.testing.assert_allclose(models[1].predict(latents, verbose=0), layer(latents), rtol=1e-6)


@pytest.mark.parametrize("layer_class", LAYERS)
def test_leading_dimensions_and_unknown_batch_size(layer_class):
    layer = make_fitted(layer_class)
    latents = make_latents(num=24)
    expected = np.array(layer(latents))
    np.testing.assert_allclose(layer(latents.reshape(2, 3, 4, 2)), expected.reshape(2, 3, 4, DATA_DIM), rtol=1e-5)
    compiled = tf.function(layer, input_signature=[tf.TensorSpec([None, 2])])
    for num in (1, 24):
        np.testing.assert_allclose(compiled(tf.constant(latents[:num])), expected[:num], rtol=1e-5)


@pytest.mark.parametrize("layer_class", LAYERS)
def test_placement_depends_on_data_and_seed_alone(layer_class):
    np.random.seed(0)
    first = make_fitted(layer_class).get_weights()
    np.random.seed(1)
    for one, other in zip(first, make_fitted(layer_class).get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("seed", [-1, 2**40])
@pytest.mark.parametrize("layer_class", LAYERS)
def test_placement_takes_any_seed(layer_class, seed):
    layer_class(2, DATA_DIM, 2).fit_features(make_latents(num=20), seed=seed)


def gaussian_log_likelihood(layer, latents, squared_residuals):
    precision = layer(latents)
    return 0.5 * tf.reduce_sum(tf.math.log(precision) - precision * squared_residuals)


def test_initial_scale_of_a_mixture_is_where_the_likelihood_has_no_slope():
    latents = make_latents()
    residuals = np.random.default_rng(3).gamma(1.0, [0.01, 0.1, 1.0], (len(latents), DATA_DIM))
    # The ceiling is left aside in the closed form: it must not weigh here either.
    layer = make_fitted(GMMPrecision, max_variance=1e12)
    layer.initialize_scale(latents, residuals)
    with tf.GradientTape() as tape:
        value = gaussian_log_likelihood(layer, latents, residuals.astype(np.float32))
    gradient = np.array(tape.gradient(value, layer.log_scale.value))
    # Each of the n terms is 1/2 (1 - precision * residual): float32 leaves 1e-5 of their number.
    np.testing.assert_allclose(gradient, 0.0, atol=1e-5 * len(latents))
    for change in (-0.1, 0.1):
        best = np.array(layer.log_scale)
        layer.log_scale.assign(best + change)
        assert gaussian_log_likelihood(layer, latents, residuals.astype(np.float32)) < value
        layer.log_scale.assign(best)


@pytest.mark.parametrize("layer_class", LAYERS)
def test_initial_scale_gives_the_size_of_the_residuals(layer_class):
    latents = make_latents()
    sizes = np.array([0.01, 0.1, 1.0])
    layer = make_fitted(layer_class, max_variance=1e6)
    layer.initialize_scale(latents, np.tile(sizes, (len(latents), 1)))
    ratios = np.exp(np.mean(np.log(np.array(layer.variance(latents)) / sizes), axis=0))
    # The variance follows the density of the samples, so only its middle is that of the residuals.
    assert np.all((ratios > 0.3) & (ratios < 3.0)), ratios


@pytest.mark.parametrize("layer_class", LAYERS)
def test_outputs_that_never_change_keep_a_finite_precision(layer_class):
    layer, latents = make_fitted(layer_class), make_latents()
    layer.initialize_scale(latents, np.zeros([len(latents), DATA_DIM]))
    assert np.isfinite(layer(latents)).all() and np.all(layer.variance(latents) > 0.0)


def test_a_feature_that_no_sample_reaches_starts_with_the_residuals_of_all():
    layer, latents = make_fitted(RBFPrecision), make_latents()
    gammas = np.array(layer.gammas)
    gammas[0] = 1e7  # its width is a ten-thousandth of the distances
    layer.gammas.assign(gammas)
    layer.means.assign(np.array(layer.means) + [[3e-3, 0.0]] * (np.arange(len(gammas)) == 0)[:, None])
    residuals = np.random.default_rng(3).gamma(1.0, 0.1, (len(latents), DATA_DIM))
    assert not np.exp(np.array(layer.log_features(latents), np.float64))[:, 0].any()
    layer.initialize_scale(latents, residuals)
    np.testing.assert_allclose(np.exp(-np.array(layer.log_scale)[0]), residuals.mean(axis=0), rtol=1e-5)
    assert np.isfinite(np.array(layer.log_scale)).all()
