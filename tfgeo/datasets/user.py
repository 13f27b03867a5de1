"""Data of the user's own, from npz files, and what all files of the user's own have in common."""

from __future__ import annotations

import dataclasses
import numbers
import os
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from tfgeo.datasets.arrays import NPZ_REMEDY, read_npz
from tfgeo.datasets.dataset import Dataset
from tfgeo.datasets.facts import ValueFacts
from tfgeo.datasets.resize import resize_bilinear
from tfgeo.datasets.stored import StoredRows, standardized, summarize
from tfgeo.errors import UserError, unknown_name_error

__all__ = [
    "LOADERS",
    "as_images",
    "format_of",
    "make_dataset",
    "make_stored_dataset",
    "no_images",
    "npz",
    "number_labels",
    "user_file",
]

# The loader of each ending of a file's name.
LOADERS = {".npz": "npz", ".npy": "npy", ".csv": "csv", ".tsv": "csv"}

# Images that are scaled together.
_BLOCK = 1000


def format_of(path: str | os.PathLike[str]) -> str:
    """The name of the loader, for `tfgeo.datasets.load`, of a file or folder of the user's own.

    Raises:
      UserError: if it is not there, or of no format that is known.
    """
    place = pathlib.Path(path).expanduser()
    if place.is_dir():
        return "image_folder"
    accepted = f"{', '.join(LOADERS)} or a folder of images"
    if not place.exists():
        raise UserError(f"there is no file or folder {place}; give the path of your data: {accepted}.")
    if place.suffix.lower() not in LOADERS:
        raise UserError(f"{place} is of no format that is known; accepted are {accepted}.")
    return LOADERS[place.suffix.lower()]


def npz(
    path: str | os.PathLike[str],
    classes: Sequence[int | str] = (),
    standardize: bool = False,
    size: int = 0,
    scale_bytes: bool = True,
) -> Dataset:
    """Samples `x` and, where there are any, labels `y` of an npz file.

    Args:
      path: file with `x`, `[n, D]` numbers or grey images `[n, height, width]`, `[n, height, width, 1]` or
        `[n, 1, height, width]`, and optionally `y`, `[n]` labels, also as pandas keeps words. Integer labels are
        kept; others are numbered 0, 1, ... in sorted order.
      classes: labels to keep, numbers or words; by default all.
      standardize: whether each column is brought to mean 0 and standard deviation 1; a constant one becomes 0.
      size: height and width in pixels to which images are scaled down; 0 keeps theirs.
      scale_bytes: whether values of type uint8 are brought from 0 .. 255 to [0, 1]; others are kept as they are.

    Returns:
      `[n, D]` samples; images are flattened row by row. The name is that of the file, without its ending. `notes`
      say what was done to the values.

    Raises:
      UserError: if there is no such file, or its content is not as above.
    """
    file = user_file(path, "an npz file with x [n, D]", NPZ_REMEDY)
    arrays = read_npz(file, ("x", "y"))
    return make_dataset(arrays["x"], arrays.get("y"), file, "x", classes, standardize, size, scale_bytes)


def user_file(path: str | os.PathLike[str], what: str, remedy: str) -> pathlib.Path:
    """The path of a file that is there, or a `UserError` that says what to give."""
    if not isinstance(path, (str, os.PathLike)):
        raise UserError(f"`path` is {path!r}; give the path of {what} ({remedy}).")
    file = pathlib.Path(path).expanduser()
    if not file.is_file():
        raise UserError(f"there is no file {file}; give the path of {what} ({remedy}).")
    return file


