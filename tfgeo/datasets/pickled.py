"""Arrays of Python objects, as NumPy pickles them: numbers and words are read, and nothing is run.

NumPy's own code that unpickling calls trusts what it is given: altered bytes made it write outside of its memory.
Here nothing of it is called: stand-ins gather what the pickle says of arrays and numbers, of which arrays are made.
"""

from __future__ import annotations

import pickle
import re
from typing import Any, BinaryIO

import numpy as np

__all__ = ["read_objects"]

# Types of numbers and words, by the letters NumPy writes.
_DTYPE = re.compile(r"[fiub][1248]|[US]\d{1,5}")


class _Dtype:
    """A type of NumPy's, by its letters and byte order."""

    def __init__(self, code: Any, *_: Any) -> None:
        self._code, self._order = code, "<"

    def __setstate__(self, state: Any) -> None:
        if not isinstance(state, tuple) or len(state) < 2 or state[1] not in ("<", ">", "|", "="):
            raise pickle.UnpicklingError("a type without its byte order")
        self._order = state[1]

    def one(self, content: Any) -> Any:
        """The number or word whose bytes these are."""
        if not isinstance(self._code, str) or not _DTYPE.fullmatch(self._code) or not isinstance(content, bytes):
            raise pickle.UnpicklingError("a number of no type that is known")
        dtype = np.dtype(self._order + self._code)
        if len(content) != dtype.itemsize:
            raise pickle.UnpicklingError(f"{len(content)} bytes for a {dtype}")
        return np.frombuffer(content, dtype)[0]


class _Objects:
    """An array of objects, as its state says."""

    def __init__(self, *_: Any) -> None:
        self.values: np.ndarray | None = None

    def __setstate__(self, state: Any) -> None:
        if not isinstance(state, tuple) or len(state) != 5 or not isinstance(state[4], list):
            raise pickle.UnpicklingError("an array that is none of objects")
        _, shape, _, is_fortran, values = state
        array = np.empty(len(values), object)
        for index, value in enumerate(values):
            array[index] = value
        self.values = array.reshape(shape, order="F" if is_fortran else "C")


def _scalar(dtype: Any, content: Any) -> Any:
    if not isinstance(dtype, _Dtype):
        raise pickle.UnpicklingError("a number without its type")
    return dtype.one(content)


# What a pickled array calls, whichever NumPy wrote it. Nothing else may be called.
_STAND_INS: dict[tuple[str, str], Any] = {("numpy", "ndarray"): _Objects, ("numpy", "dtype"): _Dtype}
for _module in ("numpy.core.multiarray", "numpy._core.multiarray"):
    _STAND_INS[_module, "_reconstruct"] = _Objects
    _STAND_INS[_module, "scalar"] = _scalar


# Python's own in place of C's, whose memory grows with numbers that a pickle writes.
class _Unpickler(pickle._Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _STAND_INS:
            raise pickle.UnpicklingError(f"Python objects {module}.{name}")
        return _STAND_INS[module, name]


def read_objects(stream: BinaryIO) -> np.ndarray:
    """The array of Python objects that is pickled in a stream.

    Raises:
      Exception: one of many, if it is damaged, or calls anything but what arrays of numbers and words do.
    """
    found = _Unpickler(stream).load()
    if not isinstance(found, _Objects) or found.values is None:
        raise pickle.UnpicklingError("no array of Python objects")
    return found.values
