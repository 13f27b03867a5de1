"""An entry brought to life: its data, model and manifold, loaded and saved."""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
from typing import Any, TypeVar, cast

import numpy as np

from tfgeo import curves
from tfgeo.checkpoints import whole_file
from tfgeo.curves import Curve
from tfgeo.datasets import Dataset
from tfgeo.errors import UserError, check_writable_folder
from tfgeo.geodesics import CrossEntropy, RandomBezier, RidgeClimb, Solver, WarmStart
from tfgeo.geodesics.defaults import SOLVERS
from tfgeo.layers import Precision
from tfgeo.manifolds import ExpectedPullback, FisherRao, IndependentNoise, Manifold, Pullback, Smoothed
from tfgeo.models import RHVAE, VAE
from zoo import cards, folders, hub, samples
from zoo.building import build_model
from zoo.config import COUNTS, ClusteringConfig, EntryConfig, GeodesicsConfig, from_dict, to_dict
from zoo.loading import check_stored, load_weights, save_weights
from zoo.registry import config as entry_config
from zoo.registry import names

__all__ = ["Entry", "load"]

_T = TypeVar("_T")


@dataclasses.dataclass(frozen=True)
class Entry:
    """A zoo entry with its model.

    Attributes:
      config: its configuration.
      card: its card, or None where no trained weights are shipped.
      model: the model.
      data_dir: folder of the original data files.
      folder: where it was loaded from, or None for an entry of the zoo.
    """

    config: EntryConfig
    card: dict[str, Any] | None
    model: VAE
    data_dir: str | None = None
    folder: pathlib.Path | None = None

    def __repr__(self) -> str:
        weights = "untrained or trained here" if self.card is None else "with trained weights"
        place = "" if self.folder is None else f", from {self.folder}"
        return f"Entry({self.config.name!r}, {type(self.model).__name__}, {weights}{place})"

    def dataset(self, seed: int = 0) -> Dataset:
        """All samples of the experiment; the model is trained on them, but for those that `split` holds out.

        Raises:
          UserError: if the data are not there, or if the entry is a folder's that was trained on somebody's own
            data: no file is opened because a card names it.
        """
        if self.folder is not None and self.config.data.path:
            recipe = self.config.data.recipe(counts=self.config.network.likelihood in COUNTS) | {"path": ...}
            arguments = ", ".join(
                f"{name}={'...' if value is ... else repr(value)}" for name, value in recipe.items()
            )
            raise UserError(
                f"{self.folder} was trained on {self.config.data.path}, which is not opened on a card's word; load "
                f"it with tfgeo.datasets.load({self.config.data.name!r}, {arguments})"
            )
        return samples.load_dataset(self.config, self.data_dir, seed)

    def split(self, dataset: Dataset, seed: int = 0) -> tuple[Dataset, Dataset | None]:
        """The samples that the model is trained on, and those held out; None where none are."""
        return samples.split(self.config, dataset, seed)

    def samples(self, dataset: Dataset, seed: int = 0) -> Dataset:
        """The samples of `dataset` that are compared with each other, class by class."""
        return samples.choose_compared(self.config, dataset, seed)

    @property
    def precision(self) -> Precision | None:
        """The decoder's precision layer, where its variance is fitted."""
        return cast("Precision | None", getattr(self.model.decoder, "precision", None))

    def save(self, folder: str | pathlib.Path, overwrite: bool = False) -> pathlib.Path:
        """Writes weights and card into a folder, from which `zoo.load(folder)` brings the same entry back.

        What the card says was measured goes along where the weights are still those that it was measured of.

        Args:
          folder: where to; made if missing.
          overwrite: whether an entry that is there may be replaced.

        Returns:
          The folder.

        Raises:
          UserError: if it cannot be written, or holds an entry already.
        """
        folder = check_writable_folder(folder)
        taken = [name for name in (folders.CARD_FILE, folders.WEIGHTS_FILE) if (folder / name).exists()]
        if taken and not overwrite:
            raise UserError(f"{folder} has a {taken[0]} already; give another folder, or overwrite=True")
        card: dict[str, Any] = dict(self.card or {}) if self._is_as_loaded() else {}
        weights = save_weights(self.model, folder / folders.WEIGHTS_FILE)
        card.pop("storage", None)  # what is written is in single precision
        card |= {"config": to_dict(self.config)}
        card |= folders.facts(self.config, card.get("seed"), weights)
        with whole_file(folder / folders.CARD_FILE) as partial:
            partial.write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        return folder

    def _is_as_loaded(self) -> bool:
        """Whether the model has the weights that its card describes."""
        if self.card is None:
            return False
        path = cards.weights_path(self.config.name) if self.folder is None else self.folder / folders.WEIGHTS_FILE
        original = build_model(self.config)
        load_weights(original, path)
        pairs = zip(original.weights, self.model.weights, strict=True)
        return all(np.array_equal(one, other) for one, other in pairs)

    def manifold(self, energy: str | None = None) -> Manifold:
        """The latent space with the entry's energy, or with another one that its model has."""
        energy = self.config.energy if energy is None else energy
        if energy == "learned":
            return cast(RHVAE, self.model).manifold()
        if energy == "pullback":
            pullback, settings = Pullback(self.model.decode), self.config.geodesics
            if settings is None or not settings.smoothing:
                return pullback
            return Smoothed(pullback, settings.smoothing, settings.smoothing_rank or None)
        if energy == "fisher_rao":
            # The same metric as that of `FisherRao`, whose energies are decoded differences.
            stabilize = getattr(self.model.decoder, "stabilize", None)
            return FisherRao(self.model.decode) if stabilize is None else Pullback(stabilize)
        return {"independent_noise": IndependentNoise, "expected": ExpectedPullback}[energy](self.model.decode)

    def curve(self) -> Curve:
        """The entry's curve family."""
        if self.geodesics.num_segments:
            return curves.CubicSpline(self.geodesics.num_segments)
        return curves.from_name(self.geodesics.curve)

    def solver(self) -> Solver:
        """The solver with the entry's settings."""
        settings = self.geodesics
        return SOLVERS[settings.solver](settings.max_iterations, settings.tolerance, settings.gradient_tolerance)

    def warm_start(self, seed: int = 0, manifold: Manifold | None = None) -> WarmStart | None:
        """The entry's warm start, on `manifold` if it is given; None for one that needs the samples."""
        kind = self.geodesics.warm_start
        if kind == "random_bezier":
            return RandomBezier(manifold or self.manifold(), num_points=self.geodesics.num_points, seed=seed)
        if self.precision is None or kind in ("graph", "none"):
            return None
        log_density = self.precision.log_density
        return CrossEntropy(log_density, seed=seed) if kind == "cross_entropy" else RidgeClimb(log_density)

    @property
    def geodesics(self) -> GeodesicsConfig:
        """How shortest curves are found; UserError where the entry does not say."""
        return self._section("geodesics", self.config.geodesics)

    @property
    def clustering(self) -> ClusteringConfig:
        """How samples are clustered; UserError where the entry does not say."""
        return self._section("clustering", self.config.clustering)

    def _section(self, name: str, section: _T | None) -> _T:
        if section is None:
            having = [other for other in names() if getattr(entry_config(other), name) is not None]
            raise UserError(
                f"{self.config.name} has no section `{name}`; run an entry that has one, such as {having[0]}"
            )
        return section


