"""Arrays of MATLAB files, written by SciPy, and files that were altered."""

import tracemalloc

import numpy as np
import pytest
from scipy import io

from tfgeo.datasets.mat_file import MatError, read_array

DTYPES = ("float64", "float32", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64")


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("dtype", DTYPES)
def test_reads_what_scipy_writes(dtype, compressed, tmp_path):
    array = np.random.default_rng(0).integers(0, 100, (3, 5, 2)).astype(dtype)
    others = {
        "text": "faces",
        "cells": np.array([[1, "a"]], object),
        "z": 1j * np.ones(3),
        "wide": np.ones((2, 900)),
    }
    path = tmp_path / "data.mat"
    io.savemat(path, {**others, "array_of_some_name": array, "b": array[:1, :1, 0]}, do_compression=compressed)
    found = read_array(path, "array_of_some_name", array.nbytes)
    assert found.dtype == array.dtype
    np.testing.assert_array_equal(found, array)
    # Few bytes stand in the tag itself.
    np.testing.assert_array_equal(read_array(path, "b", 8), array[:1, :1, 0])
    assert read_array(path, "array", 1000) is None
    for name in ("text", "cells", "z"):
        with pytest.raises(MatError, match="no array of real numbers"):
            read_array(path, name, 1000)


def test_the_other_order_of_bytes(tmp_path):
    array = np.arange(6, dtype=np.int16).reshape(2, 3)

    def element(kind, data):
        return np.array([kind, len(data)], ">u4").tobytes() + data + b"\0" * (-len(data) % 8)

    parts = [(6, np.array([10, 0], ">u4")), (5, np.array(array.shape, ">i4")), (1, np.frombuffer(b"faces", "i1"))]
    parts.append((3, array.T.astype(">i2")))
    content = b"".join(element(kind, part.tobytes()) for kind, part in parts)
    path = tmp_path / "data.mat"
    path.write_bytes(b" " * 124 + b"\x01\x00MI" + element(14, content))
    np.testing.assert_array_equal(read_array(path, "faces", 100), array)


def test_sizes_are_not_believed(tmp_path):
    path = tmp_path / "data.mat"
    # Compressed a thousandfold: other arrays are not unpacked to their end, and this one is refused.
    io.savemat(path, {"large": np.zeros((3000, 3000)), "faces": np.ones((20, 20))}, do_compression=True)
    assert read_array(path, "faces", 3200).shape == (20, 20)
    with pytest.raises(MatError, match=r"large of shape \(3000, 3000\)"):
        read_array(path, "large", 10_000)
    io.savemat(path, {"faces": np.ones((20, 20))})
    content = bytearray(path.read_bytes())
    shape = content.index(np.array([20, 20], "<i4").tobytes())
    for size, words in (
        (10, "damaged"),
        (0, "damaged"),
        (2**31 - 1, "expected 3200 bytes at most"),
        (-1, "dimensions"),
    ):
        content[shape : shape + 4] = np.array([size], "<i4").tobytes()
        path.write_bytes(content)
        with pytest.raises(MatError, match=words):
            read_array(path, "faces", 3200)


def test_other_arrays_take_no_memory(tmp_path):
    path = tmp_path / "data.mat"
    io.savemat(path, {"large": np.zeros((3000, 3000)), "faces": np.ones((20, 20))}, do_compression=True)
    tracemalloc.start()
    read_array(path, "faces", 3200)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000


def test_an_empty_array_of_a_huge_shape_is_refused(tmp_path):
    path = tmp_path / "data.mat"
    io.savemat(path, {"faces": np.ones((3, 4, 5))[:0]})
    content = bytearray(path.read_bytes())
    place = content.index(np.array([0, 4, 5], "<i4").tobytes())
    content[place : place + 12] = np.array([0, 2**31 - 1, 2**31 - 1], "<i4").tobytes()
    path.write_bytes(content)
    with pytest.raises(MatError, match="expected 3200 bytes"):
        read_array(path, "faces", 3200)


def test_files_of_other_levels_and_without_end(tmp_path):
    path = tmp_path / "data.mat"
    io.savemat(path, {"faces": np.ones((2, 2))})
    content = path.read_bytes()
    path.write_bytes(content[:124] + b"\x00\x02IM" + content[128:])
    with pytest.raises(MatError, match=r"not as -v7\.3"):
        read_array(path, "faces", 100)
    path.write_bytes(content[:128] + bytes(800))  # elements of no type
    with pytest.raises(MatError, match="type 0"):
        read_array(path, "faces", 100)
    path.write_bytes(content[:128] + (14).to_bytes(8, "little") * 20_000 + content[128:])  # of nothing
    with pytest.raises(MatError, match="more than 10000 variables"):
        read_array(path, "faces", 100)
    path.write_bytes(content[:128] + (14).to_bytes(8, "little") + content[128:])
    np.testing.assert_array_equal(read_array(path, "faces", 100), np.ones((2, 2)))


@pytest.mark.parametrize("compressed", [False, True])
def test_every_way_to_cut_it_short(compressed, tmp_path):
    path = tmp_path / "data.mat"
    io.savemat(path, {"faces": np.arange(12.0).reshape(3, 4)}, do_compression=compressed)
    whole = path.read_bytes()
    for end in range(len(whole)):
        path.write_bytes(whole[:end])
        if end == 128:  # a file without arrays
            assert read_array(path, "faces", 1000) is None
            continue
        with pytest.raises(MatError, match=r"damaged|level 5"):
            read_array(path, "faces", 1000)
