"""Warm starts: both lead curves through the data, each pair on its own."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tests.cases import GAP_ENDS, TwoComponents, random_ends
from tfgeo.curves import Quadratic
from tfgeo.errors import UserError
from tfgeo.geodesics import CrossEntropy, RidgeClimb, connect
from tfgeo.manifolds import IndependentNoise

tfd = tfp.distributions

LOG_DENSITY = TwoComponents()
WARM_STARTS = {"cross_entropy": CrossEntropy(LOG_DENSITY), "ridge_climb": RidgeClimb(LOG_DENSITY)}


def start_parameters(warm_start, start, end):
    return warm_start.parameters(Quadratic(), tf.constant(start), tf.constant(end)).numpy()


def cost(parameters, start, end, num_points=50):
    """Sum of 1 / g along the curves, Algorithm 1's score."""
    points = Quadratic().points(*map(tf.constant, (parameters, start, end)), np.linspace(0.0, 1.0, num_points))
    return np.sum(np.exp(-LOG_DENSITY(points).numpy()), axis=-1)


@pytest.mark.parametrize(
    ("kind", "values", "said"),
    [
        (CrossEntropy, {"num_elites": 33}, "num_elites is 33, more than the 32 curves"),
        (CrossEntropy, {"num_steps": 0}, "num_steps"),
        (CrossEntropy, {"num_points": 1}, "num_points"),
        (RidgeClimb, {"num_steps": 1.5}, "num_steps"),
        (RidgeClimb, {"learning_rate": 0.0}, "learning_rate"),
    ],
)
def test_wrong_numbers_are_refused(kind, values, said):
    with pytest.raises(UserError, match=said):
        kind(LOG_DENSITY, **values)


@pytest.mark.parametrize("name", WARM_STARTS)
def test_the_curve_goes_around_the_gap(name):
    start, end = GAP_ENDS
    parameters = start_parameters(WARM_STARTS[name], start, end)
    assert parameters.shape == (2, 2) and parameters.dtype == np.float64
    line = cost(np.zeros_like(parameters), start, end)
    assert (cost(parameters, start, end) < 0.5 * line).all()
    # The components lie above the line: c = line - t (1 - t) a bends up where a is negative.
    assert (parameters[:, 1] < 0.0).all()


def test_a_longer_search_comes_near_the_best_quadratic():
    start, end = (ends[:1] for ends in GAP_ENDS)
    grid = np.stack(np.meshgrid(np.linspace(-3, 3, 61), np.linspace(-6, 2, 81)), axis=-1).reshape(-1, 2)
    best = cost(grid, np.repeat(start, len(grid), 0), np.repeat(end, len(grid), 0)).min()
    search = CrossEntropy(LOG_DENSITY, num_steps=20, num_samples=200, num_elites=20, num_points=50)
    assert cost(start_parameters(search, start, end), start, end)[0] < 1.05 * best


@pytest.mark.parametrize("name", WARM_STARTS)
def test_pairs_do_not_depend_on_each_other(name):
    start, end = random_ends(6, dtype=np.float64)
    whole = start_parameters(WARM_STARTS[name], start, end)
    for rows in ([0], [3, 1], [5, 4, 3, 2, 1, 0]):
        part = start_parameters(WARM_STARTS[name], start[rows], end[rows])
        np.testing.assert_allclose(part, whole[rows], atol=1e-9)  # float64, amplified by the steps


@pytest.mark.parametrize("name", WARM_STARTS)
def test_exchanged_ends_give_the_same_curve(name):
    start, end = random_ends(6, dtype=np.float64)
    forward, backward = (start_parameters(WARM_STARTS[name], *ends) for ends in ((start, end), (end, start)))
    np.testing.assert_allclose(forward, backward, atol=1e-9)


def test_the_seed_decides_the_search():
    first, again, other = (start_parameters(CrossEntropy(LOG_DENSITY, seed=seed), *GAP_ENDS) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


@pytest.mark.parametrize("name", WARM_STARTS)
def test_equal_ends_stay_where_they_are(name):
    ends = random_ends(3)[0]
    np.testing.assert_array_equal(start_parameters(WARM_STARTS[name], ends, ends), np.zeros([3, 2]))


@pytest.mark.parametrize("name", WARM_STARTS)
def test_geodesics_from_a_warm_start_are_far_below_the_straight_line(name):
    # Noise that is low on the components only: from the straight line the solver sees a plateau.
    def decoder(z):
        variance = 1.0 / (tf.exp(LOG_DENSITY(z)) + 1e-2)
        return tfd.Independent(tfd.Normal(z, tf.sqrt(variance)[..., None] + 0.0 * z), 1)

    manifold = IndependentNoise(decoder)
    # Gradient descent, whose graphs are small: what is tested is where it starts.
    settings = {"solver": "gradient_descent", "warm_start": WARM_STARTS[name], "num_points": 10}
    start, end = (ends.astype(np.float32) for ends in GAP_ENDS)
    warm = connect(manifold, start, end, **settings)
    line = np.linspace(start, end, 10, axis=1)
    assert warm.converged.all()
    assert (warm.energy < 0.5 * manifold.energy(line).numpy()).all()
    # Again with the ends exchanged, beside a pair that is not finite and one with equal ends.
    start, end = (np.concatenate([ends, ends]) for ends in (end, start))
    start[2], start[3] = np.nan, end[3]
    other = connect(manifold, start, end, **settings, warn=False)
    np.testing.assert_allclose(other.length[:2], warm.length, rtol=1e-3)
    np.testing.assert_array_equal(other.converged, [True, True, False, True])
    assert np.isnan(other.length[2]) and other.length[3] == 0.0
