"""Small pictures of latent planes for the catalogue."""

from __future__ import annotations

import pathlib

import numpy as np

import zoo
from launch.running.run import say
from tfgeo import plots
from tfgeo.errors import UserError
from tfgeo.models.training import batched
from tfgeo.plots.latent import Panel
from zoo.catalogue import CATALOGUE, catalogue_text, thumbnail_path

__all__ = ["draw_thumbnail", "write_catalogue"]

# Pixels are this many per inch of a figure that is made for paper.
DOTS_PER_INCH = 60
RESOLUTION = 80


def write_catalogue(data_dir: str | None) -> pathlib.Path:
    """Draws the pictures for which there are data, and writes the catalogue."""
    for name in zoo.names():
        if zoo.card(name) is None or zoo.config(name).network.latent_dim != 2:
            continue
        try:
            draw_thumbnail(name, data_dir)
        except UserError as error:  # the data are not there: the picture of before stays
            say(f"{name}: not drawn, {error}")
    CATALOGUE.write_text(catalogue_text(), encoding="utf-8")
    return CATALOGUE


def draw_thumbnail(name: str, data_dir: str | None) -> pathlib.Path:
    """Latent points of the compared samples on the volume element of the entry's manifold."""
    entry = zoo.load(name, data_dir=data_dir)
    assert entry.card is not None
    seed = entry.card["seed"]
    samples = entry.samples(entry.dataset(seed), seed)
    latents = entry.model.encode(samples.inputs).mean().numpy()
    grid = plots.grid_points(latents, RESOLUTION)
    volume = batched(entry.manifold().volume, grid.reshape(-1, 2), 1600).reshape(grid.shape[:2])
    least = volume[volume > 0.0].min()
    panel = Panel(name, samples.labels, np.log(np.maximum(volume, least)), r"log $\sqrt{\det G(z)}$")
    figure = plots.latent_panels(latents, [panel], grid)
    path = thumbnail_path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=DOTS_PER_INCH, metadata={"Software": None})
    say(f"{path}: {path.stat().st_size / 1e3:.0f} kB")
    return path