def load(
    name: str | os.PathLike[str],
    weights: str | os.PathLike[str] | None = "pretrained",
    data_dir: str | None = None,
) -> Entry:
    """See `zoo.load`."""
    if not isinstance(name, (str, os.PathLike)) or not os.fspath(name):
        raise UserError(f"{name!r} names no entry; give one of zoo.names(), or the path of a folder")
    if isinstance(name, os.PathLike):  # a path is a folder, also where an entry is called so
        return _load_folder(pathlib.Path(name).expanduser(), weights, data_dir)
    if name not in names():
        if name.startswith(hub.PREFIX):
            return _load_folder(hub.download(name), weights, data_dir)
        if folders.is_folder(name):
            return _load_folder(pathlib.Path(name).expanduser(), weights, data_dir)
    config, card = entry_config(name), cards.card(name)
    if weights == "pretrained":
        if card is None:
            raise UserError(
                f"{name} ships no trained weights; `python -m launch.train --entry={name} --output_dir=DIR` "
                "makes them, and weights='DIR/model.weights.h5' loads them"
            )
        # The weights fit the configuration that they were trained with.
        config = from_dict(card["config"])
    entry = Entry(config, card, build_model(config), data_dir)
    if weights is not None:
        path = cards.weights_path(name) if weights == "pretrained" else pathlib.Path(weights)
        load_weights(entry.model, path, card["sha256"] if card and weights == "pretrained" else None)
        check_stored(config, entry.model, path)
    return entry


def _load_folder(folder: pathlib.Path, weights: str | os.PathLike[str] | None, data_dir: str | None) -> Entry:
    config, card, file = folders.read(folder)
    entry = Entry(config, card, build_model(config), data_dir, folder)
    if weights is not None:
        path = file if weights == "pretrained" else pathlib.Path(weights)
        load_weights(entry.model, path)
        check_stored(config, entry.model, path)
    return entry
