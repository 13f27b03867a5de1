"""Geodesic distances to the training samples as a scikit-learn transformer."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from tfgeo.curves import Curve
from tfgeo.estimators.geometry import Geometry
from tfgeo.estimators.measuring import FLOATS, check_finite, geometry_of, settings_of
from tfgeo.geodesics import Solver
from tfgeo.manifolds import Manifold

__all__ = ["GeodesicDistances"]


class GeodesicDistances(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Distances along geodesics, for estimators with `metric="precomputed"` in a pipeline.

    `fit_transform` gives the symmetric matrix among the samples, `transform` the distances from other points to
    them, as classifiers by nearest neighbours, `HDBSCAN`, `MDS`, `TSNE(init="random")` and others take them.

    Args:
      manifold: where distances are taken: None, "embedding", "flat", a manifold or a geometry, as for
        `GeodesicKMedoids`.
      distance: "length", "energy" or "root_energy"; None for the embedding's, else "length".
      num_points: points on each curve; None for the embedding's, else as for `tfgeo.geodesics.connect`.
      curve: curve family, likewise.
      solver: solver, likewise.
      verbose: whether to show progress.

    Attributes:
      points_: `[n, d]` the samples.
      geometry_: what distances are taken with.
      manifold_: its manifold; None for flat space.
      n_features_in_: d.

    Raises:
      UserError: if a parameter is none of the above, or geodesics have no finite length.
    """

    def __init__(
        self,
        manifold: Manifold | Geometry | str | None = None,
        *,
        distance: str | None = None,
        num_points: int | None = None,
        curve: str | Curve | None = None,
        solver: str | Solver | None = None,
        verbose: bool = False,
    ) -> None:
        self.manifold = manifold
        self.distance = distance
        self.num_points = num_points
        self.curve = curve
        self.solver = solver
        self.verbose = verbose

    def fit(self, X: Any, y: Any = None) -> GeodesicDistances:
        """Keeps samples X `[n, d]`; y is ignored."""
        geometry = geometry_of(self.manifold, X)
        self.points_ = validate_data(self, X, dtype=FLOATS, copy=True)
        self.geometry_ = geometry
        return self

    def fit_transform(self, X: Any, y: Any = None) -> np.ndarray:
        """Distances among samples X `[n, d]`: `[n, n]`, exactly symmetric, each pair connected once."""
        self.fit(X, y)
        return check_finite(self.geometry_.pairwise(self.points_, **settings_of(self)))

    def transform(self, X: Any) -> np.ndarray:
        """Distances from points X `[m, d]` to the samples of `fit`, `[m, n]`."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=FLOATS, reset=False)
        return check_finite(self.geometry_.distances(X, self.points_, **settings_of(self)))

    @property
    def manifold_(self) -> Manifold | None:
        """The manifold on which distances are taken; None for flat space."""
        return self.geometry_.manifold

    @property
    def _n_features_out(self) -> int:
        return len(self.points_)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
