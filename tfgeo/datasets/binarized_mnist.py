"""Binarized MNIST: the fixed binary images of Larochelle and Murray (2011)."""

from __future__ import annotations

import gzip
import os
import pathlib
import zlib

import numpy as np

from tfgeo.datasets import files
from tfgeo.datasets.dataset import Dataset
from tfgeo.errors import UserError, unknown_name_error

__all__ = ["binarized_mnist", "read_amat"]

_SHAPE = (28, 28)
_URL = "http://www.cs.toronto.edu/~larocheh/public/datasets/binarized_mnist/"
# sha256 and size in bytes as first published.
_CONTENTS = {
    "train": ("ad693b29f94c14277b095f5238ddefbbdaaae0939789dd2f4f0205278cee3e4d", 78_400_000),
    "valid": ("1de3d397c40fe8eeb33dafd4099a1f665ec01e96d9be234aaeeac8a34930e2e2", 15_680_000),
    "test": ("e6687bfea3f820c174f33b7865140b2a2dd2930ef786f35d45795fc193b5ab2c", 15_680_000),
}
_SPLITS = {"train": ["train"], "valid": ["valid"], "test": ["test"], "all": ["train", "valid", "test"]}


def binarized_mnist(data_dir: str | os.PathLike[str] | None = None, split: str = "train") -> Dataset:
    """MNIST with each pixel drawn once, 50,000 images to train on, 10,000 to validate and 10,000 to test.

    The images are in another order than MNIST's and have no labels: do not attach MNIST's by index.

    Args:
      data_dir: see `files.data_folder`. Files are `binarized_mnist_train.amat` and so on, as they are or with gzip.
      split: "train", "valid", "test", or "all", one after the other.

    Returns:
      `[n, 784]` samples of 0 and 1.

    Raises:
      UserError: if the split is not known, or a file is missing or malformed.
    """
    if split not in _SPLITS:
        raise unknown_name_error("split", split, _SPLITS, f"accepted are {', '.join(_SPLITS)}")
    images = [read_amat(_find(part, data_dir), _SHAPE[0] * _SHAPE[1]) for part in _SPLITS[split]]
    return Dataset(np.concatenate(images).astype(np.float32), None, _SHAPE, "binarized_mnist")


def read_amat(path: str | os.PathLike[str], num_values: int) -> np.ndarray:
    """Lines of `num_values` numbers 0 or 1 between spaces to `[n, num_values]` uint8; gzip where it ends in .gz.

    Raises:
      UserError: if the file cannot be read, or a line is not that; names the line.
    """
    path = pathlib.Path(path)
    try:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{path} cannot be read ({error}); get it again") from error
    if not content:
        raise UserError(
            f"{path}, line 1: expected {num_values} numbers 0 or 1, but the file is empty; get it again"
        )
    # As published: one digit and one blank after another, and nothing else. The whole file at once.
    row = 2 * num_values
    if len(content) % row == 0:
        text = np.frombuffer(content, np.uint8).reshape(-1, row)
        digits, blanks = text[:, ::2], text[:, 1::2]
        if (
            (digits | 1 == ord("1")).all()
            and (blanks[:, -1] == ord("\n")).all()
            and (blanks[:, :-1] == ord(" ")).all()
        ):
            return digits - ord("0")
    return _read_lines(path, content, num_values)


def _read_lines(path: pathlib.Path, content: bytes, num_values: int) -> np.ndarray:
    """Line by line: other blanks and line ends, and what is wrong with the first line that is not right."""
    rows = []
    for number, line in enumerate(content.splitlines(), 1):
        words = line.split()
        wrong = next((word for word in words if word not in (b"0", b"1")), None)
        if wrong is not None or len(words) != num_values:
            shown = f"it has {wrong[:20].decode(errors='replace')!r}" if wrong else f"it has {len(words)}"
            raise UserError(
                f"{path}, line {number}: expected {num_values} numbers 0 or 1, but {shown}; get it again"
            )
        rows.append([word == b"1" for word in words])
    return np.array(rows, np.uint8)


def _find(split: str, data_dir: str | os.PathLike[str] | None) -> pathlib.Path:
    """The file as it is published, or packed."""
    filename = f"binarized_mnist_{split}.amat"
    sha256, num_bytes = _CONTENTS[split]
    plain = files.DataFile("binarized_mnist", filename, _URL + filename, sha256, num_bytes)
    packed = files.DataFile("binarized_mnist", f"{filename}.gz", page=_URL).place(data_dir)
    return packed if packed.is_file() and not plain.place(data_dir).is_file() else files.find(plain, data_dir)
