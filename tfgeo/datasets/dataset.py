"""A data set in memory: samples, labels, image shape, and stateless subsets of them."""

from __future__ import annotations

import dataclasses
import hashlib
import math
from typing import Any

import numpy as np

from tfgeo.errors import UserError, check_count, check_data
from tfgeo.randomness import generator

__all__ = ["Dataset", "choose_per_class"]


@dataclasses.dataclass(frozen=True, eq=False)
class Dataset:
    """Samples with optional labels. Not changed after it is built; subsets are new objects.

    Args:
      inputs: `[n, D]` finite numbers; kept as float32.
      labels: `[n]` integers, kept as int64, or None for data without labels.
      image_shape: shape of one sample as an image, row-major, with product `D`; None for no images.
      name: how messages call it.

    Raises:
      UserError: if a shape does not fit, or a value is not finite.
    """

    inputs: np.ndarray
    labels: np.ndarray | None = None
    image_shape: tuple[int, ...] | None = None
    name: str = "data"

    def __post_init__(self) -> None:
        inputs = check_data(self.inputs, f"{self.name} inputs")
        object.__setattr__(self, "inputs", inputs)
        if self.labels is not None:
            object.__setattr__(self, "labels", _check_labels(self.labels, len(inputs), self.name))
        if self.image_shape is not None:
            shape = tuple(int(size) for size in self.image_shape)
            if math.prod(shape) != inputs.shape[1]:
                raise UserError(
                    f"`image_shape` {shape} of {self.name} has {math.prod(shape)} pixels, but its samples "
                    f"have {inputs.shape[1]} values; give a shape with that many pixels."
                )
            object.__setattr__(self, "image_shape", shape)

    def __len__(self) -> int:
        return len(self.inputs)

    def __repr__(self) -> str:
        classes = "no labels" if self.labels is None else f"{len(np.unique(self.labels))} classes"
        return f"Dataset({self.name!r}, {len(self)} samples of {self.inputs.shape[1]} values, {classes})"

    def checksum(self) -> str:
        """sha256 in hex over values, labels and shapes: equal if and only if the content is."""
        digest = hashlib.sha256()
        shapes = (self.inputs.shape, self.labels is not None, self.image_shape)
        digest.update(repr(shapes).encode())
        digest.update(self.inputs.data)
        if self.labels is not None:
            digest.update(self.labels.data)
        return digest.hexdigest()

    def take(self, rows: np.ndarray) -> Dataset:
        """The samples at the given row numbers, in the given order."""
        labels = None if self.labels is None else self.labels[rows]
        return dataclasses.replace(self, inputs=self.inputs[rows], labels=labels)

    def sample_per_class(self, num: int, seed: int) -> Dataset:
        """Draws the same number of samples of every class, without replacement.

        The draw within a class depends on `seed`, the class and its samples only, not on other classes; a
        larger `num` adds samples to those of a smaller one.

        Args:
          num: samples of each class.
          seed: integer of at least 0; the same seed gives the same samples.

        Returns:
          A data set of `num` samples of the smallest label, then of the next one, and so on.

        Raises:
          UserError: if there are no labels, or if a class has fewer samples.
        """
        if self.labels is None:
            raise UserError(
                f"{self.name} has no labels, so none can be drawn per class; use `sample` or give labels."
            )
        return self.take(choose_per_class(self.labels, num, seed, self.name))

    def sample(self, num: int, seed: int) -> Dataset:
        """Draws `num` samples without replacement, whatever their labels.

        Args:
          num: how many.
          seed: integer of at least 0; the same seed gives the same samples.

        Returns:
          A data set of `num` samples, in the order drawn.

        Raises:
          UserError: if there are fewer samples.
        """
        num = check_count("num", num)
        if num > len(self):
            raise UserError(
                f"{self.name} has {len(self)} samples, fewer than the {num} asked for; ask for at most {len(self)}."
            )
        draw = generator(check_count("seed", seed, 0), "sample")
        return self.take(draw.permutation(len(self))[:num])


def choose_per_class(labels: np.ndarray, num: int, seed: int, name: str) -> np.ndarray:
    """Row numbers of `Dataset.sample_per_class`, for loaders that have labels but no samples yet.

    Args:
      labels: `[n]` integers.
      num: samples of each class.
      seed: integer of at least 0.
      name: how the message calls the data set.

    Returns:
      `[num * classes]` row numbers, class by class.

    Raises:
      UserError: if a class has fewer than `num` samples.
    """
    num, seed = check_count("num_per_class", num), check_count("seed", seed, 0)
    chosen = []
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        if len(rows) < num:
            raise UserError(
                f"class {label} of {name} has {len(rows)} samples, fewer than the {num} per class asked for; "
                f"ask for at most {len(rows)} or leave this class out."
            )
        chosen.append(generator(seed, "sample_per_class", int(label)).permutation(rows)[:num])
    return np.concatenate(chosen)


def _check_labels(labels: Any, num_samples: int, name: str) -> np.ndarray:
    """`[n]` int64 labels, or a UserError."""
    labels = np.asarray(labels)
    if labels.shape != (num_samples,):
        raise UserError(
            f"the labels of {name} have shape {labels.shape}, but there are {num_samples} samples; "
            f"give one label per sample, shape ({num_samples},)."
        )
    if labels.dtype.kind not in "iu":
        raise UserError(f"the labels of {name} are {labels.dtype}, not integers; number the classes 0, 1, ..")
    return np.ascontiguousarray(labels, dtype=np.int64)
