"""Training as an entry's configuration says: first the networks, then the decoder's variance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tfgeo.checkpoints import TrainingCheckpoint
from tfgeo.models import VAE, fit, fit_variance
from zoo.config import EntryConfig

__all__ = ["train_networks", "train_variance"]


def train_networks(
    model: VAE,
    config: EntryConfig,
    inputs: np.ndarray,
    held_out: np.ndarray | None = None,
    seed: int = 0,
    callbacks: Sequence[Any] = (),
    checkpoint: TrainingCheckpoint | None = None,
    verbose: int = 0,
    mixed_precision: bool = False,
) -> Any:
    """Trains networks and learned metric.

    Args:
      model: the entry's model.
      config: the entry's configuration.
      inputs: `[n, D]` data.
      held_out: `[m, D]` data that early stopping watches, where the entry stops by them.
      seed: seed of the order of the samples.
      callbacks: Keras callbacks.
      checkpoint: as for `tfgeo.models.fit`.
      verbose: as in `keras.Model.fit`.
      mixed_precision: as for `tfgeo.models.fit`.

    Returns:
      The history that `tfgeo.models.fit` gives.
    """
    training = config.training
    return fit(
        model,
        inputs,
        epochs=training.epochs,
        batch_size=training.batch_size,
        learning_rate=training.learning_rate,
        seed=seed,
        callbacks=callbacks,
        verbose=verbose,
        checkpoint=checkpoint,
        validation_data=held_out if training.watches_held_out else None,
        patience=training.patience or None,
        gradient_norm=training.gradient_norm or None,
        stop_on=training.stop_on,
        drop_remainder=training.drop_remainder,
        mixed_precision=mixed_precision,
    )


def train_variance(
    model: VAE,
    config: EntryConfig,
    inputs: np.ndarray,
    seed: int = 0,
    callbacks: Sequence[Any] = (),
    verbose: int = 0,
) -> None:
    """Fits the decoder's variance to `inputs` `[n, D]` with the networks as they are, where the entry has one."""
    variance = config.variance
    if variance is not None:
        fit_variance(
            model,
            inputs,
            variance.epochs,
            variance.batch_size,
            variance.learning_rate,
            seed=seed,
            callbacks=callbacks,
            verbose=verbose,
            drop_remainder=config.training.drop_remainder,
        )
