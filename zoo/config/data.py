"""Which data an experiment uses."""

from __future__ import annotations

import dataclasses
from typing import Any

from tfgeo.errors import check_at_least, check_count

__all__ = ["DataConfig"]

# The fields of DataConfig that each data set's loader takes.
_RECIPES = {
    "two_moons": ("num_samples", "noise", "standardize"),
    "anisotropic": ("num_samples", "num_clusters", "standardize"),
    "digits": ("classes",),
    "mnist": ("classes",),
    "fashion_mnist": ("classes",),
    "emnist_byclass": ("classes",),
    "npz": ("path",),
    "circles_rings": ("num_samples",),
    "pendulum": ("num_samples", "noise"),
    "robot_arm": ("noise",),
    "human_motion": ("noise",),
    "chairs": ("size",),
    "olivetti": ("size",),
    "oasis": ("size",),
}


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
      num_samples: size of a synthetic data set.
      num_clusters: clusters of a synthetic data set.
      noise: standard deviation of a synthetic data set's noise.
      standardize: whether a synthetic data set is brought to zero mean and unit scale.
      size: side of square images in pixels, where the loader can scale them.
      path: file of the user's own data.
    """

    name: str
    classes: tuple[int | str, ...] = ()
    training_per_class: int = 0
    samples_per_class: int = 0
    subset: int = 0
    num_samples: int = 100
    num_clusters: int = 3
    noise: float = 0.05
    standardize: bool = False
    size: int = 64
    path: str = ""

    def __post_init__(self) -> None:
        check_count("data.training_per_class", self.training_per_class, 0)
        check_count("data.samples_per_class", self.samples_per_class, 0)
        check_count("data.subset", self.subset, 0)
        check_at_least("data.noise", self.noise, 0.0)
        check_count("data.size", self.size, 2)

    def recipe(self) -> dict[str, Any]:
        """The keyword arguments of `tfgeo.datasets.load` beside name, folder and seed."""
        recipe = {field: getattr(self, field) for field in _RECIPES.get(self.name, ())}
        if recipe.get("classes") == ():
            del recipe["classes"]
        return recipe
