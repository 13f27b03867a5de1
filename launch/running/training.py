"""The training that programs share: networks, learned metric, variance. It continues where it was stopped."""

from __future__ import annotations

import os
import pathlib
import sys
from collections.abc import Callable
from typing import Any, cast

import numpy as np
from sklearn.neighbors import NearestNeighbors

from launch.running.run import Run, say
from launch.running.training_log import TrainingLog, read_log
from tfgeo.checkpoints import TrainingCheckpoint, whole_file
from tfgeo.errors import UserError
from tfgeo.likelihood import repeated_log_likelihood
from tfgeo.manifolds.centroid_description import CentroidDescription
from tfgeo.models import RHVAE, VAE
from tfgeo.models.replicas import Replicas
from zoo import cards, loading
from zoo.config import MetricConfig, from_dict
from zoo.folders import WEIGHTS_FILE
from zoo.loading import check_stored, load_weights
from zoo.training import train_networks, train_variance

__all__ = ["save_weights", "metric_facts", "train", "training_curves", "training_facts"]

# Sections that decide which weights an entry has.
_TRAINED_SECTIONS = ("network", "training", "variance", "flow", "metric")


def train(run: Run, weights: str = "train", tensorboard: bool = False, mixed_precision: bool = False) -> None:
    """Trains networks, learned metric and variance, or loads them; says what the metric holds.

    From here on the run keeps what it finds.

    Args:
      run: the run; its model is changed.
      weights: "train", "pretrained", or the path of a weights file.
      tensorboard: whether to write TensorBoard logs.
      mixed_precision: as for `tfgeo.models.fit`.
    """
    _train_or_load(run, weights, tensorboard, mixed_precision)
    if run.config.metric is not None:
        model = cast(RHVAE, run.entry.model)
        if not model.objective.is_bound:
            say(
                "networks: trained on what is no bound of log p(x); what is called so from here on is that of "
                "Algorithm 1, with the exact flow"
            )
        description = _describe_metric(run)
        say(f"metric: {description}")
        say(f"metric: {description.verdict}")


def metric_facts(run: Run) -> dict[str, Any]:
    """What the learned metric holds, as metrics.json has it; empty without one."""
    return {} if run.config.metric is None else {"learned_metric": _describe_metric(run).facts()}


def _describe_metric(run: Run) -> CentroidDescription:
    return cast(RHVAE, run.entry.model).manifold().describe(_labels_of_centroids(run))


def _labels_of_centroids(run: Run) -> np.ndarray | None:
    """The label of the training sample next to each centroid, where samples have labels."""
    labels = run.training.labels
    if labels is None:
        return None
    centroids = np.asarray(cast(RHVAE, run.entry.model).centroids)
    return labels[NearestNeighbors(n_neighbors=1).fit(run.encode(run.training)).kneighbors(centroids)[1][:, 0]]


def _train_or_load(run: Run, weights: str, tensorboard: bool, mixed_precision: bool) -> None:
    model = run.entry.model
    if weights != "train":
        _load(run, weights)
        run.begin()
        return
    run.begin(*(["mixed_precision"] if mixed_precision else []))
    callbacks = _callbacks(run.folder / "tensorboard" if tensorboard else None)
    networks, whole = run.unfinished / "networks.weights.h5", run.unfinished / "model.weights.h5"
    if _load_unfinished(whole, model, lambda: load_weights(model, whole)):
        return
    with run.timed("train"):
        if not _load_unfinished(networks, model, lambda: model.load_weights(networks)):
            _train_networks(run, callbacks(), mixed_precision)
            loading.save_weights(model, networks)
    if run.config.variance is not None:
        with run.timed("variance"):
            _fit_variance(run, callbacks())
    loading.save_weights(model, whole)


def _load_unfinished(path: pathlib.Path, model: VAE, load: Callable[[], None]) -> bool:
    """Loads the weights of a stage that was done before, where it was; of several processes the chief has them."""
    replicas = Replicas.of(model)
    is_there = path.exists()
    if replicas is not None:
        is_there = bool(replicas.from_chief(is_there))
    if is_there:
        say("networks: trained before, loaded")
        if path.exists():
            load()
        if replicas is not None:
            replicas.take_from_chief(model.weights)
    return is_there


def save_weights(run: Run) -> pathlib.Path:
    """Writes the model's weights to the results."""
    return loading.save_weights(run.entry.model, run.folder / WEIGHTS_FILE)


def training_facts(run: Run) -> dict[str, int]:
    """How many passes were made, which one's weights are kept, and whether training diverged after it (0 or 1).

    Empty where weights were loaded.
    """
    path = run.unfinished / "training.npz"
    if not path.exists():
        return {}
    with np.load(path, allow_pickle=False) as saved:
        return {name: int(saved[name]) for name in ("epochs", "best_epoch", "diverged") if name in saved.files}


