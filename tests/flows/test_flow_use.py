"""How flows behave with weights that change, trajectories that diverge, and settings that are wrong."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.flows.targets import DIM, FLOWS, centroid_metric, make_flow, phase_points, target
from tfgeo.errors import UserError
from tfgeo.flows import HamiltonianLeapfrog, RiemannianLeapfrog, Tempered, Tempering
from tfgeo.manifolds import TensorField


def test_no_stale_value_after_a_weight_changed():
    z, rho = (tf.cast(part, tf.float32) for part in phase_points(4))
    network = keras.layers.Dense(1, activation="tanh")
    step_size, heat = tf.Variable(0.1), keras.Variable(0.5)
    flow = Tempered(HamiltonianLeapfrog(lambda z: network(z)[..., 0], step_size, 2), heat)
    tempering = Tempering(heat, 2, 0)

    def values():
        x = [z, rho]  # the same eager tensors every time
        return [*flow.forward(x), *flow.inverse(x), tempering.forward_log_det_jacobian(x)]

    network(z)
    before = values()
    network.set_weights([2.0 * weight for weight in network.get_weights()])
    after_network = values()
    assert all(np.abs(a - b).max() > 1e-5 for a, b in zip(before[:4], after_network[:4], strict=True))
    step_size.assign(0.2)
    after_step = values()
    assert all(np.abs(a - b).max() > 1e-5 for a, b in zip(after_network[:4], after_step[:4], strict=True))
    heat.assign(0.8)
    assert all(np.abs(a - b).max() > 1e-5 for a, b in zip(after_step, values(), strict=True))
    # The other way round, a result whose input is kept must not be looked up either.
    y = flow.forward([z, rho])
    step_size.assign(0.3)
    assert np.abs(flow.inverse(y)[0] - z).max() > 1e-4


@pytest.mark.parametrize("kind", ["hamiltonian", "riemannian"])
def test_a_step_costs_one_gradient(kind):
    num_calls = 0

    def counted(z):
        nonlocal num_calls
        num_calls += 1
        return target(z)

    flow = HamiltonianLeapfrog(counted, 0.1, 5)
    if kind == "riemannian":
        flow = RiemannianLeapfrog(counted, centroid_metric(), 0.1, 5)
    for each in (flow, Tempered(flow, 0.5)):
        num_calls = 0
        each.forward(phase_points(2))
        assert num_calls == 6


def test_every_setting_gets_a_gradient():
    z, rho = phase_points(4)
    settings = {
        name: tf.Variable(tf.constant(value, tf.float64))
        for name, value in (("step_size", [0.1, 0.2, 0.1]), ("temperature", 0.9), ("lambda", 0.4), ("beta", 0.5))
    }
    fixed = centroid_metric()
    with tf.GradientTape() as tape:
        manifold = type(fixed)(fixed.centroids, fixed.cholesky_factors, settings["temperature"], settings["lambda"])
        flow = Tempered(RiemannianLeapfrog(target, manifold, settings["step_size"], 2), settings["beta"])
        moved = flow.forward([z, rho])
        loss = tf.reduce_sum(moved[0] ** 2) + tf.reduce_sum(moved[1])
    for name, gradient in zip(settings, tape.gradient(loss, list(settings.values())), strict=True):
        assert np.isfinite(gradient).all() and np.all(np.abs(gradient) > 0.0), name


def test_a_divergence_is_found_with_its_step():
    # The force z^3 is stable for the first trajectory; the others run off, the further out the sooner.
    flow = HamiltonianLeapfrog(lambda z: tf.reduce_sum(-(z**4), axis=-1), 0.5, 8)
    z = tf.constant([[0.1], [30.0], [1e30], [np.nan]], tf.float64) * tf.ones([1, DIM], tf.float64)
    rho = tf.zeros_like(z)
    found = flow.find_divergence([z, rho]).numpy()
    assert found.dtype == np.int32
    assert found[0] == -1 and found[1] > found[2] >= 1 and found[3] == 0
    states = flow.states(z, rho)
    for row, step in ((1, found[1]), (2, found[2])):
        assert np.isfinite(states[step - 1][0][row]).all() and np.isfinite(states[step - 1][1][row]).all()
        assert not (np.isfinite(states[step][0][row]).all() and np.isfinite(states[step][1][row]).all())
    assert Tempered(flow, 0.5).find_divergence([z, rho])[2] >= 1


def test_where_a_metric_loses_definiteness_the_trajectory_ends():
    """G = diag(1, 1, 1 - x): free motion along x with steps of 0.3 leaves its domain, x < 1, in the fourth."""
    metric = TensorField(lambda z: tf.linalg.diag(tf.concat([tf.ones_like(z[..., 1:]), 1.0 - z[..., :1]], axis=-1)))
    flow = RiemannianLeapfrog(metric.log_volume, metric, 0.3, 6)
    start, rho = tf.zeros([1, DIM], tf.float64), tf.constant([[1.0, 0.0, 0.0]], tf.float64)
    assert int(flow.find_divergence([start, rho])[0]) == 4
    np.testing.assert_allclose(flow.states(start, rho)[3][0], [[0.9, 0.0, 0.0]], atol=1e-12)
    assert int(flow.find_divergence([start, -rho])[0]) == -1


WRONG = [
    (lambda: HamiltonianLeapfrog(target, 0.0, 1), "`step_size`"),
    (lambda: HamiltonianLeapfrog(target, [0.1, -0.1, 0.1], 1), "`step_size`"),
    (lambda: HamiltonianLeapfrog(target, tf.Variable(np.nan), 1), "`step_size`"),
    (lambda: HamiltonianLeapfrog(target, 0.1, 0), "`num_steps`"),
    (lambda: HamiltonianLeapfrog(target, 0.1, 1, gradient_limit=0.0), "`gradient_limit`"),
    (lambda: RiemannianLeapfrog(target, centroid_metric(), 0.1, 1, gradient_limit=-1.0), "`gradient_limit`"),
    (lambda: HamiltonianLeapfrog(target, 0.1, 1, gradient_limit=np.nan), "`gradient_limit`"),
    (lambda: RiemannianLeapfrog(target, centroid_metric(), 0.1, 1.5), "`num_steps`"),
    (lambda: RiemannianLeapfrog(target, centroid_metric(), 0.1, 1, 0), "`num_fixed_point_steps`"),
    (lambda: Tempered(make_flow("hamiltonian"), 0.0), "`sqrt_beta_zero`"),
    (lambda: Tempering(-0.3, 2, 0), "`sqrt_beta_zero`"),
    (lambda: Tempering(0.3, 2, 3), "`step`"),
    (lambda: make_flow("hamiltonian").find_divergence(tf.zeros([2, DIM])), "pair"),
]


@pytest.mark.parametrize(("make", "message"), WRONG)
def test_wrong_settings_are_refused_in_one_line(make, message):
    with pytest.raises(UserError, match=message) as caught:
        make()
    assert "\n" not in str(caught.value)


def test_settings_that_only_the_graph_knows_are_taken():
    @tf.function
    def run(step_size, x):
        return HamiltonianLeapfrog(target, step_size, 2).forward(x)

    x = phase_points(3)
    for actual, expected in zip(
        run(tf.constant(0.1, tf.float64), x), HamiltonianLeapfrog(target, 0.1, 2).forward(x), strict=True
    ):
        np.testing.assert_allclose(actual, expected, rtol=1e-12)


@pytest.mark.parametrize("kind", FLOWS)
def test_at_extremes_a_flow_gives_back_what_it_took_or_is_not_finite(kind):
    flow = make_flow(kind)
    for scale in (0.0, 1e-30, 1e30):
        z, rho = (scale * part for part in phase_points(3))
        moved = flow.forward([z, rho])
        back = flow.inverse([tf.identity(part) for part in moved])
        told = ~np.isfinite(np.concatenate([*moved, *back], axis=-1)).all(axis=-1)
        for part, returned in zip((z, rho), back, strict=True):
            np.testing.assert_allclose(returned[~told], part[~told], rtol=1e-6, atol=1e-6 * scale + 1e-15)
    none = tf.zeros([0, DIM], tf.float64)
    assert [part.shape for part in flow.forward([none, none])] == [(0, DIM), (0, DIM)]
