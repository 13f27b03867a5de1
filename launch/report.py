"""Results as files and as a table: metrics.json, report.md, and what is printed at the end."""

from __future__ import annotations

import importlib.metadata
import json
import platform
from collections.abc import Mapping, Sequence
from typing import Any

from launch.pipeline import Run
from launch.tables import Rows
from tfgeo.checkpoints import whole_file
from zoo.config import to_dict

__all__ = ["accuracy_rows", "write_metrics", "write_report"]

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
    with whole_file(run.folder / "report.md") as partial:
        partial.write_text("\n\n".join([head, *parts]) + "\n", encoding="utf-8")


def accuracy_rows(measured: Mapping[str, Any], reported: Mapping[str, Any]) -> Rows:
    """Header and rows of the clustering table: measured beside reported."""
    names = {
        "geodesic": "k-medoids, geodesic distance",
        "euclidean": "k-medoids, Euclidean latent distance",
        "spectral": "spectral clustering of the data",
    }
    rows: Rows = [("method", "accuracy", "F1", "reported accuracy")]
    for key, name in names.items():
        value = reported.get("accuracy", {}).get(key)
        scores = (f"{measured[score][key]:.3f}" if score in measured else "-" for score in ("accuracy", "f1"))
        rows.append((name, *scores, "-" if value is None else f"{value:.2f}"))
    return rows
