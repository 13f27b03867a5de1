"""Tests of binarized MNIST: .amat files, whole and damaged."""

import gzip
import hashlib
import os
import pathlib

import numpy as np
import pytest

from tfgeo import datasets
from tfgeo.datasets.binarized_mnist import read_amat
from tfgeo.errors import UserError

DATA_DIR = pathlib.Path(os.environ.get("TFGEO_DATA_DIR") or pathlib.Path(__file__).parents[3] / "shared" / "data")


def content(images):
    return b"".join(b" ".join(b"%d" % value for value in row) + b"\n" for row in images)


IMAGES = np.random.default_rng(0).integers(0, 2, (6, 784)).astype(np.uint8)


@pytest.mark.parametrize("change", [lambda text: text, lambda text: text.replace(b"\n", b" \r\n"), bytes.strip])
def test_lines_are_images_whatever_the_blanks(change, tmp_path):
    (tmp_path / "a.amat").write_bytes(change(content(IMAGES)))
    np.testing.assert_array_equal(read_amat(tmp_path / "a.amat", 784), IMAGES)


def test_splits_are_read_plain_or_packed(tmp_path):
    folder = tmp_path / "binarized_mnist"
    folder.mkdir()
    (folder / "binarized_mnist_train.amat").write_bytes(content(IMAGES[:3]))
    (folder / "binarized_mnist_valid.amat.gz").write_bytes(gzip.compress(content(IMAGES[3:5])))
    (folder / "binarized_mnist_test.amat.gz").write_bytes(gzip.compress(content(IMAGES[5:])))
    for split, expected in (("train", IMAGES[:3]), ("valid", IMAGES[3:5]), ("all", IMAGES)):
        data = datasets.load("binarized_mnist", tmp_path, split=split)
        np.testing.assert_array_equal(data.inputs, expected)
        assert data.labels is None and data.image_shape == (28, 28) and data.inputs.dtype == np.float32
    with pytest.raises(UserError, match="unknown split 'tests'; did you mean 'test'"):
        datasets.load("binarized_mnist", tmp_path, split="tests")


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda text: text[:-100], "line 6: expected 784 numbers 0 or 1, but it has 734"),
        (lambda text: text[: 2 * 784 + 1] + b"2" + text[2 * 784 + 2 :], "line 2: expected 784 numbers"),
        (lambda text: text.replace(b"1", b"x", 1), "line 1: expected 784 numbers 0 or 1, but it has 'x'"),
        (lambda text: text + b"0 1\n", "line 7: expected 784 numbers 0 or 1, but it has 2"),
        (lambda text: b"", "the file is empty"),
    ],
)
def test_damaged_files_name_the_line(damage, words, tmp_path):
    (tmp_path / "a.amat").write_bytes(damage(content(IMAGES)))
    with pytest.raises(UserError, match=words):
        read_amat(tmp_path / "a.amat", 784)


def test_a_cut_gzip_stream(tmp_path):
    (tmp_path / "a.amat.gz").write_bytes(gzip.compress(content(IMAGES))[:-50])
    with pytest.raises(UserError, match=r"a\.amat\.gz cannot be read"):
        read_amat(tmp_path / "a.amat.gz", 784)


@pytest.mark.skipif(not (DATA_DIR / "binarized_mnist").is_dir(), reason="TFGEO_DATA_DIR has no binarized_mnist")
def test_the_original_test_images():
    data = datasets.load("binarized_mnist", DATA_DIR, split="test")
    assert data.inputs.shape == (10_000, 784) and set(np.unique(data.inputs)) == {0.0, 1.0}
    digest = hashlib.sha256(content(data.inputs.astype(np.uint8))).hexdigest()
    assert digest == "e6687bfea3f820c174f33b7865140b2a2dd2930ef786f35d45795fc193b5ab2c"
