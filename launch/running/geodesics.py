"""Geodesics of a run: between any points, and all distances among its samples. What is found is kept."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable

import numpy as np

from launch import program
from launch.running.run import Run, say
from tfgeo.checkpoints import whole_file
from tfgeo.errors import UserError
from tfgeo.geodesics import Geodesics, connect, grid_distances
from tfgeo.manifolds import Interpolated, Manifold, Smoothed
from tfgeo.randomness import generator
from zoo.geodesics import geodesic_settings

__all__ = ["choose_pairs", "connect_samples", "find_geodesics", "measure_on_grid", "prepare_search"]


def choose_pairs(run: Run, num_samples: int, values: program.Flags) -> tuple[np.ndarray, np.ndarray]:
    """Rows of --num_pairs different pairs of different samples, drawn by the seed; before the training.

    Raises:
      UserError: if the user asked for more pairs than there are.
    """
    rows, columns = np.triu_indices(num_samples, 1)
    num_pairs = values.num_pairs
    if num_pairs > len(rows):
        if not values["num_pairs"].using_default_value:
            raise UserError(f"--num_pairs={num_pairs} is more than the {len(rows)} pairs of {num_samples} samples")
        num_pairs = len(rows)
        say(f"pairs: all {num_pairs} of {num_samples} samples")
    chosen = generator(run.seed, "pairs").choice(len(rows), num_pairs, replace=False)
    return rows[chosen], columns[chosen]


def find_geodesics(
    run: Run, start: np.ndarray, end: np.ndarray, warn: bool = True, manifold: Manifold | None = None
) -> Geodesics:
    """Geodesics between `[B, d]` latent points, with the entry's settings; by default under its metric.

    What is warned of is the run's.
    """
    with run.heeding():
        return prepare_search(run, start, end, warn, manifold)()


def prepare_search(
    run: Run, start: np.ndarray, end: np.ndarray, warn: bool = True, manifold: Manifold | None = None
) -> Callable[[], Geodesics]:
    """What finds them: a second call needs neither a new table of the metric nor compiling."""
    latents = run.encode(run.training) if run.entry.geodesics.warm_start == "graph" else None
    settings = geodesic_settings(run.entry, start, end, latents, run.seed, manifold)
    manifold = settings["manifold"]
    table = manifold.manifold if isinstance(manifold, Smoothed) else manifold
    if isinstance(table, Interpolated):
        say(f"geodesics: {table.describe()}")
    return functools.partial(connect, start=start, end=end, **settings, progress=True, warn=warn)


def connect_samples(run: Run, latents: np.ndarray) -> Geodesics:
    """All geodesics between the samples' latent points, or those that an interrupted run had found."""
    settings, entry = run.entry.geodesics, run.entry
    path = run.unfinished / "geodesics.npz"
    arrays = tuple(field.name for field in dataclasses.fields(Geodesics) if field.name != "curve")
    if path.exists():
        say("geodesics: found before, loaded")
        with np.load(path, allow_pickle=False) as saved:
            return Geodesics(entry.curve(), *(saved[name] for name in arrays))
    num_pairs = len(latents) * (len(latents) - 1) // 2
    say(f"geodesics: {num_pairs} pairs, {settings.curve} curves of {settings.num_points} points")
    rows, columns = np.triu_indices(len(latents), 1)
    with run.timed("geodesics"):
        geodesics = find_geodesics(run, latents[rows], latents[columns])
    with whole_file(path) as partial:
        np.savez(partial, **{name: getattr(geodesics, name) for name in arrays})
    return geodesics


def measure_on_grid(
    run: Run, latents: np.ndarray, name: str = "", manifold: Manifold | None = None
) -> np.ndarray | None:
    """All distances between the samples' latent points by Dijkstra's algorithm on a grid, where the entry asks.

    Under the entry's metric, or under another one, which has a name.
    """
    resolution = run.entry.clustering.grid_resolution
    if not resolution:
        return None
    path = run.unfinished / f"grid_distances{name and f'_{name}'}.npy"
    if path.exists():
        say("grid: distances found before, loaded")
        return np.load(path, allow_pickle=False)
    under = name and f" under the metric {name!r}"
    say(f"grid: distances between {len(latents)} samples on {resolution} x {resolution} nodes{under}")
    manifold = run.entry.manifold() if manifold is None else manifold
    with run.timed("grid"):
        distances = grid_distances(manifold, latents, resolution=resolution, progress=True)
    with whole_file(path) as partial:
        np.save(partial, distances)
    return distances
