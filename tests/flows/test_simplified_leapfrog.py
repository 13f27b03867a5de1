"""The two shortcuts of leapfrog steps in training, against closed forms and against the steps they shorten."""

import numpy as np
import pytest
import tensorflow as tf

from tests.flows.targets import DIM, centroid_metric, make_flow, phase_points, target
from tfgeo.errors import UserError
from tfgeo.flows.simplified_leapfrog import SimplifiedLeapfrog

STEP_SIZE = 0.1


def simplified(num_steps=1, **shortcuts):
    return SimplifiedLeapfrog(target, centroid_metric(), STEP_SIZE, num_steps, **shortcuts)


@pytest.mark.parametrize("shortcuts", [{}, {"detached": True}])
def test_values_are_those_of_the_generalized_leapfrog(shortcuts):
    start = phase_points(5)
    expected = make_flow("riemannian", STEP_SIZE, 3, 3).forward(start)
    for one, other in zip(simplified(3, **shortcuts).forward(start), expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)
    back = simplified(3, num_fixed_point_steps=16, **shortcuts)
    for one, other in zip(back.inverse(back.forward(start)), start, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)


def test_an_explicit_position_is_a_step_of_euler():
    z, rho = phase_points(5)
    flow = simplified(explicit_positions=True)
    moved, _ = flow.forward([z, rho])
    position, middle = flow.position(z), rho
    for _ in range(3):
        middle = rho + 0.5 * STEP_SIZE * (position.force - position.cometric.energy_gradient(middle))
    inverse = centroid_metric().inverse_metric_tensor(z)
    np.testing.assert_allclose(moved, z + STEP_SIZE * tf.linalg.matvec(inverse, middle), rtol=1e-12)
    with pytest.raises(UserError, match="no inverse"):
        flow.inverse([z, rho])


def test_only_the_last_half_kick_has_derivatives():
    z, rho = phase_points(5)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([z, rho])
        moved, kicked = simplified(detached=True).forward([z, rho])
    identity = np.broadcast_to(np.eye(DIM), [5, DIM, DIM])
    np.testing.assert_array_equal(tape.batch_jacobian(moved, z), identity)
    np.testing.assert_array_equal(
        tape.batch_jacobian(moved, rho, unconnected_gradients=tf.UnconnectedGradients.ZERO), 0.0 * identity
    )
    # Of the last half-kick, at what the position and the momentum before it are.
    middle = tf.constant(_before_the_last_kick(z, rho))
    end = tf.constant(moved.numpy())
    with tf.GradientTape(persistent=True) as alone:
        alone.watch([end, middle])
        position = simplified().position(end)
        last = middle + 0.5 * STEP_SIZE * (position.force - position.cometric.energy_gradient(middle))
    np.testing.assert_allclose(last, kicked, rtol=1e-10)
    np.testing.assert_allclose(tape.batch_jacobian(kicked, z), alone.batch_jacobian(last, end), rtol=1e-10)
    np.testing.assert_allclose(tape.batch_jacobian(kicked, rho), alone.batch_jacobian(last, middle), rtol=1e-10)


def _before_the_last_kick(z, rho):
    position, middle = simplified().position(z), rho
    for _ in range(3):
        middle = rho + 0.5 * STEP_SIZE * (position.force - position.cometric.energy_gradient(middle))
    return middle.numpy()
