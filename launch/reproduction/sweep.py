"""Runs a paper's entries over seeds, and gathers what they measured."""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from launch import program
from launch.reporting.tables import Rows, write_csv, write_tables
from launch.reproduction import appendix, page, publishing
from launch.reproduction.columns import COLUMNS, SCORES, Column, mean_and_spread, values_of
from launch.reproduction.gains import gains_table, scores_table
from launch.reproduction.rows import Row, rows_of_paper, rows_of_study, studies_of
from tfgeo.datasets.files import data_folder
from tfgeo.errors import UserError, check_writable_folder
from zoo import registry
from zoo.config import Reported

__all__ = ["reproduce"]

Runs = list[dict[str, Any]]

# Data that nothing can fetch, and their folders: entries that need them are left out where they are not there.
_USERS_OWN = {"oasis": "oasis", "chairs": "rendered_chairs"}


def reproduce(values: program.Flags) -> None:
    """Runs what the flags name and writes its tables; what fails is named at the end, when all else is done."""
    rows = rows_of_paper(values.paper, values.table)
    folder = check_writable_folder(values.output_dir)
    seeds = range(values.seed, values.seed + values.num_seeds)
    failures: list[str] = []
    if values.study:
        # Settings are chosen on seeds that are not reported: the first two after them.
        for study in studies_of(values.paper):
            name = f"{study.entry.replace('/', '_')}_{study.name}"

            def write_study(found: dict[Row, Runs], name: str = name, question: str = study.question) -> None:
                _write_table(found, name, question, folder)

            found = _run_all(
                rows_of_study(study), (seeds[-1] + 1, seeds[-1] + 2), folder, values, failures, write_study
            )
            write_study(found)
            if values.publish and not failures:
                publishing.publish_study(study, _table(_score(found), found))
    else:
        rows = [row for row in rows if _has_data(row, values)]
        name = f"{values.paper}{'' if values.table is None else '_' + values.table}"
        found = _run_all(
            rows, seeds, folder, values, failures, lambda found: _write(found, name, len(seeds), folder)
        )
        _write(found, name, len(seeds), folder)  # whatever becomes of the figures
        grids = appendix.draw_grids(list(found), values.seed, folder)
        if grids:
            _write(found, name, len(seeds), folder, grids)
            for path in grids:
                print(path, flush=True)
        if values.publish:
            _publish(found, seeds, folder, values)
    if failures:
        raise UserError(f"{len(failures)} runs failed, their errors are above: {', '.join(failures)}")


def _has_data(row: Row, values: program.Flags) -> bool:
    name = row.entry.data.name
    folder = data_folder(values.data_dir) / _USERS_OWN.get(name, "")
    if name not in _USERS_OWN or folder.is_dir():
        return True
    print(f"{row.name}: left out, {folder} is not there", flush=True)
    return False


def _run_all(
    rows: Sequence[Row],
    seeds: Sequence[int],
    folder: pathlib.Path,
    values: program.Flags,
    failures: list[str],
    write: Callable[[dict[Row, Runs]], None],
) -> dict[Row, Runs]:
    """metrics.json of all runs that succeed; the others' folders are added to `failures`.

    `write` is given what was found so far after each run that was made but the last.
    """
    found: dict[Row, Runs] = {row: [] for row in rows}
    places = [(row, seed, row.folder / f"seed_{seed}") for row in rows for seed in seeds]
    seconds: list[float] = []
    left = sum(not (folder / place / "metrics.json").exists() for _, _, place in places)
    for number, (row, seed, place) in enumerate(places, 1):
        is_new = not (folder / place / "metrics.json").exists()
        print(f"\nrun {number} of {len(places)}: {place}{_time_left(seconds, left) if is_new else ''}", flush=True)
        begin = time.perf_counter()
        metrics = _run_once(row, seed, folder / place, values)
        if metrics is None:
            failures.append(str(place))
        else:
            found[row].append(metrics)
        if is_new:
            seconds.append(time.perf_counter() - begin)
            left -= 1
            if number < len(places):
                write({one: runs for one, runs in found.items() if runs or one is row})
    return found


def _time_left(seconds: Sequence[float], left: int) -> str:
    """A clause: how long `left` runs will take at the pace of those that were made."""
    if not seconds:
        return f", {left} to make"
    minutes = sum(seconds) / len(seconds) * left / 60.0
    return f", {left} to make, about {minutes:.0f} min left" if minutes >= 1.0 else f", {left} to make"


def _run_once(row: Row, seed: int, folder: pathlib.Path, values: program.Flags) -> dict[str, Any] | None:
    """metrics.json of one run, which is made unless it is there; None where it failed."""
    path = folder / "metrics.json"
    if path.exists():
        print(f"{folder}: done before", flush=True)
    else:
        command = [sys.executable, "-m", f"launch.{row.entry.program}", f"--entry={row.entry.name}"]
        command += [f"--seed={seed}", f"--output_dir={folder}", *row.flags]
        if values.data_dir is not None:
            command.append(f"--data_dir={values.data_dir}")
        print("\n" + " ".join(command[2:]), flush=True)
        finished = subprocess.run(command, check=False)
        if finished.returncode == 130:
            raise KeyboardInterrupt
        if finished.returncode:
            return None
    return json.loads(path.read_text(encoding="utf-8"))


