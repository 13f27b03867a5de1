"""Variants of the centroid metric: their equations in NumPy, closed forms, and the laws that all of them keep."""

import numpy as np
import pytest
import tensorflow as tf

from tests.cases import random_points
from tests.manifolds.test_centroid_metric import REGULARIZATION, TEMPERATURE, random_factors
from tfgeo.errors import UserError
from tfgeo.manifolds import CentroidMetric, CentroidVariant, TensorField, check_metric, neighbour_distances
from tfgeo.manifolds.saturated_metric import saturation

VARIANTS = [
    CentroidVariant(factors, weights, neighbour)
    for factors in ("learned", "identity", "density")
    for weights in ("sum", "saturated")
    for neighbour in (None, 3)
]


def name_of(variant):
    return f"{variant.factors}-{variant.weights}-{variant.neighbour}"


def example(variant, num=12, dim=2):
    centroids = random_points(num, dim, low=-2.0, high=2.0)
    return variant.metric(centroids, random_factors(num, dim), TEMPERATURE, REGULARIZATION)


def inverse_in_numpy(manifold, point, is_saturated):
    temperature = np.broadcast_to(manifold.temperature, len(manifold.centroids))
    weights = np.exp(-np.sum((point - manifold.centroids.numpy()) ** 2, axis=-1) / temperature**2)
    factors = manifold.cholesky_factors.numpy()
    mixture = np.einsum("n,nij,nkj->ik", weights, factors, factors)
    if is_saturated:
        mixture *= -np.expm1(-weights.sum()) / weights.sum()
    return mixture + REGULARIZATION * np.eye(len(point))


@pytest.mark.parametrize("variant", VARIANTS, ids=name_of)
def test_variants_are_their_equations_and_metrics_everywhere(variant):
    manifold = example(variant)
    z = random_points(40, 2, low=-3.0, high=3.0, seed=1)
    expected = np.array([inverse_in_numpy(manifold, point, variant.weights == "saturated") for point in z])
    np.testing.assert_allclose(manifold.inverse_metric_tensor(z), expected, rtol=1e-10)
    check_metric(manifold, z)
    np.testing.assert_allclose(manifold.metric_tensor([[60.0, 40.0]])[0], np.eye(2) / REGULARIZATION, rtol=1e-12)


@pytest.mark.parametrize("variant", VARIANTS, ids=name_of)
def test_their_cometrics_in_closed_form_are_those_of_automatic_differentiation(variant):
    manifold = example(variant, dim=3)
    z, rho = random_points(2, 3, 4, 3, low=-2.0, high=2.0, seed=1)
    closed, general = manifold.cometric(z), TensorField(manifold.metric_tensor).cometric(z)
    np.testing.assert_allclose(closed.log_volume, general.log_volume, rtol=1e-9)
    for method in ("velocity", "energy_gradient"):
        np.testing.assert_allclose(
            getattr(closed, method)(rho), getattr(general, method)(rho), rtol=1e-6, atol=1e-8, err_msg=method
        )


def test_a_lone_centroid_saturates_by_its_own_weight():
    """`(1 - exp(-w)) L L^T + lambda I`, with w the weight of Eq. 14."""
    factor, z = random_factors(1, 2), random_points(5, 2, seed=2)
    saturated = CentroidVariant(weights="saturated").metric(np.zeros([1, 2]), factor, TEMPERATURE, REGULARIZATION)
    weight = np.exp(-np.sum(z**2, axis=-1) / TEMPERATURE**2)[:, None, None]
    expected = (1.0 - np.exp(-weight)) * (factor @ factor.swapaxes(-1, -2)) + REGULARIZATION * np.eye(2)
    np.testing.assert_allclose(saturated.inverse_metric_tensor(z), expected, rtol=1e-10)


def test_copies_of_centroids_change_a_sum_and_no_mean():
    centroids, z = random_points(8, 2, low=-0.3, high=0.3), random_points(5, 2, low=-0.3, high=0.3, seed=1)

    def inverse(copies, weights):
        identity = CentroidVariant("identity", weights)
        metric = identity.metric(np.tile(centroids, [copies, 1]), None, TEMPERATURE, 1e-9)
        return metric.inverse_metric_tensor(z).numpy()

    np.testing.assert_allclose(inverse(9, "sum"), 9.0 * inverse(1, "sum"), rtol=1e-6)
    np.testing.assert_allclose(inverse(9, "saturated"), inverse(1, "saturated"), rtol=1e-2)
    # With density factors a sum grows with the root of the number.
    density = [CentroidMetric.of_density(np.tile(centroids, [n, 1]), TEMPERATURE, 1e-9) for n in (1, 9)]
    one, nine = (metric.inverse_metric_tensor(z).numpy() for metric in density)
    np.testing.assert_allclose(nine, 3.0 * one, rtol=1e-6)


