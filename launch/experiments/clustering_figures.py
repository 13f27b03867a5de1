"""Figures of the clustering experiment: those of Yang et al. (2018), and Fig. 12-14 of Chadebec et al. (2020)."""

from __future__ import annotations

import pathlib

import numpy as np

from launch.experiments.clusterings import Clusterings
from launch.reporting import figures, latent_fields
from launch.running.geodesics import find_geodesics
from launch.running.run import Run
from tfgeo import plots
from tfgeo.clustering import accuracy, match
from tfgeo.geodesics import distance_map
from tfgeo.manifolds import ExpectedPullback, expected_volume
from tfgeo.randomness import derive_seed, generator

__all__ = ["draw"]

_TITLES = {
    "geodesic": "geodesic distance",
    "dijkstra": "geodesic distance on a grid",
    "euclidean": "Euclidean latent distance",
}


def draw(run: Run, result: Clusterings) -> list[pathlib.Path]:
    """Draws all figures into the run's folder; returns the paths of the PNGs."""
    labels = run.samples.labels
    distances = {_TITLES[name]: matrix for name, matrix in result.distances.items()}
    drawn = {"distances": plots.distance_matrices(distances, labels)}
    if figures.is_plane(run):
        grid = plots.grid_points(result.latents, run.config.figures.resolution)
        draw_space = _draw_learned if run.config.metric is not None else _draw_decoded
        drawn |= draw_space(run, result, grid)
        drawn["geodesics"] = figures.curves_figure(run, result.latents, _some_curves(run, result))
        drawn["clusters"] = _clusters(run, result)
    if figures.has_images(run.samples):
        drawn["images"] = figures.images_figure(run, run.samples)
    return figures.save_all(run, drawn)


def _draw_decoded(run: Run, result: Clusterings, grid: np.ndarray) -> dict[str, plots.style.Figure]:
    """Samples, mixture and variance (Fig. 4 of Yang et al.), volume (8, 12a, 15a)."""
    labels, decode, precision = run.samples.labels, run.entry.model.decode, run.entry.precision
    names, seed = figures.class_names(run), derive_seed(run.seed, "volume")
    panels = [plots.Panel("latent samples", labels)]
    if precision is not None:
        log_density = plots.on_grid(precision.log_density, grid)
        panels.append(plots.Panel("precision's ridges", labels, log_density, "log g(z)"))
        panels.append(plots.Panel("decoder variance", labels, *latent_fields.background(run, grid)))
    num_samples = run.config.figures.volume_samples
    expected = plots.on_grid(lambda z: expected_volume(decode, z, num_samples, seed), grid)
    magnification = plots.on_grid(ExpectedPullback(decode).volume, grid)
    volumes = [
        plots.Panel("expected volume", labels, plots.logarithm(expected), r"log E[$\sqrt{\det J^T J}$]"),
        plots.Panel("magnification factor", labels, plots.logarithm(magnification), r"log $\sqrt{\det E[J^T J]}$"),
    ]
    return {
        "latent_space": plots.latent_panels(result.latents, panels, grid, names),
        "volume": plots.latent_panels(result.latents, volumes, grid, names),
    }


def _draw_learned(run: Run, result: Clusterings, grid: np.ndarray) -> dict[str, plots.style.Figure]:
    """Samples on the learned volume (Fig. 12 of Chadebec et al.), distances from the medoids (13)."""
    labels, names = run.samples.labels, figures.class_names(run)
    space = [plots.Panel("latent samples", labels, *latent_fields.background(run, grid))]
    found = "dijkstra" if "dijkstra" in result.medoids else "geodesic"
    medoids = result.latents[result.medoids[found]]
    fine = plots.grid_points(result.latents, run.config.figures.distance_map_resolution)
    bounds = tuple((float(axis[0]), float(axis[-1])) for axis in (fine[0, :, 0], fine[:, 0, 1]))
    maps = [
        plots.Panel(
            f"from medoid {index + 1}",
            labels,
            distances=distance_map(run.entry.manifold(), medoid, bounds, len(fine)),
            marked=result.medoids[found][index : index + 1],
        )
        for index, medoid in enumerate(medoids)
    ]
    return {
        "latent_space": plots.latent_panels(result.latents, space, grid, names),
        "distance_maps": plots.latent_panels(result.latents, maps, class_names=names),
    }


def _clusters(run: Run, result: Clusterings) -> plots.style.Figure:
    """Clusters by each distance (Fig. 11, 13 of Yang et al.; 12 of Chadebec et al.), coloured by class.

    Without labels, as those of the geodesic clusters. Clusters without a class have the numbers of clusters.csv.
    """
    labels, names = run.samples.labels, figures.class_names(run)
    geodesic = result.clusters["geodesic"]
    reference = geodesic if labels is None else labels
    titles = {name: f"k-medoids, {_TITLES[name]}" for name in result.distances} | {
        "spectral": "spectral, data space"
    }
    panels = []
    for name, title in titles.items():
        clusters = result.clusters[name]
        if labels is not None:
            title += f"\naccuracy {accuracy(labels, clusters):.3f}"
        panels.append(plots.Panel(title, match(reference, clusters), marked=result.medoids.get(name)))
    numbers = dict(zip(match(reference, geodesic).tolist(), geodesic.tolist(), strict=True))
    for label in np.unique([panel.labels for panel in panels if panel.labels is not None]).tolist():
        names.setdefault(label, f"cluster {numbers[label] + 1}" if label in numbers else "another cluster")
    return plots.latent_panels(result.latents, panels, class_names=names)


def _some_curves(run: Run, result: Clusterings) -> np.ndarray:
    rows, columns = np.triu_indices(len(result.latents), 1)
    count = min(run.config.figures.num_curves, len(rows))
    chosen = generator(run.seed, "drawn curves").choice(len(rows), count, replace=False)
    if result.found.geodesics is not None:
        return result.found.geodesics.points(50)[chosen]
    # Distances that were found otherwise have no curves.
    return find_geodesics(run, result.latents[rows[chosen]], result.latents[columns[chosen]], warn=False).points(50)
