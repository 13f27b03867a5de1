"""An entry brought to life: its data, model and manifold."""

from __future__ import annotations

import dataclasses
import pathlib
from typing import Any, TypeVar, cast

from tfgeo import curves
from tfgeo.curves import Curve
from tfgeo.datasets import Dataset
from tfgeo.errors import UserError
from tfgeo.geodesics import CrossEntropy, RandomBezier, RidgeClimb, Solver, WarmStart
from tfgeo.geodesics.connect import SOLVERS
from tfgeo.layers import Precision
from tfgeo.manifolds import ExpectedPullback, FisherRao, IndependentNoise, Manifold, Pullback, Smoothed
from tfgeo.models import RHVAE, VAE
from zoo import cards, samples
from zoo.building import build_model
from zoo.config import ClusteringConfig, EntryConfig, GeodesicsConfig, from_dict
from zoo.registry import config as entry_config
from zoo.registry import names

__all__ = ["Entry", "load", "load_weights"]

# Characters of another library's error that are quoted.
MAX_CAUSE = 300

_T = TypeVar("_T")


@dataclasses.dataclass(frozen=True)
class Entry:
    """A zoo entry with its model.

    Attributes:
      config: its configuration.
      card: its card, or None where no trained weights are shipped.
      model: the model.
      data_dir: folder of the original data files.
    """

    config: EntryConfig
    card: dict[str, Any] | None
    model: VAE
    data_dir: str | None = None

    def dataset(self, seed: int = 0) -> Dataset:
        """All samples of the experiment; the model is trained on them, but for those that `split` holds out."""
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


def load(name: str, weights: str | None = "pretrained", data_dir: str | None = None) -> Entry:
    """See `zoo.load`."""
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
    return entry


def load_weights(model: VAE, path: pathlib.Path, sha256: str | None = None) -> None:
    """Loads weights of a trained model, after checking their sha256 where one is given; a fitted variance is used.

    Raises:
      UserError: if the file is missing, altered, or does not fit the model, which may then hold what did fit.
    """
    if sha256 is not None:
        cards.check_sha256(path, sha256)
    if not path.is_file():
        raise UserError(f"weights file {path} does not exist; `python -m launch.train` writes one")
    if not path.name.endswith(".weights.h5"):
        raise UserError(f"weights file {path} must end in .weights.h5, as `python -m launch.train` writes it")
    try:
        model.load_weights(path)
    except (OSError, ValueError, KeyError) as error:
        # Keras says first that something failed, then what, and goes on with all numbers.
        lines = [line for line in str(error).splitlines() if line.strip()]
        cause = " ".join(lines[1:2] or lines)
        raise UserError(
            f"weights file {path} does not fit this entry's model ({cause[:MAX_CAUSE]}); "
            "give the same --config values that it was trained with"
        ) from error
    if getattr(model.decoder, "precision", None) is not None:
        model.decoder.uses_precision = True
