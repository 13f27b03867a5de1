"""Runs a paper's entries over seeds, and gathers what they measured."""

from __future__ import annotations

import csv
import html
import json
import pathlib
import shutil
import statistics
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from launch import common
from launch.tables import Rows, text_table
from tfgeo.checkpoints import whole_file
from tfgeo.errors import UserError, check_writable_folder, unknown_name_error
from zoo import cards, registry
from zoo.config import EntryConfig
from zoo.studies import STUDIES, Study

__all__ = ["reproduce"]

METHODS = ("geodesic", "euclidean", "spectral")


def reproduce(values: common.Flags) -> None:
    """Runs what the flags name and writes its tables."""
    entries = _entries(values.paper, values.table)
    folder = check_writable_folder(values.output_dir)
    seeds = range(values.seed, values.seed + values.num_seeds)
    if values.study:
        for study in (study for study in STUDIES if study.entry.startswith(f"{values.paper}/")):
            rows = _run_study(study, values, folder, seeds)
            _write_tables(folder, f"{study.entry.replace('/', '_')}_{study.name}", study.question, rows)
            if values.publish:
                _publish_study(study, rows)
        return
    runs = {
        entry.name: [_run_once(entry, seed, [], folder / entry.name / f"seed_{seed}", values) for seed in seeds]
        for entry in entries
    }
    clustered = [entry for entry in entries if entry.program == "cluster"]
    if clustered:
        rows = _accuracy_rows(clustered, runs)
        _write_tables(folder, values.paper, f"{clustered[0].paper}: accuracy, {len(seeds)} seeds", rows)
    if values.publish:
        for entry in entries:
            _publish(entry, runs[entry.name], folder / entry.name / f"seed_{values.seed}")


def _entries(paper: str | None, table: str | None) -> list[EntryConfig]:
    papers = list(dict.fromkeys(name.split("/")[0] for name in registry.names()))
    if paper not in papers:
        raise unknown_name_error("paper", str(paper), papers, f"--paper is one of {', '.join(papers)}")
    entries = [registry.config(name) for name in registry.names(f"{paper}/*")]
    sources = list(dict.fromkeys(entry.reported.source for entry in entries))
    if table is None:
        return entries
    chosen = [entry for entry in entries if entry.reported.source.split()[-1:] == [table]]
    if not chosen:
        raise UserError(f"--table={table} is not a table of {paper}; there are {', '.join(sources)}")
    return chosen


def _run_once(
    entry: EntryConfig, seed: int, overrides: Sequence[str], folder: pathlib.Path, values: common.Flags
) -> dict[str, Any]:
    """metrics.json of one run, which is made unless it is there."""
    path = folder / "metrics.json"
    if path.exists():
        print(f"{folder}: done before", flush=True)
    else:
        command = [sys.executable, "-m", f"launch.{entry.program}", f"--entry={entry.name}"]
        command += [f"--seed={seed}", f"--output_dir={folder}", *overrides]
        if values.data_dir is not None:
            command.append(f"--data_dir={values.data_dir}")
        print("\n" + " ".join(command[2:]), flush=True)
        finished = subprocess.run(command, check=False)
        if finished.returncode:
            raise UserError(f"launch.{entry.program} of {entry.name} with seed {seed} failed; its error is above")
    return json.loads(path.read_text(encoding="utf-8"))


def _run_study(study: Study, values: common.Flags, folder: pathlib.Path, seeds: Sequence[int]) -> Rows:
    """Accuracies for each setting of a study, on the first two seeds after those that are reported."""
    rows: Rows = [("setting", *METHODS, "seeds")]
    entry = registry.config(study.entry)
    for overrides in study.settings:
        name = ",".join(override.removeprefix("--config.") for override in overrides) or "as configured"
        place = folder / "studies" / study.entry / study.name / name.replace("/", "_")
        runs = [
            _run_once(entry, seed, overrides, place / f"seed_{seed}", values)
            for seed in (seeds[-1] + 1, seeds[-1] + 2)
        ]
        rows.append((name, *(_mean_and_spread(runs, method) for method in METHODS), str(len(runs))))
    return rows


