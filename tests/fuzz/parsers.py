"""Every reader of files from elsewhere, with small right files to begin from."""

from __future__ import annotations

import dataclasses
import gzip
import io
import json
import pathlib
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Mapping
from typing import Any
from unittest import mock

import numpy as np

from tfgeo.errors import UserError


@dataclasses.dataclass(frozen=True)
class Parser:
    """One reader.

    Attributes:
      filename: what its file is called.
      seeds: makes right contents.
      read: reads the file at a path; may raise `UserError` and nothing else.
      pack: what is done to a content before it is written, such as gzip, so that changes reach what is inside.
      beside: other files of the folder by name, their content or the size of one without.
    """

    filename: str
    seeds: Callable[[], list[bytes]]
    read: Callable[[pathlib.Path], Any]
    pack: Callable[[bytes], bytes] | None = None
    beside: Callable[[], Mapping[str, bytes | int]] = dict


def _npz(compressed: bool = False, **arrays: np.ndarray) -> bytes:
    stream = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(stream, **arrays)
    return stream.getvalue()


def _npy(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def _zipped(content: bytes) -> bytes:
    """An npz file whose array x is this content."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("x.npy", content)
    return stream.getvalue()


X = np.arange(12.0).reshape(6, 2)


def _npz_seeds() -> list[bytes]:
    words = np.array(["a", "b", "a", "b", "a", "b"], object)
    images = np.arange(96, dtype=np.uint8).reshape(6, 4, 4)
    return [
        _npz(x=X, y=np.arange(6)),
        _npz(True, x=X.astype(np.float32)),
        _npz(x=images, y=words.astype(str)),
        _npz(x=X, y=words),
    ]


def _read_npz(path: pathlib.Path) -> Any:
    from tfgeo.datasets.user import npz

    return npz(path)


def _read_npy(path: pathlib.Path) -> Any:
    from tfgeo.datasets.npy_file import npy

    return npy(path)


def _read_csv(path: pathlib.Path) -> Any:
    from tfgeo.datasets.tables import csv_table

    return csv_table(path, "kind")


def _csv_seeds() -> list[bytes]:
    return [b"a,b,kind\n1,2,x\n3,4.5,y\n-1e3,0,x\n", b";a;kind\n0;1;2\n1;3;4\n", "ä\tkind\n1\t2\n3\t4\n".encode()]


def _idx(*sizes: int) -> bytes:
    content = bytes(range(int(np.prod(sizes)) % 256)) * 2
    return struct.pack(f">{1 + len(sizes)}I", 0x800 + len(sizes), *sizes) + content[: int(np.prod(sizes))].ljust(
        int(np.prod(sizes)), b"\1"
    )


def _read_labels(path: pathlib.Path) -> Any:
    from tfgeo.datasets.idx import read_labels

    return read_labels(path, "get it again")


def _read_images(path: pathlib.Path) -> Any:
    from tfgeo.datasets.idx import read_images

    return read_images(path, (4, 4), np.array([2, 0]), 5, "get it again")


def _read_amat(path: pathlib.Path) -> Any:
    from tfgeo.datasets.binarized_mnist import read_amat

    return read_amat(path, 4)


def _read_asf(path: pathlib.Path) -> Any:
    from tfgeo.datasets.mocap import read_asf

    return read_asf(path)


def _read_amc(path: pathlib.Path) -> Any:
    from tfgeo.datasets.mocap import read_amc

    return read_amc(path)


def _asf_seeds() -> list[bytes]:
    from tests.datasets.test_human_motion import ASF

    return [ASF.encode()]


def _amc_seeds() -> list[bytes]:
    from tests.datasets.test_human_motion import amc

    return [amc().encode()]


def _mat(compressed: bool = False, **variables: Any) -> bytes:
    from scipy import io as scipy_io

    stream = io.BytesIO()
    faces = np.arange(24.0).reshape(2, 3, 4)
    scipy_io.savemat(stream, variables | {"faces": faces, "b": np.uint8([7])}, do_compression=compressed)
    return stream.getvalue()


def _pack_mat(content: bytes) -> bytes:
    """A file whose one variable is what was altered, compressed."""
    element = zlib.compress(content)
    return b" " * 124 + b"\x00\x01IM" + (15).to_bytes(4, "little") + len(element).to_bytes(4, "little") + element


def _read_mat(path: pathlib.Path) -> Any:
    from tfgeo.datasets.mat_file import MatError, read_array

    try:
        return [read_array(path, name, 1000) for name in ("faces", "b")]
    except MatError as error:  # to which loaders add the path
        raise UserError(str(error)) from error


def _scan() -> dict[str, bytes]:
    import nibabel

    with tempfile.TemporaryDirectory() as folder:
        values = np.arange(4 * 4 * 3, dtype=np.int16).reshape(4, 4, 3, 1)
        nibabel.AnalyzeImage(values, np.eye(4)).to_filename(f"{folder}/scan.hdr")
        return {path.name: path.read_bytes() for path in pathlib.Path(folder).iterdir()}


def _read_scan(path: pathlib.Path) -> Any:
    import nibabel

    from tfgeo.datasets.scans import _read_middle_slice

    return _read_middle_slice(nibabel, path)


def _image_seeds() -> list[bytes]:
    from PIL import Image

    contents = []
    for kind in ("PNG", "JPEG", "GIF", "BMP", "TIFF"):
        stream = io.BytesIO()
        Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8)).save(stream, kind)
        contents.append(stream.getvalue())
    return contents


def _read_folder(path: pathlib.Path) -> Any:
    from tfgeo.datasets.image_folder import image_folder

    return image_folder(path.parent)


def _card_seeds() -> list[bytes]:
    import zoo
    from zoo.config import to_dict

    return [
        json.dumps({"format": 1, "entry": name, "sha256": "0" * 64, "config": to_dict(zoo.config(name))}).encode()
        for name in ("yang2018/two_moons", "chadebec2020/rhvae_circles_rings", "chen2018/pendulum")
    ]


def _read_card(path: pathlib.Path) -> Any:
    from zoo import folders

    return folders.read(path.parent)


def _read_config(path: pathlib.Path) -> Any:
    from zoo import folders

    card = folders._read_card(path.parent)
    config = folders._read_config(path.parent, card)
    folders._check_size(config, path.parent / "model.weights.h5")
    return str(card)


def _weights_seeds() -> list[bytes]:
    import h5py

    from zoo import quantization

    with tempfile.TemporaryDirectory() as folder:
        whole, few = (pathlib.Path(folder, name) for name in ("whole.weights.h5", "few.weights.h5"))
        with h5py.File(whole, "w") as file:
            for name in ("layers/dense/vars/0", "layers/dense/vars/1"):
                file[name] = np.arange(8, dtype=np.float32).reshape(4, 2)
        with mock.patch.object(quantization, "LARGE", 1):
            quantization.quantize_weights(whole, few, 12)
        return [path.read_bytes() for path in (whole, few)]


def _read_weights(path: pathlib.Path) -> Any:
    from tfgeo.errors import UserError
    from zoo.loading import check_content
    from zoo.quantization import unquantized

    try:
        check_content(path)
        with unquantized(path):
            pass
    except (OSError, RuntimeError, ValueError, KeyError) as error:  # what `load_weights` explains
        raise UserError(str(error)) from error


PARSERS = {
    "npz": Parser("data.npz", _npz_seeds, _read_npz),
    "npz_inside": Parser("data.npz", lambda: [_npy(X), _npy(X.astype(object))], _read_npz, _zipped),
    "npy": Parser(
        "data.npy", lambda: [_npy(X), _npy(np.zeros([3, 2, 2, 1], np.uint8)), _npy(X.astype(object))], _read_npy
    ),
    "csv": Parser("data.csv", _csv_seeds, _read_csv),
    "idx_labels": Parser("labels.gz", lambda: [_idx(5)], _read_labels, gzip.compress),
    "idx_images": Parser("images.gz", lambda: [_idx(5, 4, 4)], _read_images, gzip.compress),
    "amat": Parser("data.amat", lambda: [b"0 1 1 0\n1 1 0 0\n", b"0  1 1 0\r\n"], _read_amat),
    "amat_gz": Parser("data.amat.gz", lambda: [b"0 1 1 0\n1 1 0 0\n"], _read_amat, gzip.compress),
    "asf": Parser("data.asf", _asf_seeds, _read_asf),
    "amc": Parser("data.amc", _amc_seeds, _read_amc),
    "mat": Parser("faces.mat", lambda: [_mat(text="faces", z=1j * np.ones(2)), _mat(compressed=True)], _read_mat),
    "mat_inside": Parser("faces.mat", lambda: [_mat()[128:]], _read_mat, _pack_mat),
    "analyze": Parser("scan.hdr", lambda: [_scan()["scan.hdr"]], _read_scan, beside=_scan),
    "images": Parser("image.png", _image_seeds, _read_folder),
    "card": Parser("metrics.json", _card_seeds, _read_card, beside=lambda: {"model.weights.h5": b"0" * 4000}),
    "config": Parser("metrics.json", _card_seeds, _read_config, beside=lambda: {"model.weights.h5": 1 << 30}),
    "weights": Parser("some.weights.h5", _weights_seeds, _read_weights),
}
