"""Advice on data of one's own: what a model would take without a word, and learn badly from."""

from __future__ import annotations

from tfgeo.datasets import Dataset
from tfgeo.datasets.facts import ValueFacts
from zoo.config import COUNTS, EntryConfig

__all__ = ["advise"]

# Columns whose standard deviations differ by more have unequal shares in a Gaussian likelihood of one variance.
MAX_RATIO = 10.0
# So far a column's standard deviation may be from that of the decoder's noise: below it is all noise, above the
# first steps of training are too long.
MAX_OVER_NOISE = 100.0
# The recipe for counts.
COUNTS_ENTRY = "generic/counts"
# Columns that are named at most.
SHOWN = 3


def advise(config: EntryConfig, dataset: Dataset) -> list[str]:
    """What to change of the data or the entry, each a clause for people; empty where nothing strikes.

    Args:
      config: the entry as it will be run.
      dataset: the user's own data, with the facts of its values.
    """
    facts, name, likelihood = dataset.facts, dataset.name, config.network.likelihood
    if facts is None or likelihood in COUNTS:
        return []
    advice = []
    is_scaled = config.data.standardize
    if dataset.image_shape is not None:  # whole numbers are grey levels here
        if not is_scaled and (facts.least < 0.0 or facts.largest > 1.0):
            advice.append(
                f"the pixels of {name} run from {facts.least:g} to {facts.largest:g}, where models of images are "
                "made for [0, 1]: divide them, for example by 255, or give bytes, which are scaled"
            )
    elif facts.look_like_counts:
        other = "" if config.name == COUNTS_ENTRY else f"--entry={COUNTS_ENTRY} or "
        advice.append(
            f"{name} holds whole numbers up to {facts.largest:g}: if they are counts, take {other}"
            "--config.network.likelihood=negative_binomial, or give log(1 + x)"
        )
    elif likelihood == "gaussian" and not is_scaled:
        advice += _advise_scale(config, name, *facts.deviations)
    if facts.constant and dataset.image_shape is None:
        width = dataset.inputs.shape[1]
        advice.append(
            f"{len(facts.constant)} of the {width} columns of {name} are constant ({_name_constant(facts)}): they "
            "tell no samples apart, leave them out"
        )
    return advice


def _name_constant(facts: ValueFacts) -> str:
    """The first constant columns, by the names of the file where it has some."""
    shown = facts.constant[:SHOWN]
    columns = [repr(facts.columns[index]) if facts.columns else str(index) for index in shown]
    if len(facts.constant) > SHOWN:
        columns.append("...")
    if not facts.columns:
        columns.append("from 0 on")
    elif all(name.isdecimal() for name in facts.columns):  # a file without a header, most likely
        columns.append("as the file names them or, without names, from 1 on")
    return ", ".join(columns)


def _advise_scale(config: EntryConfig, name: str, least: float, largest: float) -> list[str]:
    remedy = "set --config.data.standardize=True to bring each to mean 0 and standard deviation 1"
    if least == 0.0:
        return []
    if largest > MAX_RATIO * least:
        return [
            f"the columns of {name} have standard deviations from {least:.3g} to {largest:.3g}: the largest decide "
            f"alone; {remedy}"
        ]
    noise = config.network.output_variance**0.5
    if not noise / MAX_OVER_NOISE < largest < noise * MAX_OVER_NOISE:
        return [
            f"the columns of {name} have standard deviations up to {largest:.3g}, the decoder's noise {noise:.3g}: "
            f"{remedy}"
        ]
    return []
