"""An entry's recipe as a scikit-learn transformer: fitted to any data, it encodes them to latent points."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import math
import random
from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from tfgeo.batches import batched
from tfgeo.datasets import Dataset
from tfgeo.errors import UserError
from tfgeo.estimators import Geometry, LatentPoints
from tfgeo.geodesics import distances, pairwise
from tfgeo.manifolds import Manifold
from zoo import registry
from zoo.building import build_model
from zoo.config import EntryConfig
from zoo.entry import Entry
from zoo.geodesics import geodesic_settings
from zoo.samples import check_values, fit_network, split
from zoo.training import train_networks, train_variance

__all__ = ["EntryGeometry", "VAEEmbedding"]


# Its output is never wrapped as a data frame (`auto_wrap_output_keys`): that would lose the geometry silently.

# Rows of a matrix product that processors take at once, or a multiple of them.
ROWS_TOGETHER = 64


class VAEEmbedding(  # type: ignore[call-arg]
    ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator, auto_wrap_output_keys=None
):
    """Trains an entry's model on data, and encodes data to the means of their posteriors.

    The latent points carry the geometry of the fitted model, so that `make_pipeline(VAEEmbedding(),
    GeodesicKMedoids(3))` clusters along its geodesics, with the entry's curves and solver: the whole of Yang et al.
    (2018), https://arxiv.org/abs/1809.04747. How they carry it, and what loses it: `tfgeo.estimators.LatentPoints`.

    It lives in the zoo because it trains entries, which tfgeo does not know: imports go from zoo to tfgeo, never
    back. All that the estimators of tfgeo know of it is the `tfgeo.estimators.Geometry` that it hands on.

    The networks have as many inputs as the data have columns, of which convolutions make images of the shape that
    an `EntryConfig` has, or squares. Batches have at most as many samples as there are. Passes are the entry's: few
    data make few steps of a pass, and need more `epochs`.

    Args:
      entry: one of `zoo.names()`, or a `zoo.EntryConfig` of your own.
      latent_dim: latent dimension d; None for the entry's, as for all that follow.
      epochs: passes over the data; the decoder's variance is fitted for as large a share of its own.
      batch_size: samples of a step.
      learning_rate: Adam's step size.
      num_components: components of the decoder's precision, at most as many as samples.
      random_state: seed of initialization, order and noise, or a `RandomState` to draw it from. The same seed and
        data give the same bits as `launch.cluster` does.
      verbose: whether to show progress.

    Attributes:
      model_: the trained `tfgeo.models.VAE`.
      entry_: `zoo.entry.Entry` with the configuration as it was used.
      geometry_: what distances between latent points are taken with.
      manifold_: its manifold.
      n_features_in_: D.

    Raises:
      UserError: by `fit`, if there is no such entry, samples are too few for its model, values are none that its
        decoder has a density for, or training stops being finite.
    """

    def __init__(
        self,
        entry: str | EntryConfig = "yang2018/mnist_012",
        *,
        latent_dim: int | None = None,
        epochs: int | None = None,
        batch_size: int | None = None,
        learning_rate: float | None = None,
        num_components: int | None = None,
        random_state: int | np.random.RandomState | None = 0,
        verbose: bool = False,
    ) -> None:
        self.entry = entry
        self.latent_dim = latent_dim
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.num_components = num_components
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X: Any, y: Any = None) -> VAEEmbedding:
        """Trains on data X `[n, D]`; y is ignored."""
        X = validate_data(self, X, dtype=np.float32, order="C")
        config, seed = self._config(*X.shape), _seed_of(self.random_state)
        check_values(config, Dataset(X, name="X"), "give an EntryConfig with the `mean_activation` 'linear'")
        training, held_out = X, None
        if config.training.watches_held_out:
            parts = split(config, Dataset(X, name="X"), seed)
            training, held_out = (None if part is None else part.inputs for part in parts)
        config = _fit_to_samples(config, len(training))
        with _kept_global_randomness():
            model = build_model(config, seed)
        train_networks(model, config, training, held_out, seed, verbose=int(self.verbose))
        train_variance(model, config, training, seed, verbose=int(self.verbose))
        # Two thirds of what a pickle of the model would hold.
        model.optimizer, model.compiled = None, False
        self.model_ = model
        self.entry_ = Entry(config, None, model)
        from_graph = config.geodesics is not None and config.geodesics.warm_start == "graph"
        self.geometry_ = EntryGeometry(self.entry_, self._encode(training) if from_graph else None, seed)
        return self

    @property
    def manifold_(self) -> Manifold:
        """The latent space of the fitted model with the entry's energy."""
        return self.geometry_.manifold

    def transform(self, X: Any) -> LatentPoints:
        """Latent points `[n, d]` of data X `[n, D]`, float32."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float32, order="C", reset=False)
        self.model_.check_inputs(X, "`X`")
        return LatentPoints(self._encode(X), self.geometry_)

    def inverse_transform(self, X: Any) -> np.ndarray:
        """Means of p(x | z) `[n, D]` at latent points X `[n, d]`, float32."""
        check_is_fitted(self)
        X = check_array(X, dtype=np.float32, order="C")
        if X.shape[1] != self.model_.latent_dim:
            raise UserError(f"X has {X.shape[1]} coordinates, but latent points have {self.model_.latent_dim}")
        return batched(lambda z: self.model_.decode(z).mean(), X)

    def _encode(self, X: np.ndarray) -> np.ndarray:
        # The last rows of a matrix product that fill no register are rounded otherwise than the others: what a row
        # encodes to may not depend on its place.
        filled = np.pad(X, [(0, -len(X) % ROWS_TOGETHER), (0, 0)], mode="edge")
        return batched(lambda x: self.model_.encode(x).mean(), filled)[: len(X)]

    def _config(self, num_samples: int, data_dim: int) -> EntryConfig:
        """The entry's configuration with the width of the data and what the user chose."""
        entry = self.entry
        if not isinstance(entry, (str, EntryConfig)):
            raise UserError(f"`entry` is {type(entry).__name__}; give one of zoo.names() or a zoo.EntryConfig")
        config = entry if isinstance(entry, EntryConfig) else registry.config(entry)
        if config.geodesics is not None and config.geodesics.method != "solver":
            raise UserError(
                f"`geodesics.method`={config.geodesics.method!r} of `entry` is for launch.cluster alone; leave it "
                "'solver'"
            )
        training, variance = config.training, config.variance
        remedy = f"give an EntryConfig whose `network.image_shape` is a height and width of {data_dim} values"
        network = fit_network(config.network, "X", data_dim, _image_shape(config, data_dim), remedy)
        network = _replace_given(network, latent_dim=self.latent_dim)
        chosen = _replace_given(
            training, epochs=self.epochs, batch_size=self.batch_size, learning_rate=self.learning_rate
        )
        # What is a small share of the entry's own data may be most of others.
        chosen = dataclasses.replace(chosen, drop_remainder=False)
        if variance is not None:
            epochs = max(1, round(variance.epochs * chosen.epochs / training.epochs))
            variance = _replace_given(variance, epochs=epochs, num_components=self.num_components)
        elif self.num_components is not None:
            raise UserError(
                f"`num_components`={self.num_components}, but {config.name} fits no precision; leave it out"
            )
        return dataclasses.replace(config, network=network, training=chosen, variance=variance)

    @property
    def _n_features_out(self) -> int:
        return self.model_.latent_dim

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        # The networks' own; float64 would pretend to digits that they do not have.
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags


