"""How an entry's geodesics are found: its manifold, curve, solver and start, as `connect` takes them."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfgeo.geodesics import KNNGraph
from tfgeo.manifolds import Interpolated, Manifold, Smoothed
from zoo.config import GeodesicsConfig
from zoo.entry import Entry

__all__ = ["geodesic_settings"]

# Neighbours of a latent point on the graph whose paths start the solver, and points on each of these.
GRAPH_NEIGHBOURS = 8
GRAPH_POINTS = 64


def geodesic_settings(
    entry: Entry,
    start: np.ndarray,
    end: np.ndarray,
    latents: np.ndarray | None = None,
    seed: int = 0,
    manifold: Manifold | None = None,
) -> dict[str, Any]:
    """Keyword arguments of `connect` for the geodesics between `start` and `end`.

    Args:
      entry: the entry.
      start: `[B, d]` latent points; where `geodesics.warm_start` is not "graph", all that curves may start from.
      end: `[B, d]`, likewise.
      latents: `[n, d]` those of the training samples, where `geodesics.warm_start` is "graph".
      seed: seed of a random warm start.
      manifold: another metric of the entry's latent space, or its own where that was made before, with what is
        compiled for it; by default its own is made.

    Returns:
      "manifold", of which a table around the points is made where the entry asks, "curve", "solver", "warm_start"
      and "num_points".
    """
    settings = entry.geodesics
    manifold = entry.manifold() if manifold is None else manifold
    searched = _table(manifold, start, end, settings) if settings.table_resolution else manifold
    warm_start: Any = entry.warm_start(seed, searched)
    if settings.warm_start == "graph":
        assert latents is not None
        warm_start = _graph_paths(manifold, latents, start, end)
    return {
        "manifold": searched,
        "curve": entry.curve(),
        "solver": entry.solver(),
        "warm_start": warm_start,
        "num_points": settings.num_points,
    }


def _table(manifold: Manifold, start: np.ndarray, end: np.ndarray, settings: GeodesicsConfig) -> Manifold:
    """The metric as a table around the points."""
    points = np.concatenate([np.unique(ends, axis=0) for ends in (start, end)])
    extent = settings.table_resolution, settings.table_margin
    if isinstance(manifold, Smoothed):
        # Smoothing shrinks eigenvalues to next to nothing, which a table would have to raise: it comes after.
        table = Interpolated.around(manifold.manifold, points, *extent)
        return Smoothed(table, manifold.strength, manifold.rank)
    return Interpolated.around(manifold, points, *extent)


def _graph_paths(manifold: Manifold, latents: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """`[B, S, d]` shortest paths through the training samples; straight lines where there is none."""
    nodes = np.unique(latents, axis=0)
    line = np.linspace(0.0, 1.0, GRAPH_POINTS, dtype=start.dtype)[:, None]
    straight = (1.0 - line) * start[:, None] + line * end[:, None]
    if len(nodes) < 3:
        return straight
    graph = KNNGraph(manifold, nodes, min(GRAPH_NEIGHBOURS, len(nodes) - 1), progress=False)
    paths = graph.paths(start, end, GRAPH_POINTS, warn=False)
    return np.where(np.isfinite(paths), paths, straight).astype(start.dtype)
