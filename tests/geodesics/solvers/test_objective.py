"""The quadratic model of the energy against autodiff, brute force and finite differences, in float64."""

import numpy as np
import pytest
import tensorflow as tf

from tests.cases import SmallDecoder, random_ends, sphere
from tfgeo.curves import Quadratic
from tfgeo.geodesics.solvers.objective import Objective
from tfgeo.manifolds import ExpectedPullback, IndependentNoise, Pullback

MANIFOLDS = {
    "sphere": Pullback(sphere),
    "expected": ExpectedPullback(SmallDecoder()),
    "independent": IndependentNoise(SmallDecoder()),
    "constant noise": IndependentNoise(SmallDecoder(spread=0.0)),
    "relu": IndependentNoise(SmallDecoder(tf.nn.relu)),
}


def case(manifold):
    """An objective of three pairs and bent curves."""
    start, end = (tf.constant(ends) for ends in random_ends(3, dtype=np.float64))
    parameters = tf.constant(np.random.default_rng(4).normal(size=[3, 2]))
    return Objective(manifold, Quadratic(), start, end, tf.constant(np.linspace(0.0, 1.0, 8))), parameters


def decoded_differences(embedding, points):
    decoded = embedding(points)
    return tf.reshape(decoded[:, 1:] - decoded[:, :-1], [3, -1])


def jacobian(function, parameters):
    with tf.GradientTape() as tape:
        tape.watch(parameters)
        values = function(parameters)
    return tape.batch_jacobian(values, parameters).numpy()


@pytest.mark.parametrize("name", MANIFOLDS)
def test_energy_and_gradient_of_the_model_are_those_of_the_energy(name):
    objective, parameters = case(MANIFOLDS[name])
    with tf.GradientTape() as tape:
        tape.watch(parameters)
        expected = MANIFOLDS[name].energy(objective.points(parameters))
    slope = tape.gradient(expected, parameters)
    energy, gradient, *_ = objective.quadratic_model(parameters)
    np.testing.assert_allclose(energy, expected, rtol=1e-12)
    np.testing.assert_allclose(gradient, slope, rtol=1e-10, atol=1e-10)
    for actual, value in zip(objective.energy_and_gradient(parameters), (expected, slope), strict=True):
        np.testing.assert_allclose(actual, value, rtol=1e-12)


@pytest.mark.parametrize("name", ["sphere", "expected"])
def test_matrix_without_a_potential_is_gauss_newton(name):
    objective, parameters = case(MANIFOLDS[name])
    columns = jacobian(lambda a: decoded_differences(MANIFOLDS[name].embedding, objective.points(a)), parameters)
    expected = 2.0 * 7.0 * columns.swapaxes(-1, -2) @ columns  # T - 1 = 7 segments
    np.testing.assert_allclose(objective.quadratic_model(parameters)[2], expected, rtol=1e-10)


@pytest.mark.parametrize("name", ["independent", "constant noise", "relu"])
def test_matrix_with_a_potential_adds_its_hessian(name):
    manifold = MANIFOLDS[name]
    objective, parameters = case(manifold)
    columns = jacobian(
        lambda a: decoded_differences(lambda z: manifold.decoder.mean(z), objective.points(a)), parameters
    )
    step = 1e-4
    hessian = np.zeros([3, 2, 2])
    for i, j in np.ndindex(2, 2):
        for a, b in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
            moved = parameters + step * (a * np.eye(2)[i] + b * np.eye(2)[j])
            hessian[:, i, j] += a * b * manifold.potential(objective.points(moved)) / (4.0 * step**2)
    expected = 2.0 * columns.swapaxes(-1, -2) @ columns + hessian
    # Second differences: an error of step^2 = 1e-8, and rounding of 1e-16 / step^2 = 1e-8, times 10.
    np.testing.assert_allclose(objective.quadratic_model(parameters)[2], expected, rtol=1e-6, atol=1e-6)


def test_the_models_matrix_is_symmetric():
    objective, parameters = case(MANIFOLDS["independent"])
    matrix = objective.quadratic_model(parameters)[2].numpy()
    np.testing.assert_allclose(matrix, matrix.swapaxes(-1, -2), rtol=1e-12)


def test_the_model_predicts_small_moves_to_second_order():
    # At a good fit Gauss-Newton is not the Hessian; of a linear embedding it is, and the model is exact.
    objective, parameters = case(Pullback(lambda z: 2.0 * z))
    energy, gradient, matrix = (part.numpy() for part in objective.quadratic_model(parameters)[:3])
    move = np.array([0.3, -0.7])
    predicted = energy + gradient @ move + 0.5 * np.einsum("i,nij,j->n", move, matrix, move)
    np.testing.assert_allclose(objective.energy(parameters + move), predicted, rtol=1e-12)
