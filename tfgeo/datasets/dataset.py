"""A data set in memory: samples, labels, image shape, and stateless subsets of them."""

from __future__ import annotations

import dataclasses
import hashlib
import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from tfgeo.datasets.facts import ValueFacts
from tfgeo.datasets.stored import StoredRows
from tfgeo.errors import UserError, check_count, check_data, check_positive, check_unit_interval
from tfgeo.randomness import generator

__all__ = ["Dataset", "choose_per_class"]


@dataclasses.dataclass(frozen=True, eq=False)
class Dataset:
    """Samples with optional labels. Not changed after it is built; subsets are new objects.

    Args:
      inputs: `[n, D]` finite numbers; kept as float32, or as the `StoredRows` that they are.
      labels: `[n]` integers, kept as int64, or None for data without labels.
      image_shape: shape of one sample as an image, row-major, with product `D`; None for no images.
      name: how messages call it.
      class_names: what labels are called, by label, where that is not their number.
      notes: what was done to the values before, each a clause for people.
      facts: what the values looked like before that, of the user's own data; else None.
      rows: `[n]` row numbers of the samples in what they were taken from; by default 0, 1, ....

    Raises:
      UserError: if a shape does not fit, or a value is not finite.
    """

    inputs: np.ndarray
    labels: np.ndarray | None = None
    image_shape: tuple[int, ...] | None = None
    name: str = "data"
    class_names: Mapping[int, str] | None = None
    notes: tuple[str, ...] = ()
    rows: np.ndarray | None = None
    facts: ValueFacts | None = None

    def __post_init__(self) -> None:
        inputs = self.inputs
        if not isinstance(inputs, StoredRows):  # which were gone through when they were found
            inputs = check_data(inputs, f"{self.name} inputs")
        object.__setattr__(self, "inputs", inputs)
        if self.labels is not None:
            object.__setattr__(self, "labels", _check_labels(self.labels, len(inputs), self.name))
        if self.rows is None:
            object.__setattr__(self, "rows", np.arange(len(inputs)))
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
        if isinstance(self.inputs, StoredRows):
            for _, values in self.inputs.blocks():
                digest.update(values.data)
        else:
            digest.update(self.inputs.data)
        if self.labels is not None:
            digest.update(self.labels.data)
        return digest.hexdigest()

    def take(self, rows: np.ndarray) -> Dataset:
        """The samples at the given row numbers, in the given order."""
        inputs = self.inputs.select(rows) if isinstance(self.inputs, StoredRows) else self.inputs[rows]
        labels = None if self.labels is None else self.labels[rows]
        assert self.rows is not None
        return dataclasses.replace(self, inputs=inputs, labels=labels, rows=self.rows[rows])

    def sample_per_class(self, num: int, seed: int, at_most: bool = False) -> Dataset:
        """Draws the same number of samples of every class, without replacement.

        The draw within a class depends on `seed`, the class and its samples only, not on other classes; a
        larger `num` adds samples to those of a smaller one.

        Args:
          num: samples of each class.
          seed: integer of at least 0; the same seed gives the same samples.
          at_most: whether all samples are taken of a class that has fewer.

        Returns:
          A data set of `num` samples of the smallest label, then of the next one, and so on.

        Raises:
          UserError: if there are no labels, or if a class has fewer samples and not `at_most`.
        """
        return self.take(choose_per_class(self._known_labels(), num, seed, self.name, at_most))

    def subset_per_class(self, num: int, index: int, seed: int) -> Dataset:
        """One of several subsets of `num` samples of every class, of which no two share a sample.

        Subset 0 is `sample_per_class(num, seed)`, subset 1 the samples that `2 * num` would add to it, and so on.

        Args:
          num: samples of each class.
          index: which subset, from 0.
          seed: integer of at least 0; the same for all subsets that are not to overlap.

        Returns:
          A data set of `num` samples of the smallest label, then of the next one, and so on.

        Raises:
          UserError: if there are no labels, or if a class has fewer than `(index + 1) * num` samples.
        """
        num, index = check_count("num", num), check_count("index", index, 0)
        rows = choose_per_class(self._known_labels(), (index + 1) * num, seed, self.name)
        return self.take(rows.reshape(-1, index + 1, num)[:, index].ravel())

    def first_per_class(self, num: int, index: int = 0) -> Dataset:
        """The first samples of every class in the order of the data; for index 1 the next as many, and so on.

        Args:
          num: samples of each class.
          index: which of the subsets, of which no two share a sample, from 0.

        Returns:
          A data set of `num` samples of the smallest label, then of the next one, and so on.

        Raises:
          UserError: if there are no labels, or if a class has fewer than `(index + 1) * num` samples.
        """
        num, index = check_count("num", num), check_count("index", index, 0)
        labels = self._known_labels()
        chosen = []
        for label in np.unique(labels):
            rows = np.flatnonzero(labels == label)[index * num : (index + 1) * num]
            if len(rows) < num:
                raise UserError(
                    f"{self.name} has {np.sum(labels == label)} samples of class {label}, but {(index + 1) * num} "
                    "are asked for; ask for fewer."
                )
            chosen.append(rows)
        return self.take(np.concatenate(chosen))

    def split(self, fraction: float, seed: int) -> tuple[Dataset, Dataset]:
        """Splits into a part to train on and the held-out rest, each with the same share of every class.

        Where classes are equally large, the first part is `sample_per_class` of its size; without labels, `sample`.

        Args:
          fraction: of each class in the first part, below 1; rounded to whole samples, at least one in each part.
          seed: integer of at least 0; the same seed gives the same parts.

        Returns:
          The first part and the rest, both class by class.

        Raises:
          UserError: if `fraction` is not between 0 and 1, or if a class has a single sample.
        """
        if check_positive("fraction", fraction) >= 1.0:
            raise UserError(f"`fraction` must be between 0 and 1, but is {fraction!r}; 0.8 holds out 20 %.")
        classes: Iterator[tuple[int | None, np.ndarray]]
        if self.labels is None:
            classes = iter([(None, _permute(len(self), seed))])
        else:
            classes = _permute_classes(self.labels, seed)
        parts: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
        for label, rows in classes:
            if len(rows) < 2:
                which = self.name if label is None else f"class {label} of {self.name}"
                raise UserError(f"{which} has one sample only, none to hold out; give more, or leave it out.")
            cut = min(max(round(fraction * len(rows)), 1), len(rows) - 1)
            parts[0].append(rows[:cut])
            parts[1].append(rows[cut:])
        return self.take(np.concatenate(parts[0])), self.take(np.concatenate(parts[1]))

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
        return self.take(_permute(len(self), seed)[:num])

    def check_unit_interval(self) -> None:
        """Checks that all values lie in [0, 1], as a Bernoulli decoder needs them.

        Raises:
          UserError: if one does not; says which range they have.
        """
        check_unit_interval(self.inputs, self.name)

    def _known_labels(self) -> np.ndarray:
        if self.labels is None:
            raise UserError(
                f"{self.name} has no labels, so none can be drawn per class; use `sample` or give labels."
            )
        return self.labels


