"""Figures that several programs draw: curves in the latent plane, images, names of classes."""

from __future__ import annotations

import pathlib
from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from launch.reporting import latent_fields
from launch.running.run import Run, say
from tfgeo import plots
from tfgeo.batches import batched
from tfgeo.datasets import Dataset
from tfgeo.randomness import derive_seed

__all__ = [
    "class_names",
    "color_map",
    "curves_figure",
    "has_images",
    "images_figure",
    "is_plane",
    "save_all",
    "strip_figure",
]

# Images in each row.
COLUMNS = 12
# Data sets of photographs, on which 0 is black.
_PHOTOGRAPHS = ("olivetti", "oasis", "image_folder")


def save_all(run: Run, drawn: Mapping[str, plots.style.Figure]) -> list[pathlib.Path]:
    """Writes figures into the run's folder by name; returns the paths of the PNGs."""
    return [plots.save(figure, run.folder / "figures", name) for name, figure in drawn.items()]


def is_plane(run: Run) -> bool:
    """Whether the latent space can be drawn; says so where it cannot."""
    dim = run.config.network.latent_dim
    if dim != 2:
        say(f"figures: latent space not drawn, its dimension is {dim}, not 2")
    return dim == 2


def has_images(dataset: Dataset) -> bool:
    """Whether samples are grey images."""
    return dataset.image_shape is not None and len(dataset.image_shape) == 2


def color_map(run: Run) -> str:
    """How grey images are drawn: photographs with a black 0, drawn and written things with a white one."""
    return "gray" if run.config.data.name in _PHOTOGRAPHS else "gray_r"


def class_names(run: Run, dataset: Dataset | None = None) -> dict[int, str]:
    """What the classes of the samples are called in a legend, by label."""
    classes = run.config.data.classes
    dataset = dataset or run.samples
    if dataset.labels is None:
        return {}
    present = np.unique(dataset.labels).tolist()
    if dataset.class_names is not None:
        return {label: dataset.class_names[label] for label in present}
    if classes and len(classes) == len(present) and any(isinstance(name, str) for name in classes):
        return {label: str(name) for label, name in zip(present, classes, strict=True)}
    return {label: f"class {label}" for label in present}


def curves_figure(run: Run, latents: np.ndarray, curves: np.ndarray, numbers: bool = False) -> plots.style.Figure:
    """`[B, T, 2]` curves on the decoder's variance or the manifold's volume, with their rows where it says so."""
    grid = plots.grid_points(latents, run.config.figures.resolution)
    title = f"{run.entry.geodesics.curve} geodesics"
    panel = plots.Panel(title, run.samples.labels, *latent_fields.background(run, grid), curves, numbers=numbers)
    return plots.latent_panels(latents, [panel], grid, class_names(run))


def images_figure(run: Run, dataset: Dataset) -> plots.style.Figure:
    """Samples, their reconstructions, and images generated from the prior."""
    chosen = dataset.inputs[:: max(1, len(dataset) // COLUMNS)][:COLUMNS]
    model = run.entry.model
    generated = model.sample(len(chosen), seed=derive_seed(run.seed, "generated"))
    images = np.concatenate([chosen, model(tf.constant(chosen))[0], generated])
    rows = ("data", "decoded", "generated")
    return plots.image_grid(images, dataset.image_shape, len(chosen), rows, color_map(run))


def strip_figure(run: Run, curves: plots.along.Curves, num: int, pairs: np.ndarray) -> plots.style.Figure:
    """Images along curves of a run's latent space, for the pairs that are named: a row for each kind of curve."""
    kinds = len(curves) if isinstance(curves, Mapping) else 2
    figure = plots.new_figure(*plots.grid_size(kinds * len(pairs), num, kinds))
    plots.strip(
        curves,
        lambda z: batched(lambda rows: run.entry.model.decode(rows).mean(), z),
        run.training.image_shape,
        figure.subplots(),
        num,
        pairs,
        color_map(run),
    )
    return figure
