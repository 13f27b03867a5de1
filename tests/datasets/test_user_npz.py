"""Tests of the user's own npz and npy files."""

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


@pytest.mark.parametrize("shape", [(2, 3, 5), (2, 3, 5, 1), (2, 1, 3, 5)])
def test_images_are_flattened_row_by_row(tmp_path, shape):
    images = np.arange(2 * 3 * 5).reshape(shape)
    data = datasets.load("npz", path=write(tmp_path / "my.npz", x=images))
    assert data.image_shape == (3, 5) and data.notes == ()
    np.testing.assert_array_equal(data.inputs.reshape(shape), images)


@pytest.mark.parametrize("shape", [(2, 3, 5), (2, 15)])
def test_bytes_are_scaled_unless_they_are_counts(tmp_path, shape):
    values = np.arange(226, 256, dtype=np.uint8).reshape(shape)
    path = write(tmp_path / "my.npz", x=values)
    data = datasets.load("npz", path=path)
    np.testing.assert_array_equal(data.inputs, values.reshape(2, 15) / np.float32(255))
    assert data.inputs.max() == 1.0 and len(data.notes) == 1 and "[0, 1]" in data.notes[0]
    kept = datasets.load("npz", path=path, scale_bytes=False)
    np.testing.assert_array_equal(kept.inputs, values.reshape(2, 15))
    assert kept.notes == ()


def test_images_are_scaled_down_as_asked(tmp_path):
    images = np.random.default_rng(0).uniform(size=(2, 4, 6))
    data = datasets.load("npz", path=write(tmp_path / "my.npz", x=images), size=2)
    np.testing.assert_allclose(data.inputs.reshape(2, 2, 2)[:, 0, 0], images[:, :2, 1].mean(axis=1), rtol=1e-6)
    assert data.image_shape == (2, 2) and "2 x 2" in data.notes[0]


PANDAS_WORDS = np.array(["cat", "dog", "cat", "ant", "dog", "ant"], dtype=object)


@pytest.mark.parametrize(
    ("labels", "numbers", "names"),
    [
        (PANDAS_WORDS, [1, 2, 1, 0, 2, 0], {0: "ant", 1: "cat", 2: "dog"}),
        (np.array([4, 4, np.int64(2), 2, 7, 7], dtype=object), [4, 4, 2, 2, 7, 7], None),
        (np.array([0.5, 2, np.float32(2), 0.5, 2, 2], dtype=object), [0, 1, 1, 0, 1, 1], {0: "0.5", 1: "2.0"}),
        (np.array([b"x", b"y"] * 3), [0, 1] * 3, {0: "x", 1: "y"}),
    ],
)
def test_labels_as_pandas_keeps_them(tmp_path, labels, numbers, names):
    data = datasets.load("npz", path=write(tmp_path / "my.npz", x=X, y=labels))
    assert data.labels.tolist() == numbers and data.class_names == names


def test_columns_of_several_types_as_pandas_keeps_them(tmp_path):
    x = np.array([[1, 2.5], [np.float32(3), True]], dtype=object)
    for path in (write(tmp_path / "my.npz", x=x), tmp_path / "my.npy"):
        if path.suffix == ".npy":
            np.save(path, x)
        assert datasets.load(path.suffix[1:], path=path).inputs.tolist() == [[1.0, 2.5], [3.0, 1.0]]


def test_no_file_runs_code(tmp_path):
    class Harmful:
        def __reduce__(self):
            return (open, (str(tmp_path / "written"), "w"))

    objects = np.empty((6,), dtype=object)
    objects[:] = [Harmful()] * 6
    assert "io.open" in message_of(write(tmp_path / "my.npz", x=X, y=objects))
    np.save(tmp_path / "my.npy", objects)
    with pytest.raises(UserError, match=r"io\.open"):
        datasets.load("npy", path=tmp_path / "my.npy")
    assert not (tmp_path / "written").exists()


