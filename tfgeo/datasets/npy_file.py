"""Data of the user's own, from an npy file, which stays on disk where it is large."""

from __future__ import annotations

import math
import os
import pathlib

import numpy as np

from tfgeo.datasets.arrays import NPY_REMEDY, map_npy, read_npy
from tfgeo.datasets.dataset import Dataset
from tfgeo.datasets.resize import resize_bilinear
from tfgeo.datasets.stored import LARGE, StoredRows
from tfgeo.datasets.user import as_images, make_dataset, make_stored_dataset, no_images, user_file

__all__ = ["npy"]


def npy(
    path: str | os.PathLike[str], standardize: bool = False, size: int = 0, scale_bytes: bool = True
) -> Dataset:
    """Samples of an npy file, without labels: `x` of `npz`, which has the arguments, result and errors.

    Where they would take 256 MB or more the file is mapped to memory, and `inputs` are `StoredRows`.
    """
    file = user_file(path, "an npy file with [n, D] numbers", NPY_REMEDY)
    values = map_npy(file)
    if values is None or values.dtype.kind not in "biuf" or 4 * values.size < LARGE:
        return make_dataset(read_npy(file), None, file, "the array", (), standardize, size, scale_bytes)
    return _stored(values, file, standardize, size, scale_bytes)


def _stored(values: np.ndarray, file: pathlib.Path, standardize: bool, size: int, scale_bytes: bool) -> Dataset:
    what = f"the array of {file}"
    image_shape = as_images(values[:0], what)[1]
    notes = []
    is_scaled = values.dtype == np.uint8 and scale_bytes
    if is_scaled:
        notes.append(f"{what} holds bytes, scaled from 0 .. 255 to [0, 1]")
    shape = image_shape
    if size:
        if image_shape is None:
            raise no_images(what, size)
        notes.append(f"images of {image_shape[0]} x {image_shape[1]} pixels scaled to {size} x {size}")
        shape = (size, size)

    def read(numbers: np.ndarray) -> np.ndarray:
        # Of the file's own class, which is no array that is kept; reshaped, a whole file could be copied.
        x = as_images(np.array(values[numbers]), what)[0]
        if is_scaled:
            x = x.astype(np.float32) / np.float32(255.0)
        if shape != image_shape and image_shape is not None:
            x = resize_bilinear(x.reshape(len(x), *image_shape), size).reshape(len(x), -1)
        with np.errstate(over="ignore"):  # what is not finite in float32 is told of later
            return np.ascontiguousarray(x, np.float32)

    width = values.shape[1] if shape is None else math.prod(shape)
    table = StoredRows(read, len(values), width)
    return make_stored_dataset(table, None, shape, file, (), standardize, notes)