def make_dataset(
    x: np.ndarray,
    y: np.ndarray | None,
    source: pathlib.Path,
    what: str = "x",
    classes: Sequence[int | str] = (),
    standardize: bool = False,
    size: int = 0,
    scale_bytes: bool = True,
    notes: Sequence[str] = (),
    columns: Sequence[str] = (),
) -> Dataset:
    """The data set of arrays of the user's own; all but these is as in `npz`.

    Args:
      x: samples.
      y: labels, or None.
      source: the file or folder, for messages.
      what: how messages call `x`.
      classes: as in `npz`.
      standardize: as in `npz`.
      size: as in `npz`.
      scale_bytes: as in `npz`.
      notes: what was done to the values before.
      columns: what the columns are called, where they have names.
    """
    notes = list(notes)
    x = _as_numbers(x, f"{what} of {source}")
    x, image_shape = as_images(x, f"{what} of {source}")
    if x.dtype == np.uint8 and scale_bytes:
        x = x.astype(np.float32) / np.float32(255.0)
        notes.append(f"{what} of {source} holds bytes, scaled from 0 .. 255 to [0, 1]")
    if size:
        if image_shape is None:
            raise no_images(f"{what} of {source}", size)
        x = _resize(x.reshape(len(x), *image_shape), size)
        notes.append(f"images of {image_shape[0]} x {image_shape[1]} pixels scaled to {size} x {size}")
        image_shape = (size, size)
    labels, class_names = (None, None) if y is None else number_labels(y, len(x), source)
    dataset = Dataset(x, labels, image_shape, source.stem, class_names)
    return _finish(dataset, classes, standardize, notes, columns)


def make_stored_dataset(
    table: StoredRows,
    y: np.ndarray | None,
    image_shape: tuple[int, int] | None,
    source: pathlib.Path,
    classes: Sequence[int | str] = (),
    standardize: bool = False,
    notes: Sequence[str] = (),
) -> Dataset:
    """The data set of samples that stay on disk; all but these is as in `make_dataset`.

    Args:
      table: samples, whatever is done to them but `standardize`.
      y: labels, or None.
      image_shape: height and width, where they are images.
      source: the file or folder, for messages.
      classes: as in `npz`.
      standardize: as in `npz`.
      notes: what was done to the values before.
    """
    labels, class_names = (None, None) if y is None else number_labels(y, len(table), source)
    inputs: Any = table  # which stands for an array
    dataset = Dataset(inputs, labels, image_shape, source.stem, class_names)
    return _finish(dataset, classes, standardize, [*notes, f"{source} stays on disk, and is read as it is needed"])


def _finish(
    dataset: Dataset,
    classes: Sequence[int | str],
    standardize: bool,
    notes: Sequence[str],
    columns: Sequence[str] = (),
) -> Dataset:
    """The classes that are kept, standardized where that is asked for, with facts and notes."""
    if classes:
        dataset = _keep(dataset, classes)
    inputs = dataset.inputs
    if isinstance(inputs, StoredRows):
        facts, mean, spread = summarize(inputs, f"{dataset.name} inputs")
        scaled: Any = standardized(inputs, mean, spread)
    else:
        facts, scaled = ValueFacts.of(inputs, columns), None
        if standardize:
            scaled = inputs.astype(np.float64)
            spread = scaled.std(axis=0)
            scaled = (scaled - scaled.mean(axis=0)) / np.where(spread > 0.0, spread, 1.0)
    if standardize:
        dataset = dataclasses.replace(dataset, inputs=scaled)
        notes = [*notes, "each column brought to mean 0 and standard deviation 1"]
    return dataclasses.replace(dataset, notes=tuple(notes), facts=facts)


def no_images(what: str, size: int) -> UserError:
    """The error for a size that is given where there are no images; the caller raises it."""
    return UserError(
        f"{what} has no images to be scaled to size {size}; leave the size out, or give [n, height, width]."
    )


