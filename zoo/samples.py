"""The samples of an experiment, from its configuration; they follow the seed."""

from __future__ import annotations

import dataclasses

import numpy as np

from tfgeo import datasets
from tfgeo.datasets import Dataset
from tfgeo.errors import UserError, check_counts
from tfgeo.randomness import derive_integer
from zoo.config import COUNTS, EntryConfig, NetworkConfig

__all__ = ["check_values", "choose_compared", "fit_network", "load_dataset", "split"]

# How many standard deviations of the noise that a data set adds its values may leave the decoder's range by.
NOISE_REACH = 6.0
# Between which values the activation of a Gaussian decoder keeps its mean; all others are not bounded.
_RANGES = {"sigmoid": (0.0, 1.0), "tanh": (-1.0, 1.0)} | dict.fromkeys(
    ("relu", "softplus", "exponential"), (0.0, np.inf)
)


def load_dataset(config: EntryConfig, data_dir: str | None = None, seed: int = 0) -> Dataset:
    """All samples of the experiment."""
    data = config.data
    if data.is_own and not data.path:
        raise UserError(
            f"{config.name} is a recipe for data of your own; give them by --data, a file (.npz, .npy, .csv) or a "
            "folder of images, or fit `zoo.VAEEmbedding` to an array"
        )
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


def fit_network(
    network: NetworkConfig,
    name: str,
    width: int,
    image_shape: tuple[int, ...] | None,
    remedy: str = "give [n, height, width]",
) -> NetworkConfig:
    """The networks for data of one's own.

    Args:
      network: as the entry has it.
      name: how messages call the data.
      width: values of a sample.
      image_shape: height and width, where samples are grey images.
      remedy: how to give these, a clause.

    Raises:
      UserError: if the networks are of images, and the data have none.
    """
    if not network.filters:
        return dataclasses.replace(network, data_dim=width)
    if image_shape is None or len(image_shape) != 2:
        raise UserError(
            f"convolutions take grey images, but {name} has rows of {width} values; {remedy}, or take "
            "generic/images or generic/tabular"
        )
    return dataclasses.replace(network, data_dim=width, image_shape=tuple(image_shape))


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


def check_values(config: EntryConfig, dataset: Dataset, remedy: str) -> None:
    """Refuses data that the decoder cannot reach or has no density for.

    Args:
      config: whose likelihood and activation say what it takes.
      dataset: finite data.
      remedy: how to choose a mean that is not bounded, a clause without a full stop.

    Raises:
      UserError: says which values the data have and which are taken.
    """
    network = config.network
    if network.likelihood == "bernoulli":
        dataset.check_unit_interval()
    elif network.likelihood in COUNTS:
        check_counts(dataset.inputs, dataset.name)
    else:
        low, high = _RANGES.get(network.mean_activation, (-np.inf, np.inf))
        least, largest = float(dataset.inputs.min()), float(dataset.inputs.max())
        # Noise that a data set adds itself is not what the mean has to reach.
        noise = NOISE_REACH * float(config.data.recipe().get("noise", 0.0))
        if least < low - noise or largest > high + noise:
            raise UserError(
                f"the values of {dataset.name} run from {least:.6g} to {largest:.6g}, but the decoder's mean from "
                f"{low:g} to {high:g} by `network.mean_activation`={network.mean_activation!r}; rescale them, or "
                f"{remedy}"
            )
