"""The Olivetti faces."""

from __future__ import annotations

import os
import pathlib

import numpy as np

from tfgeo.datasets import files
from tfgeo.datasets.dataset import Dataset
from tfgeo.datasets.mat_file import MatError, read_array
from tfgeo.datasets.resize import resize_bilinear
from tfgeo.errors import UserError

__all__ = ["olivetti"]

_NUM_PERSONS = 40
_NUM_FACES = 400
_SIDE = 64

# Address and digest from which scikit-learn's `fetch_olivetti_faces` gets the original file.
OLIVETTI_FILE = files.DataFile(
    "olivetti",
    "olivettifaces.mat",
    "https://ndownloader.figshare.com/files/5976027",
    "b612fb967f2dc77c9c62d3e1266e0c73d5fca46a4b8906c18e454d41af987794",
)


def olivetti(data_dir: str | os.PathLike[str] | None = None, size: int = 64) -> Dataset:
    """Olivetti faces: 10 photographs each of 40 persons (Samaria and Harter, 1994).

    Args:
      data_dir: see `files.data_folder`; the missing file is fetched to it.
      size: height and width in pixels, 1 to 64; below 64 by bilinear down-sampling. Chadebec et al. (2020)
        generate faces of 32, and do not say of what size those are that they interpolate.

    Returns:
      `[400, size^2]` samples in [0, 1], where 0 and 1 are the darkest and the brightest pixel of all faces; labels
      are persons, 0 to 39, ten faces each, one person after another.

    Raises:
      UserError: if `size` is wrong, or the file is missing or damaged.
    """
    faces = _read_faces(files.find(OLIVETTI_FILE, data_dir)).astype(np.float32)
    faces -= faces.min()
    faces /= faces.max()
    # Pixels run down the columns of an image first.
    images = faces.T.reshape(_NUM_FACES, _SIDE, _SIDE).transpose(0, 2, 1)
    inputs = resize_bilinear(images, size).reshape(_NUM_FACES, -1)
    labels = np.repeat(np.arange(_NUM_PERSONS), _NUM_FACES // _NUM_PERSONS)
    return Dataset(inputs, labels, (size, size), "olivetti")


def _read_faces(path: pathlib.Path) -> np.ndarray:
    """`[4096, 400]` numbers, a face in each column."""
    remedy = f"delete it, then {OLIVETTI_FILE.by_hand(path)}"
    shape = (_SIDE**2, _NUM_FACES)
    try:
        faces = read_array(path, "faces", 8 * _SIDE**2 * _NUM_FACES)
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}); {remedy}.") from error
    except MatError as error:
        raise UserError(f"{path} {error}; {remedy}.") from error
    if faces is None or faces.shape != shape:
        found = "it is missing" if faces is None else f"it is {faces.dtype} of shape {faces.shape}"
        raise UserError(f"{path} should hold a variable faces, numbers of shape {shape}, but {found}; {remedy}.")
    if not np.isfinite(faces).all() or faces.min() == faces.max():
        raise UserError(f"the faces of {path} are all alike or not finite; {remedy}.")
    return faces
