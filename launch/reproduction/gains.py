"""How sure it is that one distance clusters better than straight ones: gains on the same codes, run by run."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from scipy import stats

from launch.reporting.tables import Rows
from launch.reproduction.columns import COLUMNS, Column
from launch.reproduction.rows import Row

__all__ = ["gains_table", "scores_table"]

# Scores that differ by less are level: k-medoids that give a sample or two to another cluster.
LEVEL = 0.005
# Rows, or runs of a single one, below which an interval would say more than is known.
LEAST_UNITS = 5
_BASELINE = "euclidean"

Found = Mapping[Row, Sequence[Mapping[str, Any]]]


def gains_table(kind: str, found: Found) -> Rows:
    """A table of what each distance gains over straight ones, paired by run; empty where none was measured.

    Mean, standard error and interval are of the rows' means, since runs of a row share data or settings; of a
    single row they are of its runs. The interval is Student's, where there are enough of them.

    Args:
      kind: the score, a key of `COLUMNS`.
      found: metrics.json of the runs of each row.
    """
    # Spectral clustering is of the data, not of the codes.
    columns = [column for column in _distances(kind) if column.title not in (_BASELINE, "spectral")]
    (baseline,) = [column for column in _distances(kind) if column.title == _BASELINE]
    groups: dict[str, dict[Row, Any]] = {row.name: {row: runs} for row, runs in found.items()}
    by_entry: dict[str, dict[Row, Any]] = {}
    for row, runs in found.items():
        by_entry.setdefault(row.entry.name, {})[row] = runs
    groups |= {f"{name}, mean of {len(part)}": part for name, part in by_entry.items() if len(part) > 1}
    if len(by_entry) > 1:
        groups[f"mean of {len(found)}"] = dict(found)
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
    """Cells of the gains of each row: mean and standard error, interval, counts and the least one."""
    every = [gain for one in gains for gain in one]
    units = [statistics.mean(one) for one in gains] if len(gains) > 1 else every
    mean, count = statistics.mean(units), len(every)
    cells = [f"{mean:+.3f}", "-"]
    if len(units) > 1:
        error = statistics.stdev(units) / math.sqrt(len(units))
        cells[0] = f"{mean:+.3f} ± {error:.3f}"
        if len(units) >= LEAST_UNITS:
            half = error * float(stats.t.ppf(0.975, len(units) - 1))
            cells[1] = f"{mean - half:+.3f} to {mean + half:+.3f}"
    wins, losses = sum(gain > LEVEL for gain in every), sum(gain < -LEVEL for gain in every)
    return (*cells, f"{wins} / {count - wins - losses} / {losses}", f"{min(every):+.3f}", str(count))
