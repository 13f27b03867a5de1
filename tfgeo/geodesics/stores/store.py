"""A matrix of distances on disk that is written block by block, and goes on where it was interrupted."""

from __future__ import annotations

import json
import os
import pathlib
from typing import Any

import numpy as np

from tfgeo.checkpoints import whole_file, whole_folder
from tfgeo.errors import UserError, check_writable_folder
from tfgeo.geodesics.stores.blocks import Block, Cut, put
from tfgeo.geodesics.stores.extra import import_extra
from tfgeo.geodesics.stores.job import check_same_job
from tfgeo.geodesics.stores.resources import check_disk

__all__ = ["DistanceStore"]

# Beside the zarr array's own files, which those that read it do not look at.
_NOTES = ".tfgeo"


class DistanceStore:
    """A zarr array `[n, m]` in a folder, with notes of the job and of each finished block beside its chunks.

    A block is written before it is noted, both by renaming whole files into place, so that a process that is
    killed loses the blocks that it works on, and nothing else. Values that are not found yet are NaN.

    Args:
      path: the folder; it is made where there is none, or an empty one.
      cut: how the matrix is cut into blocks; a chunk is a block's square.
      dtype: of the distances.
      job: what they are of, as `describe_job` says it.

    Raises:
      UserError: if the folder holds something else or another job's distances, cannot be written to, or its disk
        would not hold them; if zarr is not installed.
    """

    def __init__(self, path: str | os.PathLike[str], cut: Cut, dtype: np.dtype, job: dict[str, Any]) -> None:
        self._zarr = import_extra("zarr", "`store`")
        self.path, self._cut = as_path(path), cut
        if self.path.is_dir() and any(self.path.iterdir()):
            check_same_job(self.path, self._read_job(), job)
        else:
            self._create(dtype, job)
        try:
            self._array = self._zarr.open_array(store=str(self.path), mode="r+")
        except Exception as error:  # of zarr's own kinds, which differ between its versions
            raise self._broken(str(error)) from error
        if self._array.shape != cut.shape or self._array.dtype != dtype:
            raise self._broken(f"its array is {self._array.dtype} {self._array.shape}")
        self._finished = {name: note for name in os.listdir(self._notes) if (note := self._read_note(name))}

    def is_finished(self, block: Block) -> bool:
        return block.name in self._finished

    def put(self, block: Block, values: np.ndarray, num_failed: int, reason: str) -> None:
        note = {"num_failed": int(num_failed), "reason": str(reason)}
        try:
            put(self._array, self._cut.symmetric, block, values)
            with whole_file(self._notes / block.name) as partial:
                partial.write_text(json.dumps(note), encoding="utf-8")
        except OSError as error:
            raise UserError(
                f"cannot write to the store {self.path}: {error.strerror or error}; the blocks before are kept: "
                "give the same call again once it can be written to"
            ) from error
        self._finished[block.name] = note

    def failures(self) -> tuple[int, str]:
        failed = [note for note in self._finished.values() if note["num_failed"]]
        return sum(note["num_failed"] for note in failed), failed[0]["reason"] if failed else ""

    def read(self) -> Any:
        """The zarr array, which cannot be written to."""
        return self._zarr.open_array(store=str(self.path), mode="r")

    @property
    def _notes(self) -> pathlib.Path:
        return self.path / _NOTES / "finished"

    def _create(self, dtype: np.dtype, job: dict[str, Any]) -> None:
        rows, columns = self._cut.shape
        check_disk(self.path, rows * columns * dtype.itemsize, f"{rows} x {columns} distances")
        check_writable_folder(self.path.parent)
        size = self._cut.size

        def write(partial: str) -> None:
            self._zarr.open_array(
                store=partial,
                mode="w-",
                shape=self._cut.shape,
                chunks=(max(min(size, rows), 1), max(min(size, columns), 1)),
                dtype=dtype,
                fill_value=float("nan"),
            )
            notes = pathlib.Path(partial, _NOTES)
            (notes / "finished").mkdir(parents=True)
            (notes / "job.json").write_text(json.dumps(job), encoding="utf-8")

        whole_folder(self.path, write)

    def _read_job(self) -> Any:
        try:
            return json.loads((self.path / _NOTES / "job.json").read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise UserError(
                f"`store`={str(self.path)!r} is a folder that `pairwise` or `distances` did not write; give a new "
                "path"
            ) from error

    def _read_note(self, name: str) -> dict[str, Any] | None:
        """What was noted of a block; None for what is no note, or one that others have broken."""
        if name.startswith("."):
            return None
        try:
            note = json.loads((self._notes / name).read_text(encoding="utf-8"))
            return {"num_failed": int(note["num_failed"]), "reason": str(note["reason"])}
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _broken(self, cause: str) -> UserError:
        return UserError(f"the store {self.path} is broken ({cause}); remove the folder, or give another path")


def as_path(path: Any) -> pathlib.Path:
    """The folder of a store.

    Raises:
      UserError: if `path` is no path, or there is a file.
    """
    if not isinstance(path, (str, os.PathLike)) or not os.fspath(path):
        raise UserError(f"`store` must be the path of a folder, such as 'distances.zarr', but is {path!r}")
    folder = pathlib.Path(path).expanduser()
    if folder.exists() and not folder.is_dir():
        raise UserError(f"`store`={str(path)!r} is a file, not a zarr folder; give the path of a folder")
    return folder
