"""clusters.csv: to which cluster each row of the data belongs, so that it can be joined to what the user has."""

from __future__ import annotations

import csv
import pathlib

import numpy as np

from launch.experiments.clusterings import Clusterings
from launch.running.geodesics import find_geodesics
from launch.running.run import Run, say
from tfgeo.checkpoints import whole_file
from tfgeo.datasets import Dataset
from tfgeo.geodesics import distances
from tfgeo.geodesics.result import distance_of

__all__ = ["write_clusters"]

# Up to so many geodesics from samples to medoids are found by the entry's own solver.
MAX_GEODESICS = 20_000


def write_clusters(run: Run, result: Clusterings) -> tuple[pathlib.Path, str]:
    """Writes clusters.csv: the compared samples, and of the user's own data all other rows by the nearest medoid.

    Returns:
      Its path, and a sentence on what is in it.
    """
    rows, found, nearest = _compared(run, result)
    how = f"clusters.csv has the cluster of the {len(rows)} compared samples"
    compared = len(rows)
    others = np.flatnonzero(~np.isin(_rows_of(run.dataset), rows))
    if run.config.data.path and len(others):
        say(f"clusters: {len(others)} rows that were not compared go to the nearest medoid")
        with run.timed("assignment"):
            to_medoids, by = _distances_to_medoids(run, result, run.dataset.take(others))
        rows = np.concatenate([rows, _rows_of(run.dataset)[others]])
        found = np.concatenate([found, np.argmin(to_medoids, axis=1)])
        nearest = np.concatenate([nearest, np.min(to_medoids, axis=1)])
        how += f", and of {len(others)} others by the nearest medoid, {by}"
    order = np.argsort(rows)
    path = run.folder / "clusters.csv"
    labels = _names_of_labels(run)
    with whole_file(path) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["row", *(["label"] if labels else []), "cluster", "distance_to_medoid", "compared"])
        for place in order:
            row = int(rows[place])
            label = [labels[row]] if labels else []
            table.writerow([row, *label, int(found[place]) + 1, f"{nearest[place]:.6g}", int(place < compared)])
    return path, how + "; rows count from 0, clusters as in the figures from 1"


def _compared(run: Run, result: Clusterings) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Row, cluster and distance to its medoid of each compared sample, `[n]` each."""
    clusters, medoids = result.clusters["geodesic"], result.medoids["geodesic"]
    nearest = result.distances["geodesic"][np.arange(len(clusters)), medoids[clusters]]
    return _rows_of(run.samples), clusters, nearest


def _distances_to_medoids(run: Run, result: Clusterings, samples: Dataset) -> tuple[np.ndarray, str]:
    """`[n, k]` geodesic distances of samples to the medoids, and how they were found."""
    latents = run.encode(samples)
    medoids = result.latents[result.medoids["geodesic"]]
    distance = run.entry.geodesics.distance
    if len(latents) * len(medoids) <= MAX_GEODESICS:
        start, end = np.repeat(latents, len(medoids), axis=0), np.tile(medoids, (len(latents), 1))
        geodesics = find_geodesics(run, start, end)
        values = distance_of(geodesics.length, geodesics.energy, distance)
        return values.reshape(len(latents), len(medoids)), "by the entry's solver"
    method = "grid" if latents.shape[1] == 2 else "graph"
    values = distances(run.entry.manifold(), latents, medoids, distance, method=method)
    return values, f"by shortest paths on a {method}"


def _names_of_labels(run: Run) -> dict[int, str]:
    """What the label of each row is called; empty without labels."""
    dataset = run.dataset
    if dataset.labels is None:
        return {}
    names = dataset.class_names or {}
    return {
        int(row): str(names.get(label, label)) for row, label in zip(_rows_of(dataset), dataset.labels, strict=True)
    }


def _rows_of(dataset: Dataset) -> np.ndarray:
    """`[n]` row numbers of the samples in what they were taken from."""
    assert dataset.rows is not None  # every data set is given some when it is built
    return dataset.rows
