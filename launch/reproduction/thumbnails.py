"""Small pictures of latent planes for the catalogue."""

from __future__ import annotations

import pathlib

import zoo
from launch.running.run import say
from tfgeo import plots
from tfgeo.errors import UserError
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
    volume = plots.logarithm(plots.on_grid(entry.manifold().volume, grid))
    panel = plots.Panel(name, samples.labels, volume, plots.VOLUME_LABEL)
    figure = plots.latent_panels(latents, [panel], grid)
    path = thumbnail_path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=DOTS_PER_INCH, metadata={"Software": None})
    say(f"{path}: {path.stat().st_size / 1e3:.0f} kB")
    return path
