"""Other entries' models, trained on the samples of a run to be compared with its own."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from launch.running import training
from launch.running.run import Run, run_from_config
from tfgeo.errors import UserError
from zoo import cards, registry
from zoo.config import EntryConfig

__all__ = ["adapt", "runs_beside", "train_beside"]


def runs_beside(run: Run, names: Sequence[str], section: str, weights: str = "train") -> list[Run]:
    """Runs of other entries with the data, the seed and the share of epochs of `run`, each in a folder of it.

    Nothing is trained yet: what is wrong with one of them is said before that.

    Args:
      run: the run beside which they stand.
      names: the other entries.
      section: the section of the configuration that names them, for messages.
      weights: "pretrained" takes the zoo's weights where there are some; else models are trained.

    Raises:
      UserError: if there is no such entry, or its model cannot be trained on these data.
    """
    return [_run_beside(run, name, section, weights) for name in names]


def train_beside(other: Run) -> None:
    """Trains the model of a run of `runs_beside`, or loads its weights."""
    training.train(other, "train" if other.entry.card is None else "pretrained")


def _run_beside(run: Run, name: str, section: str, weights: str) -> Run:
    card = cards.card(name) if weights == "pretrained" else None
    try:
        other = run_from_config(
            adapt(registry.config(name), run.config),
            run.seed,
            run.folder / "beside" / name,
            run.entry.data_dir,
            run.dataset,
            "train" if card is None else weights,
        )
    except UserError as error:
        raise UserError(f"{name} of --config.{section}.beside, which can do without it: {error}") from error
    other.entry = dataclasses.replace(other.entry, card=card)
    return other


def adapt(other: EntryConfig, config: EntryConfig) -> EntryConfig:
    """The other entry with all that must agree for a comparison, and with as large a share of its epochs."""
    share = config.training.epochs / registry.config(config.name).training.epochs

    def scaled(epochs: int) -> int:
        return max(1, round(share * epochs))

    variance = other.variance
    if variance is not None:
        variance = dataclasses.replace(variance, epochs=scaled(variance.epochs))
    patience = config.training.patience if other.training.patience else 0
    training = dataclasses.replace(
        other.training,
        epochs=scaled(other.training.epochs),
        batch_size=config.training.batch_size,
        validation_fraction=config.training.validation_fraction,
        patience=patience,
        drop_remainder=config.training.drop_remainder,
        # Where all passes are made nothing is watched.
        stop_on=config.training.stop_on if patience else "validation",
    )
    return dataclasses.replace(
        other,
        data=config.data,
        network=dataclasses.replace(
            other.network, data_dim=config.network.data_dim, latent_dim=config.network.latent_dim
        ),
        training=training,
        variance=variance,
        # Further metrics are of the entry's own model.
        interpolation=dataclasses.replace(config.interpolation, metrics=()),
        generation=config.generation,
        figures=config.figures,
    )
