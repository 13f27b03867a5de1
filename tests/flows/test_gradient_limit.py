"""The bound on gradients that flow back through a trajectory: what it leaves, what it cuts, where it matters."""

import numpy as np
import pytest
import tensorflow as tf

from tests.flows.targets import centroid_metric, phase_points, target
from tfgeo.flows import HamiltonianLeapfrog, RiemannianLeapfrog, Tempered
from tfgeo.flows.gradient_limit import limit_gradient
from tfgeo.manifolds import CentroidMetric


def gradient_through(upstream, limit, dtype=np.float32):
    """The points that come out, and what is left of a gradient that comes in: `[..., d]` each."""
    points = tf.constant(np.random.default_rng(0).normal(size=np.shape(upstream)).astype(dtype))
    with tf.GradientTape() as tape:
        tape.watch(points)
        limited = limit_gradient(points, limit)
    np.testing.assert_array_equal(limited, points)
    return tape.gradient(limited, points, output_gradients=tf.constant(np.asarray(upstream, dtype))).numpy()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_short_gradients_pass_to_the_last_bit_and_long_ones_keep_their_direction(dtype):
    limit = 2.5
    directions = np.random.default_rng(1).normal(size=[4, 50, 3])
    directions /= np.linalg.norm(directions, axis=-1, keepdims=True)
    lengths = np.array([0.0, 1e-30, 0.3, 2.4999, 2.5001, 40.0, 1e6, 1e18, 1e25, 1e38])
    upstream = (directions * np.repeat(lengths, 5)[:, None]).astype(dtype)
    actual = gradient_through(upstream, limit, dtype)
    assert actual.dtype == dtype
    is_long = np.repeat(lengths, 5) > limit
    np.testing.assert_array_equal(actual[:, ~is_long], upstream[:, ~is_long])
    # Squares of 1e25 are beyond float32: no reason to take the gradient for infinite.
    np.testing.assert_allclose(actual[:, is_long], limit * directions[:, is_long], rtol=1e-5, atol=1e-6)


def test_gradients_that_are_not_finite_become_0_and_leave_the_others_alone():
    upstream = [[np.nan, 1.0], [np.inf, -np.inf], [0.0, -np.inf], [np.nan, np.inf], [3.0, 4.0], [0.3, 0.4]]
    expected = np.float32([[0.0, 0.0]] * 4 + [[0.6, 0.8], [0.3, 0.4]])
    np.testing.assert_allclose(gradient_through(upstream, 1.0), expected, rtol=1e-6)
    np.testing.assert_array_equal(gradient_through(upstream, None), np.float32(upstream))


@pytest.mark.parametrize("limit", [tf.constant(2.0, tf.float64), tf.constant(2.0), tf.Variable(2.0), 2])
def test_the_limit_may_be_a_tensor_of_another_type(limit):
    np.testing.assert_allclose(gradient_through([[30.0, 40.0]], limit), [[1.2, 1.6]], rtol=1e-6)


def make_flow(kind, limit):
    if kind == "hamiltonian":
        return HamiltonianLeapfrog(target, 0.1, 3, limit)
    return RiemannianLeapfrog(target, centroid_metric(), 0.1, 3, 4, limit)


@pytest.mark.parametrize("kind", ["hamiltonian", "riemannian"])
def test_the_bijector_is_the_same_with_a_limit(kind):
    x = phase_points(5)
    free, limited = (Tempered(make_flow(kind, limit), 0.6) for limit in (None, 1e-3))
    for name in ("forward", "inverse"):
        for one, other in zip(getattr(free, name)(x), getattr(limited, name)(x), strict=True):
            np.testing.assert_array_equal(one, other)
    for name in ("forward_log_det_jacobian", "inverse_log_det_jacobian"):
        np.testing.assert_array_equal(getattr(free, name)(x), getattr(limited, name)(x))


@pytest.mark.parametrize("kind", ["hamiltonian", "riemannian"])
def test_no_longer_gradient_reaches_the_start(kind):
    z, rho = phase_points(5)
    gradients = []
    for limit in (None, 1e9, 0.5):
        with tf.GradientTape() as tape:
            tape.watch(rho)
            end, end_rho = make_flow(kind, limit).forward([z, rho])
            loss = 10.0 * tf.reduce_sum(tf.sin(end)) + tf.reduce_sum(end_rho**2)
        gradients.append(tape.gradient(loss, rho).numpy())
    free, wide, limited = gradients
    assert np.linalg.norm(free, axis=-1).min() > 0.6
    np.testing.assert_array_equal(free, wide)
    lengths = np.linalg.norm(limited, axis=-1)
    # Steps shrink some of what was cut at a later point.
    assert lengths.min() > 0.3 and lengths.max() <= 0.5 * (1.0 + 1e-12)


def stiff_loss(limit):
    """Loss of a training step where the metric changes over lengths of 0.1, and its gradient's length.

    In float64: with gradients of 1e7, rounding alone makes another trajectory of one in float32.
    """
    random = np.random.default_rng(24)
    centroids = tf.constant(0.7 * random.normal(size=[6, 2]))
    factors = tf.constant(10.0 * (np.tril(random.normal(size=[6, 2, 2]), -1) + np.eye(2)))
    z, noise = tf.constant(0.7 * random.normal(size=[4, 2])), tf.constant(random.normal(size=[4, 2]))
    with tf.GradientTape() as tape:
        tape.watch([centroids, factors])
        flow = RiemannianLeapfrog(
            lambda z: -0.5 * tf.reduce_sum(z**2, axis=-1),
            CentroidMetric(centroids, factors, 0.1, 0.01),
            step_size=0.03,
            num_steps=10,
            # Of the mean over four samples.
            gradient_limit=None if limit is None else limit / 4.0,
        )
        start = flow.position(z)
        rho = flow.momentum(start, noise)
        end, end_rho = flow.trajectory(start, rho)[-1]
        log_ratio = end.log_prob + flow.momentum_log_prob(end, end_rho) - flow.momentum_log_prob(start, rho)
        loss = -tf.reduce_mean(log_ratio)
    return float(loss), float(tf.linalg.global_norm(tape.gradient(loss, [centroids, factors])))


def test_a_stiff_metric_needs_a_limit():
    """The loss is some nats while its gradient, grown by a factor at each step, is useless."""
    loss, free = stiff_loss(None)
    same, limited = stiff_loss(50.0)
    assert loss == same < 20.0
    assert free > 1e7
    assert 0.0 < limited < 5e3
