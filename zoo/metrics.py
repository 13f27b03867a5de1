"""Metrics of one model's latent space by name, to compare them on the same latent points."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from tfgeo.errors import UserError
from tfgeo.manifolds import CentroidVariant, Manifold
from tfgeo.models import RHVAE
from zoo.entry import Entry

__all__ = ["check_metrics", "metric_by_name"]

# What is made of an RHVAE's centroids; "adaptive" saturates too, for the reach of a centroid that is far from all
# others grows with its distance from them.
_VARIANTS = {
    "learned": CentroidVariant(),
    "identity": CentroidVariant(factors="identity"),
    "density": CentroidVariant(factors="density"),
    "saturated": CentroidVariant(weights="saturated"),
    "adaptive": CentroidVariant(weights="saturated", neighbour=3),
}


def metric_by_name(entry: Entry, name: str) -> Manifold:
    """The latent space of the entry's model under another metric.

    Args:
      entry: the entry, trained.
      name: "pullback", "expected" or "fisher_rao", of the decoder. Of an RHVAE also "learned", Eq. 14 of Chadebec
        et al. (2020) with the factors that were learned; "identity", with L_i = I; "density", with the factors that
        the density of the centroids gives; "saturated", which does not grow with the number of centroids; and
        "adaptive", saturated too, each centroid reaching as far as to its third nearest neighbour.

    Raises:
      UserError: if the model has no such metric: no centroids, a decoder without what is measured, or factors that
        were not learned.
    """
    if name not in _VARIANTS:
        return entry.manifold(name)
    if not isinstance(entry.model, RHVAE):
        raise UserError(f"{entry.config.name} has no centroids, which the metric {name!r} is made of; leave it out")
    return cast(RHVAE, entry.model).manifold(_VARIANTS[name])


def check_metrics(entry: Entry, names: Sequence[str]) -> None:
    """Refuses metrics that the entry's decoder does not have, before it is trained.

    Those of centroids, which are none before the training, are checked with the configuration.

    Raises:
      UserError: if there is one.
    """
    for name in names:
        if name not in _VARIANTS:
            metric_by_name(entry, name)
