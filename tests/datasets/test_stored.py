"""Samples that stay on disk have the values, facts and checksums of the same samples in memory."""

import dataclasses
import importlib

import numpy as np
import pytest
from PIL import Image

from tfgeo import datasets
from tfgeo.datasets import StoredRows, npy_file, stored
from tfgeo.errors import UserError

RANDOM = np.random.default_rng(0)


# The package has a function of the same name.
image_folder = importlib.import_module("tfgeo.datasets.image_folder")


@pytest.fixture
def everything_is_large(monkeypatch):
    make_everything_large(monkeypatch)


def make_everything_large(monkeypatch):
    for module in (stored, npy_file, image_folder):
        monkeypatch.setattr(module, "LARGE", 0)
    monkeypatch.setattr(stored, "_BLOCK", 4 * 12 * 3)  # a few rows


TABLES = {
    "float32": RANDOM.normal(size=[23, 12]).astype(np.float32),
    "float64": RANDOM.normal(size=[23, 12]),
    "counts": RANDOM.integers(0, 40, [23, 12]),
    "fortran": np.asfortranarray(RANDOM.normal(size=[23, 12])),
    "fortran images": np.asfortranarray(RANDOM.uniform(size=[23, 4, 3])),
    "constant": np.ones([23, 12]),
    "bytes": RANDOM.integers(0, 256, [23, 4, 3]).astype(np.uint8),
    "images": RANDOM.uniform(size=[23, 4, 4, 1]),
}


def assert_same(on_disk, memory, tolerance=0.0):
    assert isinstance(on_disk.inputs, StoredRows) and isinstance(memory.inputs, np.ndarray)
    np.testing.assert_allclose(on_disk.inputs[:], memory.inputs, rtol=0.0, atol=tolerance)
    assert on_disk.image_shape == memory.image_shape and len(on_disk) == len(memory)
    facts, expected = on_disk.facts, memory.facts
    np.testing.assert_allclose(facts.deviations, expected.deviations, rtol=1e-6)
    assert dataclasses.replace(facts, deviations=expected.deviations) == expected
    assert (on_disk.checksum() == memory.checksum()) == (tolerance == 0.0)


@pytest.mark.parametrize("name", TABLES)
def test_an_npy_file(name, tmp_path, request):
    path = tmp_path / "x.npy"
    np.save(path, TABLES[name])
    memory = datasets.load("npy", path=path)
    request.getfixturevalue("everything_is_large")
    on_disk = datasets.load("npy", path=path)
    assert_same(on_disk, memory)
    assert any("stays on disk" in note for note in on_disk.notes)
    rows = np.array([5, 0, 22, 5])
    np.testing.assert_array_equal(on_disk.take(rows).inputs, memory.take(rows).inputs)
    for one, other in zip(on_disk.split(0.5, 0), memory.split(0.5, 0), strict=True):
        np.testing.assert_array_equal(one.inputs[2:5], other.inputs[2:5])
        np.testing.assert_array_equal(one.take(np.array([1])).inputs, other.inputs[1:2])


@pytest.mark.parametrize("recipe", [{"standardize": True}, {"size": 2}, {"scale_bytes": False}])
def test_what_is_done_to_values_is_done_to_those_that_are_read(recipe, tmp_path, request):
    path = tmp_path / "x.npy"
    np.save(path, TABLES["bytes" if "scale_bytes" in recipe else "images"])
    memory = datasets.load("npy", path=path, **recipe)
    request.getfixturevalue("everything_is_large")
    on_disk = datasets.load("npy", path=path, **recipe)
    np.testing.assert_allclose(on_disk.inputs[:], memory.inputs, rtol=0.0, atol=1e-6)
    assert on_disk.image_shape == memory.image_shape


def test_a_folder_of_images(tmp_path, request):
    for label in ("cat", "dog"):
        (tmp_path / label).mkdir()
        for number in range(5):
            pixels = RANDOM.integers(0, 256, [4, 3]).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / label / f"{number}.png")
    for recipe in ({}, {"classes": ["dog"]}, {"size": 3}):
        memory = datasets.load("image_folder", path=tmp_path, **recipe)
        with pytest.MonkeyPatch.context() as patch:
            make_everything_large(patch)
            on_disk = datasets.load("image_folder", path=tmp_path, **recipe)
        assert_same(on_disk, memory)
        np.testing.assert_array_equal(on_disk.labels, memory.labels)
        assert on_disk.class_names == memory.class_names


def test_a_value_that_is_not_finite_is_named(tmp_path, everything_is_large):
    x = np.ones([20, 12])
    x[13, 7] = np.inf
    np.save(tmp_path / "x.npy", x)
    with pytest.raises(UserError, match="not finite in float32, the first at row 13, column 7"):
        datasets.load("npy", path=tmp_path / "x.npy")


@pytest.mark.parametrize("name", ["bytes", "images"])
def test_no_rows_are_a_table_without_rows(name, tmp_path, everything_is_large):
    # As a replica gets them whose share of a small batch is empty.
    np.save(tmp_path / "x.npy", TABLES[name])
    table = datasets.load("npy", path=tmp_path / "x.npy", size=2).inputs
    assert table[np.array([], int)].shape == table[3:3].shape == (0, 4)


def test_a_reader_of_another_width_is_refused():
    with pytest.raises(UserError, match=r"`read` gave \(2, 3\) for 2 rows of 4 values"):
        StoredRows(lambda rows: np.zeros([len(rows), 3]), 5, 4)[:2]


def test_numpy_takes_it(tmp_path, everything_is_large):
    np.save(tmp_path / "x.npy", TABLES["float32"])
    table = datasets.load("npy", path=tmp_path / "x.npy").inputs
    np.testing.assert_array_equal(np.asarray(table), TABLES["float32"])
    assert np.min(table) == TABLES["float32"].min() and np.shape(table) == (23, 12)
    np.testing.assert_array_equal(table[3], TABLES["float32"][3])
    np.testing.assert_array_equal(
        table[TABLES["float32"][:, 0] > 0], TABLES["float32"][TABLES["float32"][:, 0] > 0]
    )
