"""Distances and clusters of one run, as its scores and figures take them."""

from __future__ import annotations

import dataclasses

import numpy as np

from launch.running.distances import Distances

__all__ = ["Clusterings"]


@dataclasses.dataclass(frozen=True)
class Clusterings:
    """Distances and clusters of one run.

    Attributes:
      latents: `[n, d]` posterior means of the samples.
      found: all pairs' geodesic distances, with what found them.
      distances: distance matrices `[n, n]`: "geodesic", those that were found; where the entry asks for it
        "dijkstra", found on a latent grid; and "euclidean".
      clusters: labels `[n]` by method: those of `distances` and "spectral".
      medoids: medoids' indices by method: those of `distances`.
    """

    latents: np.ndarray
    found: Distances
    distances: dict[str, np.ndarray]
    clusters: dict[str, np.ndarray]
    medoids: dict[str, np.ndarray]
