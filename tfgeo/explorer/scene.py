"""What an explorer shows: latent points, their samples, a decoder and metrics."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Sequence

import numpy as np

from tfgeo.errors import UserError, check_data
from tfgeo.explorer.network import DenseLayer
from tfgeo.manifolds import Manifold
from tfgeo.plots import CLASS_COLORS
from tfgeo.plots.latent import class_looks
from tfgeo.randomness import generator

__all__ = ["Scene", "SceneMetric"]

# Codes that are drawn, at most: more hide one another, and their samples would make a page large.
MAX_CODES = 600
# Share of the codes' range that is left free around them, and how much longer one side of the map may be.
MARGIN = 0.12
MAX_ASPECT = 1.6
# What the colours of the map are, given the unit of the metric's lengths.
FIELD_LABEL = "log₁₀ of the volume √det G, in ({unit})² per (latent unit)²"


@dataclasses.dataclass(frozen=True, eq=False)
class SceneMetric:
    """A metric that can be chosen.

    Attributes:
      key: its name in addresses and tests, such as "fisher_rao".
      name: what it is called, such as "Fisher-Rao".
      manifold: the latent plane under it, or None for straight lines.
      unit: of its lengths.
      text: what it measures, a sentence.
      code: Python that finds the same geodesic, in which {a} and {b} stand for the ends.
    """

    key: str
    name: str
    manifold: Manifold | None
    unit: str
    text: str
    code: str = ""

    @classmethod
    def straight(cls) -> SceneMetric:
        """The Euclidean metric of the latent plane."""
        text = "Euclidean distance of latent points: what the decoder makes of them does not count."
        return cls("straight", "straight", None, "latent units", text)


@dataclasses.dataclass(frozen=True, eq=False)
class Scene:
    """What an explorer shows.

    Args:
      title: heading.
      latents: `[n, 2]` codes of the samples.
      decode: `[n, 2]` latent points to `[n, D]` decoded values.
      metrics: those that can be chosen, the first one to begin with.
      summary: a sentence below the heading.
      labels: `[n]` classes, or None.
      class_names: what they are called, in the order of `np.unique(labels)`; by default their numbers.
      samples: `[n, D]` what the codes stand for, or None.
      image_shape: `(height, width)` or `(height, width, 3)` of decoded values, or None for no images.
      layers: the decoder's, from `dense_layers`; without them a page has a table of decoded values.
      axes: what both latent coordinates are called.
    """

    title: str
    latents: np.ndarray
    decode: Callable[[np.ndarray], np.ndarray]
    metrics: Sequence[SceneMetric]
    summary: str = ""
    labels: np.ndarray | None = None
    class_names: Sequence[str] = ()
    samples: np.ndarray | None = None
    image_shape: tuple[int, ...] | None = None
    layers: tuple[DenseLayer, ...] | None = None
    axes: tuple[str, str] = ("z₁, first latent coordinate", "z₂, second latent coordinate")

    def __post_init__(self) -> None:
        latents = check_data(self.latents, "latents", width=2)
        if len(latents) < 2 or not np.ptp(latents, axis=0).all():
            raise UserError(f"`latents` {latents.shape} must be at least two points, apart in both coordinates")
        object.__setattr__(self, "latents", latents)
        if not self.metrics:
            raise UserError("`metrics` is empty; give at least one SceneMetric")
        keys = [metric.key for metric in self.metrics]
        if len(set(keys)) < len(keys):
            raise UserError(f"`metrics` have the keys {keys}; give each another one")
        for name, rows in (("labels", self.labels), ("samples", self.samples)):
            if rows is not None and len(rows) != len(latents):
                raise UserError(f"`{name}` has {len(rows)} rows, but there are {len(latents)} latents")
        if self.image_shape is not None:
            shape, width = tuple(self.image_shape), self.decode(latents[:1]).shape[-1]
            if len(shape) not in (2, 3) or int(np.prod(shape)) != width:
                raise UserError(
                    f"`image_shape`={shape} has {int(np.prod(shape))} values, a decoded image {width}; give its "
                    "height and width"
                )

    @functools.cached_property
    def bounds(self) -> np.ndarray:
        """`[2, 2]`, low and high of both coordinates: the codes with some room, no side of it much longer."""
        low, high = self.latents.min(axis=0).astype(np.float64), self.latents.max(axis=0).astype(np.float64)
        center, half = (low + high) / 2.0, (0.5 + MARGIN) * (high - low)
        half = np.maximum(half, half.max() / MAX_ASPECT)
        return np.stack([center - half, center + half], axis=-1)

    @functools.cached_property
    def classes(self) -> tuple[np.ndarray, list[str]]:
        """`[n]` classes numbered from 0 in their order, and their names; none where there are no labels."""
        if self.labels is None:
            return np.zeros(len(self.latents), np.int32), []
        values, numbers = np.unique(self.labels, return_inverse=True)
        names = list(self.class_names) or [str(value) for value in values]
        return numbers.astype(np.int32), names[: len(values)]

    @functools.cached_property
    def colors(self) -> list[str]:
        """The colour of each class, that which it has in figures."""
        values = np.zeros(1, int) if self.labels is None else np.unique(self.labels)
        return [CLASS_COLORS[look % len(CLASS_COLORS)] for look in class_looks(values)]

    @functools.cached_property
    def shown(self) -> np.ndarray:
        """Row numbers of the codes that are drawn, in order."""
        count = len(self.latents)
        if count <= MAX_CODES:
            return np.arange(count)
        return np.sort(generator(0, "explorer").choice(count, MAX_CODES, replace=False))

    @functools.cached_property
    def value_range(self) -> tuple[float, float]:
        """Between which values pictures have their scale: [0, 1] for images in it, else the samples' own."""
        values = np.asarray(self.samples if self.samples is not None else self.decode(self.latents[self.shown]))
        low, high = float(values.min()), float(values.max())
        if self.image_shape is not None and low >= 0.0 and high <= 1.0:
            return 0.0, 1.0
        return low, high if high > low else low + 1.0

    @functools.cached_property
    def on_white(self) -> bool:
        """Whether the low end of the scale is drawn white, as on paper: where most pixels are near it."""
        if self.image_shape is None or len(self.image_shape) > 2:
            return False
        low, high = self.value_range
        values = self.samples if self.samples is not None else self.decode(self.latents[self.shown])
        return bool(np.median(values) < low + 0.25 * (high - low))
