"""Reader of arrays of numbers in MATLAB files of level 5 (MATLAB 5 to 7), which believes no size that one states.

SciPy's reader is compiled code that ends the process on files that were altered (segmentation faults in SciPy 1.17,
found by `tests/fuzz`). The format: "MAT-File Format", The MathWorks.
"""

from __future__ import annotations

import math
import os
import pathlib
import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

import numpy as np

__all__ = ["MatError", "read_array"]

_HEADER_BYTES = 128
_COMPRESSED, _MATRIX = 15, 14
# What numbers of each type are stored as, without the order of their bytes.
_STORED = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
# What the array has, by its class; others hold text, cells, structures or sparse arrays.
_CLASSES = {
    6: "f8", 7: "f4", 8: "i1", 9: "u1", 10: "i2", 11: "u2", 12: "i4", 13: "u4", 14: "i8", 15: "u8",
}  # fmt: skip
_COMPLEX = 0x08
# What stands at the end of the header, and the order of bytes that it tells.
_ORDERS = {b"IM": "<", b"MI": ">"}
_MOST_DIMENSIONS = 32
# Room for an array's flags, shape and name beside its numbers.
_ABOUT_ARRAY = 4096


class MatError(Exception):
    """What is wrong with a file, as the end of a sentence that starts with its path."""


def read_array(path: pathlib.Path, name: str, max_bytes: int) -> np.ndarray | None:
    """One array of real numbers, as MATLAB has it; None if the file has none of that name.

    Args:
      path: the file.
      name: the array's.
      max_bytes: how large it may be in the file, without compression.

    Returns:
      `[...]` numbers of the array's class.

    Raises:
      MatError: if the file is not such a file, is damaged, or the array is larger or is not of real numbers.
      OSError: if it cannot be read.
    """
    most = max_bytes + _ABOUT_ARRAY
    with path.open("rb") as file:
        header = file.read(_HEADER_BYTES)
        order = _ORDERS.get(header[126:])
        if order is None:
            raise MatError("is not a MATLAB file of level 5 (save it by MATLAB 5 to 7, not as -v7.3)")
        for kind, data in _elements(file, order, most):
            if kind == _COMPRESSED:
                kind, data, _ = _element(_decompress(data, most), 0, order)
            if kind == _MATRIX:
                found = _read_matrix(data, order, name, max_bytes)
                if found is not None:
                    return found
    return None


def _elements(file: BinaryIO, order: str, most: int) -> Iterator[tuple[int, bytes]]:
    """Type and data of each element of the file, of each at most so many bytes: other arrays may be of any size."""
    size_of_file = os.fstat(file.fileno()).st_size
    while (place := file.tell()) < size_of_file:
        tag = _read_tag(file.read(8), 0, order)
        if place + tag.end > size_of_file:
            raise MatError(
                f"is damaged (an element of {tag.size} bytes, of which {size_of_file - place} are there)"
            )
        file.seek(place + tag.first)
        yield tag.kind, file.read(min(tag.size, most))
        file.seek(place + tag.next)


def _decompress(data: bytes, most: int) -> bytes:
    """At most so many bytes of what was compressed."""
    try:
        return zlib.decompressobj().decompress(data, most)
    except zlib.error as error:
        raise MatError(f"is damaged ({error})") from error


class _Tag(NamedTuple):
    """Type of an element, bytes of its data, and where these begin and end, and the next element begins."""

    kind: int
    size: int
    first: int
    end: int
    next: int


def _read_tag(content: bytes, place: int, order: str) -> _Tag:
    """The tag of the element at a place."""
    if len(content) - place < 8:
        raise MatError("is damaged (it ends inside of an element)")
    kind, size = struct.unpack_from(f"{order}II", content, place)
    if kind >> 16:  # up to four bytes stand in the tag itself
        kind, size, first = kind & 0xFFFF, kind >> 16, place + 4
        if size > 4:
            raise MatError(f"is damaged (an element of {size} bytes in a place for 4)")
        return _Tag(kind, size, first, first + size, place + 8)
    end = place + 8 + size
    # Elements end at multiples of 8 bytes, but for compressed ones.
    return _Tag(kind, size, place + 8, end, end + (0 if kind == _COMPRESSED else -size % 8))


def _element(content: bytes, place: int, order: str) -> tuple[int, bytes, int]:
    """Type and data, as far as they are there, of the element at a place, and the place of the next one."""
    tag = _read_tag(content, place, order)
    return tag.kind, content[tag.first : tag.end], tag.next


def _read_matrix(data: bytes, order: str, name: str, max_bytes: int) -> np.ndarray | None:
    """The array, or None if it is called otherwise."""
    _, flags, place = _element(data, 0, order)
    _, dimensions, place = _element(data, place, order)
    _, called, place = _element(data, place, order)
    if called != name.encode():
        return None
    if len(flags) < 4 or len(dimensions) % 4:
        raise MatError(f"is damaged (flags of {len(flags)}, dimensions of {len(dimensions)} bytes)")
    (word,) = struct.unpack_from(f"{order}I", flags)
    dtype = _CLASSES.get(word & 0xFF)
    if dtype is None or word >> 8 & _COMPLEX:
        raise MatError(f"has a variable {name} that is no array of real numbers")
    shape = np.frombuffer(dimensions, f"{order}i4").tolist()
    if len(shape) not in range(2, _MOST_DIMENSIONS + 1) or min(shape) < 0:
        raise MatError(f"is damaged ({name} of shape {shape})")
    kind, numbers, _ = _element(data, place, order)
    if kind not in _STORED:
        raise MatError(f"is damaged ({name} is of type {kind})")
    stored = np.dtype(f"{order}{_STORED[kind]}")
    num_bytes = math.prod(shape) * stored.itemsize
    if num_bytes > max_bytes:
        raise MatError(
            f"has a variable {name} of shape {tuple(shape)}, {num_bytes} bytes; expected {max_bytes} at most"
        )
    if len(numbers) != num_bytes:
        raise MatError(f"is damaged ({name} of shape {tuple(shape)} in {len(numbers)} bytes, not {num_bytes})")
    # MATLAB's arrays run down the columns first.
    return np.frombuffer(numbers, stored).reshape(shape, order="F").astype(dtype)
