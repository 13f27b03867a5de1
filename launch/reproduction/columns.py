"""Columns of the tables that launch.reproduce prints: what a program measures, beside what the paper reports."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from zoo.config import METRICS, Reported

__all__ = ["COLUMNS", "SCORES", "Column", "mean_and_spread", "values_of"]


@dataclasses.dataclass(frozen=True)
class Column:
    """One measured number, and the reported one beside it.

    Attributes:
      title: its header.
      path: where it is in metrics.json; "beside/*" is the first key that begins with "beside/".
      reported: the field of `Reported` beside it; "" where papers print no such number.
      digits: decimals.
      reported_digits: decimals of the reported one, those that papers print.
    """

    title: str
    path: tuple[str, ...]
    reported: str = ""
    digits: int = 3
    reported_digits: int = 2

    def measured_in(self, metrics: Mapping[str, Any]) -> float | None:
        """The number in one run's metrics, or None where it was not measured."""
        value: Any = metrics
        for key in self.path:
            if isinstance(value, Mapping) and key.endswith("*"):
                key = next((name for name in value if name.startswith(key[:-1])), key)
            value = value.get(key) if isinstance(value, Mapping) else None
        return None if value is None else float(value)

    def reported_in(self, reported: Reported) -> float | None:
        """The paper's number, or None."""
        return getattr(reported, self.reported) if self.reported else None


def values_of(column: Column, runs: Sequence[Mapping[str, Any]]) -> list[float]:
    """A column's numbers in the runs that measured it."""
    found = (column.measured_in(run) for run in runs)
    return [value for value in found if value is not None]


def mean_and_spread(values: Sequence[float], digits: int = 3) -> str:
    """Mean and sample standard deviation as text; one value has no deviation."""
    if not values:
        return "-"
    mean = f"{statistics.mean(values):.{digits}f}"
    return f"{mean} ± {statistics.stdev(values):.{digits}f}" if len(values) > 1 else mean


def _cluster_columns(score: str, reported: Mapping[str, str], reported_digits: int) -> tuple[Column, ...]:
    return tuple(
        Column(title, ("measured", score, title), reported.get(title, ""), reported_digits=reported_digits)
        for title in ("geodesic", "dijkstra", "euclidean", "spectral")
    )


# What metrics.json of launch.generate calls them.
_GENERATED = {
    "VAE": "beside/*",
    "prior": "prior",
    "metric": "metric",
    "held out": "held_out",
    "training": "training",
}


def _generation_columns(title: str, key: str, kinds: Sequence[str]) -> tuple[Column, ...]:
    return tuple(Column(f"{title}, {kind}", ("measured", _GENERATED[kind], key)) for kind in kinds)


def _metric_columns(score: str) -> tuple[Column, ...]:
    """Of the same latent points, by --config.clustering.metrics."""
    return tuple(Column(f"under {name}", ("measured", "metrics", name, score, "all")) for name in METRICS)


_SECONDS = Column("seconds a run", ("seconds", "total"), digits=0)

# Scores of clusters.
SCORES = ("accuracy", "f1")

# By program, and for clusters by the score that the paper prints.
COLUMNS: dict[str, tuple[Column, ...]] = {
    "accuracy": (
        *_cluster_columns(
            "accuracy", {"geodesic": "geodesic", "euclidean": "euclidean", "spectral": "spectral"}, 2
        ),
        *_metric_columns("accuracy"),
        _SECONDS,
        Column("geodesics' seconds", ("seconds", "geodesics"), digits=0),
        Column("share converged", ("measured", "share_converged")),
    ),
    "f1": (
        *_cluster_columns("f1", {"dijkstra": "f1_geodesic", "euclidean": "f1_euclidean"}, 4),
        *_metric_columns("f1"),
        _SECONDS,
        Column("share converged", ("measured", "share_converged")),
    ),
    "evaluate": (
        Column("log p, encoder", ("measured", "log_likelihood", "encoder", "mean"), "log_likelihood", 2),
        Column("log p, flow", ("measured", "log_likelihood", "flow", "mean"), digits=2),
        Column("log p, flow, without volume", ("measured", "log_likelihood_without_volume", "mean"), digits=2),
        Column("-ELBO, sum", ("measured", "negative_elbo_sum"), "negative_elbo_sum", 1),
        Column("error, training", ("measured", "reconstruction", "train"), "reconstruction_train", 4, 4),
        Column("error, held out", ("measured", "reconstruction", "test"), "reconstruction_test", 4, 4),
        Column("epochs", ("measured", "epochs"), digits=0),
        _SECONDS,
    ),
    "generate": (
        *_generation_columns("nearest", "nearest_training_distance", ("VAE", "prior", "metric", "held out")),
        *_generation_columns("diversity", "diversity", ("VAE", "prior", "metric", "training")),
        *_generation_columns("precision", "precision", ("VAE", "prior", "metric")),
        *_generation_columns("recall", "recall", ("VAE", "prior", "metric")),
        _SECONDS,
    ),
    "interpolate": (
        Column("length over straight", ("measured", "length_over_straight"), "length_ratio", 3, 3),
        Column("decoded, over straight", ("measured", "decoded_over_straight")),
        Column("neural over straight", ("measured", "methods", "neural", "length_over_straight")),
        Column("fast over neural", ("measured", "compared", "fast_over_neural")),
        Column("graph over refined", ("measured", "compared", "graph_over_refined")),
        Column("s a query, fast", ("measured", "methods", "fast", "seconds_per_query")),
        Column("neural", ("measured", "methods", "neural", "seconds_per_query"), digits=1),
        Column("graph", ("measured", "methods", "graph", "seconds_per_query"), digits=4),
        Column("refined", ("measured", "methods", "refined", "seconds_per_query")),
        Column("R² in the angle", ("measured", "linear_in_angle", "geodesic"), digits=2),
        Column("R², straight", ("measured", "linear_in_angle", "straight"), digits=2),
        Column("straight crosses a ridge", ("measured", "magnification", "share_straight_crosses_ridge"), digits=2),
        Column("that of Arvanitidis", ("measured", "models", "arvanitidis2018/*", "length_over_straight")),
        Column("that of Chen", ("measured", "models", "chadebec2020/chen_*", "length_over_straight")),
        Column("share converged", ("measured", "share_converged")),
        _SECONDS,
    ),
}
