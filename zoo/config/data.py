"""Which data an experiment uses."""

from __future__ import annotations

import dataclasses
from typing import Any

from tfgeo.errors import UserError, check_at_least, check_count
from zoo.config.checks import check_choice

__all__ = ["DataConfig"]

# The fields of DataConfig that each data set's loader takes.
_RECIPES = {
    "two_moons": ("num_samples", "noise", "standardize"),
    "anisotropic": ("num_samples", "num_clusters", "standardize"),
    "digits": ("classes",),
    "mnist": ("classes", "split"),
    "fashion_mnist": ("classes", "split"),
    "emnist_byclass": ("classes", "split"),
    "binarized_mnist": ("split",),
    "csv": ("path", "label_column", "classes", "standardize"),
    "image_folder": ("path", "classes", "standardize", "size"),
    "npy": ("path", "standardize", "size"),
    "npz": ("path", "classes", "standardize", "size"),
    "circles_rings": ("num_samples",),
    "circles_rings_50": ("num_samples",),
    "pendulum": ("num_samples", "noise"),
    "robot_arm": ("noise",),
    "human_motion": ("noise",),
    "chairs": ("size",),
    "olivetti": ("size",),
    "oasis": ("size",),
}
# Formats of the user's own data that may hold bytes.
_HOLDING_BYTES = ("image_folder", "npy", "npz")


@dataclasses.dataclass(frozen=True)
class DataConfig:
    """Which data.

    Attributes:
      name: name in `tfgeo.datasets`.
      classes: classes to keep, names or numbers; empty keeps all.
      training_per_class: how many samples of each class the experiment uses, drawn by the seed; 0 takes all. The
        model is trained on them, but for those that `training.validation_fraction` holds out.
      samples_per_class: how many samples of each class are compared with each other, drawn by the seed from
        those that the experiment uses; 0 takes all. Without labels both are numbers of samples in all.
      subset: which of several such draws, from 0; no two share a sample of a file.
      first: whether the first of each class in the file are used in place of drawn ones.
      split: which files of images: "train", "test", "all", or "" for those that the data set's loader takes.
      num_samples: size of a synthetic data set.
      num_clusters: clusters of a synthetic data set.
      noise: standard deviation of a synthetic data set's noise.
      standardize: whether a synthetic data set is brought to zero mean and unit scale, or each column of the user's
        own data.
      size: side of square images in pixels, where the loader can scale them; 0 keeps that of the user's own.
      path: file or folder of the user's own data.
      label_column: name of the column of labels, where that is a csv file; empty for none.
    """

    name: str
    classes: tuple[int | str, ...] = ()
    training_per_class: int = 0
    samples_per_class: int = 0
    subset: int = 0
    first: bool = False
    split: str = ""
    num_samples: int = 100
    num_clusters: int = 3
    noise: float = 0.05
    standardize: bool = False
    size: int = 64
    path: str = ""
    label_column: str = ""

    def __post_init__(self) -> None:
        check_count("data.training_per_class", self.training_per_class, 0)
        check_count("data.samples_per_class", self.samples_per_class, 0)
        check_count("data.subset", self.subset, 0)
        check_choice("data.split", self.split, ("", "train", "test", "all"))
        if self.split and "split" not in self.fields:
            having = [name for name, fields in _RECIPES.items() if "split" in fields]
            raise UserError(
                f"`data.split`={self.split!r} is of data sets that come in such files, {', '.join(having)}; "
                f"{self.name} does not: leave it out"
            )
        if self.first and not self.training_per_class:
            raise UserError(
                "`data.first` takes the first of each class, but all are taken; "
                "set --config.data.training_per_class"
            )
        check_at_least("data.noise", self.noise, 0.0)
        check_count("data.size", self.size, 0)

    @property
    def is_own(self) -> bool:
        """Whether the data are the user's own, at `path`; where that is empty, none are given yet."""
        return "path" in self.fields

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that the loader takes."""
        return _RECIPES.get(self.name, ())

    def recipe(self, counts: bool = False) -> dict[str, Any]:
        """The keyword arguments of `tfgeo.datasets.load` beside name, folder and seed.

        Args:
          counts: whether bytes of the user's own are counts, not grey values.
        """
        recipe = {field: getattr(self, field) for field in self.fields}
        for field in ("classes", "split"):
            if field in recipe and not recipe[field]:
                del recipe[field]
        if counts and self.name in _HOLDING_BYTES:
            recipe["scale_bytes"] = False
        return recipe
