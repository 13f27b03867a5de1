"""K-medoids along geodesics as a scikit-learn estimator."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, ClusterMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from tfgeo.clustering import k_medoids, landmark_k_medoids
from tfgeo.curves import Curve
from tfgeo.errors import UserError, check_count
from tfgeo.estimators.geometry import Geometry
from tfgeo.estimators.measuring import FLOATS, check_finite, geometry_of, settings_of
from tfgeo.geodesics import Solver
from tfgeo.manifolds import Manifold

__all__ = ["GeodesicKMedoids"]


class GeodesicKMedoids(ClassNamePrefixFeaturesOutMixin, TransformerMixin, ClusterMixin, BaseEstimator):
    """K-medoids by geodesic distance, Sec. IV of Yang et al. (2018), https://arxiv.org/abs/1809.04747.

    Cluster centres are samples. New points belong to the nearest medoid; `transform` gives the distances to all.

    Args:
      n_clusters: number of clusters.
      manifold: where distances are taken. None: on the manifold of the embedding that X comes from, with its
        settings (in a pipeline after `zoo.VAEEmbedding`, see `LatentPoints`); for all other X in flat space.
        "embedding": the same, but other X are refused. "flat": Euclidean distance in any case. Or a
        `tfgeo.manifolds.Manifold` whose latent points X are, or a `Geometry`.
      method: "fasterpam" or "pam", as for `tfgeo.clustering.k_medoids`.
      num_landmarks: None compares all pairs of samples. A number L does with the distances of all samples to L of
        them, far from one another, among which medoids are chosen (`tfgeo.clustering.landmark_k_medoids`); in
        curved space they are found on a graph of neighbours, without the solver. That is for n from some thousand
        on: 300 landmarks of 100,000 samples take less than 2 GB. `transform` and `predict` use the solver.
      distance: "length", "energy" or "root_energy"; None for the embedding's, else "length".
      num_points: points on each curve; None for the embedding's, else as for `tfgeo.geodesics.connect`.
      curve: curve family, likewise.
      solver: solver, likewise.
      random_state: seed or `RandomState` of the random starts of "fasterpam".
      verbose: whether to show progress.

    Attributes:
      labels_: `[n]` cluster of each sample, 0 to n_clusters - 1.
      medoid_indices_: `[n_clusters]` rows of X that are centres.
      cluster_centers_: `[n_clusters, d]` these rows.
      inertia_: sum of the distances of samples to their medoids.
      geometry_: what distances were taken with.
      manifold_: its manifold; None for flat space.
      n_features_in_: d.

    Raises:
      UserError: by `fit`, if there are fewer samples than clusters, a parameter is none of the above, or geodesics
        have no finite length. It is a `ValueError`, as scikit-learn's own for X that is no table of numbers.
    """

    def __init__(
        self,
        n_clusters: int = 8,
        *,
        manifold: Manifold | Geometry | str | None = None,
        method: str = "fasterpam",
        num_landmarks: int | None = None,
        distance: str | None = None,
        num_points: int | None = None,
        curve: str | Curve | None = None,
        solver: str | Solver | None = None,
        random_state: int | np.random.RandomState | None = None,
        verbose: bool = False,
    ) -> None:
        self.n_clusters = n_clusters
        self.manifold = manifold
        self.method = method
        self.num_landmarks = num_landmarks
        self.distance = distance
        self.num_points = num_points
        self.curve = curve
        self.solver = solver
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X: Any, y: Any = None) -> GeodesicKMedoids:
        """Clusters samples X `[n, d]`; y is ignored."""
        num_clusters = check_count("n_clusters", self.n_clusters)
        geometry = geometry_of(self.manifold, X)
        X = validate_data(self, X, dtype=FLOATS)
        if len(X) < num_clusters:
            raise UserError(f"n_samples={len(X)} are fewer than n_clusters={num_clusters}; give more or lower it")
        seed = int(check_random_state(self.random_state).randint(2**31))
        if self.num_landmarks is None:
            distances = check_finite(geometry.pairwise(X, **settings_of(self)))
            labels, medoids = k_medoids(distances, num_clusters, self.method, seed)
            to_medoids = distances[np.arange(len(X)), medoids[labels]]
        else:
            num_landmarks = check_count("num_landmarks", self.num_landmarks, num_clusters)
            landmarks, distances = geometry.to_landmarks(X, num_landmarks, **settings_of(self))
            labels, medoids = landmark_k_medoids(
                check_finite(distances), landmarks, num_clusters, self.method, seed
            )
            to_medoids = distances[np.arange(len(X)), np.searchsorted(landmarks, medoids)[labels]]
        self.geometry_ = geometry
        self.labels_ = np.asarray(labels, np.int64)
        self.medoid_indices_ = np.asarray(medoids, np.int64)
        self.cluster_centers_ = X[self.medoid_indices_]
        self.inertia_ = float(to_medoids.sum(dtype=np.float64))
        return self

    @property
    def manifold_(self) -> Manifold | None:
        """The manifold on which distances were taken; None for flat space."""
        return self.geometry_.manifold

    def transform(self, X: Any) -> np.ndarray:
        """Distances from points X `[m, d]` to the medoids, `[m, n_clusters]`."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=FLOATS, reset=False)
        return check_finite(self.geometry_.distances(X, self.cluster_centers_, **settings_of(self)))

    def predict(self, X: Any) -> np.ndarray:
        """Cluster of the nearest medoid for points X `[m, d]`: `[m]`, of equally near ones the first."""
        return np.argmin(self.transform(X), axis=1)

    @property
    def _n_features_out(self) -> int:
        return len(self.medoid_indices_)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
