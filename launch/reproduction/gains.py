"""How sure it is that one distance clusters better than straight ones: gains on the same codes, run by run."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from launch.reporting.tables import Rows
from launch.reproduction.columns import COLUMNS, Column
from launch.reproduction.rows import Row
from tfgeo.randomness import generator

__all__ = ["gains_table", "scores_table"]

# Scores that differ by less are level: k-medoids that give a sample or two to another cluster.
LEVEL = 0.005
NUM_RESAMPLES = 10_000
_BASELINE = "euclidean"

Found = Mapping[Row, Sequence[Mapping[str, Any]]]


def gains_table(kind: str, found: Found) -> Rows:
    """A table of what each distance gains over straight ones, paired by run; empty where none was measured.

    The interval is a bootstrap of the mean over rows, which are data sets, or over the runs of a single one: runs
    of a row share their data or settings.

    Args:
      kind: the score, a key of `COLUMNS`.
      found: metrics.json of the runs of each row.
    """
    columns = [column for column in _distances(kind) if column.title != _BASELINE]
    (baseline,) = [column for column in _distances(kind) if column.title == _BASELINE]
    groups: dict[str, dict[Row, Any]] = {row.name: {row: runs} for row, runs in found.items()}
    by_entry: dict[str, dict[Row, Any]] = {}
    for row, runs in found.items():
        by_entry.setdefault(row.entry.name, {})[row] = runs
    groups |= {name: part for name, part in by_entry.items() if len(part) > 1}
    if len(by_entry) > 1:
        groups["all"] = dict(found)
    rows: Rows = []
    for name, part in groups.items():
        for column in columns:
            gains = [values for runs in part.values() if (values := _gains(column, baseline, runs))]
            if gains:
                rows.append((name, column.title, *_cells(gains)))
    header = ("row", "distance", "gain over straight", "95 % interval", "wins / ties / losses", "worst", "runs")
    return [header, *rows] if rows else []


def scores_table(kind: str, found: Found) -> Rows:
    """The scores of each single run under each distance."""
    runs = [(row, run) for row, part in found.items() for run in part]
    columns = [column for column in _distances(kind) if any(column.measured_in(run) is not None for _, run in runs)]
    rows: Rows = [("row", "seed", *(column.title for column in columns))]
    for row, run in runs:
        scores = [column.measured_in(run) for column in columns]
        rows.append((row.name, str(run["seed"]), *("" if score is None else f"{score:.4f}" for score in scores)))
    return rows


def _distances(kind: str) -> list[Column]:
    """The columns that hold scores."""
    return [column for column in COLUMNS[kind] if column.path[1] in (kind, "metrics")]


def _gains(column: Column, baseline: Column, runs: Sequence[Mapping[str, Any]]) -> list[float]:
    pairs = ((column.measured_in(run), baseline.measured_in(run)) for run in runs)
    return [value - straight for value, straight in pairs if value is not None and straight is not None]


def _cells(gains: Sequence[Sequence[float]]) -> tuple[str, ...]:
    """Cells of the gains of each data set: mean and standard error, interval, counts and the least one."""
    every = [gain for one in gains for gain in one]
    mean, count = statistics.mean(every), len(every)
    cells = [f"{mean:+.3f}", "-"]
    if count > 1:
        error = statistics.stdev(every) / math.sqrt(count)
        low, high = _interval(gains if len(gains) > 1 else [[gain] for gain in every])
        cells = [f"{mean:+.3f} ± {error:.3f}", f"{low:+.3f} to {high:+.3f}"]
    wins, losses = sum(gain > LEVEL for gain in every), sum(gain < -LEVEL for gain in every)
    return (*cells, f"{wins} / {count - wins - losses} / {losses}", f"{min(every):+.3f}", str(count))


def _interval(gains: Sequence[Sequence[float]]) -> tuple[float, float]:
    """Quantiles of the mean gain of data sets drawn again with replacement, each with all of its runs."""
    sums, counts = (np.array([measure(one) for one in gains]) for measure in (sum, len))
    drawn = generator(0, "gains").integers(len(gains), size=(NUM_RESAMPLES, len(gains)))
    low, high = np.quantile(sums[drawn].sum(1) / counts[drawn].sum(1), (0.025, 0.975))
    return float(low), float(high)
