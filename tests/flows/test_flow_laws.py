"""Laws of the flows: inverses, volume, time reversal, order of the energy's error."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp
from tensorflow_probability.python.mcmc.internal.leapfrog_integrator import SimpleLeapfrogIntegrator

from tests.cases import half_plane_distance, half_plane_metric
from tests.flows.targets import (
    DIM,
    FLOWS,
    LEAPFROGS,
    SQRT_BETA_ZERO,
    centroid_metric,
    log_abs_det,
    make_flow,
    phase_points,
    target,
)
from tfgeo.flows import HamiltonianLeapfrog, RiemannianLeapfrog, Tempered, Tempering, tempering_schedule
from tfgeo.geodesics import exponential_map
from tfgeo.manifolds import TensorField

tfd = tfp.distributions


def largest_difference(first, second):
    return max(float(np.abs(a - b).max()) for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize("kind", FLOWS)
def test_there_and_back(kind):
    flow, x = make_flow(kind), phase_points(20)
    y = flow.forward(x)
    assert largest_difference(x, y) > 0.1
    assert largest_difference(flow.inverse(y), x) < 1e-8
    assert largest_difference(flow.forward(flow.inverse(x)), x) < 1e-8


@pytest.mark.parametrize("kind", FLOWS)
def test_log_determinants_are_those_of_the_jacobian(kind):
    flow, x = make_flow(kind, num_steps=2), phase_points(4)
    forward = flow.forward_log_det_jacobian(x)
    assert forward.shape == (4,)
    np.testing.assert_allclose(forward, log_abs_det(flow, *x), atol=1e-8)
    np.testing.assert_allclose(flow.inverse_log_det_jacobian(flow.forward(x)), -forward, atol=1e-12)


@pytest.mark.parametrize("kind", LEAPFROGS)
def test_with_the_momentum_negated_it_runs_back(kind):
    flow, (z, rho) = make_flow(kind), phase_points(20)
    there = flow.forward([z, rho])
    back = flow.forward([there[0], -there[1]])
    assert largest_difference([back[0], -back[1]], [z, rho]) < 1e-8


@pytest.mark.parametrize("kind", ["hamiltonian", "riemannian"])
def test_the_energy_is_kept_to_second_order(kind):
    z, rho = phase_points(20)
    errors = []
    for num_steps in (4, 8, 16):
        flow = make_flow(kind, 0.8 / num_steps, num_steps)
        errors.append(np.abs(flow.hamiltonian(*flow.forward([z, rho])) - flow.hamiltonian(z, rho)).mean())
    slopes = np.log2(errors[:-1]) - np.log2(errors[1:])
    np.testing.assert_allclose(slopes, 2.0, atol=0.1)


def test_few_fixed_point_iterations_miss_the_volume_by_their_order():
    """One step with n iterations: the volume's error falls with eps^(n + 1) or faster, and far below 1e-4."""
    z, rho = phase_points(6)
    for num_iterations, order in ((1, 2), (2, 3), (3, 4)):
        errors = [
            np.abs(log_abs_det(make_flow("riemannian", eps, 1, num_iterations), z, rho)).max()
            for eps in (0.1, 0.05)
        ]
        assert np.log2(errors[0] / errors[1]) > order - 0.15
    assert 1e-8 < errors[1] < 1e-5


@pytest.mark.parametrize("step_size", [0.1, [0.05, 0.1, 0.2]])
def test_in_flat_space_it_is_the_integrator_of_tfp(step_size):
    z, rho = phase_points(20)
    sizes = tf.constant(step_size, tf.float64)
    theirs_rho, theirs_z, _, _ = SimpleLeapfrogIntegrator(target, [sizes], 4)([rho], [z])
    flat = TensorField(lambda z: tf.eye(DIM, batch_shape=tf.shape(z)[:-1], dtype=z.dtype))
    for flow in (HamiltonianLeapfrog(target, step_size, 4), RiemannianLeapfrog(target, flat, step_size, 4)):
        assert largest_difference(flow.forward([z, rho]), [theirs_z[0], theirs_rho[0]]) < 1e-12


def test_a_step_size_for_each_coordinate_keeps_the_volume_on_a_manifold_too():
    flow = make_flow("riemannian", [0.05, 0.1, 0.15], 1)
    np.testing.assert_allclose(log_abs_det(flow, *phase_points(4)), 0.0, atol=1e-8)


def test_the_equations_of_the_generalized_leapfrog_hold():
    """Eq. 11 with all derivatives of the Hamiltonian by automatic differentiation."""
    z, rho = phase_points(10)
    flow = make_flow("riemannian", 0.1, 1)
    next_z, next_rho = flow.forward([z, rho])

    def gradients(z, rho):
        with tf.GradientTape() as tape:
            tape.watch([z, rho])
            energy = flow.hamiltonian(z, rho)
        return tape.gradient(energy, [z, rho])

    # The half step's momentum from the last equation, which is explicit in it once solved for.
    middle = next_rho
    for _ in range(60):
        middle = next_rho + 0.05 * gradients(next_z, middle)[0]
    np.testing.assert_allclose(middle, rho - 0.05 * gradients(z, middle)[0], atol=1e-10)
    velocities = gradients(z, middle)[1] + gradients(next_z, middle)[1]
    np.testing.assert_allclose(next_z, z + 0.05 * velocities, atol=1e-10)


