"""Tests of the idx data sets on small files written here: content, damage, and missing files."""

import gzip
import hashlib
import pathlib
import struct

import numpy as np
import pytest

from tfgeo import datasets
from tfgeo.datasets import files, idx
from tfgeo.errors import UserError

NAMES = {
    "mnist": ("mnist", "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz", "train"),
    "fashion_mnist": ("fashion_mnist", "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz", "test"),
    "emnist_byclass": (
        "emnist",
        "emnist-byclass-test-images-idx3-ubyte.gz",
        "emnist-byclass-test-labels-idx1-ubyte.gz",
        "test",
    ),
}


def message_of(function, *args, **kwargs):
    """The message of the UserError that a call must raise; one line."""
    with pytest.raises(UserError) as caught:
        function(*args, **kwargs)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def write_idx(path, array, magic=None, count=None):
    """Writes a uint8 array as gzipped idx."""
    path.parent.mkdir(parents=True, exist_ok=True)
    sizes = (len(array) if count is None else count, *array.shape[1:])
    header = struct.pack(f">{1 + array.ndim}I", magic or 2048 + array.ndim, *sizes)
    path.write_bytes(gzip.compress(header + array.astype(np.uint8).tobytes(), mtime=0))


def make_images(num=30, seed=0):
    """Random images and labels 0, 1, 2, 0, 1, 2, ..."""
    images = np.random.default_rng(seed).integers(0, 256, (num, 28, 28), dtype=np.uint8)
    return images, np.arange(num, dtype=np.uint8) % 3


@pytest.fixture(params=sorted(NAMES))
def written(request, tmp_path):
    """One small data set on disk: name, split, folder, images, labels, and the two paths."""
    folder, image_file, label_file, split = NAMES[request.param]
    images, labels = make_images()
    paths = tmp_path / folder / image_file, tmp_path / folder / label_file
    write_idx(paths[0], images)
    write_idx(paths[1], labels)
    return request.param, split, tmp_path, images, labels, *paths


@pytest.fixture
def no_network(monkeypatch):
    """Every fetch fails, as without a network; leaves half a file behind as a killed one would."""

    def fail(fname, origin, cache_dir, cache_subdir, **unused):
        (pathlib.Path(cache_dir) / cache_subdir / fname).write_bytes(b"half")
        raise OSError(f"URL fetch failure on {origin}\nNo route to host")

    monkeypatch.setattr("keras.utils.get_file", fail)


def test_content_of_what_was_written(written):
    name, split, folder, images, labels, *_ = written
    data = datasets.load(name, data_dir=folder, split=split)
    upright = images.transpose(0, 2, 1) if name == "emnist_byclass" else images
    np.testing.assert_allclose(data.inputs.reshape(upright.shape) * 255, upright, rtol=1e-6)
    np.testing.assert_array_equal(data.labels, labels)
    assert data.image_shape == (28, 28) and data.inputs.min() >= 0 and data.inputs.max() <= 1


def test_classes_keep_file_order_and_draws_equal_sampling_afterwards(written):
    name, split, folder, _, labels, *_ = written
    data = datasets.load(name, data_dir=folder, split=split)
    some = datasets.load(name, data_dir=folder, split=split, classes=[2, 0])
    np.testing.assert_array_equal(some.inputs, data.inputs[labels != 1])
    drawn = datasets.load(name, data_dir=folder, split=split, classes=[2, 0], num_per_class=4, seed=9)
    assert drawn.checksum() == some.sample_per_class(4, seed=9).checksum()
    assert "class 0" in message_of(datasets.load, name, data_dir=folder, split=split, num_per_class=11)
    assert "class 5" in message_of(datasets.load, name, data_dir=folder, split=split, classes=[5])


def test_small_blocks_change_nothing(written, monkeypatch):
    name, split, folder, *_ = written
    recipe = {"data_dir": folder, "split": split, "num_per_class": 5}
    whole = datasets.load(name, **recipe)
    monkeypatch.setattr(idx, "_BLOCK_ITEMS", 7)
    assert datasets.load(name, **recipe).checksum() == whole.checksum()


def test_all_is_train_and_then_test(tmp_path):
    for part, seed in (("train", 1), ("t10k", 2)):
        images, labels = make_images(9, seed)
        write_idx(tmp_path / "mnist" / f"{part}-images-idx3-ubyte.gz", images)
        write_idx(tmp_path / "mnist" / f"{part}-labels-idx1-ubyte.gz", labels)
    load = {split: datasets.load("mnist", tmp_path, split=split) for split in ("train", "test", "all")}
    both = np.concatenate([load["train"].inputs, load["test"].inputs])
    np.testing.assert_array_equal(load["all"].inputs, both)
    drawn = datasets.load("mnist", tmp_path, split="all", num_per_class=5)
    assert drawn.checksum() == load["all"].sample_per_class(5, seed=0).checksum()
    assert "'test'" in message_of(datasets.load, "mnist", tmp_path, split="tets")