def _write(
    found: dict[Row, Runs], name: str, num_seeds: int, folder: pathlib.Path, grids: Sequence[pathlib.Path] = ()
) -> None:
    """A table for each program and score among the rows; figures of the whole paper stand on the first page."""
    by_kind: dict[str, dict[Row, Runs]] = {}
    for row, runs in found.items():
        by_kind.setdefault(_score({row: runs}), {})[row] = runs
    for kind, part in by_kind.items():
        first = next(iter(part)).entry
        title = f"{first.paper}: {kind}, {num_seeds} seeds"
        # The table that papers print first keeps the plain name.
        suffix = "" if kind == next(iter(by_kind)) else f"_{kind}"
        _write_table(part, f"{name}{suffix}", title, folder, () if suffix else grids)


def _write_table(
    found: dict[Row, Runs], name: str, title: str, folder: pathlib.Path, figures: Sequence[pathlib.Path] = ()
) -> None:
    """A table with its page: below it are the runs of each row, and figures of the whole paper."""
    more = page.runs_section(found, folder) + page.figures_section("Training curves", figures, folder)
    kind = _score(found)
    write_tables(folder, name, title, _table(kind, found), page.anchors(found), more)
    if kind in SCORES:
        gains = gains_table(kind, found)
        if gains:
            write_csv(folder / f"{name}_runs.csv", scores_table(kind, found))
            write_tables(
                folder, f"{name}_gains", f"{title}: gains over straight distances on the same codes", gains
            )


def _score(found: dict[Row, Runs]) -> str:
    """The key of `COLUMNS` for rows of one program: its name, or the score that their paper prints of clusters."""
    entry = next(iter(found)).entry
    if entry.program != "cluster":
        return entry.program
    others = (registry.config(name) for name in registry.names(f"{entry.name.split('/')[0]}/*"))
    return "f1" if any(other.reported.f1_geodesic is not None for other in others) else "accuracy"


def _table(kind: str, found: dict[Row, Runs]) -> Rows:
    """Header and rows; columns that no run measured are left out, those of a group's mean added."""
    columns = [column for column in COLUMNS[kind] if any(values_of(column, runs) for runs in found.values())]
    reporting = {column for column in columns if any(column.reported_in(row.reported) is not None for row in found)}
    header = ["row"]
    for column in columns:
        header += [column.title, "reported"] if column in reporting else [column.title]
    rows: Rows = [(*header, "seeds")]
    for row, runs in found.items():
        rows.append(_cells(row.name, columns, reporting, runs, row.reported))
        if kind == "f1" and row.study is not None and row is _last_of_group(found, row):
            group = [one for one in found if one.entry.name == row.entry.name]
            rows.append(_mean_cells(group, columns, reporting, found))
    return rows


def _last_of_group(found: dict[Row, Runs], row: Row) -> Row:
    return [one for one in found if one.entry.name == row.entry.name][-1]


def _cells(
    name: str, columns: Sequence[Column], reporting: set[Column], runs: Runs, reported: Reported
) -> tuple[str, ...]:
    cells = [name]
    for column in columns:
        cells.append(mean_and_spread(values_of(column, runs), column.digits))
        if column in reporting:
            value = column.reported_in(reported)
            cells.append("-" if value is None else f"{value:.{column.reported_digits}f}")
    return (*cells, str(len(runs)))


def _mean_cells(
    group: Sequence[Row], columns: Sequence[Column], reporting: set[Column], found: dict[Row, Runs]
) -> tuple[str, ...]:
    """The mean over an entry's data sets, seed by seed."""
    by_seed: dict[int, Runs] = {}
    for row in group:
        for run in found[row]:
            by_seed.setdefault(run["seed"], []).append(run)
    whole = [runs for runs in by_seed.values() if len(runs) == len(group)]
    cells = [f"{group[0].entry.name}, mean of {len(group)}"]
    for column in columns:
        means = [sum(values) / len(values) for runs in whole if (values := values_of(column, runs))]
        cells.append(mean_and_spread(means, column.digits))
        if column in reporting:
            printed = [column.reported_in(row.reported) for row in group]
            known = [value for value in printed if value is not None]
            cells.append(f"{sum(known) / len(known):.{column.reported_digits}f}" if known else "-")
    return (*cells, str(len(whole)))


def _publish(found: dict[Row, Runs], seeds: Sequence[int], folder: pathlib.Path, values: program.Flags) -> None:
    """Weights and cards of the entries of which no run failed, and studies into their cards."""
    by_study: dict[str, tuple[Any, dict[Row, Runs]]] = {}
    for row, runs in found.items():
        if row.study is not None:
            by_study.setdefault(f"{row.entry.name}/{row.study.name}", (row.study, {}))[1][row] = runs
        elif len(runs) == len(seeds):
            first = folder / row.folder / f"seed_{seeds[0]}"
            publishing.publish(row.entry, runs, first, values.quantize, values.data_dir)
    for study, part in by_study.values():
        if any(part.values()):
            publishing.publish_study(study, _table(_score(part), part))
