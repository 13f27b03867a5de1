"""The stages that programs share: data, networks, variance, geodesics. Each continues where it was stopped."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import pathlib
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from launch import common
from tfgeo import datasets
from tfgeo.checkpoints import TrainingCheckpoint, whole_file
from tfgeo.datasets import Dataset
from tfgeo.errors import UserError, check_writable_folder
from tfgeo.geodesics import Geodesics
from tfgeo.geodesics.pairwise import all_pairs
from tfgeo.models import fit, fit_variance
from tfgeo.models.training import batched
from zoo import cards
from zoo.config import DataConfig, EntryConfig, Reported, from_dict, to_dict
from zoo.entry import Entry, build_model, load_weights

__all__ = ["Run", "connect_samples", "say", "start", "train"]

# At most so many of a user's own samples are compared, all pairs, unless --config.data.samples_per_class says.
MAX_USER_SAMPLES = 200


@dataclasses.dataclass
class Run:
    """A run of one entry.

    Attributes:
      entry: the entry; its config has the command line's overrides.
      seed: the seed.
      dataset: all samples; the model is trained on them.
      samples: those that are compared.
      folder: where results go.
      seconds: seconds of each stage, those of an interrupted run included.
    """

    entry: Entry
    seed: int
    dataset: Dataset
    samples: Dataset
    folder: pathlib.Path
    seconds: dict[str, float] = dataclasses.field(default_factory=dict)

    @property
    def config(self) -> EntryConfig:
        """The entry's configuration."""
        return self.entry.config

    @property
    def unfinished(self) -> pathlib.Path:
        """Folder of the state of stages that are not reported yet."""
        return self.folder / "unfinished"

    def latents(self) -> np.ndarray:
        """Posterior means of the samples, `[n, d]`."""
        return batched(lambda x: self.entry.model.encoder(x)[0], self.samples.inputs)

    @contextlib.contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Adds the block's seconds to those of a stage, and keeps them for a run that continues this one."""
        begin = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - begin
            if self.unfinished.is_dir():
                with whole_file(self.unfinished / "seconds.json") as partial:
                    partial.write_text(json.dumps(self.seconds), encoding="utf-8")

    def finish(self) -> None:
        """Forgets the state of unfinished stages: the results are whole."""
        shutil.rmtree(self.unfinished, ignore_errors=True)


def say(message: str) -> None:
    """Tells the user what happens now."""
    print(message, flush=True)


def start(values: common.Flags) -> Run:
    """Loads data and builds the model, after all checks that need no training."""
    config, seed = common.read_config(values), values.seed
    folder = check_writable_folder(values.output_dir)
    say(f"{config.name}: {config.summary}; seed {seed}")
    if values.data is None:
        entry = Entry(config, cards.card(config.name), build_model(config, seed), values.data_dir)
        dataset = entry.dataset(seed)
    else:
        config = dataclasses.replace(config, data=DataConfig("npz", path=values.data), reported=Reported())
        dataset = datasets.load("npz", path=values.data)
        config = _fit_to_user_data(config, dataset, common.read_config(values).data.samples_per_class)
        entry = Entry(config, None, build_model(config, seed))
    samples = entry.samples(dataset, seed)
    _check_counts(config, dataset, samples)
    run = Run(entry, seed, dataset, samples, folder)
    say(f"data: {len(dataset)} samples of {dataset.inputs.shape[1]} values, {len(samples)} of them compared")
    _continue_or_clear(run)
    return run


def train(run: Run, weights: str = "train", tensorboard: bool = False) -> None:
    """Trains networks and variance, or loads them.

    Args:
      run: the run; its model is changed.
      weights: "train", "pretrained", or the path of a weights file.
      tensorboard: whether to write TensorBoard logs.
    """
    model, config = run.entry.model, run.config
    if weights != "train":
        _load(run, weights)
        return
    callbacks = _callbacks(run.folder / "tensorboard" if tensorboard else None)
    networks, whole = run.unfinished / "networks.weights.h5", run.unfinished / "model.weights.h5"
    if whole.exists():
        say("networks and variance: trained before, loaded")
        load_weights(model, whole)
        return
    with run.timed("train"):
        if networks.exists():
            say("networks: trained before, loaded")
            model.load_weights(networks)
        else:
            say(f"networks: training for {config.training.epochs} epochs")
            fit(
                model,
                run.dataset.inputs,
                **dataclasses.asdict(config.training),
                seed=run.seed,
                callbacks=callbacks(),
                verbose=0,
                checkpoint=TrainingCheckpoint(run.unfinished / "networks.npz"),
            )
            with whole_file(networks) as partial:
                model.save_weights(partial)
    with run.timed("variance"):
        variance = config.variance
        say(f"variance: fitting the {variance.kind} precision for {variance.epochs} epochs")
        fit_variance(
            model,
            run.dataset.inputs,
            variance.epochs,
            variance.batch_size,
            variance.learning_rate,
            seed=run.seed,
            callbacks=callbacks(),
            verbose=0,
        )
        with whole_file(whole) as partial:
            model.save_weights(partial)


def save_weights(run: Run) -> pathlib.Path:
    """Writes the model's weights to the results."""
    path = run.folder / "model.weights.h5"
    with whole_file(path) as partial:
        run.entry.model.save_weights(partial)
    return path


