"""Tests on the original files, where they are present: TFGEO_DATA_DIR or ../shared/data."""

import hashlib
import os
import pathlib

import numpy as np
import pytest

from tfgeo import datasets
from tfgeo.datasets import images

ROOT = pathlib.Path(__file__).resolve().parents[2]
DATA_DIR = pathlib.Path(os.environ.get("TFGEO_DATA_DIR") or ROOT.parent / "shared" / "data")


def load(name, **recipe):
    """Loads a data set, or skips the test where one of its files is absent."""
    default = "test" if name == "emnist_byclass" else "train"
    splits = {"all": ["train", "test"]}.get(recipe.get("split", default), [recipe.get("split", default)])
    for split in splits:
        for file in images.image_files(name, split):
            if not file.place(DATA_DIR).is_file():
                pytest.skip(f"{name} files are not here; TFGEO_DATA_DIR names their folder")
    return datasets.load(name, data_dir=DATA_DIR, **recipe)


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
@pytest.mark.parametrize("split", ["train", "test"])
def test_digests_of_the_table(name, split):
    load(name, split=split, num_per_class=1)
    for file in images.image_files(name, split):
        content = file.place(DATA_DIR).read_bytes()
        assert len(content) == file.num_bytes
        assert hashlib.sha256(content).hexdigest() == file.sha256


def test_mnist_counts():
    train = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    test = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert np.bincount(load("mnist").labels).tolist() == train
    assert np.bincount(load("mnist", split="test").labels).tolist() == test


def test_fashion_mnist_counts():
    data = load("fashion_mnist", split="test")
    assert np.bincount(data.labels).tolist() == [1000] * 10
    # Trousers stand upright: more rows than columns hold ink.
    trousers = data.inputs[data.labels == 1].reshape(-1, 28, 28).mean(axis=0) > 0.3
    assert trousers.any(axis=1).sum() > trousers.any(axis=0).sum()


def test_emnist_counts_of_letters():
    assert len(load("emnist_byclass", classes="D")) == 779
    assert set(load("emnist_byclass", classes=["d"]).labels) == {39}


def test_emnist_is_upright():
    ones = load("emnist_byclass", classes=[1], num_per_class=500).inputs.reshape(-1, 28, 28) > 0.5
    heights = ones.any(axis=2).sum(axis=1)
    widths = ones.any(axis=1).sum(axis=1)
    assert np.mean(heights > widths) > 0.9


def test_emnist_digits_look_like_mnist_and_not_when_transposed():
    def mean_images(name):
        data = load(name, split="test", classes=range(10), num_per_class=300)
        return data.inputs.reshape(10, 300, 28, 28).mean(axis=1)

    ours, theirs = mean_images("emnist_byclass"), mean_images("mnist")
    for digit in range(1, 10):  # a zero is nearly symmetric
        upright = np.corrcoef(ours[digit].ravel(), theirs[digit].ravel())[0, 1]
        transposed = np.corrcoef(ours[digit].T.ravel(), theirs[digit].ravel())[0, 1]
        assert upright > transposed


def test_emnist_characters_are_those_of_the_mapping_file():
    mapping = DATA_DIR / "emnist" / "emnist-byclass-mapping.txt"
    if not mapping.is_file():
        pytest.skip("the mapping file is not here")
    lines = [line.split() for line in mapping.read_text().splitlines() if line.strip()]
    assert {int(label): chr(int(code)) for label, code in lines} == dict(enumerate(images.EMNIST_CHARACTERS))


@pytest.mark.parametrize(
    ("name", "classes", "num"),
    [("mnist", [0, 1, 2], 50), ("fashion_mnist", [0, 5, 8], 50), ("mnist", [5], 200), ("fashion_mnist", [5], 200)],
)
def test_small_sets_of_chadebec_2020(name, classes, num):
    data = load(name, classes=classes, num_per_class=num, seed=1)
    train, rest = data.split(0.8, seed=1)
    assert np.unique(train.labels, return_counts=True)[1].tolist() == [num * 4 // 5] * len(classes)
    assert np.unique(rest.labels).tolist() == classes and len(train) + len(rest) == num * len(classes)
    data.check_unit_interval()


def test_clustering_subsets_of_chadebec_2020():
    data = load("mnist", classes=[7, 8, 9], num_per_class=450, seed=1)
    subsets = [data.subset_per_class(150, index, seed=1) for index in range(3)]
    images = {image.tobytes() for subset in subsets for image in subset.inputs}
    assert len(images) == 3 * 450
    assert [np.bincount(subset.labels)[7:].tolist() for subset in subsets] == [[150] * 3] * 3
