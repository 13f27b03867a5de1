"""Metrics of one model's latent space by name, to compare them on the same latent points."""

from __future__ import annotations

from typing import cast

from tfgeo.errors import UserError
from tfgeo.manifolds import CentroidVariant, Manifold, Smoothed
from tfgeo.models import RHVAE
from zoo.config import CENTROID_METRICS
from zoo.entry import Entry

__all__ = ["is_own_metric", "metric_by_name", "metric_names", "metric_title"]

_TITLES = {"pullback": "pull-back", "expected": "expected", "fisher_rao": "Fisher-Rao"}


def metric_names(entry: Entry) -> list[str]:
    """Metrics that the entry's model has, that of its own geodesics first, as `metric_by_name` takes them.

    Of the variants of an RHVAE's centroids "learned" alone.
    """
    # The metric of the noise that Yang et al. draw anew at each point is the expected one.
    own = {"independent_noise": "expected"}.get(entry.config.energy, entry.config.energy)
    others = ["expected", "pullback", "fisher_rao"]
    if isinstance(entry.model, RHVAE):
        others.append("learned")
    return [own, *(name for name in others if name != own)]


def metric_title(entry: Entry, name: str) -> str:
    """What figures and pages call the metric of that name."""
    if isinstance(metric_by_name(entry, name), Smoothed):
        return "smoothed"
    return _TITLES.get(name, name)


def metric_by_name(entry: Entry, name: str) -> Manifold:
    """The latent space of the entry's model under another metric.

    Args:
      entry: the entry, trained.
      name: "pullback", "expected" or "fisher_rao", which decoders of every likelihood have. Of an RHVAE also
        "learned", Eq. 14 of Chadebec et al. (2020) with the factors that were learned; "identity", with L_i = I;
        "density", with the factors that the density of the centroids gives; "saturated", which does not grow with
        the number of centroids; and "adaptive", saturated too, each centroid reaching as far as to its k-th nearest
        neighbour, k being `metric.neighbour` of the configuration.

    Raises:
      UserError: if the model has no such metric: no centroids, too few of them, or factors that were not learned.
    """
    if name not in CENTROID_METRICS:
        return entry.manifold(name)
    if not isinstance(entry.model, RHVAE):
        raise UserError(f"{entry.config.name} has no centroids, which the metric {name!r} is made of; leave it out")
    return cast(RHVAE, entry.model).manifold(_centroid_variant(entry, name))


def is_own_metric(entry: Entry, name: str) -> bool:
    """Whether the metric of that name is the one of the entry's geodesics, which need not be measured again."""
    if name not in CENTROID_METRICS:
        return name == entry.config.energy
    is_learned = entry.config.energy == "learned"
    return is_learned and cast(RHVAE, entry.model).variant == _centroid_variant(entry, name)


def _centroid_variant(entry: Entry, name: str) -> CentroidVariant:
    """What is made of an RHVAE's centroids under a name of `CENTROID_METRICS`."""
    if name == "adaptive":
        assert entry.config.metric is not None  # an RHVAE has one
        # Saturated, for the reach of a centroid that is far from all others grows with its distance from them.
        return CentroidVariant(weights="saturated", neighbour=entry.config.metric.neighbour)
    return {
        "learned": CentroidVariant(),
        "identity": CentroidVariant(factors="identity"),
        "density": CentroidVariant(factors="density"),
        "saturated": CentroidVariant(weights="saturated"),
    }[name]
