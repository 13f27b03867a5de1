"""BFGS from few Jacobians: exact where these are enough, and as low as Levenberg-Marquardt elsewhere."""

import numpy as np
import pytest
import tensorflow as tf

from tests.cases import SmallDecoder, paraboloid, random_points, sphere_metric, torus
from tfgeo.curves import CubicSpline, Quadratic
from tfgeo.errors import UserError
from tfgeo.geodesics import connect
from tfgeo.geodesics.defaults import curve_and_solver
from tfgeo.geodesics.solvers import sampled
from tfgeo.geodesics.solvers.bfgs import Bfgs, _downhill, _is_convex, _update
from tfgeo.geodesics.solvers.levenberg_marquardt import LevenbergMarquardt
from tfgeo.geodesics.solvers.objective import Objective
from tfgeo.geodesics.solvers.sampled import NUM_SAMPLES, samples_of
from tfgeo.geodesics.solvers.shared_objective import SharedObjective
from tfgeo.geodesics.solvers.solver import Reason
from tfgeo.manifolds import Ensemble, ExpectedPullback, FisherRao, IndependentNoise, Interpolated, Pullback
from tfgeo.manifolds.metric_field import MetricField

DIM = 5
RNG = np.random.default_rng(3)
BEND = tf.constant(RNG.normal(size=[DIM, DIM, 9]))
SLOPE = tf.constant(RNG.normal(size=[DIM, 9]))


def quadric(z):
    """Its Jacobian is linear in z: along a quadratic curve a polynomial of degree 2."""
    bend = tf.cast(BEND, z.dtype)
    return z @ tf.cast(SLOPE, z.dtype) + 0.1 * tf.einsum("...i,...j,ijm->...m", z, z, bend)


def network(z):
    first, last = (tf.constant(np.random.default_rng(seed).normal(size=size), z.dtype)
                   for seed, size in ((1, [DIM, 30]), (2, [30, 20])))  # fmt: skip
    return tf.tanh(0.3 * tf.tanh(0.4 * z @ first) @ last)


def stereographic(z):
    """The unit sphere of dimension d without a pole."""
    square = tf.reduce_sum(z**2, axis=-1, keepdims=True)
    return tf.concat([2.0 * z, square - 1.0], axis=-1) / (square + 1.0)


def case(manifold, curve, num_points=20):
    rng = np.random.default_rng(8)
    start, end = (tf.constant(rng.normal(size=[3, DIM])) for _ in range(2))
    parameters = tf.constant(rng.normal(size=[3, curve.num_parameters(DIM)]))
    return Objective(manifold, curve, start, end, tf.constant(np.linspace(0.0, 1.0, num_points))), parameters


@pytest.mark.parametrize("num_points", [3, 4, 7, 20, 61])
def test_the_matrix_is_exact_where_jacobians_are_polynomials(num_points):
    """Of degree 2 here, which three points determine; fewer cannot lie inside of T = 3 or 4."""
    objective, parameters = case(Pullback(quadric), Quadratic(), num_points)
    exact = objective.quadratic_model(parameters)
    if num_points < 5:  # all inner points are samples: nothing is interpolated but the ends, which do not move
        np.testing.assert_array_equal(samples_of(Quadratic(), num_points).indices, range(1, num_points - 1))
    np.testing.assert_allclose(objective.sampled_matrix(parameters), exact.matrix, rtol=1e-9, atol=1e-9)
    if num_points >= 7:
        omitted = objective.omitted_curvature(parameters, exact.slopes)
        scale = np.abs(omitted).max()
        np.testing.assert_allclose(objective.sampled_omitted(parameters), omitted, atol=1e-5 * scale)


@pytest.mark.parametrize("curve", [Quadratic(), CubicSpline(4)])
def test_samples_come_near_the_whole_for_a_network(curve, monkeypatch):
    """The more of them, the nearer; this network bends much between four."""
    objective, parameters = case(Pullback(network), curve)
    parameters *= 0.2
    exact = objective.quadratic_model(parameters).matrix.numpy()
    errors = []
    for num_samples in (NUM_SAMPLES, 6, 8):
        monkeypatch.setattr(sampled, "NUM_SAMPLES", num_samples)
        samples_of.cache_clear()
        errors.append(np.linalg.norm(objective.sampled_matrix(parameters) - exact) / np.linalg.norm(exact))
    monkeypatch.undo()
    samples_of.cache_clear()
    assert errors[0] < 0.3 and errors[1] < 0.6 * errors[0] and errors[2] < 0.6 * errors[1]
    eigenvalues = np.linalg.eigvalsh(objective.sampled_matrix(parameters))
    assert (eigenvalues > -1e-9 * eigenvalues[..., -1:]).all()


