"""Image data sets: digits, MNIST, Fashion-MNIST and EMNIST byclass."""

from __future__ import annotations

import numbers
import os
import string
from collections.abc import Iterable

import numpy as np

from tfgeo.datasets import files, idx
from tfgeo.datasets.dataset import Dataset, choose_per_class
from tfgeo.errors import UserError, unknown_name_error

__all__ = ["digits", "emnist_byclass", "fashion_mnist", "mnist"]

# Class k of EMNIST byclass is the k-th of these characters (emnist-byclass-mapping.txt).
EMNIST_CHARACTERS = string.digits + string.ascii_uppercase + string.ascii_lowercase

_IMAGE_SHAPE = (28, 28)
_EMNIST_PAGE = "https://www.nist.gov/itl/products-and-services/emnist-dataset (in gzip.zip)"

# Names of the original files, the same for MNIST and Fashion-MNIST: split -> (images, labels).
_FILENAMES = {
    "train": ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"),
    "test": ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"),
}
_URLS = {
    "mnist": "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "fashion_mnist": "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
}

# sha256 and size in bytes of (images, labels) as first published.
_CONTENTS = {
    ("mnist", "train"): (
        ("440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609", 9912422),
        ("3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c", 28881),
    ),
    ("mnist", "test"): (
        ("8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6", 1648877),
        ("f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6", 4542),
    ),
    ("fashion_mnist", "train"): (
        ("3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84", 26421880),
        ("a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845", 29515),
    ),
    ("fashion_mnist", "test"): (
        ("346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073", 4422102),
        ("67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5", 5148),
    ),
}


def digits(seed: int = 0, classes: Iterable[int] | None = None, num_per_class: int | None = None) -> Dataset:
    """The 1797 handwritten digits of 8 x 8 pixels that come with scikit-learn.

    Args:
      seed: integer of at least 0, for `num_per_class`.
      classes: digits to keep, 0 to 9; None keeps all.
      num_per_class: samples to draw of each class, class by class; None keeps all, in the order of the file.

    Returns:
      `[n, 64]` samples in [0, 1].

    Raises:
      UserError: if a class is unknown, or has too few samples.
    """
    from sklearn import datasets  # slow to import

    inputs, labels = datasets.load_digits(return_X_y=True)
    chosen = _parse_classes(classes, string.digits, "digits")
    rows = _choose_rows(labels, chosen, num_per_class, seed, "digits")
    return Dataset(inputs[rows] / 16.0, labels[rows], (8, 8), "digits")


def mnist(
    seed: int = 0,
    data_dir: str | os.PathLike[str] | None = None,
    classes: Iterable[int] | None = None,
    num_per_class: int | None = None,
    split: str = "train",
) -> Dataset:
    """MNIST: 60,000 and 10,000 handwritten digits of 28 x 28 pixels (LeCun et al., 1998).

    Args:
      seed: integer of at least 0, for `num_per_class`.
      data_dir: see `files.data_folder`; missing files are fetched to it.
      classes: labels to keep, 0 to 9; None keeps all.
      num_per_class: samples to draw of each class, class by class; None keeps all, in the order of the file.
      split: `"train"`, `"test"`, or `"all"`, which is the first and then the second.

    Returns:
      `[n, 784]` samples in [0, 1], 0 is background.

    Raises:
      UserError: if an argument is wrong, or a file is missing or damaged.
    """
    chosen = _parse_classes(classes, string.digits, "mnist")
    return _load_images("mnist", seed, data_dir, chosen, num_per_class, split)


def fashion_mnist(
    seed: int = 0,
    data_dir: str | os.PathLike[str] | None = None,
    classes: Iterable[int] | None = None,
    num_per_class: int | None = None,
    split: str = "train",
) -> Dataset:
    """Fashion-MNIST: 60,000 and 10,000 articles of 28 x 28 pixels, https://arxiv.org/abs/1708.07747.

    Labels: 0 T-shirt/top, 1 trouser, 2 pullover, 3 dress, 4 coat, 5 sandal, 6 shirt, 7 sneaker, 8 bag,
    9 ankle boot. Arguments, result and errors are those of `mnist`.
    """
    chosen = _parse_classes(classes, string.digits, "fashion_mnist")
    return _load_images("fashion_mnist", seed, data_dir, chosen, num_per_class, split)