def choose_per_class(labels: np.ndarray, num: int, seed: int, name: str, at_most: bool = False) -> np.ndarray:
    """Row numbers of `Dataset.sample_per_class`, for loaders that have labels but no samples yet.

    Args:
      labels: `[n]` integers.
      num: samples of each class.
      seed: integer of at least 0.
      name: how the message calls the data set.
      at_most: whether all samples are taken of a class that has fewer.

    Returns:
      `[num * classes]` row numbers, class by class.

    Raises:
      UserError: if a class has fewer than `num` samples and not `at_most`.
    """
    num = check_count("num_per_class", num)
    chosen = []
    for label, rows in _permute_classes(labels, seed):
        if len(rows) < num and not at_most:
            raise UserError(
                f"class {label} of {name} has {len(rows)} samples, fewer than the {num} per class asked for; "
                f"ask for at most {len(rows)} or leave this class out."
            )
        chosen.append(rows[:num])
    return np.concatenate(chosen)


def _permute_classes(labels: np.ndarray, seed: int) -> Iterator[tuple[int | None, np.ndarray]]:
    """Each label with its row numbers in the order in which they are drawn: what all draws per class follow."""
    seed = check_count("seed", seed, 0)
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        yield int(label), generator(seed, "sample_per_class", int(label)).permutation(rows)


def _permute(num_samples: int, seed: int) -> np.ndarray:
    """All row numbers in the order in which they are drawn whatever their labels."""
    return generator(check_count("seed", seed, 0), "sample").permutation(num_samples)


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
