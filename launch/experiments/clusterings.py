"""Distances and clusters of one run, as its scores and figures take them."""

from __future__ import annotations

import dataclasses

import numpy as np

from tfgeo.geodesics import Geodesics

__all__ = ["Clusterings"]


@dataclasses.dataclass(frozen=True)
class Clusterings:
    """Distances and clusters of one run.

    Attributes:
      latents: `[n, d]` posterior means of the samples.
      geodesics: all pairs' geodesics.
      distances: distance matrices `[n, n]`: "geodesic", found by the solver; where the entry asks for it
        "dijkstra", found on a latent grid; and "euclidean".
      clusters: labels `[n]` by method: those of `distances` and "spectral".
      medoids: medoids' indices by method: those of `distances`.
    """

    latents: np.ndarray
    geodesics: Geodesics
    distances: dict[str, np.ndarray]
    clusters: dict[str, np.ndarray]
    medoids: dict[str, np.ndarray]
