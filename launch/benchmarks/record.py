"""What a benchmark has measured so far, as benchmark.json, .txt and .md."""

from __future__ import annotations

import dataclasses
import json
import math
import pathlib
import time
from collections.abc import Callable
from typing import Any

from launch.benchmarks.measuring import MatrixRates, describe_machine
from launch.benchmarks.problem import DecoderProblem
from launch.reporting.tables import Rows, markdown_table, text_table
from tfgeo.checkpoints import whole_file

__all__ = ["Record", "Row", "Settings", "number", "say"]

Row = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Settings:
    """The program's flags, as `launch.benchmark` explains them."""

    suite: str
    problem: str | None
    output_dir: str
    metrics: tuple[str, ...]
    methods: tuple[str, ...]
    num_pairs: int
    repeats: int
    max_seconds: float
    num_segments: int
    resolution: int
    block_size: int | None
    reference: str | None
    num_samples: int
    curve: str
    scaling_pairs: tuple[int, ...]
    scaling_points: tuple[int, ...]
    xla: bool
    num_nodes: int
    num_neighbours: int
    sizes: tuple[int, ...]
    workers: tuple[int, ...]
    entries: tuple[str, ...]
    importance_samples: int | None
    seed: int


class Record:
    """Rows of measurements; the files hold all that is done so far, whenever the program is stopped.

    Args:
      settings: the flags.
      problem: what is measured on.
      folder: where the files go.
    """

    def __init__(self, settings: Settings, problem: DecoderProblem, folder: pathlib.Path) -> None:
        self.settings = settings
        self.problem = problem
        self.folder = folder
        self.rows: list[Row] = []
        self.facts: dict[str, Any] = {}
        self.rates = MatrixRates(problem.sizes["hidden"], problem.sizes["data_dim"])
        self._machine = describe_machine()
        self._begin = time.perf_counter()

    def measure(self, name: str, function: Callable[[], Row]) -> None:
        """Adds the row that `function` returns, or the error that stopped it: the others are measured still."""
        say(f"{name}: running")
        row: Row = {"name": name}
        try:
            self.rates.sample()
            row |= function()
        # Whatever one method dies of, be it TensorFlow's, it must not cost the rows of the others.
        except Exception as error:
            row["error"] = f"{type(error).__name__}: {' '.join(str(error).split())[:500]}"
            say(f"{name}: failed: {row['error']}")
        self.rows.append(row)
        self.write_json(complete=False)

    def write_json(self, complete: bool) -> None:
        """Writes benchmark.json."""
        decoder, square = (self.rates.median(name) for name in ("decoder", "square"))
        for row in self.rows:
            if "gflop_needed" in row:
                rate = 1e9 * row["gflop_needed"] / row["floor_seconds"]
                row["share_of_decoder_rate"], row["share_of_square_rate"] = rate / decoder, rate / square
        problem = self.problem
        content = {
            "complete": complete,
            "timings": "seconds are medians of the runs after the first call, which compiles and counts apart",
            "settings": dataclasses.asdict(self.settings),
            "machine": self._machine | {"load_average_at_end": describe_machine()["load_average"]},
            "matrix_rate": self.rates.summary(),
            "problem": {"source": problem.source, **problem.sizes},
            "facts": self.facts,
            "rows": self.rows,
            "seconds": time.perf_counter() - self._begin,
        }
        with whole_file(self.folder / "benchmark.json") as partial:
            partial.write_text(json.dumps(_plain(content), indent=2) + "\n", encoding="utf-8")

    def finish(self, table: Rows, notes: list[str]) -> None:
        """Writes all files and prints the table."""
        self.rates.sample(3)
        self.write_json(complete=True)
        title = f"{self.settings.suite}, {self.problem.source}"
        notes = [*notes, *self._failures(), self._machine_line()]
        with whole_file(self.folder / "benchmark.txt") as partial:
            partial.write_text("\n\n".join([title, text_table(table), "\n".join(notes)]) + "\n", encoding="utf-8")
        with whole_file(self.folder / "benchmark.md") as partial:
            parts = [f"# {title}", markdown_table(table), "\n".join(f"- {note}" for note in notes)]
            partial.write_text("\n\n".join(parts) + "\n", encoding="utf-8")
        say("\n" + text_table(table) + "\n\n" + "\n".join(notes))
        say(f"\nresults: {self.folder / 'benchmark.json'}, benchmark.txt, benchmark.md")

    def _failures(self) -> list[str]:
        return [f"{row['name']} failed: {row['error']}" for row in self.rows if "error" in row]

    def _machine_line(self) -> str:
        machine = self._machine
        rates = ", ".join(
            f"{name} {' x '.join(map(str, rate['shape']))} {rate['gflops_median']:.0f} "
            f"({rate['gflops_min']:.0f} to {rate['gflops_max']:.0f})"
            for name, rate in self.rates.summary().items()
        )
        versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
        loads = (machine["load_average"], describe_machine()["load_average"])
        load = " to ".join(f"{first:.1f}" for first, *_ in loads)
        return (
            f"{machine['cores']} cores, {machine['processor']}, load {load}; float32 matrix rate in GFLOP/s, "
            f"median (range): {rates}; Python {machine['python']}, {versions}"
        )


def number(row: Row, key: str, form: str = ".3g") -> str:
    """A value of a row for a table; "-" where it is not there."""
    value = row.get(key)
    return "-" if value is None or math.isnan(value) else format(value, form)


def say(message: str) -> None:
    """Tells the user what happens now."""
    print(message, flush=True)


def _plain(value: Any) -> Any:
    """What JSON can hold: NaN and infinity, which it cannot, as null."""
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
