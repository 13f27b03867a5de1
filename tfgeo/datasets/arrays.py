"""Arrays from npz and npy files; Python objects only where they are numbers and words, which run no code."""

from __future__ import annotations

import math
import pathlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from tfgeo.datasets.pickled import read_objects
from tfgeo.errors import UserError

__all__ = ["map_npy", "read_npy", "read_npz"]

NPZ_REMEDY = "write one by np.savez(path, x=..., y=...), y is optional"
NPY_REMEDY = "write one by np.save(path, x)"


def read_npz(file: pathlib.Path, names: Sequence[str]) -> dict[str, np.ndarray]:
    """Those arrays of an npz file that have one of the names; the first of them must be there.

    Raises:
      UserError: if it is not, or the file is damaged, none, or holds other Python objects than numbers and words.
    """
    with _explained(file, "npz", NPZ_REMEDY) as at:
        content = np.load(file, allow_pickle=False)
        if not isinstance(content, np.lib.npyio.NpzFile):
            raise UserError(f"{file} is a single npy array, not an npz file; {NPZ_REMEDY}.")
        with content:
            if names[0] not in content.files:
                found = ", ".join(content.files) or "nothing"
                raise UserError(f"{file} has no array {names[0]}, it holds {found}; {NPZ_REMEDY}.")
            arrays = {}
            for name in names:
                if name in content.files:
                    at[0] = name
                    with content.zip.open(f"{name}.npy") as stream:
                        arrays[name] = _read_array(stream, content.zip.getinfo(f"{name}.npy").file_size)
            return arrays


def read_npy(file: pathlib.Path) -> np.ndarray:
    """The array of an npy file.

    Raises:
      UserError: if it is damaged, none, or holds other Python objects than numbers and words.
    """
    with _explained(file, "npy", NPY_REMEDY), file.open("rb") as stream:
        return _read_array(stream, file.stat().st_size)


def map_npy(file: pathlib.Path) -> np.ndarray | None:
    """The array of an npy file as the file's own bytes, read-only; None where it holds Python objects.

    Raises:
      UserError: if it is damaged or none.
    """
    with _explained(file, "npy", NPY_REMEDY), file.open("rb") as stream:
        shape, is_fortran, dtype = _read_header(stream)
        if dtype.hasobject or 0 in shape:  # nothing can be mapped
            return None
        _check_size(shape, dtype, file.stat().st_size)
        return np.memmap(file, dtype, "r", stream.tell(), shape, "F" if is_fortran else "C")


def _read_array(stream: Any, num_bytes: int) -> np.ndarray:
    """The array of a stream of so many bytes; no memory is taken for more."""
    shape, _, dtype = _read_header(stream)
    if dtype.hasobject:
        return np.reshape(read_objects(stream), shape)
    _check_size(shape, dtype, num_bytes)
    stream.seek(0)
    return np.lib.format.read_array(stream, allow_pickle=False)


def _read_header(stream: Any) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Shape, whether columns come first, and dtype; what follows is the numbers."""
    version = np.lib.format.read_magic(stream)
    read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    return read_header(stream)


def _check_size(shape: tuple[int, ...], dtype: np.dtype, num_bytes: int) -> None:
    needed = math.prod(shape) * dtype.itemsize
    if needed > num_bytes:
        raise ValueError(f"its header says {needed} bytes of numbers, but it has {num_bytes}")


@contextmanager
def _explained(file: pathlib.Path, kind: str, remedy: str) -> Iterator[list[str]]:
    """What reading may raise as a `UserError`; the list names what is being read."""
    at = ["its content"]
    try:
        yield at
    except UserError:
        raise
    except Exception as error:  # damage shows in many ways, and the remedy is the same
        # NumPy answers text files as if they were pickles.
        cause = "no arrays" if "allow_pickle" in str(error) else str(error) or "it is empty"
        raise UserError(f"cannot read {at[0]} of {file} as {kind} ({cause}); {remedy}.") from error
