"""Random Bezier curves as starts: what is drawn, which one is kept, and what it is good for."""

import numpy as np
import pytest
import tensorflow as tf

from tests.cases import SmallDecoder, random_ends, random_points
from tfgeo.curves import Bezier, CubicSpline, Polyline, Quadratic
from tfgeo.errors import UserError
from tfgeo.geodesics import GradientDescent, RandomBezier, connect
from tfgeo.manifolds import ExpectedPullback, Pullback, TensorField

FLAT = Pullback(lambda z: z)
DECODED = ExpectedPullback(SmallDecoder())


def hill_metric(z):
    """A wall around the origin: the straight line through it is stationary by symmetry, and no minimum."""
    height = 1.0 + 50.0 * tf.exp(-tf.reduce_sum(tf.square(z), axis=-1) / 0.1)
    return height[..., None, None] * tf.eye(2, dtype=z.dtype)


def start_parameters(warm_start, start, end, curve=None):
    return warm_start.parameters(curve or Bezier(4), tf.constant(start), tf.constant(end)).numpy()


def validation(manifold, parameters, start, end, curve, speed_weight=0.01, num_points=20):
    """`L + lambda max phi` of Appendix A, from segments."""
    t = np.linspace(0.0, 1.0, num_points)
    points = curve.points(*map(tf.constant, (parameters, start, end)), t)
    lengths = np.sqrt(manifold.segment_energies(points))
    return lengths.sum(axis=-1) + speed_weight * (num_points - 1) * lengths.max(axis=-1)


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_control_points_are_orthogonal_to_the_line_and_in_range(dim):
    start, end = random_points(2, 5, dim, low=-1.0, high=1.0)
    distance = np.linalg.norm(end - start, axis=-1)
    reached = []
    for seed in range(20):
        # One curve: there is nothing to choose, and the parameters are its control points.
        warm_start = RandomBezier(FLAT, num_curves=1, width=0.5, seed=seed)
        moves = start_parameters(warm_start, start, end).reshape(5, 3, dim)
        np.testing.assert_allclose(np.einsum("bki,bi->bk", moves, end - start), 0.0, atol=1e-9)
        reached.append(np.linalg.norm(moves, axis=-1) / distance[:, None])
    # Uniform up to half of the distance for each of the d - 1 directions.
    most = 0.5 * np.sqrt(dim - 1)
    assert np.max(reached) <= most + 1e-9
    assert dim == 1 or np.max(reached) > 0.9 * 0.5


@pytest.mark.parametrize(
    "curve", [Bezier(4), CubicSpline(4), Polyline(9), Quadratic()], ids=lambda c: type(c).__name__
)
def test_the_best_curve_is_kept(curve):
    start, end = random_ends(4, dtype=np.float64)
    # Draws of fewer curves are the first of more.
    found = [start_parameters(RandomBezier(DECODED, num_curves=num), start, end, curve) for num in (1, 4, 16)]
    values = [validation(DECODED, parameters, start, end, curve) for parameters in found]
    assert (np.diff(values, axis=0) <= 1e-12).all()
    assert (values[-1] < 0.99 * values[0]).any()


def test_a_heavy_weight_avoids_spikes_that_a_length_alone_does_not_see():
    start, end = random_ends(12, dtype=np.float64)
    fastest = []
    for weight in (0.0, 100.0):
        start_curve = RandomBezier(DECODED, num_curves=16, speed_weight=weight)
        found = start_parameters(start_curve, start, end)
        fastest.append(
            validation(DECODED, found, start, end, Bezier(4), 1.0)
            - validation(DECODED, found, start, end, Bezier(4), 0.0)
        )
    assert (fastest[1] <= fastest[0] + 1e-9).all() and (fastest[1] < 0.99 * fastest[0]).any()


def test_pairs_do_not_depend_on_each_other():
    start, end = random_ends(6, dtype=np.float64)
    warm_start = RandomBezier(DECODED)
    whole = start_parameters(warm_start, start, end)
    for rows in ([0], [3, 1], [5, 4, 3, 2, 1, 0]):
        np.testing.assert_allclose(start_parameters(warm_start, start[rows], end[rows]), whole[rows], atol=1e-12)


def test_exchanged_ends_give_the_same_curve():
    start, end = random_ends(6, dtype=np.float64)
    end[0, 0] = start[0, 0]  # straight up
    t = np.linspace(0.0, 1.0, 9)
    forward, backward = (
        Bezier(4).points(start_parameters(RandomBezier(DECODED), *ends), *map(tf.constant, ends), t).numpy()
        for ends in ((start, end), (end, start))
    )
    np.testing.assert_allclose(forward, backward[:, ::-1], atol=1e-9)


def test_the_seed_decides():
    ends = random_ends(3, dtype=np.float64)
    first, again, other = (start_parameters(RandomBezier(DECODED, seed=seed), *ends) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any(axis=-1).all()


def test_equal_and_broken_ends_leave_the_others_alone():
    start, end = random_ends(4, dtype=np.float64)
    whole = start_parameters(RandomBezier(DECODED), start, end)
    start[1], end[2] = end[1], np.nan
    found = start_parameters(RandomBezier(DECODED), start, end)
    np.testing.assert_allclose(found[[0, 3]], whole[[0, 3]], atol=1e-12)
    np.testing.assert_allclose(found[1:3], 0.0, atol=1e-12)


def test_it_finds_the_way_around_a_hill():
    manifold = TensorField(hill_metric)
    start, end = np.array([[-1.0, 0.0], [0.1, 1.1]]), np.array([[1.0, 0.0], [-0.1, -1.1]])
    settings = {"curve": Bezier(4), "solver": GradientDescent(), "num_points": 40}
    cold = connect(manifold, start, end, **settings)
    warm = connect(manifold, start, end, warm_start=RandomBezier(manifold, num_points=40), **settings)
    # The straight line is a saddle, which the solver leaves to one side; the start is there before any step.
    line = manifold.length(np.linspace(start, end, 40, axis=1)).numpy()
    first = start_parameters(RandomBezier(manifold, num_points=40), start, end)
    points = Bezier(4).points(*map(tf.constant, (first, start, end)), np.linspace(0.0, 1.0, 40))
    assert (manifold.length(points).numpy() < 0.7 * line).all()
    assert warm.converged.all() and (warm.length < 0.7 * line).all()
    np.testing.assert_allclose(warm.length, cold.length, rtol=1e-2)
    # Not shorter than in the flat plane below the hill.
    assert (warm.length > np.linalg.norm(end - start, axis=-1)).all()


@pytest.mark.parametrize(
    "settings", [{"num_curves": 0}, {"degree": 1}, {"width": -1.0}, {"num_points": 2}, {"speed_weight": -1.0}]
)
def test_settings_that_make_no_sense_are_named(settings):
    with pytest.raises(UserError, match=f"`{next(iter(settings))}`"):
        RandomBezier(FLAT, **settings)
