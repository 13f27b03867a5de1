"""Figures of models that interpolate between the same images: latent planes, metrics, decoded strips."""

from __future__ import annotations

import dataclasses

import numpy as np
import tensorflow as tf

from launch.experiments.interpolations import MEASURED_POINTS, Interpolation
from launch.experiments.metric_comparison import draw_metrics
from launch.reporting import figures
from launch.running.run import Run
from tfgeo import plots
from tfgeo.geodesics import Geodesics
from zoo.metrics import is_own_metric

__all__ = ["draw"]

# Images of the training that are drawn at most, and in how many columns.
MAX_TRAINING_IMAGES = 200
TRAINING_COLUMNS = 20


def draw(run: Run, models: list[Interpolation]) -> dict[str, plots.style.Figure]:
    """Each model's latent plane with its curves, and the images along them, for the same pairs.

    Also images that all were trained on (Fig. 19 of Chadebec et al.).
    """
    drawn = {}
    if figures.has_images(run.training):
        drawn["training"] = _draw_training(run)
    shown = _choose_shown(models[-1], run.config.interpolation.num_curves)
    for model in models:
        name = model.file_name
        if model.run.config.network.latent_dim == 2:
            drawn[f"latent_{name}"] = _draw_plane(model, shown)
        if figures.has_images(run.training):
            num = run.config.interpolation.num_frames
            drawn[f"strip_{name}"] = figures.strip_figure(model.run, model.curves(num), num, shown)
    own = models[-1]
    known = _known(run, models, shown)
    return drawn | draw_metrics(run, own.start[shown], own.end[shown], run.training, known, shown.tolist())


def _known(run: Run, models: list[Interpolation], shown: np.ndarray) -> dict[str, Geodesics]:
    """By metric of the run's model, the geodesics between the pairs that are shown."""
    known = {}
    for name in (*run.config.interpolation.metrics, run.config.energy):
        is_own = is_own_metric(run.entry, name)
        called = run.config.name if is_own else f"{run.config.name}, {name}"
        found = next((model.found for model in models if model.name == called), None)
        if found is not None:
            known[name] = _take(found, shown)
    return known


def _take(found: Geodesics, rows: np.ndarray) -> Geodesics:
    """The geodesics of some of the pairs."""
    names = [field.name for field in dataclasses.fields(found) if field.name != "curve"]
    return dataclasses.replace(found, **{name: getattr(found, name)[rows] for name in names})


def _choose_shown(model: Interpolation, num: int) -> np.ndarray:
    """The pairs whose geodesic saves most of the straight line's length; the first ones without geodesics."""
    if model.found is None:
        return np.arange(min(num, len(model.start)))
    length, straight = (
        np.asarray(model.manifold.length(tf.constant(points))) for points in model.curves(MEASURED_POINTS).values()
    )
    return np.argsort(length / np.maximum(straight, np.finfo(straight.dtype).tiny))[:num]


def _draw_plane(model: Interpolation, shown: np.ndarray) -> plots.style.Figure:
    run = model.run
    latents = run.encode(run.training)
    grid = plots.grid_points(latents, run.config.figures.resolution)
    curves = {name: points[shown] for name, points in model.curves(50).items()}
    panel = plots.Panel(
        model.name.split("/")[-1],
        run.training.labels,
        plots.logarithm(plots.on_grid(model.manifold.volume, grid)),
        plots.VOLUME_LABEL,
        curves.get("geodesic"),
        dashed=curves["straight"],
        numbers=shown.tolist(),
    )
    return plots.latent_panels(latents, [panel], grid, figures.class_names(run, run.training))


def _draw_training(run: Run) -> plots.style.Figure:
    """Images of the training, evenly from first to last: their order is that of the classes."""
    chosen = np.linspace(0, len(run.training) - 1, min(len(run.training), MAX_TRAINING_IMAGES)).astype(int)
    images = run.training.inputs[chosen]
    color_map = figures.color_map(run)
    return plots.image_grid(images, run.training.image_shape, TRAINING_COLUMNS, color_map=color_map)
