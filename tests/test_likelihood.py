"""Tests of likelihoods and reconstruction errors that no model is needed for."""

import numpy as np
import pytest
import tensorflow as tf

import tfgeo.likelihood
from tfgeo.errors import UserError
from tfgeo.likelihood import importance_sampling, relative_reconstruction_error, repeated_log_likelihood


def test_the_mean_weight_in_whatever_blocks(monkeypatch):
    """Weights are numbers of the sample and the row alone, so that the mean must not depend on the blocks."""
    x = tf.constant(np.arange(7.0)[:, None], tf.float32)
    expected = np.log(np.mean(np.exp(np.arange(10.0)))) + np.arange(7.0) - 200.0
    for max_block, pieces in ((10**6, 1), (4 * 7 * 3, 3), (4 * 2, None)):
        monkeypatch.setattr(tfgeo.likelihood, "MAX_BLOCK", max_block)
        calls, drawn = [], {}

        def log_weights(rows, num, seed, calls=calls, drawn=drawn):
            first = drawn.get(float(rows[0, 0]), 0)
            drawn[float(rows[0, 0])] = first + num
            calls.append((num, len(rows), tuple(np.array(seed))))
            return tf.range(first, first + num, dtype=tf.float32)[:, None] + rows[:, 0] - 200.0

        values = importance_sampling(log_weights, x, 10, (1, 2), 4)
        assert values.dtype == tf.float64
        np.testing.assert_allclose(values, expected, rtol=1e-7)
        assert all(num * rows * 4 <= max(max_block, 4) for num, rows, _ in calls)
        assert len({seed for *_, seed in calls}) == len(calls)
        assert pieces is None or len(calls) == -(-10 // (10 if pieces == 1 else 3))


def test_far_below_the_range_of_float32_nothing_is_lost():
    values = importance_sampling(
        lambda rows, num, seed: tf.fill([num, len(rows)], -1e4), tf.zeros([2, 1]), 5, (0, 0), 1
    )
    np.testing.assert_allclose(values, -1e4, rtol=1e-12)


class Dice:
    """A model whose estimates are standard normal numbers around 3."""

    def log_likelihood(self, x, num_samples, proposal, seed):
        assert (num_samples, proposal) == (50, "flow")
        return 3.0 + tf.random.stateless_normal([len(x)], seed, dtype=tf.float64)


def test_repeats_have_noise_of_their_own_and_a_standard_deviation():
    estimate = repeated_log_likelihood(Dice(), np.zeros([100, 1]), 50, 400, "flow", seed=1)
    np.testing.assert_allclose(estimate.mean, 3.0, atol=4 * 0.1 / 20)
    np.testing.assert_allclose(estimate.std, 0.1, rtol=0.15)
    np.testing.assert_allclose(estimate.std, np.std(estimate.repeats, ddof=1))
    assert len(set(estimate.repeats)) == 400
    again = repeated_log_likelihood(Dice(), np.zeros([100, 1]), 50, 3, "flow", seed=1)
    np.testing.assert_array_equal(again.repeats, estimate.repeats[:3])
    assert repeated_log_likelihood(Dice(), np.zeros([9, 1]), 50, 1, "flow").std == 0.0


def test_the_relative_error_of_reconstructions():
    x = np.array([[3.0, 4.0], [0.0, 5.0]])
    assert relative_reconstruction_error(x, x) == 0.0
    np.testing.assert_allclose(relative_reconstruction_error(x, 0.0 * x), 1.0)
    np.testing.assert_allclose(relative_reconstruction_error(x, x + [[1.0, 2.0], [0.0, 0.0]]), 5.0 / 50.0)
    with pytest.raises(UserError, match="shape"):
        relative_reconstruction_error(x, x[:1])
    with pytest.raises(UserError, match="0"):
        relative_reconstruction_error(0.0 * x, x)
