"""A run of one entry: its data, model and folder, and how it continues where it was stopped."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import pathlib
import shutil
import time
import warnings
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import numpy as np

import zoo
from launch import program
from launch.running.own_data import fit_to_data, replace_data
from tfgeo.batches import batched
from tfgeo.checkpoints import whole_file
from tfgeo.datasets import Dataset
from tfgeo.errors import UserError, check_writable_folder
from zoo import cards, registry
from zoo.building import build_model
from zoo.config import EntryConfig, Reported, to_dict
from zoo.entry import Entry
from zoo.samples import check_values, choose_compared, load_dataset, split

__all__ = ["Run", "run_from_config", "run_from_flags", "say"]

# Sections that say nothing of what is computed before the results are written.
_UNUSED_SECTIONS = ("figures", "reported", "summary", "notes", "model_of")


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
      weights: value of --weights.
      fingerprint: what `launch.running.results` knows its results by; empty for a run beside another.
      given: fields that the user gave, as "section.field".
      seconds: seconds of each stage, those of an interrupted run included.
      warnings: what was warned of, those of an interrupted run included.
    """

    entry: Entry
    seed: int
    dataset: Dataset
    training: Dataset
    held_out: Dataset | None
    samples: Dataset
    folder: pathlib.Path
    weights: str = "train"
    fingerprint: str = ""
    given: frozenset[str] = frozenset()
    seconds: dict[str, float] = dataclasses.field(default_factory=dict)
    warnings: list[str] = dataclasses.field(default_factory=list)

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
            self._keep("seconds", self.seconds)

    def warn(self, message: str) -> None:
        """Says what the library warns of, with the flag as the remedy, and keeps it for the results; once."""
        geodesics = self.config.geodesics
        if geodesics is not None:
            # An error of chords falls with the square of their number.
            for name in ("num_points", "max_iterations"):
                flag = f"set --config.geodesics.{name}={2 * getattr(geodesics, name)}"
                message = message.replace(f"raise {name}", flag)
        if message not in self.warnings:
            self.warnings.append(message)
            self._keep("warnings", self.warnings)
            say(f"warning: {message}")

    @contextlib.contextmanager
    def heeding(self) -> Iterator[None]:
        """Takes the block's `UserWarning`s, of any package, as the run's own; other kinds go where they would."""
        caught: list[warnings.WarningMessage] = []
        try:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always", UserWarning)
                yield
        finally:
            for one in caught:
                if one.category is UserWarning:
                    self.warn(str(one.message))
                else:
                    warnings.warn_explicit(one.message, one.category, one.filename, one.lineno)

    def _keep(self, name: str, facts: Any) -> None:
        """Keeps facts for a run that continues this one."""
        if self.unfinished.is_dir():
            with whole_file(self.unfinished / f"{name}.json") as partial:
                partial.write_text(json.dumps(facts), encoding="utf-8")

    def _kept(self, name: str, default: Any) -> Any:
        """What a run that was stopped kept."""
        path = self.unfinished / f"{name}.json"
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else default

    def origin(self) -> list[Any]:
        """What results hang on beside the configuration: seed, data, and given weights, by their content."""
        facts: list[Any] = [self.seed, self.dataset.checksum()]
        if self.weights != "train":
            file = pathlib.Path(self.weights)
            facts.append(cards.sha256_of(file) if file.is_file() else self.weights)
        return facts

    def begin(self, *more: str) -> None:
        """Keeps the state of an interrupted run with the same settings, data and weights, and removes any other.

        Args:
          *more: what else its results hang on.
        """
        settings = to_dict(self.config)
        for unused in _UNUSED_SECTIONS:
            del settings[unused]
        facts = [settings, *self.origin(), *more]
        fingerprint = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
        path = self.unfinished / "fingerprint"
        if path.exists() and path.read_text(encoding="utf-8") == fingerprint:
            say(f"continuing the run that was stopped in {self.folder}")
            self.seconds = self._kept("seconds", self.seconds)
            self.warnings = list(dict.fromkeys([*self._kept("warnings", []), *self.warnings]))
            return
        self.finish()
        with whole_file(path) as partial:
            partial.write_text(fingerprint, encoding="utf-8")

    def finish(self) -> None:
        """Forgets the state of unfinished stages: the results are whole."""
        shutil.rmtree(self.unfinished, ignore_errors=True)


def _varied_in_tables(config: EntryConfig) -> tuple:
    flow, metric = config.flow, config.metric
    # No table varies what training maximizes, nor what is made of a metric's centroids.
    if flow is not None:
        flow = flow.without_objective()
    if metric is not None:
        metric = dataclasses.replace(metric, factors="learned", weights="sum")
    return config.data.subset, flow, metric


def say(message: str) -> None:
    """Tells the user what happens now."""
    print(message, flush=True)


