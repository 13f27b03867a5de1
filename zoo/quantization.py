"""Weights as whole numbers of few bits, as trained weights of the zoo are stored.

The weights of one output unit share a scale: b bits leave an error of at most 2^-b of the unit's largest weight,
where float16 leaves 2^-11 of each weight, in 16 bits.
"""

from __future__ import annotations

import contextlib
import math
import pathlib
import re
import tempfile
from collections.abc import Iterator
from typing import Any

import h5py
import numpy as np

from tfgeo.errors import UserError

__all__ = ["BITS", "LARGE", "is_stored_as", "quantize_weights", "unquantized"]

# Bits a weight, from few to many.
BITS = (10, 12, 14, 16, 18, 20)
# Numbers of a weight that quantizing is worth it for, and output units of which HDF5's attributes hold the scales.
LARGE, MOST_UNITS = 10_000, 15_000
# Only networks are quantized. What else a model holds is small, and results depend on it most: a precision, by half
# of whose logarithm's error the density of each value is wrong, centroids with their factors, or a step size, which
# configurations are compared with.
_KEPT = re.compile(r"^vars/|(^|/)precision/|^optimizer/")
_BITS, _SHAPE, _SCALE = "quantized_bits", "quantized_shape", "quantized_scale"
_WORD = np.dtype("<u4")


def quantize_weights(source: pathlib.Path, target: pathlib.Path, bits: int) -> None:
    """Writes a file of weights with its large float32 weights in `bits` bits, one of `BITS`.

    What is no weight of a network stays as it is, and a weight with a number that is not finite.
    """

    def write(new: h5py.File, name: str, values: np.ndarray) -> h5py.Dataset:
        is_large = values.ndim > 1 and values.size >= LARGE and values.shape[-1] <= MOST_UNITS
        if _KEPT.search(name) or values.dtype != np.float32 or not is_large or not np.isfinite(values).all():
            return new.create_dataset(name, data=values)
        packed, scale = _pack(values, bits)
        made = new.create_dataset(name, data=packed)
        made.attrs[_BITS], made.attrs[_SHAPE], made.attrs[_SCALE] = bits, values.shape, scale
        return made

    with h5py.File(source, "r") as old, h5py.File(target, "w") as new:
        _copy(old, new, lambda name, part: write(new, name, part[()]))


def _is_quantized(part: h5py.Dataset) -> bool:
    """Whether a dataset holds quantized weights."""
    return _BITS in part.attrs


@contextlib.contextmanager
def unquantized(path: pathlib.Path) -> Iterator[pathlib.Path]:
    """A file of the same weights in float32, as Keras loads it; the file itself where none are quantized.

    Raises:
      UserError: if quantized weights are not what `quantize_weights` writes.
    """
    with h5py.File(path, "r") as old:
        if not _any_quantized(old):
            yield path
            return
        with tempfile.TemporaryDirectory() as folder:
            whole = pathlib.Path(folder, path.name)
            try:
                with h5py.File(whole, "w") as new:
                    _copy(old, new, lambda name, part: new.create_dataset(name, data=_values(path, name, part)))
            except (OSError, RuntimeError) as error:
                raise UserError(
                    f"weights file {path} cannot be unpacked into {tempfile.gettempdir()} ({error}); free some "
                    "room there, name another folder by TMPDIR, or copy the file again"
                ) from error
            yield whole


def is_stored_as(values: np.ndarray, stored: h5py.Dataset) -> bool:
    """Whether float32 weights, in the bits or the precision of those that are stored, are these."""
    if not _is_quantized(stored):
        return np.array_equal(values.astype(stored.dtype), stored[()])
    if values.shape != tuple(stored.attrs[_SHAPE]):
        return False
    packed, scale = _pack(values, int(stored.attrs[_BITS]))
    # A scale that was found from rounded weights differs in its last bit.
    return np.allclose(scale, stored.attrs[_SCALE], rtol=1e-6, atol=0.0) and np.array_equal(packed, stored[()])


def _any_quantized(file: h5py.File) -> bool:
    return bool(file.visititems(lambda _, part: (isinstance(part, h5py.Dataset) and _is_quantized(part)) or None))


def _copy(old: h5py.File, new: h5py.File, write: Any) -> None:
    """Copies groups and attributes, and datasets by `write(name, part)`."""

    def copy(name: str, part: h5py.Group | h5py.Dataset) -> None:
        made = new.require_group(name) if isinstance(part, h5py.Group) else write(name, part)
        _copy_attributes(part, made)

    _copy_attributes(old, new)
    old.visititems(copy)


def _copy_attributes(part: h5py.Group | h5py.Dataset, made: h5py.Group | h5py.Dataset) -> None:
    for key, value in part.attrs.items():
        if key not in (_BITS, _SHAPE, _SCALE):
            made.attrs[key] = value


def _pack(values: np.ndarray, bits: int) -> tuple[np.ndarray, np.ndarray]:
    """Bytes of `values / scale + largest` in `bits` bits each, and the scales, one for each output unit."""
    largest = 2 ** (bits - 1) - 1
    scale = np.abs(values).max(axis=tuple(range(values.ndim - 1))) / np.float32(largest)
    scale = np.where(scale > 0.0, scale, np.float32(1.0)).astype(np.float32)
    # A scale of a few denormal numbers may be rounded down.
    whole = np.clip(np.rint(values / scale), -largest, largest)
    words = (whole + largest).astype(_WORD).reshape(-1, 1).view(np.uint8)
    return np.packbits(np.unpackbits(words, axis=1, count=bits, bitorder="little"), bitorder="little"), scale


def _values(path: pathlib.Path, name: str, part: h5py.Dataset) -> np.ndarray:
    """What a dataset holds, in float32 where it is quantized."""
    if not _is_quantized(part):
        return part[()]
    bits, shape, scale = (np.asarray(part.attrs.get(key)) for key in (_BITS, _SHAPE, _SCALE))
    is_whole = (
        bits.shape == () and bits.dtype.kind in "iu" and int(bits) in BITS
        and shape.ndim == 1 and shape.size > 0 and shape.dtype.kind in "iu" and bool((shape > 0).all())
        and scale.dtype == np.float32 and scale.shape == (int(shape[-1]),) and bool(np.isfinite(scale).all())
        and part.dtype == np.uint8 and part.shape == (-(-math.prod(map(int, shape)) * int(bits) // 8),)
    )  # fmt: skip
    if not is_whole:
        raise UserError(f"weights file {path} holds {name!r} in bits that do not fit its shape; do not trust it")
    count = math.prod(map(int, shape))
    ones = np.unpackbits(part[()], count=count * int(bits), bitorder="little").reshape(count, int(bits))
    padded = np.pad(ones, ((0, 0), (0, 8 * _WORD.itemsize - int(bits))))
    whole = np.packbits(padded, axis=1, bitorder="little").view(_WORD).reshape(shape)
    return (whole.astype(np.float32) - np.float32(2 ** (int(bits) - 1) - 1)) * scale
