"""Tests of seeds: a function of seed, purpose and step, and of nothing else."""

import numpy as np
import pytest
import tensorflow as tf

from tfgeo.randomness import derive_seed, generator

SEEDS = [0, 1, -1, 2**31, 2**32, 2**32 + 1, -(2**40), np.int32(7), np.int64(2**40)]


@pytest.mark.parametrize("seed", SEEDS)
def test_same_arguments_same_seed(seed):
    first = derive_seed(seed, "noise", 3)
    np.random.seed(1)
    tf.random.set_seed(1)
    np.testing.assert_array_equal(first, derive_seed(seed, "noise", 3))
    assert first.shape == (2,) and first.dtype == np.int32
    assert generator(seed, "noise").integers(2**62) == generator(seed, "noise").integers(2**62)


def test_other_seed_purpose_or_step_other_seed():
    arguments = [(int(seed), *purpose) for seed in SEEDS for purpose in [(), ("a",), ("b",), ("a", 0), ("a", 1)]]
    assert len({tuple(derive_seed(*each)) for each in arguments}) == len(arguments)
    assert len({generator(*each).integers(2**62) for each in arguments}) == len(arguments)


def test_streams_of_neighbouring_steps_are_not_correlated():
    draws = [tf.random.stateless_normal([4000], derive_seed(0, "noise", step)).numpy() for step in range(3)]
    # The standard error of a correlation of independent draws is 1 / sqrt(4000) = 0.016.
    assert np.abs(np.corrcoef(draws) - np.eye(3)).max() < 0.08


def test_a_seed_is_what_tensorflow_takes_inside_a_graph():
    @tf.function
    def draw(step):
        return tf.random.stateless_normal(
            [2], tf.random.experimental.stateless_fold_in(derive_seed(0, "noise"), step)
        )

    first, second = draw(tf.constant(0)).numpy(), draw(tf.constant(1)).numpy()
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(first, draw(tf.constant(0)).numpy())