def test_where_the_target_is_the_volume_it_moves_along_geodesics():
    """The target then cancels the volume in H, which leaves rho^T G^-1 rho / 2: geodesics of constant speed."""
    manifold = TensorField(half_plane_metric)
    z, velocity = tf.constant([[[0.3, 1.0], [-0.2, 0.6]], [[0.8, 0.5], [0.3, -0.4]]], tf.float64)
    rho = tf.linalg.matvec(half_plane_metric(z), velocity)
    expected = exponential_map(manifold, z, 0.8 * velocity)
    errors = []
    for num_steps in (8, 16):
        flow = RiemannianLeapfrog(manifold.log_volume, manifold, 0.8 / num_steps, num_steps, 8)
        end = flow.forward([z, rho])[0]
        errors.append(half_plane_distance(end, expected))
    # A straight line ends 0.1 away. The error is of second order in the step.
    assert np.max(errors[1]) < 2e-3
    np.testing.assert_allclose(errors[0] / errors[1], 4.0, rtol=0.1)


def test_any_manifold_will_do():
    """By automatic differentiation of the metric the flow is that of the closed form."""
    closed = centroid_metric()
    flows = [
        RiemannianLeapfrog(target, manifold, 0.1, 1, 3) for manifold in (closed, TensorField(closed.metric_tensor))
    ]
    x = phase_points(5)
    for direction in ("forward", "inverse"):
        first, second = (getattr(flow, direction)(x) for flow in flows)
        assert largest_difference(first, second) < 1e-12


@pytest.mark.parametrize("num_steps", [1, 3, 10])
@pytest.mark.parametrize("sqrt_beta_zero", [0.3, 1.0, 1.7])
def test_tempering_telescopes(num_steps, sqrt_beta_zero):
    x = phase_points(3)
    steps = [Tempering(sqrt_beta_zero, num_steps, step) for step in range(num_steps + 1)]
    for step in steps:
        np.testing.assert_allclose(step.forward_log_det_jacobian(x), log_abs_det(step, *x), atol=1e-12)
        assert largest_difference(step.inverse(step.forward(x)), x) < 1e-14
    changes = [float(step.forward_log_det_jacobian(x)[0]) for step in steps]
    # The cooling steps: (d / 2) log beta_0, negative for a hot start. With the heating: nothing.
    np.testing.assert_allclose(sum(changes[1:]), 0.5 * DIM * np.log(sqrt_beta_zero**2), atol=1e-12)
    np.testing.assert_allclose(sum(changes), 0.0, atol=1e-12)


def test_the_schedule_is_that_of_the_paper():
    heat = 1.0 / 0.3
    expected = [1.0 / ((1.0 - heat) * k**2 / 25 + heat) for k in range(6)]
    np.testing.assert_allclose(tempering_schedule(tf.constant(0.3, tf.float64), 5), expected, rtol=1e-12)
    np.testing.assert_allclose([expected[0], expected[-1]], [0.3, 1.0])


@pytest.mark.parametrize("kind", ["hamiltonian", "riemannian"])
def test_the_composition_is_the_chain_of_its_steps(kind):
    x, num_steps = phase_points(5), 3
    expected = Tempering(SQRT_BETA_ZERO, num_steps, 0).forward(x)
    for step in range(1, num_steps + 1):
        expected = Tempering(SQRT_BETA_ZERO, num_steps, step).forward(
            make_flow(kind, num_steps=1).forward(expected)
        )
    assert largest_difference(make_flow(f"tempered {kind}", num_steps=num_steps).forward(x), expected) < 1e-12


def test_without_heat_it_is_the_integrator():
    x = phase_points(5)
    flow = make_flow("hamiltonian")
    assert largest_difference(Tempered(flow, 1.0).forward(x), flow.forward(x)) == 0.0


def test_as_the_bijector_of_a_distribution_densities_integrate_to_one():
    """The moved density at moved samples, weighed against a third density, has the mean 1."""
    flow = Tempered(HamiltonianLeapfrog(target, 0.2, 2), 0.6)
    normal = tfd.MultivariateNormalDiag(tf.zeros([DIM], tf.float64), tf.ones([DIM], tf.float64))
    start = tfd.JointDistributionSequential([normal, normal])
    moved = tfd.TransformedDistribution(start, flow)
    y = moved.sample(20_000, seed=(0, 0))
    wide = tfd.MultivariateNormalDiag(tf.zeros([DIM], tf.float64), tf.fill([DIM], tf.constant(0.7, tf.float64)))
    ratios = np.exp(wide.log_prob(y[0]) + wide.log_prob(y[1]) - moved.log_prob(y))
    error = ratios.std() / np.sqrt(len(ratios))
    assert error < 0.05 and abs(ratios.mean() - 1.0) < 4.0 * error


@pytest.mark.parametrize("kind", FLOWS)
def test_compiled_and_in_single_precision(kind):
    x = [tf.cast(part, tf.float32) for part in phase_points(5)]
    flow = make_flow(kind, num_fixed_point_steps=3, dtype=np.float32)
    expected = make_flow(kind, num_fixed_point_steps=3).forward(phase_points(5))
    actual = tf.function(flow.forward)(x)
    assert actual[0].dtype == tf.float32
    assert largest_difference([tf.cast(part, tf.float64) for part in actual], expected) < 1e-4


def test_leading_dimensions_do_not_matter():
    z, rho = (tf.reshape(part, [2, 3, DIM]) for part in phase_points(6))
    flow = make_flow("tempered riemannian", num_fixed_point_steps=3)
    expected = flow.forward(phase_points(6))
    for actual, flat in zip(flow.forward([z, rho]), expected, strict=True):
        np.testing.assert_allclose(np.reshape(actual, [6, DIM]), flat, rtol=1e-12)
    for actual, flat in zip(flow.forward([z[0, 0], rho[0, 0]]), expected, strict=True):
        np.testing.assert_allclose(actual, flat[0], rtol=1e-12)
    assert flow.forward_log_det_jacobian([z, rho]).shape == (2, 3)
