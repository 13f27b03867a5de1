"""Distances of very many points to a few of them, the landmarks, without the matrix of all distances."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfgeo.errors import UserError
from tfgeo.geodesics.latents import as_latents, check_manifold
from tfgeo.geodesics.methods.landmarks import LandmarkApproximation
from tfgeo.geodesics.result import check_distance
from tfgeo.manifolds import Manifold

__all__ = ["landmark_distances"]


def landmark_distances(
    manifold: Manifold,
    points: Any,
    num_landmarks: int = 300,
    distance: str = "length",
    progress: bool = True,
    **settings: Any,
) -> tuple[np.ndarray, np.ndarray]:
    """Landmarks, each farthest from those before it, and the distances of all points to them.

    They take 8 n L bytes in place of n^2: what `tfgeo.clustering.landmark_k_medoids` clusters 100,000 points by.

    Args:
      manifold: the manifold.
      points: `[n, d]` latent points, as for `connect`.
      num_landmarks: L; fewer are found where there are fewer points, or several at one place.
      distance: "length", "energy" or "root_energy".
      progress: whether to show progress bars.
      **settings: as for `tfgeo.geodesics.methods.landmarks.LandmarkApproximation`: by="graph", the default, finds
        shortest paths on a graph of neighbours, by="solver" L n geodesics.

    Returns:
      `[L]` rows of the landmarks, all different and in rising order, and float64 distances `[n, L]`.

    Raises:
      UserError: if points are not finite, the graph falls into parts, or as for `connect`.
    """
    check_manifold(manifold)
    check_distance(distance)
    if distance != "length" and manifold.has_potential:
        raise UserError(
            f"`distance`={distance!r}: distances to landmarks are lengths, of which the energy of "
            f"{type(manifold).__name__} is no square; give distance='length'"
        )
    points = as_latents(points, "points")
    found = LandmarkApproximation(manifold, points, progress, num_landmarks=num_landmarks, **settings)
    # Several points at one place are found as one landmark.
    landmarks, places = np.unique(found.landmarks, return_index=True)
    lengths = found.coordinates[:, places]
    # Of length L and constant speed, a curve has the energy L^2.
    return landmarks, np.square(lengths) if distance == "energy" else lengths