@pytest.mark.parametrize(
    "manifold",
    [
        Pullback(network),
        ExpectedPullback(lambda z: SmallDecoder()(z[..., :2])),
        pytest.param(Ensemble([Pullback(network), Pullback(quadric)]), marks=pytest.mark.slow),
        FisherRao(network, "logits"),
        pytest.param(FisherRao(lambda z: SmallDecoder()(z[..., 1:3])), marks=pytest.mark.slow),
    ],
    ids=repr,
)
def test_as_low_as_levenberg_marquardt(manifold):
    rng = np.random.default_rng(2)
    start, end = 0.7 * rng.normal(size=[2, 6, DIM])
    one, other = (
        connect(manifold, start, end, solver=solver, warn=False) for solver in (Bfgs(), "levenberg_marquardt")
    )
    assert one.converged.mean() > 0.9
    # Few pairs find another valley.
    level = np.isclose(one.energy, other.energy, rtol=2e-4)
    assert level.mean() > 0.8 and np.median(one.energy / other.energy) < 1.0 + 1e-5


def test_great_circles_of_a_sphere_in_many_dimensions():
    rng = np.random.default_rng(0)
    start, end = 0.3 * rng.normal(size=[2, 10, DIM])  # in one half of the sphere
    found = connect(Pullback(stereographic), start, end, curve="cubic_spline", solver="bfgs", num_points=40)
    a, b = (stereographic(tf.constant(ends)).numpy() for ends in (start, end))
    np.testing.assert_allclose(found.length, 2.0 * np.arcsin(0.5 * np.linalg.norm(a - b, axis=-1)), rtol=1e-3)
    assert found.converged.all()


@pytest.mark.parametrize("solver", ["bfgs", "adam"])
def test_saddles_are_left_in_many_dimensions(solver):
    """The straight line through the origin is longer than half a great circle, and no side of it is preferred."""
    start, end = np.eye(DIM)[:1] * [[-1.0], [-2.0]], np.eye(DIM)[:1] * [[1.2], [0.6]]
    found = connect(Pullback(stereographic), start, end, curve="cubic_spline", solver=solver, num_points=40)
    a, b = (stereographic(tf.constant(ends)).numpy() for ends in (start, end))
    shortest = 2.0 * np.arcsin(0.5 * np.linalg.norm(a - b, axis=-1))
    # The shortest way leads over the pole that the chart lacks: the line has 2 pi less its length.
    assert ((found.length < np.pi) & (found.length > shortest)).all() and (2.0 * np.pi - shortest > np.pi).all()
    assert found.converged.all()


def test_the_update_learns_the_curvature_of_a_step():
    rng = np.random.default_rng(4)
    step, change = rng.normal(size=[2, 6, 7])
    change *= np.sign(np.sum(step * change, axis=-1, keepdims=True))
    change[0] = -step[0]  # concave
    inverse = np.stack([factor @ factor.T + 0.1 * np.eye(7) for factor in rng.normal(size=[6, 7, 7])])
    tensors = [tf.constant(part) for part in (step, change)]
    updated = _update(tf.constant(inverse), *tensors, _is_convex(*tensors)).numpy()
    np.testing.assert_allclose(np.einsum("bij,bj->bi", updated[1:], change[1:]), step[1:], rtol=1e-8, atol=1e-10)
    np.testing.assert_array_equal(updated[0], inverse[0])
    assert (np.linalg.eigvalsh(updated) > 0.0).all()


def test_a_nearly_flat_energy_does_not_lead_far_away():
    """Along these lines the energy is nearly straight at first: an unbounded step there led to a false end."""
    start, end = random_points(2, 80, 2, low=-1.0, high=1.0).astype(np.float32)
    found = connect(Pullback(paraboloid), start, end, solver="bfgs")
    expected = connect(Pullback(paraboloid), start, end, solver="levenberg_marquardt")
    assert found.converged.all()
    np.testing.assert_allclose(found.length, expected.length, rtol=1e-4)


