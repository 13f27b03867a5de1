"""What GEORCE promises: descent, stationary ends, exact steps where the metric is constant, honest refusals."""

import numpy as np
import pytest
import tensorflow as tf

from tests.cases import (
    FLAT_MATRIX,
    SmallDecoder,
    half_plane_distance,
    half_plane_metric,
    random_points,
    torus,
)
from tfgeo.curves import Bezier, Polyline
from tfgeo.errors import UserError
from tfgeo.geodesics import Georce, LevenbergMarquardt, connect
from tfgeo.geodesics.solvers.objective import Objective
from tfgeo.manifolds import ExpectedPullback, FisherRao, IndependentNoise, Interpolated, Pullback, TensorField

HALF_PLANE = TensorField(half_plane_metric)
NODES = 7
EXACT = Georce(max_iterations=200, tolerance=1e-13, gradient_tolerance=1e-8)


def bent_metric(z):
    """A metric of three dimensions that is nowhere diagonal."""
    root = tf.constant([[1.0, 0.2, 0.0], [0.0, 1.2, 0.3], [0.1, 0.0, 0.9]], z.dtype)
    return (1.0 + tf.reduce_sum(tf.square(z), axis=-1))[..., None, None] * (root @ tf.transpose(root)) + tf.einsum(
        "...i,...j->...ij", z, z
    )


def case(manifold, latent_dim=2, bend=0.1):
    """An objective of three pairs and polylines that are no geodesics."""
    start, end = (tf.constant(ends) for ends in random_points(2, 3, latent_dim, seed=3))
    parameters = bend * np.random.default_rng(4).normal(size=[3, NODES * latent_dim])
    t = tf.constant(np.linspace(0.0, 1.0, NODES + 2))
    return Objective(manifold, Polyline(NODES), start, end, t), tf.constant(parameters)


@pytest.mark.parametrize(
    ("manifold", "latent_dim"),
    [(HALF_PLANE, 2), (TensorField(bent_metric), 3), (TensorField(lambda z: 1.0 + z[..., None] ** 2), 1)],
    ids=["half plane", "three dimensions", "one dimension"],
)
def test_the_gradient_is_that_of_the_energy(manifold, latent_dim):
    objective, parameters = case(manifold, latent_dim)
    state = Georce().init(objective, parameters)
    energy, gradient = objective.energy_and_gradient(parameters)
    np.testing.assert_allclose(state.energy, energy, rtol=1e-12)
    np.testing.assert_allclose(state.gradient, gradient, rtol=1e-10, atol=1e-10)
    # A move that goes down, as any step of a positive definite model does.
    assert (np.sum(state.memory.move * state.gradient, axis=-1) < 0.0).all()


@pytest.mark.parametrize(("dim", "matrix"), [(2, FLAT_MATRIX.T @ FLAT_MATRIX), (3, np.diag([1.0, 2.0, 5.0]) + 0.3)])
def test_one_step_is_exact_on_a_constant_metric(dim, matrix):
    constant = TensorField(lambda z: tf.broadcast_to(tf.constant(matrix, z.dtype), [*z.shape[:-1], dim, dim]))
    objective, parameters = case(constant, dim, bend=1.0)
    solver = Georce()
    state = solver.init(objective, parameters)
    assert (np.abs(parameters) > 0.1).any()
    # The displacements from the straight line vanish.
    np.testing.assert_allclose(solver.step(objective, state).parameters, np.zeros(parameters.shape), atol=1e-12)


@pytest.mark.parametrize("manifold", [HALF_PLANE, Pullback(torus)], ids=["half plane", "torus"])
def test_the_energy_never_rises(manifold):
    objective, parameters = case(manifold, bend=0.3)
    solver = Georce()
    state = solver.init(objective, parameters)
    step = tf.function(lambda state: solver.step(objective, state), autograph=False)
    energies = [state.energy.numpy()]
    for _ in range(12):
        state = step(state)
        energies.append(state.energy.numpy())
    assert (np.diff(energies, axis=0) <= 0.0).all()
    assert (energies[-1] < 0.9 * energies[0]).all()