class EntryGeometry(Geometry):
    """Distances in the latent space of an entry's model, found with the entry's settings.

    Args:
      entry: the entry with its trained model.
      latents: `[n, d]` latent points of the training samples, where the entry's warm start is on their graph.
      seed: seed of a random warm start.
    """

    def __init__(self, entry: Entry, latents: np.ndarray | None = None, seed: int = 0) -> None:
        self.entry = entry
        self._latents = latents
        self._seed = seed

    def __reduce__(self) -> Any:
        # A manifold and what is compiled for it follow from these.
        return EntryGeometry, (self.entry, self._latents, self._seed)

    @functools.cached_property
    def manifold(self) -> Manifold:
        """The latent space with the entry's energy."""
        return self.entry.manifold()

    def pairwise(self, points: np.ndarray, progress: bool = False, **settings: Any) -> np.ndarray:
        start = end = points
        if self._starts_on_graph:
            rows, columns = np.triu_indices(len(points), 1)
            start, end = points[rows], points[columns]
        return pairwise(points=points, progress=progress, **self._settings(start, end, settings))

    def distances(self, a: np.ndarray, b: np.ndarray, progress: bool = False, **settings: Any) -> np.ndarray:
        start, end = a, b
        if self._starts_on_graph:
            start, end = np.repeat(a, len(b), axis=0), np.tile(b, (len(a), 1))
        return distances(a=a, b=b, progress=progress, **self._settings(start, end, settings))

    def to_landmarks(
        self, points: np.ndarray, num_landmarks: int, progress: bool = False, **settings: Any
    ) -> tuple[np.ndarray, np.ndarray]:
        own = {} if self.entry.config.geodesics is None else {"distance": self.entry.geodesics.distance}
        return super().to_landmarks(points, num_landmarks, progress, **own | settings)

    @property
    def _starts_on_graph(self) -> bool:
        """Whether each pair has a start of its own, so that all pairs must be known beforehand."""
        return self.entry.config.geodesics is not None and self.entry.geodesics.warm_start == "graph"

    def _settings(self, start: np.ndarray, end: np.ndarray, given: dict[str, Any]) -> dict[str, Any]:
        """Settings for pairs of ends, or for all pairs of these points where no pair has a start of its own."""
        own: dict[str, Any] = {"manifold": self.manifold}
        if self.entry.config.geodesics is not None:
            own = geodesic_settings(self.entry, start, end, self._latents, self._seed, self.manifold)
            own["distance"] = self.entry.geodesics.distance
        return own | given


