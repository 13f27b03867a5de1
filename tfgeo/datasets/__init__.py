"""Data sets by name: point sets, images, faces, brain scans, and the user's own files.

Importing this package loads neither TensorFlow nor scikit-learn.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from tfgeo.datasets import (
    binarized_mnist,
    chairs,
    faces,
    human_motion,
    images,
    npy_file,
    pendulum,
    robot_arm,
    scans,
    shapes,
    synthetic,
    user,
)
from tfgeo.datasets.dataset import Dataset
from tfgeo.datasets.image_folder import image_folder
from tfgeo.datasets.stored import StoredRows
from tfgeo.datasets.tables import csv_table
from tfgeo.datasets.user import format_of
from tfgeo.errors import UserError, check_count, unknown_name_error

__all__ = ["Dataset", "StoredRows", "format_of", "load", "names"]

# Called with keywords only: `seed` and `data_dir` where a loader takes them, and its recipe.
_LOADERS: Mapping[str, Callable[..., Dataset]] = MappingProxyType(
    {
        "anisotropic": synthetic.anisotropic,
        "binarized_mnist": binarized_mnist.binarized_mnist,
        "chairs": chairs.chairs,
        "circles_rings": shapes.circles_rings,
        "circles_rings_50": shapes.circles_rings_50,
        "csv": csv_table,
        "digits": images.digits,
        "emnist_byclass": images.emnist_byclass,
        "fashion_mnist": images.fashion_mnist,
        "human_motion": human_motion.human_motion,
        "image_folder": image_folder,
        "mnist": images.mnist,
        "npy": npy_file.npy,
        "npz": user.npz,
        "oasis": scans.oasis,
        "olivetti": faces.olivetti,
        "pendulum": pendulum.pendulum,
        "robot_arm": robot_arm.robot_arm,
        "two_moons": synthetic.two_moons,
    }
)


def names() -> list[str]:
    """The names that `load` accepts, sorted."""
    return sorted(_LOADERS)


def load(name: str, data_dir: str | os.PathLike[str] | None = None, seed: int = 0, **recipe: Any) -> Dataset:
    """Loads a data set.

    Args:
      name: one of `names()`.
      data_dir: folder of the original files, one sub-folder per data set; by default the environment variable
        TFGEO_DATA_DIR, else `~/.cache/tfgeo/data`. Missing files are fetched to it where that is possible.
      seed: integer of at least 0; the same seed gives the same bits.
      **recipe: what the loader of that name takes, for example `num_per_class=100`; see its docstring.

    Returns:
      A `Dataset` with `inputs` `[n, D]` float32 and `labels` `[n]` int64 or None.

    Raises:
      UserError: if the name or a recipe argument is unknown or wrong, or a file is missing or damaged.
    """
    if name not in _LOADERS:
        raise unknown_name_error("dataset", name, _LOADERS, f"accepted are {', '.join(names())}")
    loader = _LOADERS[name]
    parameters = inspect.signature(loader).parameters
    given: dict[str, Any] = {"data_dir": data_dir, "seed": check_count("seed", seed, 0)}
    accepted = [key for key in parameters if key not in given]
    for key in recipe:
        if key not in accepted:
            remedy = f"{name!r} takes {', '.join(accepted)}"
            raise unknown_name_error("recipe argument", key, accepted, remedy)
    for key in accepted:
        if parameters[key].default is inspect.Parameter.empty and key not in recipe:
            raise UserError(f"dataset {name!r} needs `{key}`; call load({name!r}, {key}=...).")
    return loader(**{key: value for key, value in given.items() if key in parameters}, **recipe)
