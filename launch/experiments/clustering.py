"""The clustering experiments of Yang et al. (2018) and Chadebec et al. (2020): stages, scores, figures, report."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from launch import program
from launch.experiments import clustering_figures
from launch.experiments.cluster_table import write_clusters
from launch.experiments.clusterings import Clusterings
from launch.experiments.metric_clusterings import cluster_by, measure_metrics, metric_rows
from launch.reporting import report
from launch.reporting.tables import markdown_table, text_table
from launch.running import training
from launch.running.distances import Distances, check_distances, measure_distances
from launch.running.geodesics import measure_on_grid
from launch.running.results import check_results
from launch.running.run import Run, run_from_flags, say
from tfgeo import clustering
from tfgeo.checkpoints import whole_file
from tfgeo.errors import UserError
from tfgeo.geodesics import DistanceError
from tfgeo.geodesics.pairwise import DISTANCES, distance_matrix

__all__ = ["run_clustering"]


def run_clustering(values: program.Flags) -> dict[str, Any]:
    """Runs the experiment that the flags name and writes its results; returns what was measured."""
    run = run_from_flags(values, clusters=True)
    check_results(run, values)
    _ = run.entry.geodesics, run.entry.clustering  # refuses entries that lack one, before their training
    _check_classes(run)
    scheduler = values.scheduler if "scheduler" in values else None
    check_distances(run, scheduler)
    with run.timed("total"):
        training.train(run, values.weights, values.tensorboard)
        latents = run.latents()
        found = measure_distances(run, latents, scheduler)
        on_grid = measure_on_grid(run, latents)
        with run.timed("clustering"):
            say("clustering: k-medoids by geodesic and by Euclidean distance, spectral clustering")
            result = _cluster(run, latents, found, on_grid)
            measured = _measure(run, result)
        _, clusters_line = write_clusters(run, result)
        by_metric = measure_metrics(run, latents, on_grid)
        if by_metric:
            measured["metrics"] = by_metric
        with run.timed("figures"):
            say("figures: drawing")
            paths = clustering_figures.draw(run, result)
    reported = _reported(run)
    rows = report.clustering_rows(measured, reported)
    with whole_file(run.folder / "clustering.npz") as partial:
        np.savez(partial, **_arrays(run, result))
    weights = training.save_weights(run)
    report.write_report(run, _report_parts(run, measured, rows, clusters_line, paths))
    report.write_metrics(run, measured, reported)
    run.finish()
    if rows:
        say("\n" + text_table(rows))
    if by_metric:
        say("\n" + text_table(metric_rows(by_metric)))
    say(_convergence_line(measured))
    say(clusters_line)
    report.say_results(run, paths, weights)
    return measured


def _check_classes(run: Run) -> None:
    """Labels against which no clusters can be judged."""
    labels, name = run.samples.labels, run.dataset.name
    if labels is None:
        return
    num_classes = len(np.unique(labels))
    if num_classes == 1 or num_classes == len(labels):
        what = "are all of one class" if num_classes == 1 else "all differ, so that they are no classes"
        raise UserError(f"the labels of {name} {what}; leave them out, or compare other samples")


def _cluster(run: Run, latents: np.ndarray, found: Distances, on_grid: np.ndarray | None) -> Clusterings:
    settings = run.entry.clustering
    # Each pair is there twice.
    failed = int(np.sum(~np.isfinite(found.matrix))) // 2
    if failed:
        # What keeps the metric tame: a Gaussian decoder's variance, or the floor of a learned one.
        fields = {"gaussian": " or raise --config.network.output_variance"}
        remedy = fields.get(run.config.network.likelihood, "")
        if run.config.metric is not None:
            remedy = " or raise --config.metric.regularization"
        raise UserError(
            f"{failed} of {_num_pairs(found)} geodesics are not finite; lower "
            f"--config.training.learning_rate{remedy}"
        )
    distances = {"geodesic": found.matrix}
    if on_grid is not None:
        distances["dijkstra"] = on_grid
    distances["euclidean"] = clustering.euclidean_distances(latents)
    clusters, medoids = {}, {}
    for name, matrix in distances.items():
        clusters[name], medoids[name] = cluster_by(run, matrix)
    clusters["spectral"] = clustering.spectral(
        run.samples.inputs, settings.num_clusters, settings.spectral_gamma or None, run.seed
    )
    return Clusterings(latents, found, distances, clusters, medoids)


def _measure(run: Run, result: Clusterings) -> dict[str, Any]:
    found, settings = result.found, run.entry.geodesics
    geodesics = found.geodesics
    measured: dict[str, Any] = {
        "distance": settings.distance,
        "num_pairs": _num_pairs(found),
        "found_by": found.found_by,
        "elbo": float(np.mean(run.entry.model.elbo(run.samples.inputs))),
    }
    if geodesics is not None:
        measured |= {
            "share_converged": float(np.mean(geodesics.converged)),
            "mean_iterations": float(np.mean(geodesics.num_iterations)),
            "mean_length": float(np.mean(geodesics.length)),
            "mean_energy": float(np.mean(geodesics.energy)),
        }
    if found.error is not None:
        measured["error"] = dataclasses.asdict(found.error)
    labels = run.samples.labels
    if labels is not None:
        for score in (clustering.accuracy, clustering.f1):
            measured[score.__name__] = {name: score(labels, clusters) for name, clusters in result.clusters.items()}
        if geodesics is not None:
            measured["accuracy_by_distance"] = {
                distance: clustering.accuracy(
                    labels, cluster_by(run, distance_matrix(geodesics, len(labels), distance))[0]
                )
                for distance in DISTANCES
            }
    return measured | training.training_facts(run) | training.metric_facts(run)


def _reported(run: Run) -> dict[str, Any]:
    reported = run.reported
    if not reported.source:
        return {}
    # The paper's "geodesic" is found on a grid where the entry measures on one.
    geodesic = "geodesic" if not run.entry.clustering.grid_resolution else "dijkstra"
    return {
        "source": reported.source,
        "accuracy": {
            "geodesic": reported.geodesic, "euclidean": reported.euclidean, "spectral": reported.spectral
        },
        "f1": {geodesic: reported.f1_geodesic, "euclidean": reported.f1_euclidean},
    }  # fmt: skip


def _arrays(run: Run, result: Clusterings) -> dict[str, np.ndarray]:
    arrays = {"latents": result.latents}
    arrays |= {f"distances_{name}": matrix for name, matrix in result.distances.items()}
    arrays |= {f"clusters_{name}": found for name, found in result.clusters.items()}
    arrays |= {f"medoids_{name}": found for name, found in result.medoids.items()}
    geodesics = result.found.geodesics
    if geodesics is not None:
        arrays["curve_parameters"] = geodesics.parameters
        arrays |= {name: getattr(geodesics, name) for name in ("length", "energy", "converged")}
    if run.samples.labels is not None:
        arrays["labels"] = run.samples.labels
    if run.samples.rows is not None:
        arrays["rows"] = run.samples.rows
    return arrays


def _num_pairs(found: Distances) -> int:
    return len(found.matrix) * (len(found.matrix) - 1) // 2


def _convergence_line(measured: dict[str, Any]) -> str:
    if "share_converged" not in measured:
        line = f"{measured['num_pairs']} distances by {measured['found_by']}; distance: {measured['distance']}"
        return line + (f"; {DistanceError(**measured['error'])}" if "error" in measured else "")
    return (
        f"{measured['num_pairs']} geodesics, {100 * measured['share_converged']:.1f} % converged after "
        f"{measured['mean_iterations']:.1f} iterations on average; distance: {measured['distance']}"
    )


def _report_parts(run: Run, measured: dict[str, Any], rows: list, clusters_line: str, paths: list) -> list[str]:
    seconds = "; ".join(f"{stage} {value:.1f}" for stage, value in run.seconds.items())
    parts = [markdown_table(rows), _convergence_line(measured) + ".", clusters_line + ".", f"Seconds: {seconds}."]
    if "metrics" in measured:
        parts.append("The same latent points under several metrics, on a grid; ± over random subsamples of 80 %.")
        parts.append(markdown_table(metric_rows(measured["metrics"])))
    if run.reported.source:
        parts.insert(1, f"Reported: {run.config.paper}, {run.reported.source}.")
    return parts + [f"![{path.stem}](figures/{path.name})" for path in paths]
