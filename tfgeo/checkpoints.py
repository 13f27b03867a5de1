"""Files that are whole or not there, and training that continues where it was stopped."""

from __future__ import annotations

import contextlib
import errno
import os
import pathlib
import shutil
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence

import keras
import numpy as np
import tensorflow as tf

from tfgeo.errors import UserError

__all__ = ["TrainingCheckpoint", "whole_file", "whole_folder"]


# errno of a full disk and of a full quota; libraries that give none quote the system's words.
_FULL = (errno.ENOSPC, errno.EDQUOT)
_FULL_WORDS = tuple(os.strerror(number) for number in _FULL)


@contextlib.contextmanager
def whole_file(path: str | os.PathLike[str], num_bytes: int = 0) -> Iterator[pathlib.Path]:
    """A temporary name beside `path` to write to; it takes the name `path` when the block ends without error.

    The temporary name keeps all suffixes, because savers choose the format by them.

    Args:
      path: the file.
      num_bytes: how large it will be, where that is known: room for it is looked for before anything is written.

    Raises:
      UserError: if the disk is full; what was at `path` before is still there.
    """
    path = pathlib.Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if num_bytes > shutil.disk_usage(path.parent).free:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        with tempfile.TemporaryDirectory(prefix=".partial-", dir=path.parent) as folder:
            partial = pathlib.Path(folder) / path.name
            yield partial
            os.replace(partial, path)
    except (OSError, RuntimeError) as error:  # HDF5 raises both
        if getattr(error, "errno", None) in _FULL or any(words in str(error) for words in _FULL_WORDS):
            raise UserError(
                f"the disk of {path.parent} is full, {path.name} was not written, what was there before is whole; "
                "make room, then give the same command again"
            ) from error
        raise


def whole_folder(folder: str | os.PathLike[str], write: Callable[[str], object]) -> pathlib.Path:
    """Writes a folder beside its place and renames it into it, so that it is whole or not there."""
    folder = pathlib.Path(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".partial-", dir=folder.parent) as partial:
        write(os.path.join(partial, "new"))
        if folder.exists():
            os.replace(folder, os.path.join(partial, "old"))
        os.replace(os.path.join(partial, "new"), folder)
    return folder


class TrainingCheckpoint(keras.callbacks.Callback):
    """Saves weights, optimizer state and round to one file, and restores them when training begins again.

    The noise and the order of the samples depend on the step alone, so that a run which was stopped and
    continued ends with the same bits as one which was not.

    Args:
      path: the file, an npz without pickled objects.
      every_seconds: least time between two saves.
    """

    def __init__(self, path: str | os.PathLike[str], every_seconds: float = 20.0) -> None:
        super().__init__()
        self.path = pathlib.Path(path)
        self.every_seconds = every_seconds
        self._saved_at = time.monotonic()
        self._extra_variables: list[tf.Variable] = []

    def restore(self, model: keras.Model, extra_variables: Sequence[tf.Variable] = ()) -> int:
        """Brings a compiled and built model to the saved state: the number of rounds done, 0 without a file.

        Args:
          model: the model.
          extra_variables: more that belongs to the state; saved from now on, too.

        Raises:
          UserError: if the file does not fit the model, which is then unchanged.
        """
        self._extra_variables = list(extra_variables)
        if not self.path.exists():
            return 0
        model.optimizer.build(model.trainable_variables)
        variables = [*_variables(model), *self._extra_variables]
        try:
            with np.load(self.path, allow_pickle=False) as saved:
                values = [saved[str(index)] for index in range(len(saved.files) - 1)]
                rounds = int(saved["rounds"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError, zipfile.BadZipFile) as error:
            raise self._misfit(f"cannot be read ({error})") from error
        if [value.shape for value in values] != [tuple(variable.shape) for variable in variables]:
            raise self._misfit("was written by another model or configuration")
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
        return rounds

    def _misfit(self, what: str) -> UserError:
        return UserError(
            f"the training checkpoint {self.path} {what}; remove it to start again, or give another folder"
        )

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        if time.monotonic() - self._saved_at < self.every_seconds:
            return
        variables = [*_variables(self.model), *self._extra_variables]
        values = {str(index): np.asarray(variable) for index, variable in enumerate(variables)}
        # An open file, because NumPy adds .npz to names without it.
        with whole_file(self.path) as partial, partial.open("wb") as file:
            np.savez(file, rounds=epoch + 1, **values)
        self._saved_at = time.monotonic()


def _variables(model: keras.Model) -> list[keras.Variable]:
    return [*model.variables, *model.optimizer.variables]