def connect_samples(run: Run, latents: np.ndarray) -> Geodesics:
    """All geodesics between the samples' latent points, or those that an interrupted run had found."""
    settings, entry = run.config.geodesics, run.entry
    path = run.unfinished / "geodesics.npz"
    arrays = tuple(field.name for field in dataclasses.fields(Geodesics) if field.name != "curve")
    if path.exists():
        say("geodesics: found before, loaded")
        with np.load(path, allow_pickle=False) as saved:
            return Geodesics(entry.curve(), *(saved[name] for name in arrays))
    num_pairs = len(latents) * (len(latents) - 1) // 2
    say(f"geodesics: {num_pairs} pairs, {settings.curve} curves of {settings.num_points} points")
    with run.timed("geodesics"):
        geodesics = all_pairs(
            entry.manifold(),
            latents,
            curve=entry.curve(),
            solver=entry.solver(),
            warm_start=entry.warm_start(run.seed),
            num_points=settings.num_points,
            progress=True,
        )
    with whole_file(path) as partial:
        np.savez(partial, **{name: getattr(geodesics, name) for name in arrays})
    return geodesics


def _fit_to_user_data(config: EntryConfig, dataset: Dataset, samples_per_class: int) -> EntryConfig:
    """The entry's configuration with widths, classes and sizes of the user's data."""
    sizes = [len(dataset)] if dataset.labels is None else np.unique(dataset.labels, return_counts=True)[1]
    if samples_per_class == 0 or min(sizes) < samples_per_class:
        samples_per_class = min(MAX_USER_SAMPLES // len(sizes), *sizes) if len(dataset) > MAX_USER_SAMPLES else 0
    clustering = config.clustering
    if dataset.labels is not None:
        clustering = dataclasses.replace(clustering, num_clusters=len(sizes))
    return dataclasses.replace(
        config,
        data=dataclasses.replace(config.data, samples_per_class=int(samples_per_class)),
        network=dataclasses.replace(config.network, data_dim=dataset.inputs.shape[1]),
        clustering=clustering,
    )


def _check_counts(config: EntryConfig, dataset: Dataset, samples: Dataset) -> None:
    """What would fail after the training must fail before it."""
    for count, needed, what, field in (
        (len(dataset), config.variance.num_components, "mixture components", "variance.num_components"),
        (len(samples), config.clustering.num_clusters, "clusters", "clustering.num_clusters"),
        (len(samples), 2, "ends of a geodesic", "data.samples_per_class"),
    ):
        if count < needed:
            raise UserError(f"{count} samples are too few for {needed} {what}; give more, or set --config.{field}")
    if dataset.inputs.shape[1] != config.network.data_dim:
        raise UserError(
            f"the data have {dataset.inputs.shape[1]} values per sample, the network expects "
            f"{config.network.data_dim}; set --config.network.data_dim={dataset.inputs.shape[1]}"
        )


def _continue_or_clear(run: Run) -> None:
    """Keeps the state of an interrupted run with the same settings and data, and removes any other."""
    settings = to_dict(run.config)
    for unused in ("figures", "reported", "summary"):
        del settings[unused]
    words = json.dumps([settings, run.seed, run.dataset.checksum()], sort_keys=True)
    fingerprint = hashlib.sha256(words.encode()).hexdigest()
    path = run.unfinished / "fingerprint"
    if path.exists() and path.read_text(encoding="utf-8") == fingerprint:
        say(f"continuing the run that was stopped in {run.folder}")
        seconds = run.unfinished / "seconds.json"
        if seconds.exists():
            run.seconds = json.loads(seconds.read_text(encoding="utf-8"))
        return
    run.finish()
    with whole_file(path) as partial:
        partial.write_text(fingerprint, encoding="utf-8")


def _load(run: Run, weights: str) -> None:
    """Loads the zoo's weights, which must have been trained with this configuration, or the user's."""
    card = run.entry.card
    if weights != "pretrained":
        load_weights(run.entry.model, pathlib.Path(weights))
    elif card is None:
        raise UserError(f"{run.config.name} ships no trained weights; leave --weights out to train them")
    else:
        trained = from_dict(card["config"])
        for section in ("network", "training", "variance"):
            if getattr(trained, section) != getattr(run.config, section):
                raise UserError(
                    f"--weights=pretrained has other --config.{section} values than this run; "
                    "leave the override or --weights out"
                )
        load_weights(run.entry.model, cards.weights_path(run.config.name), card["sha256"])
    say(f"networks and variance: loaded ({weights})")
    with whole_file(run.unfinished / "model.weights.h5") as partial:
        run.entry.model.save_weights(partial)


def _callbacks(tensorboard: pathlib.Path | None) -> Callable[[], list[Any]]:
    """Makes the callbacks of one stage: a progress bar, and TensorBoard's where a folder is given."""
    import keras
    from tqdm.keras import TqdmCallback

    def make() -> list[Any]:
        bar = TqdmCallback(verbose=0, desc="  rounds", disable=not sys.stderr.isatty() and "CI" in os.environ)
        return [bar] if tensorboard is None else [bar, keras.callbacks.TensorBoard(str(tensorboard))]

    return make
