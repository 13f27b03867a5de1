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


def test_subsets_per_class_share_no_sample_and_make_up_the_larger_draw():
    data = make_dataset((40, 45, 50))
    subsets = [data.subset_per_class(12, index, seed=3) for index in range(3)]
    for subset in subsets:
        np.testing.assert_array_equal(subset.labels, np.repeat([0, 1, 2], 12))
        np.testing.assert_array_equal(data.labels[subset.inputs[:, 0].astype(int)], subset.labels)
    rows = np.concatenate([subset.inputs[:, 0] for subset in subsets])
    assert len(set(rows)) == 3 * 36
    assert set(rows) == set(data.sample_per_class(36, seed=3).inputs[:, 0])
    assert subsets[0].checksum() == data.sample_per_class(12, seed=3).checksum()
    # 40 samples of class 0 hold three subsets of 12 and no fourth.
    assert "class 0" in message_of(data.subset_per_class, 12, 3, seed=3)
    assert "`index`" in message_of(data.subset_per_class, 12, -1, seed=3)
    assert "no labels" in message_of(make_dataset(labels=None).subset_per_class, 2, 0, seed=3)


@pytest.mark.parametrize(("fraction", "counts"), [(0.8, [8, 12, 4]), (0.5, [5, 8, 2]), (0.01, [1, 1, 1])])
def test_split_is_stratified_and_loses_nothing(fraction, counts):
    data = make_dataset((10, 15, 5))
    train, rest = data.split(fraction, seed=4)
    assert np.bincount(train.labels).tolist() == counts
    assert np.bincount(rest.labels).tolist() == (np.array([10, 15, 5]) - counts).tolist()
    for part in (train, rest):
        np.testing.assert_array_equal(data.labels[part.inputs[:, 0].astype(int)], part.labels)
        assert part.image_shape == data.image_shape and part.name == data.name
    assert sorted([*train.inputs[:, 0], *rest.inputs[:, 0]]) == list(range(30))


def test_split_follows_the_seed_and_draws_as_sampling_does():
    data = make_dataset((20, 20, 20))
    train, rest = data.split(0.8, seed=4)
    assert train.checksum() == data.split(0.8, seed=4)[0].checksum() != data.split(0.8, seed=5)[0].checksum()
    assert train.checksum() == data.sample_per_class(16, seed=4).checksum()
    unlabelled = make_dataset((20, 20, 20), labels=None)
    train, rest = unlabelled.split(0.8, seed=4)
    assert train.checksum() == unlabelled.sample(48, seed=4).checksum() and len(rest) == 12
    assert not set(train.inputs[:, 0]) & set(rest.inputs[:, 0])


@pytest.mark.parametrize("fraction", [0, 1, 1.5, -0.2, np.nan, None, "0.8"])
def test_wrong_fractions_are_refused(fraction):
    assert "`fraction`" in message_of(make_dataset().split, fraction, seed=0)


def test_the_first_of_each_class_in_the_order_of_the_data():
    data = make_dataset()
    first, second = (data.first_per_class(2, index) for index in (0, 1))
    for label in range(3):
        rows = np.flatnonzero(data.labels == label)
        np.testing.assert_array_equal(first.rows[first.labels == label], rows[:2])
        np.testing.assert_array_equal(second.rows[second.labels == label], rows[2:4])
    assert "class 0" in message_of(data.first_per_class, 3, 1)
    assert "no labels" in message_of(make_dataset(labels=None).first_per_class, 1)


def test_a_single_sample_cannot_be_split():
    assert "class 1 of toy" in message_of(make_dataset((5, 1)).split, 0.8, seed=0)
    assert "toy has one sample" in message_of(make_dataset((1,), labels=None).split, 0.8, seed=0)
    assert [len(part) for part in make_dataset((2,)).split(0.99, seed=0)] == [1, 1]


def test_values_outside_of_the_unit_interval_are_named():
    inside = np.tile([0.0, 1.0], (18, 1))
    make_dataset(inputs=inside).check_unit_interval()
    for value in (np.nextafter(np.float32(1), np.float32(2)), -1e-30):
        inputs = inside.astype(np.float32)
        inputs[11, 1] = value
        assert "toy" in message_of(make_dataset(inputs=inputs).check_unit_interval)
    assert "0 to 255" in message_of(make_dataset(inputs=255 * inside).check_unit_interval)


@pytest.mark.parametrize("num", [0, -1, 2.5, None])
def test_wrong_numbers_of_samples_are_refused(num):
    message_of(make_dataset().sample_per_class, num, seed=0)
    message_of(make_dataset().subset_per_class, num, 0, seed=0)
    message_of(make_dataset().sample, num, seed=0)


@pytest.mark.parametrize("seed", [-1, 0.5, None])
def test_wrong_seeds_are_refused(seed):
    assert "`seed`" in message_of(make_dataset().sample, 1, seed=seed)
    assert "`seed`" in message_of(make_dataset().sample_per_class, 1, seed=seed)
    assert "`seed`" in message_of(make_dataset().split, 0.5, seed=seed)
    assert "`seed`" in message_of(datasets.load, "digits", seed=seed)


def test_names_are_sorted_and_unknown_names_list_the_close_one():
    assert datasets.names() == sorted(datasets.names())
    images = {"circles_rings", "digits", "emnist_byclass", "fashion_mnist", "mnist", "oasis", "olivetti"}
    images |= {"binarized_mnist", "chairs", "circles_rings_50", "pendulum"}
    own = ("csv", "image_folder", "npy", "npz")
    others = {"anisotropic", "human_motion", "robot_arm", "two_moons"}
    assert {*own, *images, *others} == set(datasets.names())
    assert "'two_moons'" in message_of(datasets.load, "two_moon")


@pytest.mark.parametrize("name", datasets.names())
def test_unknown_recipe_arguments_list_the_accepted_ones(name):
    message = message_of(datasets.load, name, no_such_argument=1)
    assert "'no_such_argument'" in message and f"{name!r} takes " in message


def test_a_needed_recipe_argument_is_asked_for():
    assert "`path`" in message_of(datasets.load, "npz")
