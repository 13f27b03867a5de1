"""Results as files and as a table: metrics.json, report.md, and what is printed at the end."""

from __future__ import annotations

import importlib.metadata
import json
import pathlib
import platform
from collections.abc import Mapping, Sequence
from typing import Any

from launch.reporting.tables import Rows
from launch.running.run import Run, say
from tfgeo.checkpoints import whole_file
from zoo.config import to_dict

__all__ = ["clustering_rows", "say_results", "write_metrics", "write_report"]

_PACKAGES = ("tensorflow", "tensorflow-probability", "keras", "numpy", "scikit-learn", "kmedoids")


def write_metrics(run: Run, measured: Mapping[str, Any], reported: Mapping[str, Any]) -> None:
    """Writes metrics.json: entry, seed, config, versions, measured, reported and seconds."""
    metrics = {
        "entry": run.config.name,
        "seed": run.seed,
        "config": to_dict(run.config),
        "data_sha256": run.dataset.checksum(),
        "versions": {"python": platform.python_version()}
        | {name: importlib.metadata.version(name) for name in _PACKAGES},
        "measured": measured,
        "reported": reported,
        "seconds": {stage: round(seconds, 3) for stage, seconds in run.seconds.items()},
    }
    with whole_file(run.folder / "metrics.json") as partial:
        partial.write_text(json.dumps(metrics, indent=2) + "\n", encoding="utf-8")


def write_report(run: Run, parts: Sequence[str]) -> None:
    """Writes report.md from its parts, which are Markdown."""
    config = run.config
    head = f"# {config.name}\n\n{config.summary}. {config.paper}, {config.url}. Seed {run.seed}."
    notes = ["\n".join(["What the paper leaves open:", "", *(f"- {note}" for note in config.notes)])]
    with whole_file(run.folder / "report.md") as partial:
        whole = [head, *parts, *(notes if config.notes else [])]
        partial.write_text("\n\n".join(whole) + "\n", encoding="utf-8")


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
