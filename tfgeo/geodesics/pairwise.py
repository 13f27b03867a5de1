"""All distances between a set of points."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfgeo.errors import UserError
from tfgeo.geodesics.connect import connect
from tfgeo.geodesics.latents import as_latents
from tfgeo.geodesics.result import Geodesics
from tfgeo.manifolds import Manifold

__all__ = ["DISTANCES", "all_pairs", "distance_matrix", "pairwise"]

# What a geodesic's distance can mean; see `distance_matrix`.
DISTANCES = ("length", "energy", "root_energy")


def pairwise(
    manifold: Manifold, points: np.ndarray, distance: str = "length", progress: bool = True, **settings: Any
) -> np.ndarray:
    """Geodesic distances between all pairs of `points`.

    Args:
      manifold: the manifold.
      points: `[n, d]` latent points.
      distance: "length", "energy" or "root_energy".
      progress: whether to show a progress bar.
      **settings: as for `connect`.

    Returns:
      `[n, n]` symmetric matrix with a zero diagonal, of the dtype of `points`.

    Raises:
      UserError: if `distance` is not one of `DISTANCES`, or as for `connect`.
    """
    _check_distance(distance)  # before hours of geodesics, not after
    return distance_matrix(all_pairs(manifold, points, progress=progress, **settings), len(points), distance)


def all_pairs(manifold: Manifold, points: np.ndarray, **settings: Any) -> Geodesics:
    """The n (n - 1) / 2 geodesics between `[n, d]` points, in the order of `np.triu_indices(n, 1)`."""
    points = as_latents(points, "points")
    rows, columns = np.triu_indices(len(points), 1)
    return connect(manifold, points[rows], points[columns], **settings)


def distance_matrix(geodesics: Geodesics, num_points: int, distance: str = "length") -> np.ndarray:
    """The symmetric `[n, n]` matrix of the geodesics that `all_pairs` gave for n points.

    Raises:
      UserError: if `distance` is not one of `DISTANCES`.
    """
    _check_distance(distance)
    values = geodesics.length if distance == "length" else geodesics.energy
    if distance == "root_energy":
        values = np.sqrt(values)
    matrix = np.zeros([num_points, num_points], values.dtype)
    matrix[np.triu_indices(num_points, 1)] = values
    return matrix + matrix.T


def _check_distance(distance: str) -> None:
    if distance not in DISTANCES:
        raise UserError(f"`distance`={distance!r} is not known; choose one of {', '.join(DISTANCES)}")
