"""Tests of Dataset, its subsets, and load by name."""

import dataclasses

import numpy as np
import pytest

from tfgeo import datasets
from tfgeo.errors import UserError


def message_of(function, *args, **kwargs):
    """The message of the UserError that a call must raise; one line."""
    with pytest.raises(UserError) as caught:
        function(*args, **kwargs)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def make_dataset(num_per_class=(5, 7, 6), **changes):
    """Three classes of different sizes, mixed; sample i is [i, -i]."""
    labels = np.repeat(np.arange(len(num_per_class)), num_per_class)
    labels = np.random.default_rng(0).permutation(labels)
    inputs = np.arange(len(labels))[:, None] * np.array([1.0, -1.0])
    return dataclasses.replace(datasets.Dataset(inputs, labels, (1, 2), "toy"), **changes)


def test_dtypes_and_length():
    data = make_dataset()
    assert data.inputs.dtype == np.float32 and data.labels.dtype == np.int64
    assert len(data) == 18 and data.image_shape == (1, 2)


@pytest.mark.parametrize(
    "changes",
    [
        {"inputs": np.full((18, 2), np.nan)},
        {"inputs": np.full((18, 2), np.inf)},
        {"inputs": np.zeros(18)},
        {"labels": np.zeros(17, int)},
        {"labels": np.zeros(18)},
        {"image_shape": (3, 1)},
    ],
)
def test_wrong_content_is_refused(changes):
    assert "toy" in message_of(make_dataset, **changes)


def test_checksum_identifies_content():
    data = make_dataset()
    assert data.checksum() == make_dataset().checksum()
    moved = data.inputs.copy()
    moved[3, 1] += 1e-3
    others = [
        make_dataset(inputs=moved),
        make_dataset(labels=data.labels[::-1]),
        make_dataset(labels=None),
        make_dataset(image_shape=(2, 1)),
        make_dataset(image_shape=None),
    ]
    assert len({data.checksum(), *(other.checksum() for other in others)}) == 6


def test_sample_per_class_is_class_by_class_without_repetition():
    data = make_dataset()
    drawn = data.sample_per_class(5, seed=3)
    np.testing.assert_array_equal(drawn.labels, np.repeat([0, 1, 2], 5))
    rows = drawn.inputs[:, 0].astype(int)
    assert len(set(rows)) == 15
    np.testing.assert_array_equal(data.labels[rows], drawn.labels)


def test_sample_per_class_is_stateless():
    data = make_dataset((40, 40, 40))
    first = data.sample_per_class(5, seed=3)
    np.random.seed(1)
    assert first.checksum() == data.sample_per_class(5, seed=3).checksum()
    assert first.checksum() != data.sample_per_class(5, seed=4).checksum()


def test_a_larger_draw_holds_the_smaller_one_and_ignores_other_classes():
    data = make_dataset((40, 40, 40))
    small, large = data.sample_per_class(5, seed=3), data.sample_per_class(20, seed=3)
    np.testing.assert_array_equal(large.inputs[20:25], small.inputs[5:10])
    only = data.take(np.flatnonzero(data.labels == 1)).sample_per_class(5, seed=3)
    np.testing.assert_array_equal(only.inputs, small.inputs[5:10])


def test_sample_per_class_takes_negative_labels():
    data = make_dataset()
    drawn = dataclasses.replace(data, labels=data.labels - 2).sample_per_class(2, seed=0)
    np.testing.assert_array_equal(drawn.labels, [-2, -2, -1, -1, 0, 0])


def test_too_many_samples_per_class_names_class_and_count():
    message = message_of(make_dataset().sample_per_class, 6, seed=0)
    assert "class 0 of toy has 5 samples" in message


def test_unlabelled_data_can_be_sampled_but_not_per_class():
    data = make_dataset(labels=None)
    assert "no labels" in message_of(data.sample_per_class, 2, seed=0)
    drawn = data.sample(7, seed=0)
    assert len(set(drawn.inputs[:, 0])) == 7 and drawn.labels is None
    assert drawn.checksum() == data.sample(7, seed=0).checksum() != data.sample(7, seed=1).checksum()
    assert "18" in message_of(data.sample, 19, seed=0)


def test_sample_keeps_labels_with_their_samples():
    data = make_dataset()
    drawn = data.sample(9, seed=2)
    np.testing.assert_array_equal(data.labels[drawn.inputs[:, 0].astype(int)], drawn.labels)


@pytest.mark.parametrize("num", [0, -1, 2.5, None])
def test_wrong_numbers_of_samples_are_refused(num):
    message_of(make_dataset().sample_per_class, num, seed=0)
    message_of(make_dataset().sample, num, seed=0)


@pytest.mark.parametrize("seed", [-1, 0.5, None])
def test_wrong_seeds_are_refused(seed):
    assert "`seed`" in message_of(make_dataset().sample, 1, seed=seed)
    assert "`seed`" in message_of(datasets.load, "digits", seed=seed)


def test_names_are_sorted_and_unknown_names_list_the_close_one():
    assert datasets.names() == sorted(datasets.names())
    assert {"two_moons", "anisotropic", "digits", "mnist", "fashion_mnist", "emnist_byclass", "npz"} <= set(
        datasets.names()
    )
    assert "'two_moons'" in message_of(datasets.load, "two_moon")


@pytest.mark.parametrize("name", datasets.names())
def test_unknown_recipe_arguments_list_the_accepted_ones(name):
    message = message_of(datasets.load, name, no_such_argument=1)
    assert "'no_such_argument'" in message and f"{name!r} takes " in message


def test_a_needed_recipe_argument_is_asked_for():
    assert "`path`" in message_of(datasets.load, "npz")