def training_curves(run: Run) -> dict[str, np.ndarray]:
    """How training went: by round "epoch", "loss" and where it was estimated "log_likelihood", by pass "held_out".

    The latter is the negative bound of the held-out samples. Empty where weights were loaded.
    """
    columns = read_log(run.unfinished / "training.jsonl")
    rounds = ("epoch", "loss", "log_likelihood")
    curves: dict[str, np.ndarray] = {name: columns[name] for name in rounds if name in columns}
    path = run.unfinished / "training.npz"
    if path.exists():
        with np.load(path, allow_pickle=False) as saved:
            curves |= {name: saved[name] for name in ("held_out",) if name in saved.files}
    return curves


def _train_networks(run: Run, callbacks: list[Any], mixed_precision: bool) -> None:
    training = run.config.training
    watched = run.held_out if training.watches_held_out else None
    what = "better bound of held-out samples" if training.watches_held_out else "smaller training loss"
    until = f", until {training.patience} bring no {what}" if training.patience else ""
    say(f"networks: training for {training.epochs} epochs{until}")
    history = train_networks(
        run.entry.model,
        run.config,
        run.training.inputs,
        None if watched is None else watched.inputs,
        run.seed,
        [_make_log(run), *callbacks],
        TrainingCheckpoint(run.unfinished / "networks.npz"),
        mixed_precision=mixed_precision,
    )
    facts: dict[str, Any] = {"epochs": training.epochs}
    if watched is not None:
        facts = {"epochs": len(history.val_losses), "held_out": history.val_losses}
    elif training.patience:
        facts = {"epochs": len(history.training_losses)}
    if watched is not None or training.patience:
        facts |= {"best_epoch": history.best_epoch, "diverged": history.diverged}
    with whole_file(run.unfinished / "training.npz") as partial:
        np.savez(partial, **facts)


def _make_log(run: Run) -> TrainingLog:
    """Keeps losses and, every so many epochs, log p(x) of the held-out samples."""
    settings, held_out = run.config.evaluation, run.held_out

    def estimate() -> float:
        assert held_out is not None
        return repeated_log_likelihood(
            run.entry.model, held_out.inputs, settings.num_samples, 1, seed=run.seed
        ).mean

    path = run.unfinished / "training.jsonl"
    every = settings.curve_every if held_out is not None else 0
    return TrainingLog(path, run.config.training.epochs, estimate, every)


def _fit_variance(run: Run, callbacks: list[Any]) -> None:
    variance = run.config.variance
    assert variance is not None
    say(f"variance: fitting the {variance.kind} precision for {variance.epochs} epochs")
    train_variance(run.entry.model, run.config, run.training.inputs, run.seed, callbacks)


def _load(run: Run, weights: str) -> None:
    """Loads the zoo's weights, which must have been trained with this configuration, or the user's."""
    card = run.entry.card
    if weights != "pretrained":
        load_weights(run.entry.model, pathlib.Path(weights))
        check_stored(run.config, run.entry.model, weights)
    elif card is None:
        if run.config.data.path:
            raise UserError(
                "--weights=pretrained was trained on the entry's own data; leave --data or --weights out"
            )
        raise UserError(f"{run.config.name} ships no trained weights; leave --weights out to train them")
    else:
        trained = from_dict(card["config"])
        for section in _TRAINED_SECTIONS:
            if not _is_trained_like(getattr(run.config, section), getattr(trained, section)):
                raise UserError(
                    f"--weights=pretrained has other --config.{section} values than this run; "
                    "leave the override or --weights out"
                )
        if run.held_out is not None and (card["seed"], trained.data) != (run.seed, run.config.data):
            say(f"networks: trained on the draw of seed {card['seed']}, which may contain samples held out here")
        load_weights(run.entry.model, cards.weights_path(run.config.name), card["sha256"])
    say(f"networks: loaded ({weights})")


def _is_trained_like(section: Any, trained: Any) -> bool:
    """Whether weights that were trained with one section of a configuration can be used with another."""
    if isinstance(section, MetricConfig) and isinstance(trained, MetricConfig):
        return section.trained_like(trained)
    return section == trained


def _callbacks(tensorboard: pathlib.Path | None) -> Callable[[], list[Any]]:
    """Makes the callbacks of one stage: a progress bar, and TensorBoard's where a folder is given."""
    import keras
    from tqdm.keras import TqdmCallback

    def make() -> list[Any]:
        bar = TqdmCallback(verbose=0, desc="  rounds", disable=not sys.stderr.isatty() and "CI" in os.environ)
        return [bar] if tensorboard is None else [bar, keras.callbacks.TensorBoard(str(tensorboard))]

    return make
