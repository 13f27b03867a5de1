"""Figures of a learned metric in the latent plane: Fig. 2 and 3 of Chadebec et al. (2020)."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from launch.reporting import figures, latent_fields
from launch.running.run import Run
from tfgeo import plots
from tfgeo.geodesics import distance_map

__all__ = ["draw_geometry", "middle_point"]

# Ellipses along each side.
NUM_ELLIPSES = 15


def draw_geometry(run: Run) -> dict[str, plots.style.Figure]:
    """Volume, ellipses, anisotropy and the distances from one point, with the samples that were trained on."""
    latents, labels = run.encode(run.training), run.training.labels
    settings, manifold = run.config.figures, run.entry.manifold()
    grid = plots.grid_points(latents, settings.resolution)
    fine = plots.grid_points(latents, settings.distance_map_resolution)
    names = figures.class_names(run, run.training)
    source = middle_point(latents)
    bounds = tuple((float(axis[0]), float(axis[-1])) for axis in (fine[0, :, 0], fine[:, 0, 1]))
    distances = distance_map(manifold, latents[source], bounds, settings.distance_map_resolution)
    metric = [
        plots.Panel("volume", labels, *latent_fields.background(run, grid)),
        plots.Panel("eigenvalues and eigenvectors", labels, metrics=_ellipses(run, latents)),
        plots.Panel(
            "anisotropy", labels, _anisotropy(run, grid), r"$(\lambda_1 - \lambda_2) / (\lambda_1 + \lambda_2)$"
        ),
    ]
    reach = plots.Panel(
        "distance to the source",
        labels,
        distances=distances,
        marked=np.array([source]),
        marked_name="source",
    )
    return {
        "metric": plots.latent_panels(latents, metric, grid, names),
        "distance_map": plots.latent_panels(latents, [reach], class_names=names),
    }


def middle_point(latents: np.ndarray) -> int:
    """The row of the point nearest to the mean of all: `[n, d]`."""
    return int(np.argmin(np.linalg.norm(latents - latents.mean(axis=0), axis=1)))


def _ellipses(run: Run, latents: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    centers = plots.grid_points(latents, NUM_ELLIPSES).reshape(-1, 2)
    return centers, np.asarray(run.entry.manifold().metric_tensor(tf.constant(centers)))


def _anisotropy(run: Run, grid: np.ndarray) -> np.ndarray:
    """(largest - smallest) / (largest + smallest eigenvalue): 0 where all directions are alike, at most 1."""
    # `anisotropy` is the root of their ratio.
    ratio = np.square(plots.on_grid(run.entry.manifold().anisotropy, grid).astype(np.float64))
    return 1.0 - 2.0 / (ratio + 1.0)