def emnist_byclass(
    seed: int = 0,
    data_dir: str | os.PathLike[str] | None = None,
    classes: Iterable[int | str] | None = None,
    num_per_class: int | None = None,
    split: str = "test",
) -> Dataset:
    """EMNIST byclass: handwritten digits and letters of 28 x 28 pixels, https://arxiv.org/abs/1702.05373.

    697,932 training and 116,323 test images, turned upright here. Labels: 0 to 9 digits, 10 to 35 `A` to `Z`,
    36 to 61 `a` to `z`. NIST packs all splits into one large archive, so nothing is fetched automatically.

    Args:
      seed: integer of at least 0, for `num_per_class`.
      data_dir: see `files.data_folder`.
      classes: labels or characters to keep, for example `["D", "d"]` or `[13, 39]`; None keeps all.
      num_per_class: samples to draw of each class, class by class; None keeps all, in the order of the file.
      split: `"train"`, `"test"`, or `"all"`, which is the first and then the second.

    Returns:
      `[n, 784]` samples in [0, 1], 0 is background, labelled as above.

    Raises:
      UserError: if an argument is wrong, or a file is missing or damaged.
    """
    chosen = _parse_classes(classes, EMNIST_CHARACTERS, "emnist_byclass")
    # The files hold every image transposed: width first.
    return _load_images("emnist_byclass", seed, data_dir, chosen, num_per_class, split, transpose=True)


def _load_images(
    name: str,
    seed: int,
    data_dir: str | os.PathLike[str] | None,
    classes: list[int] | None,
    num_per_class: int | None,
    split: str,
    transpose: bool = False,
) -> Dataset:
    """Reads the labels, chooses rows by them, then reads the images of these rows only."""
    splits = {"train": ["train"], "test": ["test"], "all": ["train", "test"]}
    if split not in splits:
        raise unknown_name_error("split", split, splits, "accepted are 'train', 'test' and 'all'")
    parts = [image_files(name, part) for part in splits[split]]
    paths = [(files.find(images, data_dir), files.find(labels, data_dir)) for images, labels in parts]
    part_labels = [
        idx.read_labels(path, file.by_hand(path)) for (_, file), (_, path) in zip(parts, paths, strict=True)
    ]
    labels = np.concatenate(part_labels)
    rows = _choose_rows(labels, classes, num_per_class, seed, name)

    images = np.empty((len(rows), *_IMAGE_SHAPE), np.uint8)
    start = 0
    for (file, _), (path, _), in_part in zip(parts, paths, part_labels, strict=True):
        wanted = np.flatnonzero((rows >= start) & (rows < start + len(in_part)))
        images[wanted] = idx.read_images(path, _IMAGE_SHAPE, rows[wanted] - start, len(in_part), file.by_hand(path))
        start += len(in_part)
    if transpose:
        images = images.transpose(0, 2, 1)
    inputs = images.reshape(len(rows), -1).astype(np.float32)
    inputs /= 255.0
    return Dataset(inputs, labels[rows], _IMAGE_SHAPE, name)


def image_files(name: str, split: str) -> tuple[files.DataFile, files.DataFile]:
    """The image file and the label file of one split."""
    if name == "emnist_byclass":
        images, labels = (
            files.DataFile("emnist", f"emnist-byclass-{split}-{kind}-ubyte.gz", page=_EMNIST_PAGE)
            for kind in ("images-idx3", "labels-idx1")
        )
    else:
        images, labels = (
            files.DataFile(name, filename, _URLS[name] + filename, sha256, num_bytes)
            for filename, (sha256, num_bytes) in zip(_FILENAMES[split], _CONTENTS[name, split], strict=True)
        )
    return images, labels


def _parse_classes(classes: Iterable[int | str] | None, characters: str, name: str) -> list[int] | None:
    """Labels for labels or, where the data set has letters, characters."""
    if classes is None:
        return None
    with_letters = len(characters) > len(string.digits)
    accepted = f"the integers 0 to {len(characters) - 1}" + (" and their characters 0-9A-Za-z" * with_letters)
    parsed = []
    for value in classes if isinstance(classes, Iterable) else [classes]:
        if isinstance(value, str) and with_letters and len(value) == 1 and value in characters:
            parsed.append(characters.index(value))
        elif isinstance(value, numbers.Integral) and 0 <= value < len(characters):
            parsed.append(int(value))
        else:
            raise UserError(f"`classes` of {name} holds {value!r}, but accepted are {accepted}; change it.")
    if not parsed:
        raise UserError(f"`classes` of {name} is empty; accepted are {accepted}; None keeps all classes.")
    return parsed


def _choose_rows(
    labels: np.ndarray, classes: list[int] | None, num_per_class: int | None, seed: int, name: str
) -> np.ndarray:
    """Row numbers of the wanted classes, in file order or, where samples are drawn, class by class."""
    rows = np.arange(len(labels)) if classes is None else np.flatnonzero(np.isin(labels, classes))
    absent = sorted(set(classes or []) - set(labels[rows].tolist()))
    if absent:
        raise UserError(f"{name} has no samples of class {absent[0]}; leave it out of `classes`.")
    if num_per_class is None:
        return rows
    return rows[choose_per_class(labels[rows], num_per_class, seed, name)]