def test_where_it_ends_is_a_stationary_point():
    start, end = random_points(2, 4, 2, seed=3)
    found = connect(HALF_PLANE, start, end, curve=Polyline(NODES), solver=EXACT)
    assert found.converged.all()
    objective = Objective(HALF_PLANE, Polyline(NODES), start, end, tf.constant(np.linspace(0.0, 1.0, NODES + 2)))
    parameters = tf.constant(found.parameters)
    _, gradient = objective.energy_and_gradient(parameters)
    assert (np.linalg.norm(gradient, axis=-1) < 1e-6 * found.energy).all()
    # A fixed point: the next step stays.
    move = EXACT.init(objective, parameters).memory.move
    np.testing.assert_allclose(move, np.zeros(move.shape), atol=1e-7)
    # And Levenberg-Marquardt, from its own model, ends there too.
    solver = LevenbergMarquardt(max_iterations=200, tolerance=1e-13, gradient_tolerance=1e-8)
    other = connect(HALF_PLANE, start, end, curve=Polyline(NODES), solver=solver)
    np.testing.assert_allclose(found.energy, other.energy, rtol=1e-10)
    np.testing.assert_allclose(found.parameters, other.parameters, atol=1e-5)


def test_length_and_energy_are_the_manifolds_own():
    # GEORCE's sums take the metric between the nodes, those of an embedding the distance of its points.
    start, end = random_points(2, 4, 2, seed=5)
    surface = Pullback(torus)
    found = connect(surface, start, end, curve=Polyline(NODES), solver="georce")
    points = found.points(NODES + 2)
    np.testing.assert_allclose(found.length, surface.length(points), rtol=1e-9)
    np.testing.assert_allclose(found.energy, surface.energy(points), rtol=1e-9)


def test_other_curves_and_numbers_of_points_are_refused():
    start, end = random_points(2, 2, 2)
    with pytest.raises(UserError, match=r"polyline.*Bezier.*curve='polyline'"):
        connect(HALF_PLANE, start, end, curve=Bezier(3), solver="georce")
    with pytest.raises(UserError, match="7 nodes needs num_points=9"):
        connect(HALF_PLANE, start, end, curve=Polyline(7), solver="georce", num_points=12)


def test_energies_with_a_potential_are_refused():
    start, end = random_points(2, 2, 2)
    with pytest.raises(UserError, match=r"IndependentNoise.*levenberg_marquardt"):
        connect(IndependentNoise(SmallDecoder()), start, end, curve="polyline", solver="georce")


RELU = SmallDecoder(tf.nn.relu, spread=0.0)


@pytest.mark.parametrize(
    "manifold", [Pullback(lambda z: RELU(z).mean()), FisherRao(RELU)], ids=lambda manifold: type(manifold).__name__
)
def test_piecewise_linear_decoders_are_refused(manifold):
    start, end = random_points(2, 5, 2, low=-1.2, high=1.2)
    with pytest.raises(UserError, match=r"georce.*jumps.*ReLU.*levenberg_marquardt"):
        connect(manifold, start, end, curve="polyline", solver="georce")


def test_decoders_with_second_derivatives_are_accepted():
    start, end = random_points(2, 5, 2, low=-1.2, high=1.2, seed=2).astype(np.float32)
    # A pair that is not finite, and one of equal ends, say nothing about the decoder.
    start[0], start[1] = np.nan, end[1]
    found = connect(ExpectedPullback(SmallDecoder()), start, end, curve=Polyline(9), solver="georce", warn=False)
    np.testing.assert_array_equal(found.converged, [False, True, True, True, True])


def test_tables_of_piecewise_linear_decoders_are_smooth_themselves():
    start, end = random_points(2, 2, 2, low=-1.0, high=1.0)
    table = Interpolated(Pullback(lambda z: RELU(z).mean()), ((-1.2, 1.2), (-1.2, 1.2)), 8, tf.float64)
    assert connect(table, start, end, curve=Polyline(9), solver="georce").converged.all()


def test_it_is_symmetric_in_the_ends():
    start, end = random_points(2, 4, 2, seed=7)
    forward, backward = (
        connect(HALF_PLANE, *ends, curve=Polyline(NODES), solver=EXACT) for ends in ((start, end), (end, start))
    )
    np.testing.assert_allclose(forward.length, backward.length, rtol=1e-10)
    np.testing.assert_allclose(forward.points(9), backward.points(9)[:, ::-1], atol=1e-6)
    np.testing.assert_allclose(forward.length, half_plane_distance(start, end), rtol=1e-2)
