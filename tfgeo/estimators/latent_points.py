"""Latent points that carry the geometry of the embedding that they come from."""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from tfgeo.estimators.geometry import Geometry, ManifoldGeometry
from tfgeo.manifolds import Manifold

__all__ = ["LatentPoints"]


class LatentPoints(np.ndarray):
    """An array of latent points `[n, d]` with the geometry of their space: what an embedding's `transform` returns.

    In a `Pipeline` nothing but data passes from one step to the next, and `sklearn.base.clone` parts any two steps
    that shared an object before. So the geometry of a fitted embedding travels with its latent points, and the
    estimator after it finds it there. It is kept by rows that are taken by index, as splits do, and by pickles, and
    by nothing else: whatever computes with the values, a scaler for example, returns a plain array, for it may have
    left the space that the geometry is of. For the same reason the values cannot be written to.

    Args:
      points: `[n, d]` latent points.
      geometry: the geometry, or a manifold.

    Attributes:
      geometry: the geometry; None for what was computed from latent points.
    """

    geometry: Geometry | None

    def __new__(cls, points: Any, geometry: Geometry | Manifold) -> LatentPoints:
        if not isinstance(geometry, Geometry):
            geometry = ManifoldGeometry(geometry)
        return _carrying(np.array(points).view(cls), geometry)

    def __array_finalize__(self, source: Any) -> None:
        self.geometry = None

    def __array_wrap__(self, array: np.ndarray, context: Any = None, return_scalar: bool = False) -> Any:
        del context
        array = np.asarray(array)
        return array[()] if return_scalar or array.ndim == 0 else array

    def __getitem__(self, key: Any) -> Any:
        part = super().__getitem__(key)
        if not isinstance(part, LatentPoints):
            return part
        # (rows, ...) is how scikit-learn takes rows; (rows, columns) may change the order of coordinates.
        rows_only = not isinstance(key, tuple) or all(map(_is_whole, key[1:]))
        if self.geometry is not None and rows_only and part.ndim == 2 and part.shape[1] == self.shape[1]:
            return _carrying(part, self.geometry)
        return np.asarray(part)

    def __reduce__(self) -> Any:
        build, arguments, state = cast("tuple[Any, ...]", super().__reduce__())
        return build, arguments, (self.geometry, state)

    def __setstate__(self, state: Any) -> None:
        geometry, values = state
        super().__setstate__(values)
        _carrying(self, geometry)


def _carrying(points: LatentPoints, geometry: Geometry | None) -> LatentPoints:
    points.geometry = geometry
    points.flags.writeable = False
    return points


def _is_whole(key: Any) -> bool:
    return key is Ellipsis or (isinstance(key, slice) and key == slice(None))
