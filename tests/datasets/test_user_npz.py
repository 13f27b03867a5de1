"""Tests of the user's own npz files."""

import numpy as np
import pytest

from tfgeo import datasets
from tfgeo.errors import UserError

X = np.random.default_rng(0).normal(size=(6, 4))


def write(path, **arrays):
    np.savez(path, **arrays)
    return path


def message_of(path):
    """The message of the UserError that loading must raise; one line."""
    with pytest.raises(UserError) as caught:
        datasets.load("npz", path=path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_samples_with_and_without_labels(tmp_path):
    data = datasets.load("npz", path=write(tmp_path / "my.npz", x=X, y=[3, 3, 7, 7, 1, 1]))
    np.testing.assert_array_equal(data.inputs, X.astype(np.float32))
    assert data.labels.tolist() == [3, 3, 7, 7, 1, 1] and data.name == "my"
    assert datasets.load("npz", path=str(write(tmp_path / "plain.npz", x=X))).labels is None


@pytest.mark.parametrize("labels", [["b", "a", "b", "c", "a", "c"], [2.5, 0.0, 2.5, 9.0, 0.0, 9.0]])
def test_other_labels_are_numbered_in_sorted_order(tmp_path, labels):
    data = datasets.load("npz", path=write(tmp_path / "my.npz", x=X, y=labels))
    assert data.labels.tolist() == [1, 0, 1, 2, 0, 2]


def test_images_are_flattened_row_by_row(tmp_path):
    images = np.arange(2 * 3 * 5, dtype=np.uint8).reshape(2, 3, 5)
    data = datasets.load("npz", path=write(tmp_path / "my.npz", x=images))
    assert data.image_shape == (3, 5)
    np.testing.assert_array_equal(data.inputs.reshape(2, 3, 5), images)


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({"data": X, "labels": X}, "data, labels"),
        ({"x": X[0]}, "(4,)"),
        ({"x": X[None, None]}, "(1, 1, 6, 4)"),
        ({"x": X[:0]}, "empty"),
        ({"x": np.where(X > 1, np.nan, X) * [1, 1, 1, np.nan]}, "not finite"),
        ({"x": X.astype(str)}, "not real numbers"),
        ({"x": X, "y": np.zeros(7, int)}, "(7,)"),
        ({"x": X, "y": np.zeros((6, 1), int)}, "(6, 1)"),
        ({"x": X, "y": np.full(6, np.nan)}, "y of"),
        ({"x": X, "y": np.array([None] * 6)}, "Python objects"),
        ({"x": np.array([[1, None]])}, "Python objects"),
    ],
)
def test_wrong_arrays(tmp_path, arrays, says):
    assert says in message_of(write(tmp_path / "my.npz", **arrays))


def test_wrong_files(tmp_path):
    assert str(tmp_path / "none.npz") in message_of(tmp_path / "none.npz")
    assert str(tmp_path) in message_of(tmp_path)
    assert "None" in message_of(None)
    np.save(tmp_path / "single.npy", X)
    assert "single npy" in message_of(tmp_path / "single.npy")
    for content in (b"", b"a,b\n1,2\n", b"PK\x03\x04 broken"):
        (tmp_path / "broken.npz").write_bytes(content)
        assert "broken.npz" in message_of(tmp_path / "broken.npz")


def test_truncated_file(tmp_path):
    path = write(tmp_path / "my.npz", x=X)
    path.write_bytes(path.read_bytes()[:-40])
    assert str(path) in message_of(path)


def test_damaged_member(tmp_path):
    path = write(tmp_path / "my.npz", x=X)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    assert "read x of" in message_of(path)
