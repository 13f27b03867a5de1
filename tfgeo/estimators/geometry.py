"""What estimators measure distances with: a flat space, a manifold, or whatever an embedding hands on."""

from __future__ import annotations

import abc
from typing import Any

import numpy as np

from tfgeo.errors import UserError
from tfgeo.geodesics import distances, landmark_distances, pairwise
from tfgeo.geodesics.latents import check_manifold
from tfgeo.geodesics.pairwise import DISTANCES
from tfgeo.manifolds import Manifold

__all__ = ["FlatGeometry", "Geometry", "ManifoldGeometry"]


class Geometry(abc.ABC):
    """Distances in a latent space: a manifold, and the settings with which its geodesics are found.

    Settings of both methods are those of `tfgeo.geodesics.pairwise`; one that is given stands in place of the
    geometry's own.
    """

    def __sklearn_clone__(self) -> Geometry:
        """Itself: `sklearn.base.clone` would copy the model that it is of."""
        return self

    @property
    @abc.abstractmethod
    def manifold(self) -> Manifold | None:
        """The manifold; None for flat space."""

    @abc.abstractmethod
    def pairwise(self, points: np.ndarray, progress: bool = False, **settings: Any) -> np.ndarray:
        """Distances between all pairs of points `[n, d]`: symmetric `[n, n]` with a zero diagonal."""

    @abc.abstractmethod
    def distances(self, a: np.ndarray, b: np.ndarray, progress: bool = False, **settings: Any) -> np.ndarray:
        """Distances from each of `a` `[n, d]` to each of `b` `[m, d]`: `[n, m]`."""

    def to_landmarks(
        self, points: np.ndarray, num_landmarks: int, progress: bool = False, **settings: Any
    ) -> tuple[np.ndarray, np.ndarray]:
        """Points that are far from one another, and the distances of all to them, on a graph of neighbours.

        Of the settings it takes "distance"; those of curves and solvers make no difference to a graph.

        Args:
          points: `[n, d]`.
          num_landmarks: L, or fewer where there are fewer different points.
          progress: whether to show progress bars.
          **settings: as for the other methods.

        Returns:
          `[L]` rows of the landmarks, all different, and distances `[n, L]`: `tfgeo.geodesics.landmark_distances`.
        """
        if self.manifold is None:
            raise UserError(
                f"{type(self).__name__} has no manifold on which landmarks are found; give one that has"
            )
        return landmark_distances(
            self.manifold, points, num_landmarks, settings.get("distance", "length"), progress
        )


class FlatGeometry(Geometry):
    """Euclidean distances, in closed form; settings of curves and solvers make no difference to straight lines."""

    @property
    def manifold(self) -> None:
        return None

    def pairwise(self, points: np.ndarray, progress: bool = False, **settings: Any) -> np.ndarray:
        return self.distances(points, points, progress, **settings)

    def distances(self, a: np.ndarray, b: np.ndarray, progress: bool = False, **settings: Any) -> np.ndarray:
        from scipy.spatial.distance import cdist

        del progress
        distance = settings.get("distance", "length")
        if distance not in DISTANCES:
            raise UserError(f"`distance`={distance!r} is not known; choose one of {', '.join(DISTANCES)}")
        # Differences first, in float64: the distance of a point to itself is exactly 0.
        metric = "sqeuclidean" if distance == "energy" else "euclidean"
        values = cdist(np.asarray(a, np.float64), np.asarray(b, np.float64), metric)
        return values.astype(np.result_type(a, b), copy=False)

    def to_landmarks(
        self, points: np.ndarray, num_landmarks: int, progress: bool = False, **settings: Any
    ) -> tuple[np.ndarray, np.ndarray]:
        """As `Geometry.to_landmarks`, of straight lines, which need no graph."""
        landmarks: list[int] = []
        # The first is farthest from the middle: at the rim, as the others.
        nearest = self.distances(points, points.mean(axis=0, keepdims=True))[:, 0]
        for _ in range(min(num_landmarks, len(points))):
            landmarks.append(int(np.argmax(nearest)))
            last = self.distances(points, points[landmarks[-1:]])[:, 0]
            nearest = last if len(landmarks) == 1 else np.minimum(nearest, last)
            nearest[landmarks] = -1.0  # also where several points are at one place
        rows = np.sort(landmarks)
        return rows, self.distances(points, points[rows], progress, **settings)


class ManifoldGeometry(Geometry):
    """Geodesic distances on a manifold.

    Args:
      manifold: the manifold.
      **settings: those of `tfgeo.geodesics.pairwise` that are not its defaults.

    Raises:
      UserError: if it is no manifold, such as a decoder.
    """

    def __init__(self, manifold: Manifold, **settings: Any) -> None:
        check_manifold(manifold)
        self._manifold = manifold
        self._settings = settings

    @property
    def manifold(self) -> Manifold:
        return self._manifold

    def pairwise(self, points: np.ndarray, progress: bool = False, **settings: Any) -> np.ndarray:
        return pairwise(self._manifold, points, progress=progress, **self._settings | settings)

    def distances(self, a: np.ndarray, b: np.ndarray, progress: bool = False, **settings: Any) -> np.ndarray:
        return distances(self._manifold, a, b, progress=progress, **self._settings | settings)

    def to_landmarks(
        self, points: np.ndarray, num_landmarks: int, progress: bool = False, **settings: Any
    ) -> tuple[np.ndarray, np.ndarray]:
        """As `Geometry.to_landmarks`."""
        return super().to_landmarks(points, num_landmarks, progress, **self._settings | settings)
