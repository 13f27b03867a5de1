"""The suite of training: milliseconds of a training step of registered models, on random data of their shape."""

from __future__ import annotations

import dataclasses
import functools
import time

import keras
import numpy as np

import zoo
from launch.benchmarks.record import Record, Row, Settings, number
from launch.reporting.tables import Rows
from tfgeo.errors import UserError
from tfgeo.models import fit
from tfgeo.randomness import generator
from zoo.building import build_model
from zoo.config import EntryConfig

__all__ = ["measure_training", "trained_config"]

# So many steps for each repeat, more than a round has: a few seconds of the slowest model.
STEPS_PER_REPEAT = 100


def trained_config(settings: Settings, name: str) -> EntryConfig:
    """The entry's configuration, with the bound that was asked for.

    Raises:
      UserError: if there is no such entry, or its model has no such bound.
    """
    config = zoo.config(name)
    if settings.importance_samples is None:
        return config
    if config.flow is not None:
        raise UserError(
            f"--importance_samples is of VAEs, but {name} has a flow and a bound of its own; name others by "
            "--entries, or leave --importance_samples out"
        )
    changed = dataclasses.replace(config.training, importance_samples=settings.importance_samples)
    return dataclasses.replace(config, training=changed)


def measure_training(record: Record) -> None:
    """Trains each entry's model from its start for a while and writes the results."""
    for name in record.settings.entries:
        record.measure(name, functools.partial(_row, record, name))
    note = (
        "ms are of one step of tfgeo.models.fit, all that Keras does between the steps included, after the first "
        "round; what the first round takes longer is compile s"
    )
    record.finish(_table(record.rows), [note])


class _RoundSeconds(keras.callbacks.Callback):
    """Seconds of each round."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []
        self._last = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        now = time.perf_counter()
        self.seconds.append(now - self._last)
        self._last = now


def _row(record: Record, name: str) -> Row:
    config = trained_config(record.settings, name)
    training, seed = config.training, record.settings.seed
    model = build_model(config, seed)
    # As many samples as the metric has centroids: what the paper trains on.
    num_samples = max(2 * training.batch_size, 0 if config.metric is None else config.metric.num_centroids)
    inputs = generator(seed, "training data").uniform(size=(num_samples, config.network.data_dim))
    steps = num_samples // training.batch_size
    epochs = -(-STEPS_PER_REPEAT // steps) * (record.settings.repeats + 1)
    clock = _RoundSeconds()
    fit(
        model,
        inputs.astype(np.float32),
        epochs,
        training.batch_size,
        training.learning_rate,
        seed,
        callbacks=[clock],
        verbose=0,
        gradient_norm=training.gradient_norm or None,
    )
    first, *rounds = clock.seconds
    steps_per_round = steps * epochs / len(clock.seconds)
    milliseconds = 1e3 * np.array(rounds) / steps_per_round
    return {
        "data_dim": config.network.data_dim,
        "latent_dim": config.network.latent_dim,
        "batch_size": training.batch_size,
        "importance_samples": training.importance_samples or 1,
        "num_leapfrog_steps": 0 if config.flow is None else config.flow.num_steps,
        "num_steps": round(steps_per_round * len(rounds)),
        "step_ms": float(np.median(milliseconds)),
        "step_ms_min": float(milliseconds.min()),
        "step_ms_max": float(milliseconds.max()),
        "compile_seconds": max(0.0, first - 1e-3 * float(np.median(milliseconds)) * steps_per_round),
    }


def _table(rows: list[Row]) -> Rows:
    table: Rows = [("entry", "d", "batch", "K", "n_lf", "ms", "min", "max", "compile s", "steps")]
    for row in rows:
        counts = ("latent_dim", "batch_size", "importance_samples", "num_leapfrog_steps")
        table.append(
            (
                row["name"],
                *(number(row, key, "d") for key in counts),
                *(number(row, key, ".2f") for key in ("step_ms", "step_ms_min", "step_ms_max")),
                number(row, "compile_seconds", ".1f"),
                number(row, "num_steps", "d"),
            )
        )
    return table
