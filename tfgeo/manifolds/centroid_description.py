"""What a centroid metric holds, in numbers and in one line, before distances under it are trusted."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from tfgeo.errors import UserError
from tfgeo.manifolds.manifold import Manifold
from tfgeo.randomness import generator

__all__ = ["CentroidDescription", "describe"]

# Points in the box around the centroids.
NUM_POINTS = 4000
# Rules of the verdict, each for what is said beside it; the first that holds is taken.
FLAT = 0.7  # least volume among the centroids, in units of that far away: lengths hardly differ from straight ones
ALONE = 1.5  # W in the median, 1 of which is the centroid's own
DIRECTED = 3.0  # ratio of lengths in two directions, in the median: lengths hang on the way that a curve goes
EVEN = 0.05  # standard deviation of the logarithm of lengths among the centroids: they are alike
EXPLAINED = 0.8  # share of the variance of that logarithm that a line in log W explains


@dataclasses.dataclass(frozen=True)
class CentroidDescription:
    """What a centroid metric holds.

    Attributes:
      weights: `[n]`, W_i, the sum of all centroids' weights at each of them, its own 1 included.
      weight_by_class: median of them by label; empty without labels.
      singular_values: `[n, d]`, those of the factors L_i, the largest first.
      share_of_regularization: share of the box around the centroids where they add less to `G^-1` than lambda does.
      least_volume: least `sqrt(det G)` at a centroid, in units of that far from all.
      anisotropy: ratio of lengths in the longest and the shortest direction, median over the centroids.
      spread: standard deviation over the centroids of `1/d log sqrt(det G)`, the logarithm of lengths.
      share_of_density: share of its variance that a line in log W explains.
    """

    weights: np.ndarray
    weight_by_class: dict[Any, float]
    singular_values: np.ndarray
    share_of_regularization: float
    least_volume: float
    anisotropy: float
    spread: float
    share_of_density: float

    @property
    def condition_numbers(self) -> np.ndarray:
        """Largest over smallest singular value of each factor, `[n]`."""
        with np.errstate(divide="ignore"):
            return self.singular_values[:, 0] / self.singular_values[:, -1]

    @property
    def verdict(self) -> str:
        """One line, by rules on the numbers."""
        if self.least_volume > FLAT:
            return (
                f"it is nearly flat, sqrt(det G) near data is {self.least_volume:.2f} of that far away, and "
                "geodesics are straight"
            )
        if np.median(self.weights) < ALONE:
            return "its centroids stand alone: hardly any reaches another, and all ways between them cross gaps"
        if self.anisotropy > DIRECTED:
            return f"it holds directions: lengths differ {self.anisotropy:.1f}-fold by the way that a curve goes"
        if self.spread < EVEN:
            return "it tells codes from gaps and little else"
        if self.share_of_density > EXPLAINED:
            return "it follows the density of the codes and little else"
        return "it varies by more than the density of the codes"

    def facts(self) -> dict[str, Any]:
        """All of it as plain values, with medians and means over the centroids."""
        return {
            "weight": float(np.median(self.weights)),
            "weight_by_class": {str(label): weight for label, weight in self.weight_by_class.items()},
            "singular_values": [float(value) for value in self.singular_values.mean(axis=0)],
            "condition_number": float(np.median(self.condition_numbers)),
            "share_of_regularization": self.share_of_regularization,
            "least_volume": self.least_volume,
            "anisotropy": self.anisotropy,
            "spread": self.spread,
            "share_of_density": self.share_of_density,
            "verdict": self.verdict,
        }

    def __str__(self) -> str:
        classes = ", ".join(f"{label}: {weight:.1f}" for label, weight in self.weight_by_class.items())
        by_class = f" ({classes})" if classes else ""
        return (
            f"W is {np.median(self.weights):.1f} in the median{by_class}; factors have singular values from "
            f"{np.mean(self.singular_values[:, -1]):.2g} to {np.mean(self.singular_values[:, 0]):.2g} in the mean, "
            f"condition numbers of {np.median(self.condition_numbers):.2f} in the median; "
            f"{100.0 * self.share_of_regularization:.0f} % of the box around the codes are left to lambda; "
            f"{100.0 * self.share_of_density:.0f} % of what lengths vary by is density"
        )


def describe(
    manifold: Manifold,
    centroids: np.ndarray,
    factors: np.ndarray,
    weights: np.ndarray,
    regularization: float,
    labels: Sequence[Any] | np.ndarray | None = None,
) -> CentroidDescription:
    """Describes a metric by its centroids; `CentroidMetric.describe` calls it.

    Args:
      manifold: the metric.
      centroids: `[n, d]`.
      factors: `[n, d, d]`, L_i.
      weights: `[n]`, W at the centroids.
      regularization: lambda.
      labels: `[n]` or None.
    """
    dim = centroids.shape[1]
    log_lengths = np.asarray(manifold.log_volume(centroids), np.float64) / dim
    return CentroidDescription(
        weights,
        _median_by_class(weights, labels),
        np.linalg.svd(factors, compute_uv=False),
        _share_of_regularization(manifold, centroids, regularization),
        float(np.exp(dim * (log_lengths.min() + 0.5 * np.log(regularization)))),
        float(np.median(manifold.anisotropy(centroids))),
        float(log_lengths.std()),
        _explained(log_lengths, np.log(weights)),
    )


def _median_by_class(weights: np.ndarray, labels: Sequence[Any] | np.ndarray | None) -> dict[Any, float]:
    if labels is None:
        return {}
    labels = np.asarray(labels)
    if labels.shape != weights.shape:
        raise UserError(
            f"`labels` has shape {labels.shape}, but there are {len(weights)} centroids; give one each."
        )
    return {label: float(np.median(weights[labels == label])) for label in np.unique(labels).tolist()}


def _share_of_regularization(manifold: Manifold, centroids: np.ndarray, regularization: float) -> float:
    uniform = generator(0, "box of centroids").uniform(size=[NUM_POINTS, centroids.shape[1]])
    low, high = centroids.min(axis=0), centroids.max(axis=0)
    points = (low + uniform * (high - low)).astype(centroids.dtype)
    # By the mean of the eigenvalues of G^-1, to which lambda adds itself.
    inverse = np.linalg.inv(np.asarray(manifold.metric_tensor(points), np.float64))
    return float(np.mean(np.trace(inverse, axis1=1, axis2=2) < 2.0 * centroids.shape[1] * regularization))


def _explained(values: np.ndarray, by: np.ndarray) -> float:
    """Share of the variance of values that a line explains; 0 where one of both does not vary."""
    if min(values.std(), by.std()) <= 1e-6:  # what rounding leaves
        return 0.0
    return float(np.corrcoef(values, by)[0, 1] ** 2)
