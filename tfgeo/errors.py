"""User mistakes as one-line errors, and the checks that raise them."""

from __future__ import annotations

import difflib
import math
import numbers
import os
import pathlib
import tempfile
from collections.abc import Iterable
from typing import Any

import numpy as np

__all__ = [
    "UserError",
    "check_at_least",
    "check_count",
    "check_counts",
    "check_data",
    "check_positive",
    "check_unit_interval",
    "check_writable_folder",
    "nearest_names",
    "unknown_name_error",
]


# Rows that are looked at together: of data on disk no more are in memory.
_BLOCK = 4096


class UserError(ValueError):
    """A mistake of the user's: says what was given, what is accepted, and what to do.

    The message is always one line, also where it quotes another error that has several.

    Args:
      message: the text shown to the user.
    """

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(line.strip() for line in str(message).splitlines() if line.strip()))


def nearest_names(name: str, options: Iterable[str], num: int = 3) -> list[str]:
    """Options that look like `name`, the closest first.

    Args:
      name: what was given.
      options: what is accepted.
      num: how many to return at most.

    Returns:
      At most `num` of the options; empty where none is close.
    """
    # Lower case, so that 'MNIST' finds 'mnist'; the first of two options that differ in case only is kept.
    by_lower: dict[str, str] = {}
    for option in options:
        by_lower.setdefault(option.lower(), option)
    close = difflib.get_close_matches(str(name).lower(), list(by_lower), n=num)
    return [by_lower[lower] for lower in close]


def unknown_name_error(kind: str, name: str, options: Iterable[str], remedy: str) -> UserError:
    """The error for a name that is not in a table; the caller raises it.

    Args:
      kind: what the name should have named, for example `"zoo entry"`.
      name: what was given.
      options: what is accepted.
      remedy: how to see all options, a clause without a full stop.

    Returns:
      A `UserError` that lists the close names, if there are any.
    """
    close = " or ".join(repr(option) for option in nearest_names(name, options))
    hint = f"did you mean {close}? " if close else ""
    return UserError(f"unknown {kind} {name!r}; {hint}{remedy}.")


def check_data(inputs: Any, name: str, width: int | None = None) -> np.ndarray:
    """Checks that `inputs` is a finite numeric table.

    Args:
      inputs: `[n, D]` array-like of real numbers, n and D at least 1.
      name: what to call it in the message.
      width: the `D` that is expected, or None for any.

    Returns:
      `[n, D]` C-contiguous float32 array; `inputs` itself where it is one already.

    Raises:
      UserError: if it is not numeric, masked in places, not 2-D, empty, of another width, or not finite in float32.
    """
    try:
        values = np.asarray(inputs)
    except (TypeError, ValueError) as error:  # rows of different lengths
        raise UserError(f"`{name}` is not an array ({error}); give numbers of shape [n, D].") from error
    if np.ma.is_masked(inputs):
        raise UserError(f"`{name}` has masked values; fill them, or leave their rows out.")
    if values.dtype.kind not in "biuf":
        raise UserError(f"`{name}` holds {values.dtype}, not real numbers; give numbers of shape [n, D].")
    if values.ndim != 2:
        raise UserError(
            f"`{name}` has shape {values.shape}, but [n, D] is needed; reshape it to one row per sample."
        )
    if 0 in values.shape:
        raise UserError(f"`{name}` is empty (shape {values.shape}); give at least one row and one column.")
    if width is not None and values.shape[1] != width:
        raise UserError(
            f"`{name}` has {values.shape[1]} columns, but {width} are expected; "
            f"give an array of shape [n, {width}] or choose a model built for {values.shape[1]}."
        )
    # The cast comes first because float64 values beyond 3.4e38 become infinite in it.
    with np.errstate(over="ignore"):
        converted = np.ascontiguousarray(values, dtype=np.float32)
    finite = np.isfinite(converted)
    if not finite.all():
        row, column = np.unravel_index(int(np.argmin(finite)), finite.shape)
        raise UserError(
            f"`{name}` has {finite.size - int(finite.sum())} of {finite.size} values that are not finite in "
            f"float32, the first at row {row}, column {column} ({values[row, column]}); "
            "remove or replace them."
        )
    return converted


