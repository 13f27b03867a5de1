"""How training went, epoch by epoch, kept over interruptions."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Callable

import keras
import numpy as np

__all__ = ["TrainingLog", "read_log"]


class TrainingLog(keras.callbacks.Callback):
    """Appends each round's losses to a file of JSON lines, and now and then a further estimate.

    A run that continues from a checkpoint repeats the rounds after it: what was written of them is replaced. So it
    must come before the checkpoint in the list of callbacks, so that no round that is saved is missing here.

    Args:
      path: the file.
      num_epochs: passes over the data in all; a round is one or several of them.
      estimate: a number of the model as it is, such as log p(x) of held-out samples, or None.
      every: epochs between two estimates; 0 for none.
    """

    def __init__(
        self, path: pathlib.Path, num_epochs: int, estimate: Callable[[], float] | None = None, every: int = 0
    ) -> None:
        super().__init__()
        self.path = pathlib.Path(path)
        self.num_epochs = num_epochs
        self.estimate = estimate
        self.every = every
        self._next_round: int | None = None

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        if self._next_round is None:  # the first round of this process
            kept = [line for line in _read_lines(self.path) if line["round"] < epoch]
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.write_text("".join(json.dumps(line) + "\n" for line in kept), encoding="utf-8")
        self._next_round = epoch + 1

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        passes = self.num_epochs // self.params["epochs"]
        done = (epoch + 1) * passes
        line = {"round": epoch, "epoch": done} | {name: float(value) for name, value in (logs or {}).items()}
        # A round that holds a multiple of `every`.
        if self.estimate is not None and self.every and done // self.every > (done - passes) // self.every:
            line["log_likelihood"] = self.estimate()
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def read_log(path: pathlib.Path) -> dict[str, np.ndarray]:
    """Columns of a log by name, each `[rounds]`; not-a-number where a round has no value. Empty without a file."""
    lines = _read_lines(path)
    names = dict.fromkeys(name for line in lines for name in line)
    return {name: np.array([line.get(name, np.nan) for line in lines]) for name in names}


def _read_lines(path: pathlib.Path) -> list[dict[str, float]]:
    """The whole lines of a log: a process that was killed may have left part of one."""
    if not path.exists():
        return []
    lines = []
    for text in path.read_text(encoding="utf-8").splitlines():
        try:
            lines.append(json.loads(text))
        except json.JSONDecodeError:
            break
    return lines
