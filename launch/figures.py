"""Figures of the clustering experiment, numbered as in Yang et al. (2018)."""

from __future__ import annotations

import pathlib
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from launch.pipeline import Run, say
from tfgeo import plots
from tfgeo.manifolds import ExpectedPullback, expected_volume
from tfgeo.models.training import batched
from tfgeo.plots.latent import Panel
from tfgeo.randomness import derive_seed, generator

if TYPE_CHECKING:
    from launch.clustering import Clusterings

__all__ = ["class_names", "curves_figure", "draw"]


# Grid points that are evaluated together.
BLOCK = 900


def draw(run: Run, result: Clusterings) -> list[pathlib.Path]:
    """Draws all figures into the run's folder; returns the paths of the PNGs."""
    folder, labels = run.folder / "figures", run.samples.labels
    drawn = {
        "distances": plots.distance_matrices(
            {"geodesic distance": result.distances["geodesic"],
             "Euclidean latent distance": result.distances["euclidean"]},
            labels,
        )
    }  # fmt: skip
    if run.config.network.latent_dim == 2:
        drawn |= _latent_figures(run, result)
    else:
        say(f"figures: latent space not drawn, its dimension is {run.config.network.latent_dim}, not 2")
    if run.samples.image_shape is not None and len(run.samples.image_shape) == 2:
        drawn["images"] = _images(run)
    return [plots.save(figure, folder, name) for name, figure in drawn.items()]


def curves_figure(run: Run, latents: np.ndarray, curves: np.ndarray) -> plots.style.Figure:
    """`[B, T, 2]` curves on the decoder's variance (Fig. 9)."""
    grid = plots.grid_points(latents, run.config.figures.resolution)
    panel = Panel(
        f"{run.config.geodesics.curve} geodesics",
        run.samples.labels,
        _log_variance(run, grid),
        r"log $\Sigma_D\,\sigma^2(z)$",
        curves,
    )
    return plots.latent_panels(latents, [panel], grid, class_names(run))


def _latent_figures(run: Run, result: Clusterings) -> dict[str, plots.style.Figure]:
    """Samples, mixture and variance (Fig. 4), curves (9), volume (8, 12a, 15a), clusters (11, 13)."""
    latents, labels, model = result.latents, run.samples.labels, run.entry.model
    grid, names = plots.grid_points(latents, run.config.figures.resolution), class_names(run)
    log_density = _on_grid(run.entry.precision.log_density, grid)
    manifold, seed = ExpectedPullback(model.decode), derive_seed(run.seed, "volume")
    num_samples = run.config.figures.volume_samples
    log_expected = _log(_on_grid(lambda z: expected_volume(model.decode, z, num_samples, seed), grid))
    log_magnification = _log(_on_grid(manifold.volume, grid))
    clusters, medoids = result.clusters, result.medoids
    panels = {
        "latent_space": [
            Panel("latent samples", labels),
            Panel("precision's ridges", labels, log_density, "log g(z)"),
            Panel("decoder variance", labels, _log_variance(run, grid), r"log $\Sigma_D\,\sigma^2(z)$"),
        ],
        "volume": [
            Panel("expected volume", labels, log_expected, r"log E[$\sqrt{\det J^T J}$]"),
            Panel("magnification factor", labels, log_magnification, r"log $\sqrt{\det E[J^T J]}$"),
        ],
    }
    drawn = {name: plots.latent_panels(latents, parts, grid, names) for name, parts in panels.items()}
    drawn["geodesics"] = curves_figure(run, latents, _some_curves(run, result))
    drawn["clusters"] = plots.latent_panels(
        latents,
        [
            Panel("k-medoids, geodesic", clusters["geodesic"], marked=medoids["geodesic"]),
            Panel("k-medoids, Euclidean", clusters["euclidean"], marked=medoids["euclidean"]),
            Panel("spectral, data space", clusters["spectral"]),
        ],
        class_names=[f"cluster {index + 1}" for index in range(run.config.clustering.num_clusters)],
    )
    return drawn


def _on_grid(function: Callable[[tf.Tensor], tf.Tensor], grid: np.ndarray) -> np.ndarray:
    """`[r, r]` values of a function `[n, 2]` to `[n]` on a grid `[r, r, 2]`, compiled once."""
    rows = grid.reshape(-1, 2)
    return batched(tf.function(function), rows, min(len(rows), BLOCK)).reshape(grid.shape[:2])


def _log(values: np.ndarray) -> np.ndarray:
    """Logarithm; where a volume vanishes, far from data, that of the smallest one that does not."""
    positive = values[values > 0.0]
    return np.log(np.maximum(values, positive.min() if len(positive) else 1.0))


def _log_variance(run: Run, grid: np.ndarray) -> np.ndarray:
    precision = run.entry.precision
    return _log(_on_grid(lambda z: tf.reduce_sum(precision.variance(z), axis=-1), grid))


def class_names(run: Run) -> list[str]:
    """What the sorted classes of the samples are called in a legend."""
    classes = run.config.data.classes
    if run.samples.labels is None:
        return []
    present = np.unique(run.samples.labels)
    if classes and len(classes) == len(present) and any(isinstance(name, str) for name in classes):
        return [str(name) for name in classes]
    return [f"class {label}" for label in present]


def _some_curves(run: Run, result: Clusterings) -> np.ndarray:
    count = min(run.config.figures.num_curves, len(result.geodesics))
    chosen = generator(run.seed, "drawn curves").choice(len(result.geodesics), count, replace=False)
    return result.geodesics.points(50)[chosen]


def _images(run: Run) -> plots.style.Figure:
    """Samples, their reconstructions, and images generated from the prior (Fig. 14, 17, 20)."""
    chosen = run.samples.inputs[:: max(1, len(run.samples) // 12)][:12]
    model = run.entry.model
    generated = model.sample(12, seed=derive_seed(run.seed, "generated"))
    images = np.concatenate([chosen, model(tf.constant(chosen))[0], generated])
    rows = ("data", "decoded", "generated")
    return plots.image_grid(images, run.samples.image_shape, len(chosen), rows)
