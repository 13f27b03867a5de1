"""The user's own data in place of an entry's: what of its configuration they replace, and what stays as given."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from typing import Any

import numpy as np

from tfgeo.datasets import Dataset, format_of
from tfgeo.errors import UserError
from zoo.advice import advise
from zoo.config import ClusteringConfig, DataConfig, EntryConfig, Reported
from zoo.samples import fit_network, split

__all__ = ["MAX_COMPARED", "fit_to_data", "replace_data"]

# At most so many of a user's own samples are compared, all pairs, unless --config.data.samples_per_class says.
MAX_COMPARED = 200

# Fields of the data's section that hold for data of any origin.
_GENERAL = ("training_per_class", "samples_per_class", "subset")


def replace_data(config: EntryConfig, path: str, given: Collection[str]) -> EntryConfig:
    """The configuration with the file or folder as its data, before they are read.

    Args:
      config: the entry's, with what the user gave.
      path: value of --data.
      given: what the user gave, as "section.field".

    Raises:
      UserError: if there are no such data, or something was given that does not hold for them.
    """
    # What a recipe says of the user's own data stays; what other entries say is of theirs.
    standardize = config.data.standardize and config.data.is_own
    fresh = DataConfig(format_of(path), path=path, size=0, standardize=standardize)
    accepted = (*_GENERAL, *(field for field in fresh.fields if field != "path"))
    chosen: dict[str, Any] = {}
    for place in sorted(given):
        section, _, field = place.partition(".")
        if section == "reported":
            raise UserError(f"--config.{place} is of the paper's data, not of --data={path}; leave one out")
        if section != "data":
            continue
        if field not in accepted:
            raise UserError(
                f"--config.{place} does not hold for --data={path}; leave it out, accepted are "
                f"{', '.join(f'--config.data.{name}' for name in accepted)}"
            )
        chosen[field] = getattr(config.data, field)
    if chosen.get("subset") and not chosen.get("training_per_class"):
        raise UserError("--config.data.subset needs --config.data.training_per_class, the samples of each subset")
    summary = config.summary
    if "summary" not in given:
        summary += f": {path}" if config.data.is_own else f", with {path} in place of its data"
    return dataclasses.replace(
        config, summary=summary, data=dataclasses.replace(fresh, **chosen), reported=Reported()
    )


def fit_to_data(
    config: EntryConfig, dataset: Dataset, seed: int, given: Collection[str], compares: bool = True
) -> tuple[EntryConfig, list[str]]:
    """The configuration with widths, classes and sizes of the user's data, and what is to be said of it.

    Args:
      config: what `replace_data` made.
      dataset: the user's data.
      seed: the run's seed.
      given: what the user gave, as "section.field"; it stays, or is refused where it cannot.
      compares: whether the program compares samples with each other.

    Raises:
      UserError: if something was given that the data do not allow, or all samples are the same.
    """
    notes = list(dataset.notes)
    width = dataset.inputs.shape[1]
    if dataset.facts is not None and len(dataset) > 1 and len(dataset.facts.constant) == width:
        raise UserError(
            f"all {width} values of {dataset.name} are the same in every sample, nothing is to be learned from "
            "them; give data that vary"
        )
    if "network.data_dim" in given and config.network.data_dim != width:
        raise UserError(
            f"--config.network.data_dim={config.network.data_dim}, but {dataset.name} has {width} values per "
            "sample; leave it out"
        )
    if config.data.subset and dataset.labels is None:
        raise UserError(f"--config.data.subset needs labels, which {dataset.name} does not have; leave it out")
    config = dataclasses.replace(
        config,
        network=fit_network(config.network, dataset.name, width, dataset.image_shape),
        clustering=_fit_clustering(config.clustering, dataset, given),
    )
    if compares or "data.samples_per_class" in given:
        config = _fit_compared(config, dataset, given, notes)
    config = _fit_batches(config, len(split(config, dataset, seed)[0]), given, notes)
    return config, [*notes, *advise(config, dataset)]


def _fit_clustering(
    clustering: ClusteringConfig | None, dataset: Dataset, given: Collection[str]
) -> ClusteringConfig | None:
    """As many clusters as classes."""
    if clustering is None or dataset.labels is None or "clustering.num_clusters" in given:
        return clustering
    num_classes = len(np.unique(dataset.labels))
    return dataclasses.replace(clustering, num_clusters=num_classes)


def _fit_compared(config: EntryConfig, dataset: Dataset, given: Collection[str], notes: list[str]) -> EntryConfig:
    """Few enough compared samples that all their pairs take no hours."""
    sizes = np.array([len(dataset)])
    if dataset.labels is not None:
        sizes = np.unique(dataset.labels, return_counts=True)[1]
    if "data.samples_per_class" in given:
        asked = config.data.samples_per_class
        if asked > sizes.min():
            where = dataset.name if dataset.labels is None else f"the smallest class of {dataset.name}"
            raise UserError(
                f"--config.data.samples_per_class={asked}, but {where} has {sizes.min()} samples; lower it, or set "
                "0 to compare all"
            )
        return config
    if len(dataset) <= MAX_COMPARED:
        return config
    num = max(1, MAX_COMPARED // len(sizes))
    each = "" if dataset.labels is None else f", at most {num} of each class"
    notes.append(
        f"{np.minimum(sizes, num).sum()} of {len(dataset)} samples are compared{each}, drawn by the seed; "
        "--config.data.samples_per_class=0 compares all"
    )
    return dataclasses.replace(config, data=dataclasses.replace(config.data, samples_per_class=num))


def _fit_batches(config: EntryConfig, num_training: int, given: Collection[str], notes: list[str]) -> EntryConfig:
    """No larger batches than there are samples to train on, all of which are trained on in every pass."""
    if "training.drop_remainder" not in given:  # a small share of the entry's own data may be most of others
        config = dataclasses.replace(config, training=dataclasses.replace(config.training, drop_remainder=False))
    for title in ("training", "variance"):
        section = getattr(config, title)
        if section is None or section.batch_size <= num_training:
            continue
        if f"{title}.batch_size" in given:
            raise UserError(
                f"--config.{title}.batch_size={section.batch_size} is more than the {num_training} samples to "
                "train on; lower it, or leave it out"
            )
        notes.append(f"{title}.batch_size lowered from {section.batch_size} to all {num_training} training samples")
        section = dataclasses.replace(section, batch_size=num_training)
        config = dataclasses.replace(config, **{title: section})
    return config