def test_classes_are_kept_by_name_or_number(tmp_path):
    path = write(tmp_path / "my.npz", x=X, y=PANDAS_WORDS)
    data = datasets.load("npz", path=path, classes=("dog", "ant"))
    assert data.labels.tolist() == [2, 0, 2, 0] and data.class_names[2] == "dog"
    np.testing.assert_array_equal(data.inputs, X[[1, 3, 4, 5]].astype(np.float32))
    numbered = write(tmp_path / "numbered.npz", x=X, y=[3, 3, 7, 7, 1, 1])
    assert datasets.load("npz", path=numbered, classes=(7, "1")).labels.tolist() == [7, 7, 1, 1]
    with pytest.raises(UserError, match=r"unknown class of my 'dgo'; did you mean 'dog'\?.*ant, cat, dog"):
        datasets.load("npz", path=path, classes=("dgo",))
    with pytest.raises(UserError, match="no labels"):
        datasets.load("npz", path=write(tmp_path / "plain.npz", x=X), classes=(1,))


def test_columns_are_standardized_each_by_itself(tmp_path):
    x = X * [1.0, 1e3, 1e-3, 0.0] + [0.0, 5.0, 0.0, 7.0]
    data = datasets.load("npz", path=write(tmp_path / "my.npz", x=x), standardize=True)
    np.testing.assert_allclose(data.inputs.mean(axis=0), 0.0, atol=1e-6)
    np.testing.assert_allclose(data.inputs.std(axis=0), [1.0, 1.0, 1.0, 0.0], rtol=1e-5)
    assert "standard deviation 1" in data.notes[0]


def test_npy_is_x_alone(tmp_path):
    np.save(tmp_path / "my.npy", X)
    data = datasets.load("npy", path=tmp_path / "my.npy")
    np.testing.assert_array_equal(data.inputs, X.astype(np.float32))
    assert data.labels is None and data.name == "my"
    (tmp_path / "broken.npy").write_bytes(b"a,b")
    for name, says in (("broken.npy", "as npy"), ("none.npy", "no file")):
        with pytest.raises(UserError, match=says):
            datasets.load("npy", path=tmp_path / name)


def test_the_format_of_a_path(tmp_path):
    for name in ("a.npz", "a.npy", "a.CSV", "a.tsv", "a.xlsx"):
        (tmp_path / name).touch()
    found = [datasets.format_of(tmp_path / name) for name in ("a.npz", "a.npy", "a.CSV", "a.tsv", "")]
    assert found == ["npz", "npy", "csv", "csv", "image_folder"]
    for name, says in (("a.xlsx", "no format that is known"), ("b.npz", "no file or folder")):
        with pytest.raises(UserError, match=rf"{says}.*\.npz, \.npy, \.csv"):
            datasets.format_of(tmp_path / name)


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({"data": X, "labels": X}, "data, labels"),
        ({"x": X[0]}, "(4,)"),
        ({"x": X[None, None, None]}, "(1, 1, 1, 6, 4)"),
        ({"x": np.zeros((2, 4, 4, 3))}, "colours"),
        ({"x": X[:0]}, "empty"),
        ({"x": np.where(X > 1, np.nan, X) * [1, 1, 1, np.nan]}, "not finite"),
        ({"x": X.astype(str)}, "not real numbers"),
        ({"x": X, "y": np.zeros(7, int)}, "(7,)"),
        ({"x": X, "y": np.zeros((6, 1), int)}, "(6, 1)"),
        ({"x": X, "y": np.full(6, np.nan)}, "y of"),
        ({"x": X, "y": np.array([None] * 6)}, "no label in row 0 (None)"),
        ({"x": X, "y": np.array(["a", "b", np.nan] * 2, dtype=object)}, "no label in row 2 (nan)"),
        ({"x": X, "y": np.array(["a", 1] * 3, dtype=object)}, "types int, str"),
        ({"x": np.array([[1, None]])}, "Python objects, of which [0, 1] is None"),
        ({"x": np.array([[1, "2"]], dtype=object)}, "[0, 1] is '2'"),
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
