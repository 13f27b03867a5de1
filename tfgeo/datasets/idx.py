"""Reader of gzipped idx files, the format of MNIST and its relatives."""

from __future__ import annotations

import contextlib
import gzip
import math
import pathlib
import struct
import zlib
from collections.abc import Iterator

import numpy as np

from tfgeo.errors import UserError

__all__ = ["read_images", "read_labels"]

# Third byte 8 means unsigned bytes, fourth byte is the number of dimensions, see
# http://yann.lecun.com/exdb/mnist/
_MAGIC_UINT8 = 0x0800

# Items per read: 3 MB of MNIST images. Keeps memory low where few of many images are wanted.
_BLOCK_ITEMS = 4096


def read_labels(path: pathlib.Path, remedy: str) -> np.ndarray:
    """Reads all labels of a file.

    Args:
      path: gzipped idx file of one dimension.
      remedy: clause for the error message, how to get a good file to `path`.

    Returns:
      `[n]` int64 labels.

    Raises:
      UserError: if the file is not what it should be, or is cut short.
    """
    with _open_idx(path, (), remedy) as (file, num_items):
        blocks = [block for _, block in _read_blocks(file, num_items, ())]
    return np.concatenate(blocks).astype(np.int64)


def read_images(
    path: pathlib.Path, image_shape: tuple[int, int], rows: np.ndarray, num_images: int, remedy: str
) -> np.ndarray:
    """Reads some of the images of a file; the file is always checked to its end.

    Args:
      path: gzipped idx file of three dimensions.
      image_shape: height and width that every image must have.
      rows: `[n]` numbers of the wanted images.
      num_images: how many the file must hold, the number of its labels.
      remedy: clause for the error message, how to get a good file to `path`.

    Returns:
      `[n, height, width]` uint8 images, in the order of `rows`.

    Raises:
      UserError: if the file is not what it should be, or is cut short.
    """
    with _open_idx(path, image_shape, remedy) as (file, num_items):
        if num_items != num_images:
            raise _IdxError(f"holds {num_items} images, but its label file {num_images} labels")
        images = np.empty((len(rows), *image_shape), np.uint8)
        for start, block in _read_blocks(file, num_items, image_shape):
            wanted = np.flatnonzero((rows >= start) & (rows < start + len(block)))
            images[wanted] = block[rows[wanted] - start]
    return images


class _IdxError(Exception):
    """What is wrong with a file, as the end of a sentence that starts with its path."""


@contextlib.contextmanager
def _open_idx(path: pathlib.Path, item_shape: tuple[int, ...], remedy: str) -> Iterator[tuple[gzip.GzipFile, int]]:
    """Opens a file after its header, with the number of items; failures inside become UserError."""
    try:
        with gzip.open(path, "rb") as file:
            yield file, _read_header(file, item_shape)
    except _IdxError as error:
        raise UserError(f"{path} {error}; delete it, then {remedy}.") from error
    except gzip.BadGzipFile as error:
        raise UserError(f"{path} is not a gzip file or is damaged; delete it, then {remedy}.") from error
    except EOFError as error:
        raise UserError(f"{path} is cut short (gzip stream ends early); delete it, then {remedy}.") from error
    except zlib.error as error:
        raise UserError(f"{path} is damaged ({error}); delete it, then {remedy}.") from error
    except OSError as error:
        cause = error.strerror or error
        raise UserError(f"{path} cannot be read: {cause}; make it readable, or {remedy}.") from error


def _read_header(file: gzip.GzipFile, item_shape: tuple[int, ...]) -> int:
    """Checks magic and item shape; returns the number of items."""
    num_dims = 1 + len(item_shape)
    header = file.read(4 + 4 * num_dims)
    magic = struct.unpack(">I", header[:4])[0] if len(header) >= 4 else None
    if magic != _MAGIC_UINT8 + num_dims:
        found = "is too short for it" if magic is None else f"begins with {magic}"
        kind = "labels" if num_dims == 1 else "images"
        expected = _MAGIC_UINT8 + num_dims
        raise _IdxError(f"is not an idx file of {kind}: these begin with {expected}, this one {found}")
    if len(header) < 4 + 4 * num_dims:
        raise _IdxError("is cut short in its header")
    num_items, *sizes = struct.unpack(f">{num_dims}I", header[4:])
    if tuple(sizes) != item_shape:
        raise _IdxError(f"holds images of {tuple(sizes)} pixels, not {item_shape}")
    if num_items == 0:
        raise _IdxError("holds no items")
    return int(num_items)


def _read_blocks(
    file: gzip.GzipFile, num_items: int, item_shape: tuple[int, ...]
) -> Iterator[tuple[int, np.ndarray]]:
    """Yields (first item, block of items) over the file, and checks that it ends there."""
    item_bytes = math.prod(item_shape)
    for start in range(0, num_items, _BLOCK_ITEMS):
        length = min(_BLOCK_ITEMS, num_items - start)
        content = file.read(length * item_bytes)
        if len(content) < length * item_bytes:
            read = start + len(content) // item_bytes
            raise _IdxError(f"is cut short: its header says {num_items} items, but it holds {read}")
        yield start, np.frombuffer(content, np.uint8).reshape(length, *item_shape)
    # Reading past the end also makes gzip check the length and CRC at the end of its stream.
    if file.read(1):
        raise _IdxError(f"holds more than the {num_items} items that its header says")
