"""Integration of many equations at once, each row with its own steps."""

import itertools

import numpy as np
import tensorflow as tf

from tfgeo.geodesics.maps.ode import MAX_NUM_STEPS, solve_ode

TIMES = np.array([0.4, 1.0, 3.0])


def solve(ode_fn, state, times=TIMES, tolerance=1e-9):
    return tf.function(solve_ode, autograph=False)(
        ode_fn, tf.constant(state), tf.constant(times, state.dtype), tf.constant(tolerance, state.dtype)
    ).numpy()


def oscillate(t, state):
    """`[position, velocity, frequency]`: rows of very different frequencies need very different steps."""
    del t
    return tf.stack([state[:, 1], -tf.square(state[:, 2]) * state[:, 0], tf.zeros_like(state[:, 2])], axis=-1)


def oscillators(*frequencies):
    return np.stack([[1.0, 0.0, frequency] for frequency in frequencies])


def test_oscillators_at_all_times():
    frequencies = np.array([0.0, 0.1, 1.0, 10.0])
    states = solve(oscillate, oscillators(*frequencies))
    phases = frequencies * TIMES[:, None]
    np.testing.assert_allclose(states[..., 0], np.cos(phases), atol=1e-6)
    np.testing.assert_allclose(states[..., 1], -frequencies * np.sin(phases), atol=1e-5)


def test_the_error_follows_the_tolerance():
    errors = []
    for tolerance in (1e-4, 1e-6, 1e-8, 1e-10):
        states = solve(oscillate, oscillators(5.0), tolerance=tolerance)
        errors.append(abs(states[-1, 0, 0] - np.cos(15.0)))
    assert errors[0] < 1e-2 and errors[-1] < 1e-8
    assert all(finer < 0.1 * coarser for coarser, finer in itertools.pairwise(errors))


def test_each_row_has_its_own_time():
    # y' = y cos t has the solution exp(sin t).
    states = solve(lambda t, state: state * tf.cos(t)[:, None], np.array([[1.0], [1e-3], [1e3]]))
    expected = np.exp(np.sin(TIMES))[:, None] * [1.0, 1e-3, 1e3]
    np.testing.assert_allclose(states[..., 0], expected, rtol=1e-6)


def test_rows_do_not_depend_on_their_neighbours():
    alone = solve(oscillate, oscillators(1.0))
    beside = solve(oscillate, oscillators(1.0, 10.0, np.nan, 1e12))
    np.testing.assert_allclose(beside[:, 0], alone[:, 0], rtol=1e-11)  # vector registers round differently
    assert np.isfinite(beside[:, 1]).all() and np.isnan(beside[:, 2:]).all()


def test_what_runs_into_a_singular_point_is_nan_from_there():
    # y' = y^2 is infinite at t = 1 / y(0).
    states = solve(lambda t, state: tf.square(state), np.array([[0.25], [0.5], [2.0], [10.0]]))[..., 0]
    np.testing.assert_allclose(states[:, 0], 1.0 / (4.0 - TIMES), rtol=1e-7)
    expected = [[True, True, False], [True, False, False], [False, False, False]]
    np.testing.assert_array_equal(np.isfinite(states[:, 1:]), expected)


def test_a_derivative_that_is_not_finite_shortens_the_step():
    # y' = -1 / (2 y) has the solution sqrt(1 - t) and no derivative beyond: a first step of 1 lands there.
    states = solve(lambda t, state: tf.where(state > 0.0, -0.5 / state, np.nan), np.ones([1, 1]), np.array([0.9]))
    np.testing.assert_allclose(states[0, 0, 0], np.sqrt(0.1), rtol=1e-7)


def test_the_number_of_derivatives_is_bounded():
    calls = []

    def derivative(t, state):
        tf.py_function(lambda: calls.append(0), [], [])
        return 1e9 * oscillate(t, state)

    states = solve(derivative, oscillators(1.0))
    assert np.isnan(states).all() and len(calls) <= 6 * (MAX_NUM_STEPS + len(TIMES)) + 2


def test_float32_is_summed_in_float64():
    states = solve(oscillate, oscillators(3.0).astype(np.float32), tolerance=1e-7)
    assert states.dtype == np.float32
    np.testing.assert_allclose(states[:, 0, 0], np.cos(3.0 * TIMES), atol=2e-6)


def test_many_times_are_no_singular_point():
    times = np.linspace(0.0, 1.0, MAX_NUM_STEPS + 101)[1:]
    np.testing.assert_allclose(solve(oscillate, oscillators(1.0), times)[:, 0, 0], np.cos(times), atol=1e-6)
