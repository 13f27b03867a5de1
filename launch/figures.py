"""Figures of the clustering experiment, numbered as in Yang et al. (2018)."""

from __future__ import annotations

import pathlib
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

__all__ = ["draw"]


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


def _latent_figures(run: Run, result: Clusterings) -> dict[str, plots.style.Figure]:
    latents, labels, decoder = result.latents, run.samples.labels, run.entry.model.decoder
    grid = plots.grid_points(latents, run.config.figures.resolution)
    flat = grid.reshape(-1, 2)

    def on_grid(function) -> np.ndarray:
        return batched(function, flat, 400).reshape(grid.shape[:2])

    names = class_names(run)
    log_density = on_grid(decoder.precision.log_density)
    log_variance = on_grid(lambda z: tf.math.log(tf.reduce_sum(decoder.precision.variance(z), axis=-1)))
    manifold = ExpectedPullback(run.entry.model.decode)
    seed = derive_seed(run.seed, "volume")
    log_expected = on_grid(
        lambda z: tf.math.log(
            expected_volume(run.entry.model.decode, z, run.config.figures.volume_samples, seed)
        )
    )
    log_magnification = on_grid(lambda z: tf.math.log(manifold.volume(z)))
    found = {name: clusters for name, clusters in result.clusters.items()}
    return {
        "latent_space": plots.latent_panels(
            latents,
            [
                Panel("latent samples", labels),
                Panel("precision's ridges", labels, log_density, "log g(z)"),
                Panel("decoder variance", labels, log_variance, r"log $\Sigma_D\,\sigma^2(z)$"),
            ],
            grid,
            names,
        ),
        "geodesics": plots.latent_panels(
            latents,
            [Panel(f"{run.config.geodesics.curve} geodesics", labels, log_variance,
                   r"log $\Sigma_D\,\sigma^2(z)$", _some_curves(run, result))],
            grid,
            names,
        ),
        "volume": plots.latent_panels(
            latents,
            [
                Panel("expected volume", labels, log_expected, r"log E[$\sqrt{\det J^T J}$]"),
                Panel("magnification factor", labels, log_magnification, r"log $\sqrt{\det E[J^T J]}$"),
            ],
            grid,
            names,
        ),
        "clusters": plots.latent_panels(
            latents,
            [
                Panel("k-medoids, geodesic", found["geodesic"], marked=result.medoids["geodesic"]),
                Panel("k-medoids, Euclidean", found["euclidean"], marked=result.medoids["euclidean"]),
                Panel("spectral, data space", found["spectral"]),
            ],
            None,
            [f"cluster {index + 1}" for index in range(run.config.clustering.num_clusters)],
        ),
    }  # fmt: skip


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