def number_labels(
    y: np.ndarray, num_samples: int, source: pathlib.Path
) -> tuple[np.ndarray, dict[int, str] | None]:
    """`[n]` int64 labels of labels of any sortable type; and what they are called, where that is not their number.

    Raises:
      UserError: if there is not one label for each sample, one is missing, or they are of several types.
    """
    if y.shape != (num_samples,):
        raise UserError(
            f"y of {source} has shape {y.shape}, but x has {num_samples} rows; give one label per row, "
            f"shape ({num_samples},)."
        )
    if y.dtype.hasobject:
        y = _unpack_labels(y, source)
    if y.dtype.kind in "iu":
        return y.astype(np.int64), None
    if y.dtype.kind in "fc" and not np.isfinite(y).all():
        row = int(np.argmin(np.isfinite(y)))
        raise UserError(
            f"y of {source} has labels that are not finite, the first in row {row} ({y[row]}); label every row, or "
            "leave y out."
        )
    values, labels = np.unique(y, return_inverse=True)
    names = {
        index: value.decode() if isinstance(value, bytes) else str(value) for index, value in enumerate(values)
    }
    return labels.astype(np.int64), names


def _unpack_labels(y: np.ndarray, source: pathlib.Path) -> np.ndarray:
    """Labels that are Python objects, as pandas keeps words, as an array of one type."""
    for row, label in enumerate(y):
        if label is None or label != label:
            raise UserError(f"y of {source} has no label in row {row} ({label}); label every row, or leave y out.")
    for kind, dtype in ((str, np.str_), (numbers.Integral, np.int64), (numbers.Real, np.float64)):
        if all(isinstance(label, kind) for label in y):
            return y.astype(dtype)
    kinds = sorted({type(label).__name__ for label in y})
    raise UserError(f"y of {source} has labels of types {', '.join(kinds)}; make them one, by y.astype(str).")


def _as_numbers(x: np.ndarray, what: str) -> np.ndarray:
    """Numbers, also where they are kept as Python objects, as pandas does for columns of several types."""
    if not x.dtype.hasobject:
        return x
    for index, value in enumerate(x.flat):
        if not isinstance(value, (numbers.Real, np.bool_)):
            place = ", ".join(map(str, np.unravel_index(index, x.shape)))
            raise UserError(
                f"{what} holds Python objects, of which [{place}] is {value!r}; give numbers, by x.astype(float)."
            )
    return x.astype(np.float64)


def as_images(x: np.ndarray, what: str) -> tuple[np.ndarray, tuple[int, int] | None]:
    """`[n, D]` values, and height and width where they are those of images."""
    if x.ndim == 2:
        return x, None
    if x.ndim == 4 and x.shape[3] == 1:
        x = x[:, :, :, 0]
    elif x.ndim == 4 and x.shape[1] == 1:
        x = x[:, 0]
    if x.ndim == 3:
        height, width = x.shape[1:]
        return x.reshape(len(x), height * width), (height, width)
    remedy = "give [n, D] or, for grey images, [n, height, width]"
    if x.ndim == 4 and x.shape[3] in (3, 4):
        remedy = "colours are not taken, make images grey, for example by x[..., :3].mean(axis=-1)"
    raise UserError(f"{what} has shape {x.shape}; {remedy}.")


def _resize(images: np.ndarray, size: int) -> np.ndarray:
    """`[n, size^2]` of `[n, height, width]`, in blocks: weights are applied in float64."""
    blocks = [resize_bilinear(images[start : start + _BLOCK], size) for start in range(0, len(images), _BLOCK)]
    return np.concatenate(blocks).reshape(len(images), size * size) if blocks else np.empty((0, size * size))


def _keep(dataset: Dataset, classes: Sequence[int | str]) -> Dataset:
    """The samples of some classes; labels keep their numbers."""
    if dataset.labels is None:
        raise UserError(f"{dataset.name} has no labels, so that no `classes` can be kept; leave `classes` out.")
    names = dataset.class_names or {int(label): str(label) for label in np.unique(dataset.labels)}
    chosen = []
    for one in classes:
        found = [label for label, name in names.items() if name == str(one)]
        if not found:
            listed = ", ".join(list(names.values())[:20])
            raise unknown_name_error(f"class of {dataset.name}", str(one), names.values(), f"there are {listed}")
        chosen += found
    return dataset.take(np.flatnonzero(np.isin(dataset.labels, chosen)))
