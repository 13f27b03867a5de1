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
from tfgeo.geodesics import Geodesics, KNNGraph, WarmStart, connect, grid_distances
from tfgeo.manifolds import Interpolated, Manifold, Smoothed
from tfgeo.randomness import generator

__all__ = ["choose_pairs", "connect_samples", "find_geodesics", "measure_on_grid", "prepare_search"]

# Neighbours of a latent point on the graph whose paths start the solver, and points on each of these.
GRAPH_NEIGHBOURS = 8
GRAPH_POINTS = 64


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


def find_geodesics(run: Run, start: np.ndarray, end: np.ndarray, warn: bool = True) -> Geodesics:
    """Geodesics between `[B, d]` latent points, with the entry's settings."""
    return prepare_search(run, start, end, warn)()


def prepare_search(run: Run, start: np.ndarray, end: np.ndarray, warn: bool = True) -> Callable[[], Geodesics]:
    """What finds them: a second call needs neither a new table of the metric nor compiling."""
    settings, entry = run.entry.geodesics, run.entry
    manifold = _table(run, start, end) if settings.table_resolution else entry.manifold()
    first: WarmStart | np.ndarray | None = entry.warm_start(run.seed, manifold)
    if settings.warm_start == "graph":
        first = _graph_paths(run, start, end)
    return functools.partial(
        connect,
        manifold,
        start,
        end,
        entry.curve(),
        entry.solver(),
        first,
        num_points=settings.num_points,
        progress=True,
        warn=warn,
    )


def _table(run: Run, start: np.ndarray, end: np.ndarray) -> Manifold:
    """The entry's metric as a table around the points, whose error it says."""
    resolution, manifold = run.entry.geodesics.table_resolution, run.entry.manifold()
    points = np.concatenate([np.unique(ends, axis=0) for ends in (start, end)])
    # Smoothing shrinks eigenvalues to next to nothing, which a table would have to raise: it comes after.
    table = Interpolated.around(
        manifold.manifold if isinstance(manifold, Smoothed) else manifold, points, resolution
    )
    say(f"geodesics: {table.describe()}")
    return Smoothed(table, manifold.strength, manifold.rank) if isinstance(manifold, Smoothed) else table


def _graph_paths(run: Run, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """`[B, S, d]` shortest paths through the training samples; straight lines where there is none."""
    nodes = np.unique(run.encode(run.training), axis=0)
    line = np.linspace(0.0, 1.0, GRAPH_POINTS, dtype=start.dtype)[:, None]
    straight = (1.0 - line) * start[:, None] + line * end[:, None]
    if len(nodes) < 3:
        return straight
    graph = KNNGraph(run.entry.manifold(), nodes, min(GRAPH_NEIGHBOURS, len(nodes) - 1), progress=False)
    paths = graph.paths(start, end, GRAPH_POINTS, warn=False)
    return np.where(np.isfinite(paths), paths, straight).astype(start.dtype)


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


def measure_on_grid(run: Run, latents: np.ndarray) -> np.ndarray | None:
    """All distances between the samples' latent points by Dijkstra's algorithm on a grid, where the entry asks."""
    resolution = run.entry.clustering.grid_resolution
    if not resolution:
        return None
    path = run.unfinished / "grid_distances.npy"
    if path.exists():
        say("grid: distances found before, loaded")
        return np.load(path, allow_pickle=False)
    say(f"grid: distances between {len(latents)} samples on {resolution} x {resolution} nodes")
    with run.timed("grid"):
        distances = grid_distances(run.entry.manifold(), latents, resolution=resolution, progress=True)
    with whole_file(path) as partial:
        np.save(partial, distances)
    return distances
