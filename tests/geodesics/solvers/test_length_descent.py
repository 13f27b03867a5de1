"""The neural geodesics of Chen et al. (2018): loss, validation, closed forms, and velocities along curves."""

import numpy as np
import pytest
import tensorflow as tf

from tests.cases import SmallDecoder, great_circle, random_ends, sphere
from tfgeo.curves import CubicSpline, Neural
from tfgeo.errors import UserError
from tfgeo.geodesics import LengthDescent, RandomBezier, connect
from tfgeo.geodesics.solvers.objective import Objective
from tfgeo.manifolds import ExpectedPullback, Pullback, Smoothed

SPHERE = Pullback(sphere)
DECODED = ExpectedPullback(SmallDecoder())
SMALL = Neural((6, 5), "paper")


def make_objective(num_points=7, num_pairs=3):
    start, end = (tf.constant(part) for part in random_ends(num_pairs, dtype=np.float64))
    objective = Objective(DECODED, SMALL, start, end, tf.linspace(tf.constant(0.0, tf.float64), 1.0, num_points))
    parameters = SMALL.initial_parameters(start, end)
    noise = 0.1 * np.random.default_rng(0).normal(size=parameters.shape)
    return objective, parameters + noise


def written_out(objective, parameters, loss, penalty, speed_weight):
    """Eq. 10, 11, 15 and the validation, with the curve's derivative by differences, in NumPy."""
    t, step = objective.t.numpy(), 1e-6
    ends = objective.start, objective.end
    places = [np.clip(t + move, 0.0, 1.0) for move in (step, -step)]
    ahead, behind = (SMALL.points(parameters, *ends, place).numpy() for place in places)
    slopes = (ahead - behind) / (places[0] - places[1])[:, None]
    metric = DECODED.metric_tensor(SMALL.points(parameters, *ends, t)).numpy()
    speeds = np.sqrt(np.einsum("bti,btij,btj->bt", slopes, metric, slopes))
    value = speeds.mean(axis=1) if loss == "length" else np.square(speeds).mean(axis=1)
    value = value + penalty * np.linalg.norm(metric, 2, axis=(-2, -1)).mean(axis=1)
    return value, speeds.mean(axis=1) + speed_weight * speeds.max(axis=1)


@pytest.mark.parametrize(("loss", "penalty"), [("length", 0.0), ("length", 0.3), ("energy", 0.0)])
def test_the_gradient_is_that_of_the_loss_and_the_value_is_the_validation(loss, penalty):
    objective, parameters = make_objective()
    value, gradient = LengthDescent(loss=loss, penalty=penalty, speed_weight=0.7)._judge(objective, parameters)
    expected = written_out(objective, parameters, loss, penalty, 0.7)
    np.testing.assert_allclose(value, expected[1], rtol=1e-6)
    direction = np.random.default_rng(1).normal(size=parameters.shape)
    step = 1e-5
    up, down = (
        written_out(objective, parameters + sign * step * direction, loss, penalty, 0.0)[0] for sign in (1, -1)
    )
    slope = np.sum(gradient.numpy() * direction, axis=1)
    np.testing.assert_allclose(slope, (up - down) / (2 * step), rtol=1e-3, atol=1e-6)


def test_neural_geodesics_on_the_sphere_are_great_circles():
    start, end = (np.array(part, np.float32) for part in ([[0.6, 0.2], [0.8, 0.1]], [[0.7, 2.2], [2.0, 1.9]]))
    found = connect(
        SPHERE, start, end, Neural((150, 150), "paper"), LengthDescent(max_iterations=300, tolerance=0.0),
        RandomBezier(SPHERE), num_points=100, warn=False,
    )  # fmt: skip
    exact = great_circle(start, end)
    straight = SPHERE.length(np.linspace(start, end, 100, axis=1).astype(np.float32)).numpy()
    assert (straight > 1.015 * exact).all()
    # Steps of a fixed size of 1e-2 circle around the minimum; what is kept is the best of them.
    np.testing.assert_allclose(found.length, exact, rtol=1e-3)


def test_the_curve_that_is_kept_has_the_least_validation_value():
    start, end = random_ends(2)
    values = []
    for steps in (1, 20):
        solver = LengthDescent(max_iterations=steps, tolerance=0.0)
        found = connect(DECODED, start, end, SMALL, solver, num_points=20, warn=False)
        speeds = found.velocity(DECODED, 20)
        values.append(speeds.mean(axis=1) + 0.01 * speeds.max(axis=1))
    assert (np.diff(values, axis=0) < 1e-4).all()


@pytest.mark.parametrize("curve", [CubicSpline(8), Neural((8,), "paper")], ids=["spline", "neural"])
def test_the_mean_velocity_is_the_length_and_a_geodesic_s_is_constant(curve):
    start, end = (np.array(part, np.float32) for part in ([[0.6, 0.2], [0.8, 0.1]], [[0.7, 2.2], [2.0, 1.9]]))
    found = connect(
        SPHERE, start, end, curve, "adam" if isinstance(curve, Neural) else "levenberg_marquardt",
        num_points=60, warn=False,
    )  # fmt: skip
    speeds = found.velocity(SPHERE, 501)
    assert speeds.shape == (2, 501)
    np.testing.assert_allclose(speeds.mean(axis=1), found.length, rtol=2e-3)
    if isinstance(curve, CubicSpline):
        assert (speeds.std(axis=1) < 0.05 * speeds.mean(axis=1)).all()
        smooth = Smoothed(SPHERE, 1.0)
        assert (found.velocity(smooth, 50) < found.velocity(SPHERE, 50)).all()


def test_velocities_of_no_pair_and_of_blocks(monkeypatch):
    from tfgeo.geodesics import result

    start, end = random_ends(5)
    found = connect(DECODED, start, end, warn=False)
    whole = found.velocity(DECODED, 9)
    monkeypatch.setattr(result, "BLOCK_FLOATS", 1)
    np.testing.assert_allclose(found.velocity(DECODED, 9), whole, rtol=1e-5)
    assert connect(DECODED, start[:0], end[:0]).velocity(DECODED, 9).shape == (0, 9)
    with pytest.raises(UserError, match="`num`"):
        found.velocity(DECODED, 1)


def test_piecewise_linear_decoders_are_refused():
    kernel = tf.constant(np.random.default_rng(0).normal(size=(2, 12)), tf.float32)
    relu = Pullback(lambda z: tf.nn.relu(tf.matmul(z, kernel)))
    start, end = random_ends(2)
    with pytest.raises(UserError, match="second derivatives"):
        connect(relu, start, end, SMALL, LengthDescent())


@pytest.mark.parametrize("settings", [{"loss": "action"}, {"penalty": -1.0}, {"speed_weight": -1.0}])
def test_settings_that_make_no_sense_are_named(settings):
    with pytest.raises(UserError, match=f"`{next(iter(settings))}`"):
        LengthDescent(**settings)
