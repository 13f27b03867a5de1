"""Which metric of the same centroids: what can be chosen of a learned metric without training again."""

from __future__ import annotations

import dataclasses

import tensorflow as tf

from tfgeo.errors import UserError, check_count
from tfgeo.manifolds.calculus.centroid_reach import neighbour_distances
from tfgeo.manifolds.centroid_metric import CentroidMetric
from tfgeo.manifolds.saturated_metric import SaturatedCentroidMetric

__all__ = ["CentroidVariant"]

FACTORS = ("learned", "identity", "density")
_METRICS: dict[str, type[CentroidMetric]] = {"sum": CentroidMetric, "saturated": SaturatedCentroidMetric}


@dataclasses.dataclass(frozen=True)
class CentroidVariant:
    """What is made of centroids: the defaults are Eq. 14 of Chadebec et al. (2020).

    Attributes:
      factors: L_i: "learned", those that are given; "identity"; or "density", `(2 W_i)^(-1/4) I`, see
        `CentroidMetric.of_density`.
      weights: "sum", as in Eq. 14, or "saturated", see `SaturatedCentroidMetric`.
      neighbour: k for temperatures that adapt, T_i being the distance of centroid i to its k-th nearest neighbour;
        None for the one temperature that is given.

    Raises:
      UserError: if a choice is not known.
    """

    factors: str = "learned"
    weights: str = "sum"
    neighbour: int | None = None

    def __post_init__(self) -> None:
        for name, choices in (("factors", FACTORS), ("weights", tuple(_METRICS))):
            value = getattr(self, name)
            if value not in choices:
                raise UserError(f"`{name}`={value!r} is not known; choose one of {', '.join(choices)}")
        if self.neighbour is not None:
            check_count("neighbour", self.neighbour)

    def metric(
        self,
        centroids: tf.Tensor,
        learned_factors: tf.Tensor | None,
        temperature: float | tf.Tensor,
        regularization: float | tf.Tensor,
    ) -> CentroidMetric:
        """The metric of centroids.

        Args:
          centroids: `[n, d]`.
          learned_factors: `[n, d, d]`, not looked at where factors are not learned.
          temperature: T, not looked at where temperatures adapt. Those are constants to derivatives.
          regularization: lambda.

        Raises:
          UserError: if there are no more than k centroids for temperatures that adapt.
        """
        kind, centroids = _METRICS[self.weights], tf.convert_to_tensor(centroids)
        if self.neighbour is not None:
            temperature = tf.stop_gradient(neighbour_distances(centroids, self.neighbour))
        if self.factors == "density":
            return kind.of_density(centroids, temperature, regularization)
        factors = learned_factors
        if self.factors == "identity":
            factors = tf.linalg.diag(tf.ones_like(centroids))
        return kind(centroids, factors, temperature, regularization)
