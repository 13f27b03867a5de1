"""Reader of arrays of numbers in MATLAB files of level 5 (MATLAB 5 to 7), which believes no size that one states.

SciPy's reader is compiled code that ends the process on files that were altered (segmentation faults in SciPy 1.17,
found by `tests/fuzz`). The format: "MAT-File Format", The MathWorks.
"""

from __future__ import annotations

import dataclasses
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
_VERSION = 0x0100  # of level 5; -v7.3 has 0x0200
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
_MOST_DIMENSIONS = 32  # NumPy's
# Variables of a file, each of which takes a look.
_MOST_VARIABLES = 10_000
# Room for an array's flags, shape and name before its numbers.
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
    with path.open("rb") as file:
        header = file.read(_HEADER_BYTES)
        order = _ORDERS.get(header[126:])
        if order is None or struct.unpack_from(f"{order}H", header, 124) != (_VERSION,):
            raise MatError("is not a MATLAB file of level 5 (save it by MATLAB 5 to 7, not as -v7.3)")
        for element in _elements(file, order):
            if _name_of(element.read(_ABOUT_ARRAY), order) == name.encode():
                return _read_matrix(element.read(max_bytes + _ABOUT_ARRAY), order, name, max_bytes)
    return None


@dataclasses.dataclass(frozen=True)
class _Element:
    """A variable of a file, which is read as far as it is asked for: others may be of any size."""

    file: BinaryIO
    order: str
    kind: int
    place: int
    size: int

    def read(self, most: int) -> bytes:
        """At most so many bytes of a matrix's data, unpacked."""
        self.file.seek(self.place)
        content = self.file.read(min(self.size, most))
        if self.kind == _MATRIX:
            return content
        unpacking = zlib.decompressobj()
        try:
            content = unpacking.decompress(content, most)
        except zlib.error as error:
            raise MatError(f"is damaged ({error})") from error
        if not unpacking.eof and len(content) < most and self.size <= most:
            raise MatError("is damaged (what is compressed ends early)")
        tag = _read_tag(content, 0, self.order)
        return content[tag.first : tag.end] if tag.kind == _MATRIX else b""


def _elements(file: BinaryIO, order: str) -> Iterator[_Element]:
    """The variables of a file."""
    size_of_file = os.fstat(file.fileno()).st_size
    place = _HEADER_BYTES
    for _ in range(_MOST_VARIABLES):
        if place >= size_of_file:
            return
        file.seek(place)
        tag, left = _read_tag(file.read(8), 0, order), size_of_file - place
        if tag.kind not in (_MATRIX, _COMPRESSED) or tag.end > left:
            raise MatError(
                f"is damaged (an element of type {tag.kind}, {tag.size} bytes, of which {left} are left)"
            )
        yield _Element(file, order, tag.kind, place + tag.first, tag.size)
        place += tag.next
    raise MatError(f"has more than {_MOST_VARIABLES} variables")


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


def _name_of(data: bytes, order: str) -> bytes:
    """The name of a matrix: its third part, after flags and dimensions; nothing where it has none there."""
    place = 0
    for _ in range(2):
        if len(data) - place < 8:
            return b""
        place = _read_tag(data, place, order).next
    if len(data) - place < 8:
        return b""
    tag = _read_tag(data, place, order)
    return data[tag.first : tag.end]


def _read_matrix(data: bytes, order: str, name: str, max_bytes: int) -> np.ndarray:
    """The numbers of a matrix."""
    flags = _read_tag(data, 0, order)
    dimensions = _read_tag(data, flags.next, order)
    numbers = _read_tag(data, _read_tag(data, dimensions.next, order).next, order)
    if flags.size < 4 or dimensions.size % 4:
        raise MatError(f"is damaged (flags of {flags.size}, dimensions of {dimensions.size} bytes)")
    (word,) = struct.unpack_from(f"{order}I", data, flags.first)
    dtype = _CLASSES.get(word & 0xFF)
    if dtype is None or word >> 8 & _COMPLEX:
        raise MatError(f"has a variable {name} that is no array of real numbers")
    shape = np.frombuffer(data[dimensions.first : dimensions.end], f"{order}i4").tolist()
    if not 2 <= len(shape) <= _MOST_DIMENSIONS or min(shape) < 0:
        raise MatError(f"has a variable {name} of {len(shape)} dimensions, {shape[:_MOST_DIMENSIONS]}")
    stored = np.dtype(f"{order}{_STORED.get(numbers.kind, 'V1')}")
    if stored.kind == "V" or (stored.kind == "f" and dtype[0] != "f"):
        raise MatError(f"is damaged ({name} of class {dtype} is of type {numbers.kind})")
    # NumPy counts the bytes of an empty array as if it had one number along each empty axis.
    if math.prod(max(1, size) for size in shape) * stored.itemsize > max_bytes:
        raise MatError(
            f"has a variable {name} of shape {tuple(shape)}, {stored}; expected {max_bytes} bytes at most"
        )
    content = data[numbers.first : numbers.end]
    if len(content) != math.prod(shape) * stored.itemsize:
        raise MatError(f"is damaged ({name} of shape {tuple(shape)}, {stored}, in {len(content)} bytes)")
    with np.errstate(all="ignore"):  # what float32 does not reach becomes infinite
        # MATLAB's arrays run down the columns first.
        return np.frombuffer(content, stored).reshape(shape, order="F").astype(dtype)
