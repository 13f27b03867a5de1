"""The Olivetti loader on files written here, and on the original where it is present."""

import os
import pathlib

import numpy as np
import pytest
from scipy import io

from tfgeo import datasets
from tfgeo.datasets import faces
from tfgeo.errors import UserError

ROOT = pathlib.Path(__file__).resolve().parents[2]
DATA_DIR = pathlib.Path(os.environ.get("TFGEO_DATA_DIR") or ROOT.parent / "shared" / "data")


def write(folder, **variables):
    path = faces.OLIVETTI_FILE.place(folder)
    path.parent.mkdir(parents=True, exist_ok=True)
    io.savemat(path, variables)
    return path


def random_faces(seed=0):
    return np.random.default_rng(seed).integers(3, 240, (4096, 400), dtype=np.uint8)


def message_of(folder, **recipe):
    with pytest.raises(UserError) as caught:
        datasets.load("olivetti", data_dir=folder, **recipe)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_pixels_are_column_major_and_scaled_over_all_faces(tmp_path):
    stored = random_faces()
    write(tmp_path, faces=stored, other=np.zeros(3))
    data = datasets.load("olivetti", data_dir=tmp_path)
    assert data.image_shape == (64, 64) and data.inputs.min() == 0.0 and data.inputs.max() == 1.0
    low, high = int(stored.min()), int(stored.max())
    for face, row, column in ((0, 0, 0), (7, 0, 5), (399, 60, 2)):
        expected = (stored[64 * column + row, face] - low) / (high - low)
        np.testing.assert_allclose(data.inputs[face, 64 * row + column], expected, rtol=1e-6)
    np.testing.assert_array_equal(data.labels, np.arange(400) // 10)


def test_numbers_of_any_type_give_the_same(tmp_path):
    write(tmp_path / "a", faces=random_faces())
    write(tmp_path / "b", faces=random_faces().astype(np.float64))
    sums = [datasets.load("olivetti", data_dir=tmp_path / name).checksum() for name in "ab"]
    assert sums[0] == sums[1]


def test_half_the_size_averages_pixels(tmp_path):
    write(tmp_path, faces=random_faces())
    whole, half = (datasets.load("olivetti", data_dir=tmp_path, size=size) for size in (64, 32))
    assert half.inputs.shape == (400, 1024) and half.image_shape == (32, 32)
    means = whole.inputs.reshape(400, 32, 2, 32, 2).mean(axis=(2, 4)).reshape(400, -1)
    np.testing.assert_allclose(half.inputs, means, atol=1e-6)
    assert "`size`=65" in message_of(tmp_path, size=65)


def test_wrong_files(tmp_path):
    path = write(tmp_path, photographs=random_faces())
    assert "it is missing" in message_of(tmp_path) and str(path) in message_of(tmp_path)
    write(tmp_path, faces=random_faces()[:, :40])
    assert "(4096, 40)" in message_of(tmp_path)
    write(tmp_path, faces=np.zeros((4096, 400)))
    assert "all alike" in message_of(tmp_path)
    write(tmp_path, faces=random_faces())
    path.write_bytes(path.read_bytes()[:100_000])
    assert "damaged" in message_of(tmp_path) and "http" in message_of(tmp_path)
    path.write_bytes(b"no faces at all")
    assert str(path) in message_of(tmp_path)


def test_the_original_is_upright():
    if not faces.OLIVETTI_FILE.place(DATA_DIR).is_file():
        pytest.skip("olivettifaces.mat is not here; TFGEO_DATA_DIR names its folder")
    data = datasets.load("olivetti", data_dir=DATA_DIR)
    # The first values of scikit-learn's `fetch_olivetti_faces().data`.
    np.testing.assert_allclose(data.inputs[0, :3], np.array([75, 89, 101]) / 242, rtol=1e-6)
    images = data.inputs.reshape(-1, 64, 64)
    # Faces are nearly symmetric from left to right and not at all from top to bottom.
    left_right = np.abs(images - images[:, :, ::-1]).mean()
    assert left_right < 0.7 * np.abs(images - images[:, ::-1]).mean()
    # The darkest place of a cheek's columns is the eye above it.
    assert images[:, :, 14:24].mean(axis=(0, 2)).argmin() < 32