def _accuracy_rows(entries: Sequence[EntryConfig], runs: dict[str, list[dict[str, Any]]]) -> Rows:
    header = ["entry"]
    for method in METHODS:
        header += [method, "reported"]
    rows: Rows = [(*header, "seconds a run", "geodesics' seconds", "converged")]
    for entry in entries:
        found = runs[entry.name]
        row = [entry.name]
        for method in METHODS:
            reported = getattr(entry.reported, method)
            row += [_mean_and_spread(found, method), "-" if reported is None else f"{reported:.2f}"]
        seconds = (statistics.median(run["seconds"][stage] for run in found) for stage in ("total", "geodesics"))
        converged = statistics.mean(run["measured"]["share_converged"] for run in found)
        rows.append((*row, *(f"{value:.0f}" for value in seconds), f"{100 * converged:.1f} %"))
    return rows


def _mean_and_spread(runs: Sequence[dict[str, Any]], method: str) -> str:
    values = [run["measured"]["accuracy"][method] for run in runs]
    spread = statistics.stdev(values) if len(values) > 1 else 0.0
    return f"{statistics.mean(values):.3f} ± {spread:.3f}"


def _write_tables(folder: pathlib.Path, name: str, title: str, rows: Rows) -> None:
    text = text_table(rows)
    with whole_file(folder / f"{name}.txt") as partial:
        partial.write_text(f"{title}\n\n{text}\n", encoding="utf-8")
    with (
        whole_file(folder / f"{name}.csv") as partial,
        partial.open("w", newline="", encoding="utf-8") as file,
    ):
        csv.writer(file).writerows(rows)
    cells = ["".join(f"<td>{html.escape(cell)}</td>" for cell in row) for row in rows]
    body = "\n".join(f"<tr>{row}</tr>" for row in cells)
    with whole_file(folder / f"{name}.html") as partial:
        partial.write_text(
            f'<!doctype html><meta charset="utf-8"><title>{html.escape(title)}</title>\n'
            f"<h1>{html.escape(title)}</h1>\n<table border=1 cellpadding=4>\n{body}\n</table>\n",
            encoding="utf-8",
        )
    print(f"\n{title}\n\n{text}\n\n{folder / name}.txt, .csv, .html", flush=True)


def _publish(entry: EntryConfig, runs: list[dict[str, Any]], folder: pathlib.Path) -> None:
    """Copies the first seed's weights into the zoo, with a card of what all seeds measured."""
    first = runs[0]
    weights = cards.weights_path(entry.name)
    with whole_file(weights) as partial:
        shutil.copyfile(folder / "model.weights.h5", partial)
    before = cards.card(entry.name) or {}
    card = {
        "entry": entry.name,
        "paper": f"{entry.paper}, {entry.url}",
        "command": f"python -m launch.train --entry={entry.name} --seed={first['seed']} --output_dir=DIR",
        "seed": first["seed"],
        "config": first["config"],
        "data_sha256": first["data_sha256"],
        "sha256": cards.sha256_of(weights),
        "versions": first["versions"],
        "measured": first["measured"],
        "measured_over_seeds": _over_seeds(runs),
        "reported": first["reported"],
        "seconds": first["seconds"],
        "studies": before.get("studies", {}),
    }
    _write_card(entry.name, card)


def _over_seeds(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Mean and standard deviation of each accuracy, with the seeds."""
    summary: dict[str, Any] = {"seeds": [run["seed"] for run in runs]}
    for score in ("accuracy", "f1", "accuracy_by_distance"):
        if score in runs[0]["measured"]:
            summary[score] = {}
            for name in runs[0]["measured"][score]:
                values = [run["measured"][score][name] for run in runs]
                spread = statistics.stdev(values) if len(values) > 1 else 0.0
                summary[score][name] = {"mean": round(statistics.mean(values), 4), "std": round(spread, 4)}
    return summary


def _publish_study(study: Study, rows: Rows) -> None:
    card = cards.card(study.entry)
    if card is None:
        raise UserError(f"{study.entry} has no card yet; run with --publish and without --study first")
    card["studies"][study.name] = {"question": study.question, "table": rows, "answer": study.answer}
    _write_card(study.entry, card)


def _write_card(name: str, card: dict[str, Any]) -> None:
    with whole_file(cards.card_path(name)) as partial:
        partial.write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"published {cards.card_path(name)}", flush=True)
