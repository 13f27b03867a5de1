"""What `launch.train` does: an entry's training, by one process or several, and the weights."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from launch import program
from launch.reporting import report
from launch.running import training
from launch.running.results import check_results
from launch.running.run import run_from_flags, say
from launch.running.workers import Workers
from tfgeo.datasets import StoredRows
from tfgeo.models import VAE
from tfgeo.randomness import derive_seed

__all__ = ["run_training"]


def run_training(values: program.Flags, workers: Workers) -> None:
    """Trains the entry that the command line names; the chief of several processes writes the results."""
    is_mixed = "mixed_precision" in values and values.mixed_precision
    if is_mixed and not tf.config.list_physical_devices("GPU"):
        say("--mixed_precision: there is no GPU here, on a CPU it gains little or nothing")
    with workers.writing(values), workers.together():
        with workers.scope():
            run = run_from_flags(values, compares=False)
        workers.settle(check_results, run, values)
        with run.timed("total"):
            training.train(run, "train", values.tensorboard and workers.is_chief, is_mixed)
        if not workers.is_chief:
            say(f"done; {workers.task} leaves the results to the chief")
            return
        path = training.save_weights(run)
        elbo = _mean_elbo(run.entry.model, run.samples.inputs)
        report.write_metrics(run, {"elbo": elbo}, {})
        run.finish()
        say(f"evidence lower bound {elbo:.2f} nats; weights: {path}")


def _mean_elbo(model: VAE, inputs: np.ndarray) -> float:
    """Of all samples; of those on disk block by block, each with noise of its own."""
    if not isinstance(inputs, StoredRows):
        return float(np.mean(model.elbo(inputs)))
    totals = [
        np.sum(model.elbo(values, derive_seed(model.seed, "elbo", first)), dtype=np.float64)
        for first, values in inputs.blocks()
    ]
    return float(sum(totals) / len(inputs))
