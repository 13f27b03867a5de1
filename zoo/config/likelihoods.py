"""Families of p(x | z), and what of a configuration depends on which one it is."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from tfgeo.errors import UserError

__all__ = ["COUNTS", "LIKELIHOODS", "MEAN_ACTIVATIONS", "follow_likelihood"]

LIKELIHOODS = ("gaussian", "bernoulli", "poisson", "negative_binomial")
# Those of data 0, 1, 2, ....
COUNTS = ("poisson", "negative_binomial")
# How the mean follows from what the decoder's network gives, where the family decides that.
MEAN_ACTIVATIONS = {"bernoulli": "sigmoid"} | dict.fromkeys(COUNTS, "exponential")


def follow_likelihood(values: dict[str, Any], original: str, given: Collection[str]) -> dict[str, Any]:
    """A configuration as plain values with all that depends on its likelihood, where another one was given.

    Without a Gaussian's fitted variance there is nothing to climb that starts on it. The energy of neighbouring
    points with independent noise needs a variance that grows away from data: that of counts is smallest where there
    is nothing to count. Counts are compared by the length of geodesics of the Fisher-Rao metric, in which those of
    every size weigh alike.

    A Gaussian in place of another family has a mean without bounds where that of counts was exponential, one
    variance, learned with the networks, since none is known for the data, and with it the metric of the mean alone.

    Args:
      values: sections of plain values, as `zoo.config.to_dict` makes them, with what the user gave.
      original: the likelihood of the entry.
      given: what the user gave, as "section.field"; it stays.

    Raises:
      UserError: if a number was given that only a Gaussian has.
    """
    likelihood = values["network"]["likelihood"]
    if likelihood not in LIKELIHOODS:
        return values
    if likelihood != "gaussian" and "network.output_variance" in given:
        raise UserError(
            f"a {likelihood} decoder has no `network.output_variance`; leave it out, or set "
            "--config.network.likelihood=gaussian"
        )
    if likelihood == original:
        return values
    if likelihood == "gaussian":
        return _with_changes(values, _for_gaussian(values, given), given)
    changes: dict[str, Any] = {"network.mean_activation": MEAN_ACTIVATIONS[likelihood]}
    if "path" in values["data"]:  # neither counts nor grey values are left of columns of one scale
        changes["data.standardize"] = False
    geodesics = values["geodesics"]
    if geodesics is not None:
        if geodesics["warm_start"] in ("cross_entropy", "ridge_climb"):
            changes["geodesics.warm_start"] = "none"
        if geodesics["energy"] != "learned":
            changes["geodesics.energy"] = "fisher_rao" if likelihood in COUNTS else "expected"
            changes["geodesics.distance"] = "length"
    values = _with_changes(values, changes, given)
    if not any(place.startswith("variance.") for place in given):
        values["variance"] = None
    return values


def _for_gaussian(values: dict[str, Any], given: Collection[str]) -> dict[str, Any]:
    """What changes where a Gaussian takes the place of another family."""
    changes: dict[str, Any] = {}
    if values["network"]["mean_activation"] == "exponential":  # a sigmoid suits grey values
        changes["network.mean_activation"] = "linear"
    if values["variance"] is None and "network.output_variance" not in given:
        changes["network.learn_output_variance"] = True
    geodesics = values["geodesics"]
    if geodesics is not None and geodesics["energy"] == "fisher_rao":
        changes["geodesics.energy"] = "pullback"
    return changes


def _with_changes(values: dict[str, Any], changes: dict[str, Any], given: Collection[str]) -> dict[str, Any]:
    """The values with all changes but of what was given."""
    values = {name: dict(section) if isinstance(section, dict) else section for name, section in values.items()}
    for place, value in changes.items():
        section, field = place.split(".")
        if place not in given:
            values[section][field] = value
    return values