@pytest.mark.parametrize("steepness", [15.0, 40.0])
def test_where_units_are_saturated_what_has_converged_has_no_slope(steepness):
    """Jacobians next to 0 promise steps of any size: ten that were cut to the same one told of no small one."""
    sizes = ([2, 3], 3, [3, 30])
    first, bias, last = (np.random.default_rng(2 + index).normal(size=size) for index, size in enumerate(sizes))

    def steps(z):
        return tf.tanh(steepness * z @ tf.constant(first, z.dtype) + bias) @ tf.constant(last)

    start, end = np.random.default_rng(1).uniform(-1.5, 1.5, size=[2, 200, 2])
    found = connect(Pullback(steps), start, end, solver="bfgs", warn=False)
    t = tf.constant(np.linspace(0.0, 1.0, 20))
    objective = Objective(Pullback(steps), Quadratic(), tf.constant(start), tf.constant(end), t)
    energy, gradient = (part.numpy() for part in objective.energy_and_gradient(tf.constant(found.parameters)))
    slope = np.linalg.norm(gradient, axis=1) * np.linalg.norm(end - start, axis=1)
    # A plateau has lengths that are rounding.
    minima = np.isin(found.reason_codes, [Reason.CONVERGED, Reason.NO_DECREASE]) & (energy > 1e-6)
    assert minima.sum() > 60 and (slope[minima] < 0.02 * energy[minima]).all()


def test_an_inverse_that_rounding_has_spoilt_is_given_up():
    inverse = np.stack([np.eye(3), np.diag([1.0, -4.0, 1.0]), np.full([3, 3], np.nan)])
    gradient, farthest = tf.ones([3, 3], tf.float64), tf.fill([3], tf.constant(2.0, tf.float64))
    kept = _downhill(tf.constant(inverse), gradient, farthest).numpy()
    np.testing.assert_array_equal(kept[0], inverse[0])
    np.testing.assert_allclose(kept[1:] @ np.ones(3), np.full([2, 3], 2.0 / 3.0**0.5))


def test_a_matrix_that_is_none_costs_steps_and_no_result(monkeypatch):
    def spoilt(objective, parameters):
        first = tf.range(tf.shape(parameters)[0])[:, None, None] == 0
        return tf.where(
            first,
            tf.constant(np.nan, parameters.dtype),
            sampled.sampled_matrix(objective.manifold, objective.curve, objective.points(parameters)),
        )

    rng = np.random.default_rng(2)
    start, end = 0.7 * rng.normal(size=[2, 8, DIM])  # a whole block, which nothing fills up
    expected = connect(Pullback(network), start, end, solver="bfgs")
    monkeypatch.setattr(SharedObjective, "sampled_matrix", spoilt)
    found = connect(Pullback(lambda z: network(z)), start, end, solver="bfgs")
    assert found.converged.all()
    np.testing.assert_allclose(found.energy, expected.energy, rtol=1e-4)


def test_decoders_take_it_by_default():
    def default(manifold, dim, curve="quadratic"):
        return type(curve_and_solver(curve, None, manifold, dim)[1])

    assert default(Pullback(torus), 2) is Bfgs
    assert default(Pullback(network), DIM) is Bfgs
    assert default(Pullback(lambda z: tf.concat([z, z**2], axis=-1)), 1) is LevenbergMarquardt
    assert default(Interpolated(Pullback(torus), [[-1.0, 1.0], [-1.0, 1.0]], 8), 2) is LevenbergMarquardt
    assert default(Pullback(network), DIM, "polyline") is LevenbergMarquardt
    # What stands for a decoder misses more than the last digits of an energy.
    table = Interpolated(Pullback(torus), [[-1.0, 1.0], [-1.0, 1.0]], 8)
    assert curve_and_solver("quadratic", None, table, 2)[1].tolerance == 1e-4
    assert curve_and_solver("quadratic", "bfgs", table, 2)[1] == Bfgs()
    assert default(IndependentNoise(lambda z: SmallDecoder()(z[..., :2])), DIM) is LevenbergMarquardt

    class Field(MetricField):
        def metric_tensor(self, z):
            return sphere_metric(z)

    assert default(Field(), DIM) is LevenbergMarquardt


@pytest.mark.parametrize("curve", ["neural", CubicSpline(200)])
def test_curves_that_it_cannot_take(curve):
    with pytest.raises(UserError, match="bfgs takes curves that are linear"):
        connect(Pullback(network), np.zeros([1, DIM]), np.ones([1, DIM]), curve=curve, solver="bfgs")


def test_what_is_not_finite_is_said():
    found = connect(
        Pullback(lambda z: tf.math.log(z)),
        np.full([2, DIM], 0.5),
        [[1.0] * DIM, [-1.0] * DIM],
        solver="bfgs",
        warn=False,
    )
    assert found.converged.tolist() == [True, False] and found.reason_codes[1] == Reason.NOT_FINITE