def run_from_flags(values: program.Flags, compares: bool = True, clusters: bool = False) -> Run:
    """Loads data and builds the model, after all checks that need no training.

    Those of results that are there already are `launch.running.results`.

    Args:
      values: the command line.
      compares: whether the program compares samples with each other.
      clusters: whether it clusters them, by all their distances.

    Raises:
      UserError: says what of the command line, the data or the configuration does not hold.
    """
    config, given = program.read_config(values), program.given(values)
    if config.geodesics is not None and config.geodesics.method != "solver" and not clusters:
        raise UserError(
            f"--config.geodesics.method={config.geodesics.method} finds all distances of launch.cluster, here "
            "curves are found by the solver; leave it out"
        )
    folder = check_writable_folder(values.output_dir)
    notes = _explain_likelihood(config) if "network.likelihood" in given else []
    dataset = None
    if values.data is not None:
        config = replace_data(config, values.data, given)
        dataset = load_dataset(config, values.data_dir, values.seed)
        config, of_data = fit_to_data(config, dataset, values.seed, given, compares)
        notes += of_data
    elif "data.path" in given:
        raise UserError("--config.data.path is what --data sets, with all that follows from it; give --data=FILE")
    return run_from_config(
        config, values.seed, folder, values.data_dir, dataset, values.weights, given, notes, compares, clusters
    )


def run_from_config(
    config: EntryConfig,
    seed: int,
    folder: pathlib.Path,
    data_dir: str | None = None,
    dataset: Dataset | None = None,
    weights: str = "train",
    given: Collection[str] = (),
    notes: Sequence[str] = (),
    compares: bool = False,
    clusters: bool = False,
) -> Run:
    """A run of a configuration; of the user's own `dataset` where one is given.

    What an interrupted run found is kept only where its `weights`, as --weights has them, were the same. Nothing is
    written before `Run.begin`.

    Args:
      config: the configuration.
      seed: the seed.
      folder: where results go.
      data_dir: folder of the original data files.
      dataset: the user's own data.
      weights: value of --weights.
      given: fields that the user gave, as "section.field": these are not fitted to the data.
      notes: what is to be said of the configuration.
      compares: as in `run_from_flags`.
      clusters: as in `run_from_flags`.

    Raises:
      UserError: if the data are not there, or too few or not of the kind that the model takes.
    """
    say(f"{config.name}: {config.summary}; seed {seed}")
    for note in notes:
        say(note)
    card = cards.card(config.name) if dataset is None else None
    dataset = load_dataset(config, data_dir, seed) if dataset is None else dataset
    training, held_out = split(config, dataset, seed)
    config = _fit_centroids(config, len(training), given)
    compared = choose_compared(config, dataset, seed)
    _check_counts(config, training, compared if compares else dataset, clusters)
    check_values(config, dataset, "set --config.network.mean_activation=linear")
    entry = Entry(config, card, build_model(config, seed), data_dir)
    run = Run(entry, seed, dataset, training, held_out, compared, folder, weights, given=frozenset(given))
    held = "" if held_out is None else f", {len(held_out)} held out"
    say(
        f"data: {len(dataset)} samples of {dataset.inputs.shape[1]} values, {len(training)} to train on{held}"
        + (f", {len(compared)} compared" if compares else "")
    )
    return run


def _explain_likelihood(config: EntryConfig) -> list[str]:
    """What another likelihood than the entry's brings with it."""
    if config.network.likelihood == registry.config(config.name).network.likelihood:
        return []
    variance = ", no variance is fitted" if config.variance is None else ""
    if config.network.learn_output_variance:
        variance = ", its one variance is learned"
    return [f"{config.network.likelihood} likelihood{variance}; geodesics are those of the {config.energy} energy"]


def _fit_centroids(config: EntryConfig, num_training: int, given: Collection[str]) -> EntryConfig:
    """No more centroids than there are samples to take them from."""
    metric = config.metric
    if metric is None or metric.num_centroids <= num_training:
        return config
    if "metric.num_centroids" in given:
        raise UserError(
            f"--config.metric.num_centroids={metric.num_centroids} is more than the {num_training} samples to "
            "train on; lower it, or leave it out"
        )
    return dataclasses.replace(config, metric=dataclasses.replace(metric, num_centroids=num_training))


def _check_counts(config: EntryConfig, training: Dataset, samples: Dataset, clusters: bool) -> None:
    """What would fail after the training must fail before it."""
    needs = [(len(samples), 2, "ends of a geodesic", "data.samples_per_class")]
    if config.variance is not None:
        components = config.variance.num_components
        needs.append((len(training), components, "mixture components", "variance.num_components"))
    if clusters and config.clustering is not None:
        needs.append((len(samples), config.clustering.num_clusters, "clusters", "clustering.num_clusters"))
    for count, needed, what, field in needs:
        if count < needed:
            given = "1 sample is" if count == 1 else f"{count} samples are"
            raise UserError(f"{given} too few for {needed} {what}; give more, or set --config.{field}")
    if training.inputs.shape[1] != config.network.data_dim:
        raise UserError(
            f"the data have {training.inputs.shape[1]} values per sample, the network expects "
            f"{config.network.data_dim}; set --config.network.data_dim={training.inputs.shape[1]}"
        )