def test_emnist_characters(tmp_path):
    folder, image_file, label_file, _ = NAMES["emnist_byclass"]
    images, _ = make_images(62)
    write_idx(tmp_path / folder / image_file, images)
    write_idx(tmp_path / folder / label_file, np.arange(62))
    data = datasets.load("emnist_byclass", tmp_path, classes=["D", "d", "7", 61])
    assert data.labels.tolist() == [7, 13, 39, 61]
    assert "'?'" in message_of(datasets.load, "emnist_byclass", tmp_path, classes=["?"])
    assert "62" in message_of(datasets.load, "emnist_byclass", tmp_path, classes=[62])


@pytest.mark.parametrize("which", [-1, -2], ids=["labels", "images"])
@pytest.mark.parametrize("keep", [0.0, 0.3, 0.9])
def test_truncated_file(written, which, keep):
    name, split, folder, *_ = written
    path = written[which]
    content = path.read_bytes()
    path.write_bytes(content[: int(keep * len(content))])
    message = message_of(datasets.load, name, data_dir=folder, split=split)
    assert str(path) in message and "http" in message


def test_damaged_byte(written):
    name, split, folder, *_, image_path, _ = written
    content = bytearray(image_path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    image_path.write_bytes(content)
    assert str(image_path) in message_of(datasets.load, name, data_dir=folder, split=split)


def test_wrong_content(written):
    name, split, folder, images, labels, image_path, label_path = written

    def refused(says):
        message = message_of(datasets.load, name, data_dir=folder, split=split)
        assert says in message and str(folder) in message

    write_idx(image_path, images, magic=2050)
    refused("2051, this one begins with 2050")
    write_idx(image_path, images, count=40)
    refused("40 images, but its label file 30")
    write_idx(image_path, images[:, :27])
    refused("(27, 28)")
    write_idx(image_path, images, count=29)
    write_idx(label_path, labels[:29])
    refused("more than the 29")
    write_idx(image_path, images[:20], count=29)
    refused("it holds 20")
    write_idx(label_path, labels, count=0)
    refused("no items")
    label_path.write_bytes(b"not gzip at all")
    refused("not a gzip file")


def test_missing_without_network(tmp_path, no_network, capsys):
    message = message_of(datasets.load, "mnist", data_dir=tmp_path / "new")
    path = tmp_path / "new" / "mnist" / "train-images-idx3-ubyte.gz"
    assert str(path) in message and "get train-images" in message
    assert list(tmp_path.iterdir()) == []  # no folder of a path that may be mistyped
    notice = capsys.readouterr().err.strip()
    assert len(notice.splitlines()) == 1 and "9.9 MB" in notice and "http" in notice


def test_missing_file_that_nobody_may_fetch(tmp_path, monkeypatch):
    monkeypatch.setattr("keras.utils.get_file", lambda *args, **kwargs: pytest.fail("fetched"))
    message = message_of(datasets.load, "emnist_byclass", data_dir=tmp_path)
    assert "www.nist.gov" in message and str(tmp_path / "emnist") in message


def test_data_dir_that_is_a_file(tmp_path):
    (tmp_path / "file").write_text("kept")
    assert str(tmp_path / "file") in message_of(datasets.load, "mnist", data_dir=tmp_path / "file")
    assert (tmp_path / "file").read_text() == "kept"


@pytest.mark.parametrize("good", [True, False])
def test_fetched_files_must_have_their_digest(tmp_path, monkeypatch, good):
    def fetch(fname, origin, cache_dir, cache_subdir, **unused):
        (pathlib.Path(cache_dir) / cache_subdir / fname).write_bytes(b"content" if good else b"other")

    monkeypatch.setattr("keras.utils.get_file", fetch)
    digest = hashlib.sha256(b"content").hexdigest()
    file = files.DataFile("toy", "toy.gz", "http://localhost/toy.gz", digest, 7)
    if good:
        assert files.find(file, tmp_path).read_bytes() == b"content"
    else:
        assert "sha256" in message_of(files.find, file, tmp_path)
    assert [path.name for path in tmp_path.rglob("*")] == (["toy", "toy.gz"] if good else [])


def test_folders_that_were_there_are_left_when_a_fetch_fails(tmp_path, no_network):
    (tmp_path / "mnist").mkdir()
    message_of(datasets.load, "mnist", data_dir=tmp_path)
    assert [path.name for path in tmp_path.rglob("*")] == ["mnist"]


def test_keras_fetches_to_the_place(tmp_path):
    """The real downloader, on a file:// address."""
    (tmp_path / "origin").write_bytes(b"content")
    digest = hashlib.sha256(b"content").hexdigest()
    file = files.DataFile("toy", "toy.gz", (tmp_path / "origin").as_uri(), digest, 7)
    assert files.find(file, tmp_path / "data") == tmp_path / "data" / "toy" / "toy.gz"
    assert [path.name for path in (tmp_path / "data" / "toy").iterdir()] == ["toy.gz"]


def test_data_folder_order(tmp_path, monkeypatch):
    monkeypatch.setenv(files.DATA_DIR_VARIABLE, str(tmp_path / "variable"))
    assert files.data_folder(tmp_path / "argument") == tmp_path / "argument"
    assert files.data_folder() == tmp_path / "variable"
    monkeypatch.delenv(files.DATA_DIR_VARIABLE)
    assert files.data_folder().parts[-2:] == ("tfgeo", "data")