def check_unit_interval(values: np.ndarray, name: str) -> None:
    """Checks that all values lie in [0, 1], as a Bernoulli decoder needs them.

    Args:
      values: `[n, D]` numbers.
      name: what to call them in the message, which says what range they have.

    Raises:
      UserError: if one does not.
    """
    low, high = float(np.min(values)), float(np.max(values))
    if low < 0.0 or high > 1.0:
        raise UserError(
            f"the values of {name} run from {low:.6g} to {high:.6g}, but a Bernoulli decoder takes "
            "[0, 1]; rescale them, images of bytes by 1 / 255, or choose a decoder for real values."
        )


def check_counts(values: np.ndarray, name: str) -> None:
    """Checks that all values are 0, 1, 2, ..., as decoders of counts need them.

    Args:
      values: `[n, D]` finite numbers.
      name: what to call them in the message, which says where the first other value is.

    Raises:
      UserError: if one is negative or no whole number.
    """
    for first in range(0, len(values), _BLOCK):
        block = np.asarray(values[first : first + _BLOCK])
        wrong = (block < 0) | (block != np.floor(block))
        if wrong.any():
            row, column = np.argwhere(wrong)[0]
            raise UserError(
                f"the values of {name} must be counts 0, 1, 2, ..., but row {first + row}, column {column} is "
                f"{block[row, column]:.6g}; give raw counts, or choose a decoder for real values."
            )


def check_writable_folder(path: str | os.PathLike[str]) -> pathlib.Path:
    """Creates a folder, with its parents, and proves that a file can be written in it.

    Args:
      path: the folder; `~` is expanded.

    Returns:
      The folder as a path.

    Raises:
      UserError: if it cannot be created or written to; names the path and the cause.
    """
    try:
        folder = pathlib.Path(path).expanduser()
        folder.mkdir(parents=True, exist_ok=True)
        # Writing is the only honest test: permission bits say nothing about full or read-only disks.
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".tfgeo-write-test-") as file:
            file.write(b"tfgeo")
            file.flush()
    except FileExistsError as error:
        raise UserError(f"`{path}` is a file, not a folder; move it away or give another folder.") from error
    except NotADirectoryError as error:
        raise UserError(
            f"cannot create the folder `{path}`: one of its parents is a file; give another folder."
        ) from error
    except (OSError, RuntimeError, ValueError) as error:  # the last two: unknown `~user`, null byte
        cause = getattr(error, "strerror", None) or error
        raise UserError(
            f"cannot write to the folder `{path}`: {cause}; give a folder that you can write to."
        ) from error
    return folder


def check_positive(name: str, value: Any) -> float:
    """Checks that a number is finite and greater than 0, and returns it as a float.

    Raises:
      UserError: if it is not.
    """
    if not _is_number(value) or not value > 0:
        raise UserError(f"`{name}` must be a finite number greater than 0, but is {value!r}; change it.")
    return float(value)


def check_at_least(name: str, value: Any, minimum: float) -> float:
    """Checks that a number is finite and not below `minimum`, and returns it as a float.

    Raises:
      UserError: if it is not.
    """
    if not _is_number(value) or not value >= minimum:
        raise UserError(f"`{name}` must be a finite number of at least {minimum}, but is {value!r}; change it.")
    return float(value)


def check_count(name: str, value: Any, minimum: int = 1) -> int:
    """Checks that a value is an integer and not below `minimum`, and returns it as an int.

    Raises:
      UserError: if it is not.
    """
    if not _is_number(value) or not isinstance(value, numbers.Integral) or value < minimum:
        raise UserError(f"`{name}` must be an integer of at least {minimum}, but is {value!r}; change it.")
    return int(value)


def _is_number(value: Any) -> bool:
    """Whether a value is a finite real number; a bool is taken for a slip, not for 0 or 1."""
    return isinstance(value, numbers.Real) and not isinstance(value, bool) and math.isfinite(value)
