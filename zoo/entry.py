"""An entry brought to life: its data, model and manifold."""

from __future__ import annotations

import dataclasses
import pathlib
from typing import Any, cast

import keras

from tfgeo import curves, datasets
from tfgeo.curves import Curve
from tfgeo.datasets import Dataset
from tfgeo.errors import UserError
from tfgeo.geodesics import CrossEntropy, RidgeClimb, Solver, WarmStart
from tfgeo.geodesics.connect import SOLVERS
from tfgeo.layers import MLP, GMMPrecision, Precision, RBFPrecision
from tfgeo.manifolds import ExpectedPullback, IndependentNoise, Manifold
from tfgeo.models import VAE, GaussianDecoder, GaussianEncoder
from tfgeo.randomness import derive_integer
from zoo import cards
from zoo.config import EntryConfig, from_dict
from zoo.registry import config as entry_config

__all__ = ["Entry", "build_model", "load"]

_PRECISIONS = {"gmm": GMMPrecision, "rbf": RBFPrecision}
_MANIFOLDS = {"independent_noise": IndependentNoise, "expected": ExpectedPullback}


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
        """The samples that the model is trained on."""
        data = self.config.data
        everything = datasets.load(data.name, self.data_dir, seed, **data.recipe())
        return _draw(everything, data.training_per_class, seed)

    def samples(self, dataset: Dataset, seed: int = 0) -> Dataset:
        """The samples of `dataset` that are compared with each other, class by class."""
        return _draw(dataset, self.config.data.samples_per_class, seed)

    @property
    def precision(self) -> Precision:
        """The decoder's precision layer."""
        return cast(Precision, self.model.decoder.precision)

    def manifold(self) -> Manifold:
        """The latent space with the entry's energy."""
        return _MANIFOLDS[self.config.geodesics.energy](self.model.decode)

    def curve(self) -> Curve:
        """The entry's curve family."""
        return curves.from_name(self.config.geodesics.curve)

    def solver(self) -> Solver:
        """The solver with the entry's settings."""
        settings = self.config.geodesics
        return SOLVERS[settings.solver](settings.max_iterations, settings.tolerance, settings.gradient_tolerance)

    def warm_start(self, seed: int = 0) -> WarmStart | None:
        """The entry's warm start on the ridges of the decoder's precision."""
        kind = self.config.geodesics.warm_start
        log_density = self.precision.log_density
        if kind == "cross_entropy":
            return CrossEntropy(log_density, seed=seed)
        return {"ridge_climb": RidgeClimb(log_density), "none": None}[kind]


def _draw(dataset: Dataset, num: int, seed: int) -> Dataset:
    """`num` samples of each class, or in all where there are no classes; a larger draw holds the smaller ones."""
    if num == 0:
        return dataset
    return dataset.sample(num, seed) if dataset.labels is None else dataset.sample_per_class(num, seed)


def build_model(config: EntryConfig, seed: int = 0) -> VAE:
    """The entry's model with fresh weights, which depend on the seed alone."""
    network = config.network
    keras.utils.set_random_seed(derive_integer(seed, "initialization"))
    encoder = GaussianEncoder(
        network.latent_dim, network.encoder_units, network.activation, network.stddev_activation
    )
    mean_network = MLP(
        network.decoder_units, network.activation, network.data_dim, network.mean_activation, name="mean"
    )
    variance = config.variance
    precision = _PRECISIONS[variance.kind](
        variance.num_components, network.data_dim, network.latent_dim, variance.max_variance
    )
    model = VAE(encoder, GaussianDecoder(mean_network, network.output_variance, precision), seed)
    model.build((None, network.data_dim))
    return model


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
    """Loads weights of a model whose variance is fitted, after checking their sha256 where one is given.

    Raises:
      UserError: if the file is missing, altered, or does not fit the model; the model is then unchanged.
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
        raise UserError(
            f"weights file {path} does not fit this entry's model ({str(error).splitlines()[0]}); "
            "give the same --config values that it was trained with"
        ) from error
    model.decoder.uses_precision = True
