"""The Fisher-Rao metric against Kullback-Leibler divergences, isometric embeddings and closed forms."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tests.cases import SmallDecoder, gaussian_fisher_distance, gaussian_fisher_metric, random_points
from tfgeo.errors import UserError
from tfgeo.manifolds import ExpectedPullback, FisherRao, Pullback

tfd = tfp.distributions

WEIGHTS = np.random.default_rng(0).normal(size=[2, 12]) * 0.7
SHIFT = np.random.default_rng(1).normal(size=[12])
TOTAL_COUNT = np.random.default_rng(2).uniform(0.3, 9.0, size=[12])


def network(z, *shape):
    """`[..., 2]` to `[..., *shape]` with 12 outputs in all, by tanh of a linear function plus a square."""
    hidden = tf.tensordot(z, tf.constant(WEIGHTS, z.dtype), 1) + tf.constant(SHIFT, z.dtype)
    hidden = 1.3 * tf.tanh(hidden) + 0.2 * tf.square(hidden)
    return tf.reshape(hidden, tf.concat([tf.shape(z)[:-1], shape], axis=0))


DECODERS = {
    "normal": lambda z: tfd.Independent(
        tfd.Normal(network(z, 2, 6)[..., 0, :], 0.1 + tf.nn.softplus(network(z, 2, 6)[..., 1, :])), 1
    ),
    "normal_of_one_scale": lambda z: tfd.Independent(
        tfd.Normal(network(z, 12), 0.5 + tf.reduce_sum(tf.square(z), axis=-1, keepdims=True)), 1
    ),
    "normal_of_constant_scale": lambda z: tfd.Independent(tfd.Normal(network(z, 12), tf.constant(0.3, z.dtype)), 1),
    "multivariate_normal_diag": lambda z: tfd.MultivariateNormalDiag(network(z, 12), tf.exp(network(z, 12))),
    "bernoulli_logits": lambda z: tfd.Independent(tfd.Bernoulli(logits=network(z, 3, 4), dtype=z.dtype), 2),
    "bernoulli_probs": lambda z: tfd.Independent(tfd.Bernoulli(probs=tf.sigmoid(network(z, 12))), 1),
    "categorical_logits": lambda z: tfd.Independent(tfd.Categorical(logits=network(z, 3, 4)), 1),
    "categorical_probs": lambda z: tfd.Independent(tfd.Categorical(probs=tf.nn.softmax(network(z, 3, 4))), 1),
    "one_hot_categorical": lambda z: tfd.OneHotCategorical(logits=network(z, 12)),
    "poisson_log_rate": lambda z: tfd.Independent(tfd.Poisson(log_rate=network(z, 12)), 1),
    "poisson_rate": lambda z: tfd.Independent(tfd.Poisson(rate=tf.exp(network(z, 12))), 1),
    "negative_binomial_logits": lambda z: tfd.Independent(tfd.NegativeBinomial(TOTAL_COUNT, network(z, 12)), 1),
    "negative_binomial_probs": lambda z: tfd.Independent(
        tfd.NegativeBinomial(TOTAL_COUNT, probs=tf.sigmoid(network(z, 12))), 1
    ),
    "nested_independent": lambda z: tfd.Independent(tfd.Independent(tfd.Poisson(log_rate=network(z, 3, 4)), 1), 1),
}


def divergence_of(first, second):
    """`tfd.kl_divergence`, and those of Poisson and negative binomial distributions, which TFP does not know."""
    if isinstance(first, tfd.Independent) and isinstance(first.distribution, tfd.NegativeBinomial):
        # Of one total count r: m log(p / q) + r log((1 - p) / (1 - q)) with mean m of the first.
        one, other = first.distribution.logits_parameter(), second.distribution.logits_parameter()
        return tf.reduce_sum(
            first.distribution.mean() * (tf.math.log_sigmoid(one) - tf.math.log_sigmoid(other))
            + TOTAL_COUNT * (tf.math.log_sigmoid(-one) - tf.math.log_sigmoid(-other)),
            axis=-1,
        )
    if isinstance(first, tfd.Independent) and not isinstance(first.distribution, tfd.Poisson):
        inner = divergence_of(first.distribution, second.distribution)
        return tf.reduce_sum(tf.reshape(inner, [first.batch_shape[0], -1]), axis=-1)
    if isinstance(first, tfd.Independent):
        a, b = first.distribution.rate_parameter(), second.distribution.rate_parameter()
        return tf.reduce_sum(tf.reshape(a * tf.math.log(a / b) - a + b, [len(a), -1]), axis=-1)
    return tfd.kl_divergence(first, second)


@pytest.mark.parametrize("name", DECODERS)
def test_it_is_the_second_order_expansion_of_the_divergence(name):
    decoder = DECODERS[name]
    z = random_points(8, 2, low=-1.0, high=1.0)
    half = 1e-3 * random_points(8, 2, low=-1.0, high=1.0, seed=1)
    ahead, behind = decoder(tf.constant(z + half)), decoder(tf.constant(z - half))
    # The sum of both directions has no third order: an error of |h|^2, and rounding of 1e-16 / |h|^2.
    divergence = (divergence_of(ahead, behind) + divergence_of(behind, ahead)).numpy()
    assert divergence.shape == (8,)
    manifold = FisherRao(decoder)
    np.testing.assert_allclose(manifold.inner_product(z, 2 * half, 2 * half), divergence, rtol=2e-5, atol=1e-14)


EMBEDDINGS = {
    "bernoulli_logits": lambda z: 2.0 * tf.asin(tf.sqrt(tf.sigmoid(network(z, 12)))),
    "bernoulli_probs": lambda z: 2.0 * tf.asin(tf.sqrt(tf.sigmoid(network(z, 12)))),
    "categorical_logits": lambda z: tf.reshape(2.0 * tf.sqrt(tf.nn.softmax(network(z, 3, 4))), [-1, 12]),
    "categorical_probs": lambda z: tf.reshape(2.0 * tf.sqrt(tf.nn.softmax(network(z, 3, 4))), [-1, 12]),
    "one_hot_categorical": lambda z: 2.0 * tf.sqrt(tf.nn.softmax(network(z, 12))),
    "poisson_log_rate": lambda z: 2.0 * tf.exp(0.5 * network(z, 12)),
    "poisson_rate": lambda z: 2.0 * tf.exp(0.5 * network(z, 12)),
    "negative_binomial_logits": lambda z: 2.0 * np.sqrt(TOTAL_COUNT) * tf.asinh(tf.exp(0.5 * network(z, 12))),
    "negative_binomial_probs": lambda z: 2.0 * np.sqrt(TOTAL_COUNT) * tf.asinh(tf.exp(0.5 * network(z, 12))),
    "normal_of_constant_scale": lambda z: network(z, 12) / 0.3,
}


@pytest.mark.parametrize("name", EMBEDDINGS)
def test_it_is_the_pullback_of_the_isometric_embedding(name):
    z = random_points(7, 2, low=-1.5, high=1.5)
    expected = Pullback(EMBEDDINGS[name]).metric_tensor(z)
    np.testing.assert_allclose(FisherRao(DECODERS[name]).metric_tensor(z), expected, rtol=1e-11, atol=1e-13)


def normal_of_coordinates(z):
    """z is (mu, sigma) itself, with no event dimension."""
    return tfd.Normal(z[..., 0], z[..., 1])


def normal_of_log_scale(z):
    return tfd.Independent(tfd.Normal(z[..., :1], tf.exp(z[..., 1:])), 1)


def test_a_single_normal_is_the_hyperbolic_plane():
    z = random_points(6, 2)
    manifold = FisherRao(normal_of_coordinates)
    np.testing.assert_allclose(manifold.metric_tensor(z), gaussian_fisher_metric(z), rtol=1e-12)
    expected = np.stack([np.exp(-2.0 * z[:, 1]), np.full(6, 2.0)], axis=-1)[..., None] * np.eye(2)
    np.testing.assert_allclose(FisherRao(normal_of_log_scale).metric_tensor(z), expected, rtol=1e-12, atol=1e-15)


def test_length_of_a_geodesic_between_normals():
    angle = np.linspace(0.4, 2.3, 2001)
    points = np.stack([np.sqrt(2.0) * np.cos(angle), np.sin(angle)], axis=-1)
    expected = gaussian_fisher_distance(points[0], points[-1])
    np.testing.assert_allclose(FisherRao(normal_of_coordinates).length(points[None])[0], expected, rtol=1e-5)
    points[:, 1] = np.log(points[:, 1])
    np.testing.assert_allclose(FisherRao(normal_of_log_scale).length(points[None])[0], expected, rtol=1e-5)


@pytest.mark.parametrize("name", DECODERS)
def test_it_is_symmetric_and_differentiable(name):
    manifold = FisherRao(DECODERS[name])
    z = tf.constant(random_points(3, 2, low=-1.0, high=1.0))
    metric = manifold.metric_tensor(z).numpy()
    np.testing.assert_allclose(metric, metric.swapaxes(-1, -2), rtol=1e-13)
    assert np.linalg.eigvalsh(metric).min() > 0.0
    with tf.GradientTape() as tape:
        tape.watch(z)
        total = tf.reduce_sum(manifold.metric_tensor(z))
    step = 1e-5
    slopes = []
    for shift in step * np.eye(2):
        ahead, behind = manifold.metric_tensor(z + shift), manifold.metric_tensor(z - shift)
        slopes.append((ahead - behind).numpy() / (2.0 * step))
    # Central differences: an error of step^2 and rounding of 1e-16 / step.
    np.testing.assert_allclose(manifold.metric_derivative(z), np.stack(slopes, axis=-1), rtol=1e-5, atol=1e-6)
    by_reverse_mode = tape.gradient(total, z)
    np.testing.assert_allclose(by_reverse_mode.numpy().T, np.sum(slopes, axis=(-1, -2)), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("jit_compile", [False, True], ids=["graph", "xla"])
@pytest.mark.parametrize("name", ["normal", "bernoulli_logits", "categorical_logits", "poisson_log_rate"])
def test_compiled_functions_and_leading_shapes(name, jit_compile):
    manifold = FisherRao(DECODERS[name])
    z = random_points(2, 3, 2)
    compiled = tf.function(manifold.metric_tensor, jit_compile=jit_compile)
    expected = [manifold.metric_tensor(point).numpy() for point in z.reshape(-1, 2)]
    np.testing.assert_allclose(compiled(tf.constant(z)), np.reshape(expected, [2, 3, 2, 2]), rtol=1e-10)
    np.testing.assert_allclose(compiled(tf.constant(z, tf.float32)), np.reshape(expected, [2, 3, 2, 2]), rtol=1e-4)


def test_with_constant_scale_it_is_the_expected_metric_over_the_variance():
    decoder = SmallDecoder(spread=0.0)
    z = random_points(4, 2)
    expected = ExpectedPullback(decoder).metric_tensor(z) / 0.1**2
    np.testing.assert_allclose(FisherRao(decoder).metric_tensor(z), expected, rtol=1e-12)


def test_saturated_outputs_add_nothing_and_no_nan():
    scale = tf.constant([1.0, 400.0, -400.0])
    for decoder in (
        lambda z: tfd.Bernoulli(logits=tf.reduce_sum(z, axis=-1, keepdims=True) * scale),
        lambda z: tfd.Bernoulli(probs=tf.sigmoid(tf.reduce_sum(z, axis=-1, keepdims=True) * scale)),
    ):
        z = tf.ones([2, 2])
        with tf.GradientTape() as tape:
            tape.watch(z)
            metric = FisherRao(decoder).metric_tensor(z)
        p = 1.0 / (1.0 + np.exp(-2.0))
        np.testing.assert_allclose(metric, np.full([2, 2, 2], p * (1.0 - p)), rtol=1e-5)
        assert np.isfinite(tape.gradient(metric, z)).all()


def test_an_unknown_distribution_lists_the_known():
    with pytest.raises(UserError, match=r"StudentT is not known.*Normal.*Bernoulli.*Poisson"):
        FisherRao(lambda z: tfd.Independent(tfd.StudentT(3.0, z, 1.0), 1)).metric_tensor(np.zeros([3, 2]))


def test_a_total_count_that_depends_on_the_point_is_refused():
    def decoder(z):
        return tfd.Independent(tfd.NegativeBinomial(tf.exp(network(z, 12)), network(z, 12)), 1)

    with pytest.raises(UserError, match=r"\(3, 12\).*`ExpectedPullback`"):
        FisherRao(decoder).metric_tensor(np.zeros([3, 2]))
