"""What holds for every manifold, whatever its metric."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

import tfgeo.manifolds
from tests.cases import SmallDecoder, half_plane_metric, random_points, sphere
from tfgeo.manifolds import (
    CentroidMetric,
    Distilled,
    Ensemble,
    ExpectedPullback,
    FisherRao,
    IndependentNoise,
    Interpolated,
    Manifold,
    MetricField,
    Preconditioned,
    Pullback,
    SaturatedCentroidMetric,
    Smoothed,
    TensorField,
    check_metric,
    neighbour_distances,
)

tfd = tfp.distributions

DECODER = SmallDecoder()
CENTROIDS = random_points(6, 2, seed=5)

# One of each class, by which a new class is tested on the day it is added.
MANIFOLDS = [
    CentroidMetric(CENTROIDS, np.eye(2) * CENTROIDS[:, :1, None], 0.6, 0.1),
    Distilled(
        ExpectedPullback(DECODER),
        random_points(60, 2),
        num_steps=50,
        hidden_units=(8, 8),
        num_samples=512,
        max_length_error=1.0,
        dtype=tf.float64,
    ),
    Ensemble([ExpectedPullback(DECODER), ExpectedPullback(SmallDecoder(seed=1))]),
    ExpectedPullback(DECODER),
    FisherRao(DECODER),
    IndependentNoise(DECODER),
    Interpolated(ExpectedPullback(DECODER), ((0.1, 1.5), (0.1, 1.5)), 10, tf.float64),
    Preconditioned(
        ExpectedPullback(DECODER), Interpolated(ExpectedPullback(DECODER), ((0.1, 1.5), (0.1, 1.5)), 10, tf.float64)
    ),
    Pullback(sphere),
    SaturatedCentroidMetric.of_density(CENTROIDS, neighbour_distances(CENTROIDS), 0.1),
    Smoothed(ExpectedPullback(DECODER), 0.5),
    TensorField(half_plane_metric),
]
every_manifold = pytest.mark.parametrize("manifold", MANIFOLDS, ids=lambda manifold: type(manifold).__name__)


def test_every_class_is_here():
    public = {getattr(tfgeo.manifolds, name) for name in tfgeo.manifolds.__all__}
    classes = {value for value in public if isinstance(value, type) and issubclass(value, Manifold)}
    assert {type(manifold) for manifold in MANIFOLDS} == classes - {Manifold, MetricField}


@every_manifold
def test_its_repr_says_in_one_line_what_it_is_of(manifold):
    said = repr(manifold)
    assert said.startswith(f"{type(manifold).__name__}(") and "\n" not in said and " at 0x" not in said


def test_the_repr_of_a_manifold_of_a_network():
    network = keras.Sequential([keras.Input([2]), keras.layers.Dense(4, name="last")], name="mine")
    table = Interpolated(Pullback(network), ((0.0, 1.0), (-1.0, 1.0)), 10)
    assert repr(Smoothed(Pullback(network), 0.1)) == "Smoothed(Pullback(Sequential 'mine'), 0.1)"
    assert repr(table) == "Interpolated(Pullback(Sequential 'mine'), 10 x 10 nodes over [0, 1] x [-1, 1])"
    conditional = FisherRao(network, "logits", condition=np.zeros(3))
    assert repr(conditional) == "FisherRao(Sequential 'mine', outputs='logits', condition (3,))"


@every_manifold
def test_the_metric_is_one(manifold):
    check_metric(manifold, random_points(30, 2))


@every_manifold
def test_a_batch_is_its_points(manifold):
    z = random_points(2, 3, 2)
    batch = manifold.metric_tensor(z).numpy()
    assert batch.shape == (2, 3, 2, 2)
    alone = [manifold.metric_tensor(point).numpy() for point in z.reshape(-1, 2)]
    np.testing.assert_allclose(batch, np.reshape(alone, batch.shape), rtol=1e-9, atol=1e-12)


@every_manifold
def test_log_volume_is_half_the_log_determinant(manifold):
    z = random_points(2, 3, 2)
    expected = 0.5 * np.linalg.slogdet(manifold.metric_tensor(z).numpy())[1]
    np.testing.assert_allclose(manifold.log_volume(z), expected, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(tf.exp(manifold.log_volume(z)), manifold.volume(z), rtol=1e-9)


@every_manifold
def test_length_and_energy(manifold):
    points = random_points(4, 6, 2)
    length, energy = manifold.length(points).numpy(), manifold.energy(points).numpy()
    assert length.shape == energy.shape == (4,)
    assert (manifold.segment_energies(points).numpy() > 0.0).all()
    squares = manifold.segment_energies(points).numpy().sum(axis=-1)
    assert (length**2 <= 5.0 * squares).all()
    for functional, values in ((manifold.length, length), (manifold.energy, energy)):
        np.testing.assert_allclose(functional(points[:, ::-1]), values, rtol=1e-12)


@every_manifold
def test_length_is_that_of_the_metric(manifold):
    start, end = random_points(2, 3, 2)
    points = np.linspace(start, end, 201, axis=1)
    middle, step = 0.5 * (points[:, 1:] + points[:, :-1]), np.diff(points, axis=1)
    # Chords or midpoints: both of order two in 1 / 200.
    np.testing.assert_allclose(
        manifold.length(points), tf.reduce_sum(manifold.norm(middle, step), axis=-1), rtol=1e-4
    )


# XLA compiles the energy and its gradient in `test_the_quadratic_model_has_the_energy_and_its_gradient` already.
@every_manifold
@pytest.mark.parametrize("jit_compile", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["graph", "xla"])
@pytest.mark.usefixtures("optimized_graphs")
def test_compiled_energy_and_gradient(manifold, jit_compile):
    points = tf.constant(random_points(2, 4, 2))

    def energy_and_gradient(points):
        with tf.GradientTape() as tape:
            tape.watch(points)
            energy = manifold.energy(points)
        return energy, tape.gradient(energy, points)

    compiled = tf.function(energy_and_gradient, jit_compile=jit_compile)
    for actual, expected in zip(compiled(points), energy_and_gradient(points), strict=True):
        assert np.isfinite(expected).all()
        np.testing.assert_allclose(actual, expected, rtol=1e-8, atol=1e-9)


@every_manifold
def test_the_christoffel_symbols_keep_the_metric(manifold):
    """`d_k G_ij = Gamma_i,jk + Gamma_j,ik`: the connection is that of the metric."""
    z = random_points(4, 2, low=0.25, high=1.3)
    metric, gamma = manifold.metric_tensor(z).numpy(), manifold.christoffels(z).numpy()
    lowered = np.einsum("nil,nljk->nijk", metric, gamma)
    np.testing.assert_allclose(
        manifold.metric_derivative(z), lowered + lowered.swapaxes(1, 2), rtol=1e-8, atol=1e-9
    )


# Graphs without XLA are those of all tests of `connect`.
@every_manifold
@pytest.mark.parametrize("jit_compile", [pytest.param(False, marks=pytest.mark.slow), True], ids=["graph", "xla"])
@pytest.mark.usefixtures("optimized_graphs")
def test_the_quadratic_model_has_the_energy_and_its_gradient(manifold, jit_compile):
    points = tf.constant(random_points(2, 4, 2))
    with tf.GradientTape() as tape:
        tape.watch(points)
        energy = manifold.energy(points)
    model = tf.function(manifold.quadratic_model, autograph=False, jit_compile=jit_compile)(points)
    np.testing.assert_allclose(model.energy, energy, rtol=1e-10)
    np.testing.assert_allclose(model.gradient, tape.gradient(energy, points)[:, 1:-1], rtol=1e-8, atol=1e-9)


@every_manifold
def test_the_cometric_is_that_of_the_metric(manifold):
    """Volume, velocity and density of momenta against TFP, the gradient in z against finite differences."""
    z, rho = random_points(2, 5, 2, low=0.3, high=1.3)
    cometric, metric = manifold.cometric(z), manifold.metric_tensor(z)
    np.testing.assert_allclose(manifold.log_volume(z), np.log(manifold.volume(z)), rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(tf.linalg.matvec(metric, cometric.velocity(rho)), rho, rtol=1e-8)
    normal = tfd.MultivariateNormalTriL(tf.zeros_like(z), tf.linalg.cholesky(metric))
    np.testing.assert_allclose(cometric.log_prob(rho), normal.log_prob(rho), rtol=1e-8)
    # The momenta of the unit vectors are the columns of a factor of G.
    factor = tf.stack([cometric.momentum(tf.broadcast_to(axis, z.shape)) for axis in np.eye(2)], axis=-1)
    np.testing.assert_allclose(factor @ tf.linalg.matrix_transpose(factor), metric, rtol=1e-8, atol=1e-9)
    for k, shift in enumerate(1e-5 * np.eye(2)):
        change = manifold.cometric(z - shift).log_prob(rho) - manifold.cometric(z + shift).log_prob(rho)
        np.testing.assert_allclose(cometric.energy_gradient(rho)[:, k], change / 2e-5, rtol=1e-5, atol=1e-6)


@every_manifold
@pytest.mark.parametrize("scale", [0.0, 1e-30, 1e30])
def test_at_extremes_it_is_a_metric_or_nan(manifold, scale):
    z = tf.constant(scale * random_points(4, 2))
    with np.errstate(all="ignore"):
        metric = manifold.metric_tensor(z).numpy()
        known = np.isfinite(metric).all(axis=(1, 2))
        sizes = np.abs(metric[known]).max(axis=(1, 2))
        assert (np.linalg.eigvalsh(metric[known])[:, 0] >= -1e-9 * sizes).all()
        assert not (manifold.volume(z).numpy() < 0.0).any()
        still = tf.stack([z, z, z], axis=1)
        lengths = manifold.length(still).numpy()
        assert (np.isnan(lengths) | (lengths == 0.0)).all()
        energy = manifold.energy(still).numpy()
        assert (np.isnan(energy) | (energy >= 0.0)).all() and (manifold.has_potential or not np.nansum(energy))


@every_manifold
def test_no_points_have_no_metric(manifold):
    none = tf.zeros([0, 2], tf.float64)
    assert manifold.metric_tensor(none).shape == (0, 2, 2) and manifold.volume(none).shape == (0,)
    assert manifold.energy(tf.zeros([0, 5, 2], tf.float64)).shape == (0,)