def test_the_saturation_and_its_slope_are_smooth_where_their_forms_change():
    weight = np.concatenate([[0.0, 1e-12], np.linspace(1e-3, 3.0, 3001), [50.0]])
    value, slope = (part.numpy() for part in saturation(tf.constant(weight)))
    exact = np.where(weight > 0.0, -np.expm1(-weight) / np.where(weight > 0.0, weight, 1.0), 1.0)
    np.testing.assert_allclose(value, exact, rtol=1e-14)
    # Second derivatives of it enter the gradient of a flow.
    weight = tf.constant([0.0, 0.3, 0.499999, 0.500001, 2.0], tf.float64)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(weight)
        value, slope = saturation(weight)
    np.testing.assert_allclose(tape.gradient(value, weight), slope, rtol=1e-12)
    curvature = tape.gradient(slope, weight).numpy()
    np.testing.assert_allclose(curvature[0], 1.0 / 3.0, rtol=1e-12)
    np.testing.assert_allclose(curvature[2], curvature[3], rtol=1e-5)


# A cell of 36 centroids on a grid, far wider than T, that repeats itself: 3 x 3 cells stand for the whole plane.
CELL = 0.5 * np.stack(np.meshgrid(np.arange(6), np.arange(6)), axis=-1).reshape(-1, 2)
TILED = np.concatenate([CELL + 3.0 * np.array([i, j]) for i in (0, -1, 1) for j in (0, -1, 1)])


def metric_terms(logarithms, below):
    """What the released objective has of the metric, in the mean over gamma and the cell, and `G^-1` in the cell.

    That is `1/2 log det G^-1 - 1/2 tr(L^T G^-1 L)`; factors `[36, 2, 2]` by the logarithms of their diagonals and
    what is below.
    """
    corner = tf.constant([[0.0, 0.0], [1.0, 0.0]], tf.float64)
    factors = tf.linalg.diag(tf.exp(logarithms)) + below[:, None, None] * corner
    cometric = CentroidMetric(TILED, tf.tile(factors, [9, 1, 1]), TEMPERATURE, 1e-12).cometric(CELL)
    products = tf.matmul(factors, factors, transpose_b=True)
    terms = -cometric.log_volume - 0.5 * tf.reduce_sum(products * cometric.inverse, axis=[-2, -1])
    return tf.reduce_mean(terms), cometric.inverse


def test_density_factors_are_what_the_released_objective_leads_to():
    density = CentroidMetric.of_density(TILED, TEMPERATURE, 1e-12).cholesky_factors.numpy()[: len(CELL)]
    best = [tf.constant(np.log(density[:, [0, 1], [0, 1]])), tf.zeros([len(CELL)], tf.float64)]
    with tf.GradientTape() as tape:
        tape.watch(best)
        highest, expected = metric_terms(*best)
    for gradient in tape.gradient(highest, best):
        np.testing.assert_allclose(gradient, np.zeros(gradient.shape), atol=1e-5)
    # By ascent from elsewhere. Only means of factors over a distance of T are determined, as `G^-1` has them.
    generator = np.random.default_rng(0)
    weights = [tf.Variable(generator.normal(0.0, 0.3, shape)) for shape in ([len(CELL), 2], [len(CELL)])]

    @tf.function(autograph=False)
    def ascend():
        with tf.GradientTape() as tape:
            terms, _ = metric_terms(*weights)
        for weight, gradient in zip(weights, tape.gradient(terms, weights), strict=True):
            weight.assign_add(2.0 * gradient)

    for _ in range(600):
        ascend()
    value, inverse = metric_terms(*weights)
    assert value <= highest and highest - value < 1e-3
    np.testing.assert_allclose(inverse, expected, rtol=0.05, atol=0.05)


def test_neighbour_distances_are_those_of_a_sorted_row():
    points = random_points(30, 3, seed=4)
    distances = np.sort(np.linalg.norm(points[:, None] - points[None], axis=-1), axis=1)
    for neighbour in (1, 3, 29):
        np.testing.assert_allclose(neighbour_distances(points, neighbour), distances[:, neighbour], rtol=1e-12)


def test_centroids_that_coincide_still_reach_somewhere():
    points = np.concatenate([np.zeros([5, 2]), random_points(10, 2, low=1.0, high=2.0)])
    reach = neighbour_distances(points, 3).numpy()
    assert (reach > 0.0).all() and (reach[:5] <= 1e-3 * reach.mean() * (1.0 + 1e-9)).all()
    with pytest.raises(UserError, match="coincide"):
        neighbour_distances(np.zeros([5, 2]), 3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: example(CentroidVariant(neighbour=12)), r"12 centroids have no 12-th .* at least 13"),
        (lambda: CentroidVariant(factors="unit"), "`factors`='unit' is not known; choose one of learned"),
        (lambda: CentroidVariant(weights="mean"), "`weights`='mean'"),
        (lambda: CentroidVariant(neighbour=0), "`neighbour`"),
        (
            lambda: CentroidMetric(np.zeros([3, 2]), random_factors(3, 2), np.ones(2), 1.0),
            "`temperature` has",
        ),
        (lambda: CentroidMetric(np.zeros([2, 2]), random_factors(2, 2), [1.0, 0.0], 1.0), "`temperature`"),
    ],
)
def test_wrong_choices_are_refused(call, message):
    with pytest.raises(UserError, match=message):
        call()
