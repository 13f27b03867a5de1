"""Arrays of real numbers: what a user's list, array, tensor or data frame holds, or one line that says why not."""

from __future__ import annotations

import numbers
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from tfgeo.errors import UserError

__all__ = ["as_array"]

# Kinds of NumPy's dtypes that are real numbers: truth values, integers, floats.
REAL_KINDS = "biuf"
# Types of what pandas, which need not be installed, has in place of a value.
MISSING = ("NAType", "NaTType")


def as_array(values: Any, name: str, shape: str) -> np.ndarray:
    """Real numbers as an array of a dtype that NumPy computes with; half precisions of others become float32.

    Numbers in objects are taken, as data frames have them in columns of mixed or nullable dtypes. A missing value
    there, such as None or pandas.NA, is refused; NaN is a number that is not finite.

    Args:
      values: an array, a tensor, a list, a data frame, a column of one.
      name: what to call them in messages.
      shape: the shape that is needed, in words.

    Raises:
      UserError: if they are no real numbers, rows are of different lengths, or a value is missing.
    """
    what = f"{name} must be {shape} real numbers"
    if hasattr(values, "iloc"):
        return _of_frame(values, what)
    try:
        array = np.asarray(values)
    except (NotImplementedError, TypeError, ValueError) as error:  # a tensor of a graph, rows of different lengths
        raise UserError(f"{what}, but make no array ({error}); give rows of one length") from error
    if np.ma.is_masked(values):
        raise UserError(f"{what}, but some are masked; fill them, or leave their rows out")
    if array.dtype.kind in REAL_KINDS:
        return array if array.itemsize <= 8 else array.astype(np.float64)  # TensorFlow has no longdouble
    if array.dtype.kind == "O":
        places = (f"at {list(place)}" for place in np.ndindex(array.shape))
        return _of_objects(array.ravel().tolist(), places, what).reshape(array.shape)
    if array.dtype.kind == "V" and array.dtype.names is None:  # such as bfloat16, which NumPy has no kind for
        return array.astype(np.float32)
    raise UserError(f"{what}, but hold {array.dtype}; give numbers alone")


def _of_frame(frame: Any, what: str) -> np.ndarray:
    """A data frame of pandas as `[n, d]`, or a column or row of one as `[n]`."""
    if not hasattr(frame, "columns"):
        return _of_column(frame, "", what)
    columns = [
        _of_column(frame.iloc[:, place], f" of column {label!r}", what) for place, label in enumerate(frame.columns)
    ]
    return np.stack(columns, axis=-1) if columns else np.zeros([len(frame), 0])


def _of_column(column: Any, of: str, what: str) -> np.ndarray:
    """A column `[n]`, which messages call by ` of column NAME`."""
    # A nullable dtype stands for one of NumPy's.
    dtype = getattr(column.dtype, "numpy_dtype", column.dtype)
    is_known = isinstance(dtype, np.dtype) and dtype.kind in REAL_KINDS
    if is_known and dtype is column.dtype:
        return np.asarray(column)
    array = _of_objects(column.tolist(), (f"in row {label!r}{of}" for label in column.index), what)
    return array.astype(dtype) if is_known else array


def _of_objects(values: Sequence[Any], places: Iterable[str], what: str) -> np.ndarray:
    """Numbers `[n]` that are objects: int64 where all are integers, else float64."""
    floats = np.empty(len(values))
    for row, (value, place) in enumerate(zip(values, places, strict=True)):
        if value is None or type(value).__name__ in MISSING:
            raise UserError(f"{what}, but the value {place} is missing ({value}); fill it, or leave its row out")
        try:
            if isinstance(value, (str, bytes, np.complexfloating, np.ndarray)):
                raise TypeError("text")  # which `float` would read
            floats[row] = float(value)
        except (TypeError, ValueError) as error:
            raise UserError(f"{what}, but the value {place} is {value!r}; give numbers alone") from error
    integers = all(isinstance(value, numbers.Integral) for value in values)
    return floats.astype(np.int64) if integers and len(values) else floats
