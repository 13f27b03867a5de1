"""The same latent points clustered under several metrics: which of them helps?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from launch.reporting.tables import Rows
from launch.running.geodesics import measure_on_grid
from launch.running.run import Run, say
from tfgeo import clustering
from tfgeo.randomness import generator
from zoo.metrics import is_own_metric, metric_by_name

__all__ = ["cluster_by", "measure_metrics", "metric_rows"]

# Share of the samples in each of the subsamples that show by how much scores spread.
SUBSAMPLE = 0.8
# What all others are compared with.
STRAIGHT = "euclidean"


def cluster_by(run: Run, distances: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Labels `[n]` and medoids `[k]` by the entry's method."""
    settings = run.entry.clustering
    if settings.num_starts:
        return clustering.k_medoids(
            distances, settings.num_clusters, "fasterpam", run.seed, num_starts=settings.num_starts
        )
    return clustering.k_medoids(distances, settings.num_clusters, settings.method, run.seed)


def measure_metrics(run: Run, latents: np.ndarray, own: np.ndarray | None) -> dict[str, Any]:
    """Scores of clusters under each of the metrics that the entry names, beside straight distances.

    By metric and score: "all", of all samples; "subsamples", mean and standard deviation over the same random
    subsamples for each metric; and "gain", the same of what a metric has above straight distances on the same
    subsample. Without labels there is nothing to score, and it is said so.

    Args:
      run: the run, trained.
      latents: `[n, d]` latent points of the samples.
      own: `[n, n]` their distances on the grid under the entry's own metric, which are not measured again where
        that has a name too.

    Raises:
      UserError: if the model does not have one of the metrics.
    """
    labels, names = run.samples.labels, run.entry.clustering.metrics
    if not names:
        return {}
    if labels is None:
        say(
            f"clustering: the data have no labels, against which clusters under {', '.join(names)} of "
            "--config.clustering.metrics could be judged; they are left out"
        )
        return {}
    manifolds = {name: metric_by_name(run.entry, name) for name in names}
    distances = {STRAIGHT: clustering.euclidean_distances(latents)}
    for name, manifold in manifolds.items():
        is_own = is_own_metric(run.entry, name)
        measured = own if is_own else measure_on_grid(run, latents, name, manifold)
        assert measured is not None  # the configuration has a grid where it names metrics
        distances[name] = measured
    say(f"clustering: k-medoids under {', '.join(distances)}, of all samples and of subsamples")
    subsamples = _draw_subsamples(run, len(latents))
    found: dict[str, Any] = {}
    for name, matrix in distances.items():
        found[name] = _scores(run, matrix, labels, subsamples)
    for scores in found.values():
        for score, values in scores.items():
            gains = np.subtract(values["subsamples"], found[STRAIGHT][score]["subsamples"])
            values["gain"] = _mean_and_deviation(gains)
    for scores in found.values():
        for values in scores.values():
            values["subsamples"] = _mean_and_deviation(values["subsamples"])
    return found


def metric_rows(measured: Mapping[str, Any]) -> Rows:
    """Header and rows of the table of metrics."""
    rows: Rows = [("metric", "F1", "of subsamples", "above straight", "accuracy")]
    for name, scores in measured.items():
        spread, gain = scores["f1"]["subsamples"], scores["f1"]["gain"]
        rows.append(
            (
                name,
                f"{scores['f1']['all']:.3f}",
                f"{spread['mean']:.3f} ± {spread['std']:.3f}",
                "" if name == STRAIGHT else f"{gain['mean']:+.3f} ± {gain['std']:.3f}",
                f"{scores['accuracy']['all']:.3f}",
            )
        )
    return rows


def _draw_subsamples(run: Run, num_samples: int) -> list[np.ndarray]:
    random = generator(run.seed, "subsamples")
    size = max(int(SUBSAMPLE * num_samples), run.entry.clustering.num_clusters)
    return [
        np.sort(random.choice(num_samples, size, replace=False)) for _ in range(run.entry.clustering.num_subsamples)
    ]


def _scores(
    run: Run, distances: np.ndarray, labels: np.ndarray, subsamples: list[np.ndarray]
) -> dict[str, dict[str, Any]]:
    scores = {"f1": clustering.f1, "accuracy": clustering.accuracy}
    everyone = cluster_by(run, distances)[0]
    clusters = [cluster_by(run, distances[np.ix_(rows, rows)])[0] for rows in subsamples]
    return {
        name: {
            "all": score(labels, everyone),
            "subsamples": [score(labels[rows], found) for rows, found in zip(subsamples, clusters, strict=True)],
        }
        for name, score in scores.items()
    }


def _mean_and_deviation(values: np.ndarray | list[float]) -> dict[str, float]:
    return {"mean": float(np.mean(values)), "std": float(np.std(values, ddof=1))}
