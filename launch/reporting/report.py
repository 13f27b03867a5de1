"""Results as files and as a table: metrics.json, report.md, and what is printed at the end."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from launch import program
from launch.reporting.tables import Rows
from launch.running.run import Run, say
from tfgeo.checkpoints import whole_file
from zoo.config import to_dict
from zoo.folders import CARD_FILE, WEIGHTS_FILE, facts

__all__ = ["clustering_rows", "say_results", "write_metrics", "write_report"]


def write_metrics(run: Run, measured: Mapping[str, Any], reported: Mapping[str, Any]) -> None:
    """Writes metrics.json: entry, seed, config, versions, measured, reported, warnings and seconds.

    It is the card of the entry that the folder is, once `model.weights.h5` is in it: `zoo.load` takes the folder.
    """
    command = program.command()
    metrics = facts(run.config, run.seed, run.folder / WEIGHTS_FILE) | {
        "command": "" if command is None else str(command),
        "fingerprint": run.fingerprint,
        "config": to_dict(run.config),
        "data_sha256": run.dataset.checksum(),
        "measured": measured,
        "reported": reported,
        "warnings": run.warnings,
        "seconds": {stage: round(seconds, 3) for stage, seconds in run.seconds.items()},
    }
    with whole_file(run.folder / CARD_FILE) as partial:
        partial.write_text(json.dumps(metrics, indent=2) + "\n", encoding="utf-8")


def write_report(run: Run, parts: Sequence[str]) -> None:
    """Writes report.md from its parts, which are Markdown; says how it was made and what was overridden.

    What was warned of stands below the first part, the numbers.
    """
    config, command = run.config, program.command()
    head = f"# {config.name}\n\n{config.summary}. {config.reference}. Seed {run.seed}."
    if command is not None:
        head += f"\n\n    {command}"
    settings = to_dict(config)
    changed = [f"`{place}` = {_value(settings, place)}" for place in sorted(run.given)]
    if changed:
        head += f"\n\nOther than the entry's: {'; '.join(changed)}."
    versions = facts(config, run.seed, None)["versions"]
    made_with = "Made with " + ", ".join(f"{name} {version}" for name, version in versions.items()) + "."
    notes = ["\n".join(["What the paper leaves open:", "", *(f"- {note}" for note in config.notes)])]
    with whole_file(run.folder / "report.md") as partial:
        warned = [f"Warning: {message.rstrip('.')}." for message in run.warnings]
        whole = [head, *parts[:1], *warned, *parts[1:], *(notes if config.notes else []), made_with]
        partial.write_text("\n\n".join(whole) + "\n", encoding="utf-8")


def _value(settings: Mapping[str, Any], place: str) -> Any:
    """What the nested settings hold at "section.field"."""
    value: Any = settings
    for name in place.split("."):
        value = value[name]
    return value


def say_results(run: Run, figures: Sequence[pathlib.Path], weights: pathlib.Path) -> None:
    """Tells the user where everything is."""
    if figures:
        say("\nfigures:")
    for path in figures:
        say(f"  {path}")
    say(f"results: {run.folder / 'metrics.json'}, {run.folder / 'report.md'}, {weights}")


def clustering_rows(measured: Mapping[str, Any], reported: Mapping[str, Any]) -> Rows:
    """Header and rows of the clustering table: measured beside reported."""
    names = {
        "geodesic": "k-medoids, geodesic distance",
        "dijkstra": "k-medoids, geodesic distance on a grid",
        "euclidean": "k-medoids, Euclidean latent distance",
        "spectral": "spectral clustering of the data",
    }
    scores = {"accuracy": "accuracy", "f1": "F1"}
    header = ["method"]
    for title in scores.values():
        header += [title, f"reported {title}"]
    rows: Rows = [tuple(header)]
    for key, name in names.items():
        if key == "dijkstra" and key not in measured.get("f1", {}):
            continue
        row = [name]
        for score in scores:
            row += [_three_digits(mapping.get(score, {}).get(key)) for mapping in (measured, reported)]
        rows.append(tuple(row))
    return rows


def _three_digits(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
