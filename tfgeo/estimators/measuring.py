"""How the estimators of this room find the geometry of their data, and measure with it."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfgeo.errors import UserError
from tfgeo.estimators.geometry import FlatGeometry, Geometry, ManifoldGeometry
from tfgeo.estimators.latent_points import LatentPoints
from tfgeo.manifolds import Manifold

__all__ = ["FLOATS", "check_finite", "geometry_of", "settings_of"]

# Dtypes that estimators keep; all others become the first.
FLOATS = [np.float64, np.float32]
# Parameters of estimators that are settings of `tfgeo.geodesics.pairwise`.
_SETTINGS = ("distance", "num_points", "curve", "solver")


def geometry_of(manifold: Manifold | Geometry | str | None, X: Any) -> Geometry:
    """The geometry that an estimator with such a parameter `manifold` is fitted with to the data `X`.

    Raises:
      UserError: if `manifold` is neither a manifold, a geometry, a word that is known, nor None; if it is
        "embedding" and the data carry no geometry.
    """
    if isinstance(manifold, Geometry):
        return manifold
    if isinstance(manifold, str) and manifold not in ("embedding", "flat"):
        raise UserError(
            f"`manifold`={manifold!r} is not known; give a tfgeo.manifolds.Manifold, 'embedding', 'flat', or None"
        )
    if not (manifold is None or isinstance(manifold, str)):
        return ManifoldGeometry(manifold)
    carried = X.geometry if isinstance(X, LatentPoints) else None
    if manifold == "embedding" and carried is None:
        raise UserError(
            f"`manifold`='embedding', but X is {type(X).__name__} without a geometry; put the estimator directly "
            "after an embedding such as zoo.VAEEmbedding, or give it a manifold"
        )
    return FlatGeometry() if carried is None or manifold == "flat" else carried


def settings_of(estimator: Any) -> dict[str, Any]:
    """An estimator's parameters that are settings of a `Geometry`'s methods, without those that are None."""
    given = {name: getattr(estimator, name) for name in _SETTINGS}
    settings = {name: value for name, value in given.items() if value is not None}
    return settings | {"progress": bool(estimator.verbose)}


def check_finite(distances: np.ndarray) -> np.ndarray:
    """Refuses distances that no geodesic was found for: the nearest of some with NaN is not known."""
    failed = np.sum(~np.isfinite(distances))
    if failed:
        raise UserError(
            f"{failed} of {distances.size} distances are not finite, for points far from the data or outside of "
            "the manifold; leave these points out"
        )
    return distances
