"""The samples of an experiment, from its configuration; they follow the seed."""

from __future__ import annotations

from tfgeo import datasets
from tfgeo.datasets import Dataset
from tfgeo.randomness import derive_integer
from zoo.config import COUNTS, EntryConfig

__all__ = ["choose_compared", "load_dataset", "split"]


def load_dataset(config: EntryConfig, data_dir: str | None = None, seed: int = 0) -> Dataset:
    """All samples of the experiment."""
    data = config.data
    whole = not data.training_per_class
    # A drawn data set has other samples for another seed; files have the same, of which others are taken.
    load_seed = derive_integer(seed, "subset", data.subset) if whole and data.subset else seed
    recipe = data.recipe(counts=config.network.likelihood in COUNTS)
    everything = datasets.load(data.name, data_dir, load_seed, **recipe)
    if whole:
        return everything
    if data.first:
        return everything.first_per_class(data.training_per_class, data.subset)
    if everything.labels is None:
        return everything.sample(data.training_per_class, seed)
    return everything.subset_per_class(data.training_per_class, data.subset, seed)


def split(config: EntryConfig, dataset: Dataset, seed: int = 0) -> tuple[Dataset, Dataset | None]:
    """The samples that the model is trained on, and those held out; None where none are."""
    fraction = config.training.validation_fraction
    return dataset.split(1.0 - fraction, seed) if fraction else (dataset, None)


def choose_compared(config: EntryConfig, dataset: Dataset, seed: int = 0) -> Dataset:
    """The samples that are compared with each other, class by class; all of the user's own classes with fewer."""
    num = config.data.samples_per_class
    if num == 0:
        return dataset
    if dataset.labels is None:
        return dataset.sample(num, seed)
    return dataset.sample_per_class(num, seed, at_most=bool(config.data.path))