def _replace_given(section: Any, **values: Any) -> Any:
    """A section of a configuration with those of the values that are not None."""
    return dataclasses.replace(section, **{name: value for name, value in values.items() if value is not None})


def _image_shape(config: EntryConfig, data_dim: int) -> tuple[int, ...] | None:
    """The configuration's shape where it has as many pixels, else a square: rows do not say which they are of."""
    shape, side = config.network.image_shape, math.isqrt(data_dim)
    if shape and math.prod(shape) == data_dim:
        return shape
    return (side, side) if side * side == data_dim else None


def _fit_to_samples(config: EntryConfig, num_samples: int) -> EntryConfig:
    """The configuration with no more centroids than samples; UserError where these are too few."""
    variance, metric = config.variance, config.metric
    if variance is not None and num_samples < variance.num_components:
        raise UserError(
            f"n_samples={num_samples} are too few for the {variance.num_components} components of the decoder's "
            "precision; give more samples or lower `num_components`"
        )
    if metric is None or metric.num_centroids <= num_samples:
        return config
    return dataclasses.replace(config, metric=dataclasses.replace(metric, num_centroids=num_samples))


def _seed_of(random_state: Any) -> int:
    """An integer itself, so that a seed means the same as for programs; else one that is drawn."""
    generator = check_random_state(random_state)  # refuses what scikit-learn refuses
    if isinstance(random_state, (int, np.integer)):
        return int(random_state)
    return int(generator.randint(2**31))


@contextlib.contextmanager
def _kept_global_randomness() -> Iterator[None]:
    """Leaves the generators of Python and NumPy, which Keras seeds with its own, as they were for other users."""
    python, numpy = random.getstate(), np.random.get_state()
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)
