"""A run of one entry: its data, model and folder, and how it continues where it was stopped."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import pathlib
import shutil
import time
from collections.abc import Iterator

import numpy as np

import zoo
from launch import program
from tfgeo import datasets
from tfgeo.checkpoints import whole_file
from tfgeo.datasets import Dataset
from tfgeo.errors import UserError, check_writable_folder
from tfgeo.models.training import batched
from zoo import cards
from zoo.building import build_model
from zoo.config import DataConfig, EntryConfig, Reported, to_dict
from zoo.entry import Entry
from zoo.samples import choose_compared, load_dataset, split

__all__ = ["Run", "run_from_config", "run_from_flags", "say"]

# At most so many of a user's own samples are compared, all pairs, unless --config.data.samples_per_class says.
MAX_USER_SAMPLES = 200

# Sections that say nothing of what is computed before the results are written.
_UNUSED_SECTIONS = ("figures", "reported", "summary", "notes")


@dataclasses.dataclass
class Run:
    """A run of one entry.

    Attributes:
      entry: the entry; its config has the command line's overrides.
      seed: the seed.
      dataset: all samples of the experiment.
      training: those that the model is trained on.
      held_out: the others, or None where there are none.
      samples: those of all samples that are compared.
      folder: where results go.
      seconds: seconds of each stage, those of an interrupted run included.
    """

    entry: Entry
    seed: int
    dataset: Dataset
    training: Dataset
    held_out: Dataset | None
    samples: Dataset
    folder: pathlib.Path
    seconds: dict[str, float] = dataclasses.field(default_factory=dict)

    @property
    def config(self) -> EntryConfig:
        """The entry's configuration."""
        return self.entry.config

    @property
    def reported(self) -> Reported:
        """What the paper prints of this run: nothing where the command line sets what a paper's table varies."""
        if self.config.name not in zoo.names():
            return self.config.reported
        original = zoo.config(self.config.name)
        same = _varied_in_tables(self.config) == _varied_in_tables(original)
        return self.config.reported if same else Reported()

    @property
    def unfinished(self) -> pathlib.Path:
        """Folder of the state of stages that are not reported yet."""
        return self.folder / "unfinished"

    def latents(self) -> np.ndarray:
        """Posterior means of the samples that are compared, `[n, d]`."""
        return self.encode(self.samples)

    def encode(self, dataset: Dataset) -> np.ndarray:
        """Posterior means of other samples, `[n, d]`."""
        return batched(lambda x: self.entry.model.encoder(x)[0], dataset.inputs)

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


def _varied_in_tables(config: EntryConfig) -> tuple:
    return config.data.subset, config.flow, config.metric


def say(message: str) -> None:
    """Tells the user what happens now."""
    print(message, flush=True)


def run_from_flags(values: program.Flags) -> Run:
    """Loads data and builds the model, after all checks that need no training."""
    config, folder = program.read_config(values), check_writable_folder(values.output_dir)
    dataset = None
    if values.data is not None:
        dataset = datasets.load("npz", path=values.data)
        config = _fit_to_user_data(config, dataset, values.data)
    return run_from_config(config, values.seed, folder, values.data_dir, dataset, values.weights)


def run_from_config(
    config: EntryConfig,
    seed: int,
    folder: pathlib.Path,
    data_dir: str | None = None,
    dataset: Dataset | None = None,
    weights: str = "train",
) -> Run:
    """A run of a configuration; of the user's own `dataset` where one is given.

    What an interrupted run found is kept only where its `weights`, as --weights has them, were the same.
    """
    say(f"{config.name}: {config.summary}; seed {seed}")
    card = cards.card(config.name) if dataset is None else None
    dataset = load_dataset(config, data_dir, seed) if dataset is None else dataset
    training, held_out = split(config, dataset, seed)
    config = _fit_centroids(config, len(training))
    compared = choose_compared(config, dataset, seed)
    _check_counts(config, training, compared)
    if config.network.likelihood == "bernoulli":
        dataset.check_unit_interval()
    entry = Entry(config, card, build_model(config, seed), data_dir)
    run = Run(entry, seed, dataset, training, held_out, compared, folder)
    held = "" if held_out is None else f", {len(held_out)} held out"
    say(
        f"data: {len(dataset)} samples of {dataset.inputs.shape[1]} values, {len(training)} to train on{held}, "
        f"{len(compared)} compared"
    )
    _continue_or_clear(run, weights)
    return run


def _fit_to_user_data(config: EntryConfig, dataset: Dataset, path: str) -> EntryConfig:
    """The entry's configuration with widths, classes and sizes of the user's data."""
    sizes = [len(dataset)] if dataset.labels is None else np.unique(dataset.labels, return_counts=True)[1]
    samples_per_class = config.data.samples_per_class
    if samples_per_class == 0 or min(sizes) < samples_per_class:
        samples_per_class = min(MAX_USER_SAMPLES // len(sizes), *sizes) if len(dataset) > MAX_USER_SAMPLES else 0
    clustering = config.clustering
    if dataset.labels is not None and clustering is not None:
        clustering = dataclasses.replace(clustering, num_clusters=len(sizes))
    return dataclasses.replace(
        config,
        summary=f"{config.summary}, with {path} in place of its data",
        data=DataConfig("npz", path=path, samples_per_class=int(samples_per_class)),
        network=dataclasses.replace(config.network, data_dim=dataset.inputs.shape[1]),
        clustering=clustering,
        reported=Reported(),
    )


def _fit_centroids(config: EntryConfig, num_training: int) -> EntryConfig:
    """No more centroids than there are samples to take them from."""
    metric = config.metric
    if metric is None or metric.num_centroids <= num_training:
        return config
    return dataclasses.replace(config, metric=dataclasses.replace(metric, num_centroids=num_training))


def _check_counts(config: EntryConfig, training: Dataset, samples: Dataset) -> None:
    """What would fail after the training must fail before it."""
    needs = [(len(samples), 2, "ends of a geodesic", "data.samples_per_class")]
    if config.variance is not None:
        components = config.variance.num_components
        needs.append((len(training), components, "mixture components", "variance.num_components"))
    if config.clustering is not None:
        clusters = config.clustering.num_clusters
        needs.append((len(samples), clusters, "clusters", "clustering.num_clusters"))
    for count, needed, what, field in needs:
        if count < needed:
            raise UserError(f"{count} samples are too few for {needed} {what}; give more, or set --config.{field}")
    if training.inputs.shape[1] != config.network.data_dim:
        raise UserError(
            f"the data have {training.inputs.shape[1]} values per sample, the network expects "
            f"{config.network.data_dim}; set --config.network.data_dim={training.inputs.shape[1]}"
        )


def _continue_or_clear(run: Run, weights: str) -> None:
    """Keeps the state of an interrupted run with the same settings, data and weights, and removes any other."""
    settings = to_dict(run.config)
    for unused in _UNUSED_SECTIONS:
        del settings[unused]
    facts = [settings, run.seed, run.dataset.checksum()]
    if weights != "train":
        file = pathlib.Path(weights)
        facts.append(cards.sha256_of(file) if file.is_file() else weights)
    fingerprint = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
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
