"""The Riemannian HMC kernel: its target stays as it is, on curved metrics and with steps that are too long."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tfgeo.errors import UserError
from tfgeo.manifolds import TensorField
from tfgeo.sampling import riemannian_hmc
from tfgeo.sampling.riemannian_hmc import RiemannianHMC

NUM = 2500


def curved_metric(z):
    """Not diagonal, and twenty times as large at one place as at another."""
    a = 0.3 + tf.square(z[..., 0])
    b = 0.4 * tf.sin(z[..., 1])
    c = 0.5 + tf.exp(-tf.square(z[..., 1] - 1.0)) + b**2
    return tf.stack([tf.stack([a + b**2, b], axis=-1), tf.stack([b, c], axis=-1)], axis=-2)


CURVED = TensorField(curved_metric)


def log_normal(z):
    return -0.5 * tf.reduce_sum(tf.square(z), axis=-1)


def run(kernel, starts, num_steps):
    """Last states, and the acceptance rate, of chains from `starts`."""

    @tf.function(autograph=False)
    def compiled(state):
        return tfp.mcmc.sample_chain(
            num_results=num_steps,
            current_state=state,
            kernel=kernel,
            trace_fn=lambda _, results: results.is_accepted,
            seed=tf.constant([0, 1]),
        )

    states, accepted = compiled(tf.constant(starts))
    return states.numpy()[-1], float(np.mean(accepted))


@pytest.mark.parametrize("num_fixed_point_steps", [4, 8])
def test_samples_of_the_target_stay_samples_of_it_however_well_steps_are_solved(num_fixed_point_steps):
    starts = np.random.default_rng(0).normal(size=[NUM, 2])
    kernel = RiemannianHMC(log_normal, CURVED, 0.3, 4, num_fixed_point_steps)
    points, rate = run(kernel, starts, 12)
    # A part of the trajectories is refused, since the equations are not solved or since the energy changes.
    assert 0.2 < rate < 0.97
    assert np.mean(np.any(points != starts, axis=1)) > 0.9
    # Mean, covariance and fourth moments of N(0, I), each within 4 standard errors.
    for values, expected, variance in (
        (points, 0.0, 1.0),
        (points**2, 1.0, 2.0),
        (points[:, 0] * points[:, 1], 0.0, 1.0),
        (points**4, 3.0, 96.0),
    ):
        np.testing.assert_allclose(values.mean(axis=0), expected, atol=4.0 * np.sqrt(variance / NUM))


def test_with_a_flat_metric_short_steps_are_all_accepted():
    flat = TensorField(lambda z: tf.eye(2, batch_shape=tf.shape(z)[:-1], dtype=z.dtype))
    starts = np.random.default_rng(1).normal(size=[500, 2])
    _, rate = run(RiemannianHMC(log_normal, flat, 0.01, 2), starts, 3)
    assert rate > 0.998


def test_a_trajectory_that_does_not_lead_back_is_refused(monkeypatch):
    starts = np.random.default_rng(2).normal(size=[500, 2])
    kernel = RiemannianHMC(log_normal, CURVED, 0.6, 3, 1)
    points, rate = run(kernel, starts, 2)
    assert rate < 0.1 and np.isfinite(points).all()
    # By their energy many of them would have been taken.
    monkeypatch.setattr(riemannian_hmc, "is_near", lambda back, start: tf.ones_like(back[..., 0], tf.bool))
    assert run(kernel, starts, 2)[1] > rate + 0.2


def test_steps_that_are_far_too_long_leave_states_as_they_are():
    starts = np.random.default_rng(3).normal(size=[500, 2])
    points, rate = run(RiemannianHMC(log_normal, CURVED, 50.0, 2), starts, 2)
    assert rate < 0.01 and np.isfinite(points).all()


@pytest.mark.parametrize(
    ("changes", "says"),
    [({"step_size": 0.0}, "`step_size`"), ({"num_leapfrog_steps": 0}, "`num_leapfrog_steps`"),
     ({"num_fixed_point_steps": 0}, "`num_fixed_point_steps`")],
)  # fmt: skip
def test_wrong_settings_are_refused(changes, says):
    with pytest.raises(UserError, match=says):
        RiemannianHMC(log_normal, CURVED, **{"step_size": 0.1, "num_leapfrog_steps": 1, **changes})
