"""Data of the user's own, from an npz file."""

from __future__ import annotations

import os
import pathlib
import zipfile
import zlib

import numpy as np

from tfgeo.datasets.dataset import Dataset
from tfgeo.errors import UserError

__all__ = ["npz"]

_REMEDY = "write one by np.savez(path, x=..., y=...), y is optional"


def npz(path: str | os.PathLike[str]) -> Dataset:
    """Samples `x` and, where there are any, labels `y` of an npz file.

    Values are taken as they are: scale images to [0, 1] yourself where the model needs it.

    Args:
      path: file with `x`, `[n, D]` numbers or `[n, height, width]` images, and optionally `y`, `[n]` labels.
        Integer labels are kept; others, such as words, are numbered 0, 1, ... in sorted order.

    Returns:
      `[n, D]` samples; images are flattened row by row. The name is that of the file, without its ending.

    Raises:
      UserError: if there is no such file, or its content is not as above.
    """
    if not isinstance(path, (str, os.PathLike)):
        raise UserError(f"`path` is {path!r}; give the path of an npz file with x [n, D] ({_REMEDY}).")
    file = pathlib.Path(path).expanduser()
    if not file.is_file():
        raise UserError(f"there is no file {file}; give the path of an npz file with x [n, D] ({_REMEDY}).")
    arrays = _read_arrays(file)
    x, y = arrays["x"], arrays.get("y")
    image_shape = None
    if x.ndim == 3:
        image_shape = x.shape[1:]
        x = x.reshape(len(x), image_shape[0] * image_shape[1])
    elif x.ndim != 2:
        raise UserError(f"x of {file} has shape {x.shape}; give [n, D] or, for images, [n, height, width].")
    if y is not None:
        y = _number_labels(y, len(x), file)
    return Dataset(x, y, image_shape, file.stem)


def _read_arrays(file: pathlib.Path) -> dict[str, np.ndarray]:
    """Arrays `x` and, where present, `y`."""
    key = "its content"
    try:
        content = np.load(file, allow_pickle=False)
        if not isinstance(content, np.lib.npyio.NpzFile):
            raise UserError(f"{file} is a single npy array, not an npz file; {_REMEDY}.")
        with content:
            if "x" not in content.files:
                found = ", ".join(content.files) or "nothing"
                raise UserError(f"{file} has no array x, it holds {found}; {_REMEDY}.")
            arrays = {}
            for key in ("x", "y"):
                if key in content.files:
                    arrays[key] = content[key]
            return arrays
    except UserError:
        raise
    except (OSError, EOFError, ValueError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        # numpy answers text files and object arrays alike: they would need pickle, which runs code.
        cause = "Python objects or no arrays" if "pickle" in str(error) else str(error) or "it is empty"
        raise UserError(f"cannot read {key} of {file} as npz ({cause}); {_REMEDY}.") from error


def _number_labels(y: np.ndarray, num_samples: int, file: pathlib.Path) -> np.ndarray:
    """`[n]` int64 labels of labels of any sortable type."""
    if y.shape != (num_samples,):
        raise UserError(
            f"y of {file} has shape {y.shape}, but x has {num_samples} rows; give one label per row, "
            f"shape ({num_samples},)."
        )
    if y.dtype.kind in "iu":
        return y.astype(np.int64)
    if y.dtype.kind in "fc" and not np.isfinite(y).all():
        raise UserError(f"y of {file} has labels that are not finite; label every row, or leave y out.")
    return np.unique(y, return_inverse=True)[1].astype(np.int64)
