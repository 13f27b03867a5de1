"""How far to trust a distance: its spread over the members of an ensemble."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from tfgeo.errors import UserError
from tfgeo.geodesics.connect import connect
from tfgeo.geodesics.result import Geodesics
from tfgeo.manifolds import Ensemble

__all__ = ["DistanceSpread", "distance_spread"]


@dataclasses.dataclass(frozen=True)
class DistanceSpread:
    """Distances of B pairs under each of the K members of an ensemble.

    Attributes:
      geodesics: those of the ensemble's expected metric.
      lengths: `[K, B]` lengths of each member's own geodesics, in data units.
      converged: `[K, B]` bool.
    """

    geodesics: Geodesics
    lengths: np.ndarray
    converged: np.ndarray

    @property
    def mean(self) -> np.ndarray:
        """`[B]` over members that are equally likely."""
        return np.mean(self.lengths, axis=0)

    @property
    def standard_deviation(self) -> np.ndarray:
        """`[B]`, of the members as a sample: with K - 1 in the denominator."""
        return np.std(self.lengths, axis=0, ddof=1)

    @property
    def coefficient_of_variation(self) -> np.ndarray:
        """`[B]` standard deviation over mean, 0 for pairs of equal ends."""
        spread = self.standard_deviation
        return np.divide(spread, self.mean, out=np.zeros_like(spread), where=self.mean != 0.0)


def distance_spread(ensemble: Ensemble, start: np.ndarray, end: np.ndarray, **settings: Any) -> DistanceSpread:
    """Distances between `start` and `end` under an ensemble and under each of its members.

    A member's geodesic is its own shortest curve; it starts from the ensemble's, which saves most steps. 1 + K
    problems are compiled.

    Args:
      ensemble: of at least two members.
      start: `[B, d]`.
      end: `[B, d]`.
      **settings: as for `connect`.

    Raises:
      UserError: if there are fewer than two members, or as `connect`.
    """
    if not isinstance(ensemble, Ensemble) or len(ensemble.members) < 2:
        raise UserError(
            f"`ensemble` is {type(ensemble).__name__}; give a tfgeo.manifolds.Ensemble of two members or more"
        )
    geodesics = connect(ensemble, start, end, **settings)
    members = [connect(member, start, end, **(settings | {"warm_start": geodesics})) for member in ensemble.members]
    return DistanceSpread(
        geodesics, np.stack([part.length for part in members]), np.stack([part.converged for part in members])
    )
