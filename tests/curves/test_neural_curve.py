"""Neural curves: Eq. 12-14 of Chen et al. (2018)."""

import numpy as np
import tensorflow as tf

from tests.curves.families import T, random_curve
from tfgeo.curves import Neural

PAPER = Neural((5, 4), "paper")


def network_by_hand(parameters, t):
    """zhat `[T, 2]` of one curve with hidden layers of 5 and 4 units, in plain NumPy."""
    sizes = [(1, 5), (5, 4), (4, 2)]
    values = t[:, None]
    for index, (inputs, units) in enumerate(sizes):
        kernel, parameters = np.split(parameters, [inputs * units])
        bias, parameters = np.split(parameters, [units])
        values = values @ kernel.reshape(inputs, units) + bias
        if index < 2:
            values = np.tanh(values)
    assert parameters.size == 0
    return values


def test_the_papers_form_is_equations_13_and_14():
    parameters, start, end = (part.numpy() for part in random_curve(PAPER, latent_dim=2))
    points = PAPER.points(*map(tf.constant, (parameters, start, end)), T)
    for row in range(4):
        zhat = network_by_hand(parameters[row], T)
        spread = zhat[0] - zhat[-1]
        a = (start[row] - end[row]) / spread
        b = (start[row] * zhat[-1] - end[row] * zhat[0]) / spread
        np.testing.assert_allclose(points[row], a * zhat - b, rtol=1e-10, atol=1e-10)


def test_the_additive_form_removes_the_end_errors_linearly():
    curve = Neural((5, 4))
    parameters, start, end = (part.numpy() for part in random_curve(curve, latent_dim=2))
    points = curve.points(*map(tf.constant, (parameters, start, end)), T)
    for row in range(4):
        zhat = network_by_hand(parameters[row], T)
        t = T[:, None]
        expected = zhat + (1.0 - t) * (start[row] - zhat[0]) + t * (end[row] - zhat[-1])
        np.testing.assert_allclose(points[row], expected, atol=1e-12)


def test_the_papers_form_is_guarded_where_a_coordinate_agrees():
    parameters, start, end = random_curve(PAPER, latent_dim=2)
    end = tf.stack([start[:, 0], end[:, 1]], axis=-1)
    additive = Neural((5, 4)).points(parameters, start, end, T)
    with tf.GradientTape() as tape:
        tape.watch(parameters)
        points = PAPER.points(parameters, start, end, T)
        loss = tf.reduce_sum(tf.square(points))
    np.testing.assert_allclose(points[..., 0], additive[..., 0], atol=1e-14)
    assert np.ptp(points[..., 0], axis=-1).min() > 1e-3  # it moves
    assert np.abs(points[..., 1] - additive[..., 1]).max() > 1e-3  # the other coordinate has the paper's form
    assert np.isfinite(tape.gradient(loss, parameters)).all()
    for function in (PAPER.derivative, PAPER.jacobian):
        assert np.isfinite(function(parameters, start, end, T)).all()


def test_the_papers_form_is_guarded_where_the_network_closes():
    # No output weights: zhat is constant, and Eq. 14 is 0 / 0.
    parameters, start, end = random_curve(PAPER, latent_dim=2)
    parameters = tf.concat([parameters[:, :-10], tf.zeros([4, 10], tf.float64)], axis=-1)
    with tf.GradientTape() as tape:
        tape.watch(parameters)
        points = PAPER.points(parameters, start, end, T)
        loss = tf.reduce_sum(tf.square(points))
    np.testing.assert_allclose(points, np.linspace(start, end, len(T), axis=1), atol=1e-14)
    gradient = tape.gradient(loss, parameters).numpy()
    assert np.isfinite(gradient).all() and np.abs(gradient).max() > 0.0


def test_the_default_is_the_papers_architecture():
    curve = Neural()
    assert curve.hidden_units == (150, 150)
    assert curve.num_parameters(2) == 2 * 150 + 151 * 150 + 151 * 2


def test_every_output_weight_gets_a_gradient_at_the_start_and_all_weights_after_one_step():
    curve = Neural((6, 5))
    _, start, end = random_curve(curve, latent_dim=2)
    target = tf.constant(np.random.default_rng(0).normal(size=[4, 11, 2]))

    def gradient(parameters):
        with tf.GradientTape() as tape:
            tape.watch(parameters)
            loss = tf.reduce_sum(tf.square(curve.points(parameters, start, end, T) - target))
        return tape.gradient(loss, parameters)

    parameters = curve.initial_parameters(start, end)
    first = gradient(parameters).numpy()
    num_output = 6 * 2
    kernel = first[:, -num_output:-2]
    assert (np.abs(kernel) > 0.0).all()
    # The output bias alone has none at any time: the boundary correction takes a constant away.
    np.testing.assert_allclose(first[:, -2:], 0.0, atol=1e-12)
    second = gradient(parameters - 0.01 * first).numpy()
    assert (np.abs(second[:, :-2]) > 0.0).all()


def test_the_seed_decides_where_curves_start():
    _, start, end = random_curve(Neural((6,)))
    first, again, other = (Neural((6,), seed=seed).initial_parameters(start, end).numpy() for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_the_papers_network_starts_on_the_straight_line():
    curve = Neural(boundary="paper")
    for dtype in (np.float32, np.float64):
        _, start, end = random_curve(curve, dtype, latent_dim=2)
        points = curve.points(curve.initial_parameters(start, end), start, end, T.astype(dtype)).numpy()
        distance = np.linalg.norm(end - start, axis=-1)[:, None]
        errors = np.linalg.norm(points - np.linspace(start, end, len(T), axis=1), axis=-1) / distance
        assert errors.max() < 1e-3


def test_the_default_network_can_be_fitted_to_a_bent_path():
    t = np.linspace(0.0, 1.0, 60)
    for boundary in ("additive", "paper"):
        curve = Neural(boundary=boundary)
        for dtype in (np.float32, np.float64):
            path = np.stack([np.cos(3.0 * t), np.sin(3.0 * t) + t], axis=-1)[None].astype(dtype)
            points = curve.points(curve.fit(path), path[:, 0], path[:, -1], t.astype(dtype))
            assert np.abs(points - path).max() < 2e-3, (boundary, dtype)
