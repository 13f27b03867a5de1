"""Other entries' models, trained on the samples of a run to be compared with its own."""

from __future__ import annotations

import dataclasses

from launch import pipeline
from launch.run import Run, run_from_config
from zoo import cards, registry
from zoo.config import EntryConfig

__all__ = ["adapt", "train_beside"]


def train_beside(run: Run, name: str, weights: str = "train") -> Run:
    """The trained run of entry `name` with the data, the seed and the share of epochs of `run`, in a folder of it.

    Args:
      run: the run beside which it stands.
      name: the other entry.
      weights: "pretrained" takes the zoo's weights where there are some; else the model is trained.
    """
    weights = "pretrained" if weights == "pretrained" and cards.card(name) is not None else "train"
    other = run_from_config(
        adapt(registry.config(name), run.config),
        run.seed,
        run.folder / "beside" / name,
        run.entry.data_dir,
        run.dataset,
        weights,
    )
    if weights == "pretrained":
        other.entry = dataclasses.replace(other.entry, card=cards.card(name))
    pipeline.train(other, weights)
    return other


def adapt(other: EntryConfig, config: EntryConfig) -> EntryConfig:
    """The other entry with all that must agree for a comparison, and with as large a share of its epochs."""
    share = config.training.epochs / registry.config(config.name).training.epochs

    def scaled(epochs: int) -> int:
        return max(1, round(share * epochs))

    variance = other.variance
    if variance is not None:
        variance = dataclasses.replace(variance, epochs=scaled(variance.epochs))
    training = dataclasses.replace(
        other.training,
        epochs=scaled(other.training.epochs),
        batch_size=config.training.batch_size,
        validation_fraction=config.training.validation_fraction,
        patience=config.training.patience if other.training.patience else 0,
    )
    return dataclasses.replace(
        other,
        data=config.data,
        network=dataclasses.replace(
            other.network, data_dim=config.network.data_dim, latent_dim=config.network.latent_dim
        ),
        training=training,
        variance=variance,
        interpolation=config.interpolation,
        generation=config.generation,
        figures=config.figures,
    )
