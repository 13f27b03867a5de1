"""Rendered chairs: the user's own copy of "Seeing 3D chairs"."""

from __future__ import annotations

import os
import pathlib

import numpy as np

from tfgeo.datasets import files
from tfgeo.datasets.dataset import Dataset
from tfgeo.datasets.resize import resize_bilinear
from tfgeo.errors import UserError, check_count

__all__ = ["chairs"]

CHAIRS_PAGE = "https://www.di.ens.fr/willow/research/seeing3Dchairs"
_FOLDER = "rendered_chairs"


def chairs(data_dir: str | os.PathLike[str] | None = None, size: int = 64, num_models: int = 0) -> Dataset:
    """Grey views of chair models from all around (Aubry et al., 2014), as Chen et al. (2019) use them.

    Nothing is fetched: unpack `rendered_chairs.tar` into the data folder, so that it holds
    `rendered_chairs/MODEL/renders/image_001_p020_t011_r096.png` and so on.

    Args:
      data_dir: see `files.data_folder`.
      size: height and width in pixels, at most those of the images; they are square.
      num_models: take the first so many models by name, 0 for all 1393.

    Returns:
      `[n, size^2]` samples, 0 where the white background is and 1 for black; labels number the models from 0.

    Raises:
      UserError: if the folder or its images are missing, or an image cannot be read or is not square.
    """
    size, num_models = check_count("size", size), check_count("num_models", num_models, 0)
    folder = files.data_folder(data_dir) / _FOLDER
    models = sorted(path.parent for path in folder.glob("*/renders") if path.is_dir())
    if not models:
        raise UserError(
            f"{folder} has no folders MODEL/renders; get rendered_chairs.tar from {CHAIRS_PAGE} and unpack it there"
        )
    inputs, labels = [], []
    for label, model in enumerate(models[: num_models or None]):
        views = sorted((model / "renders").glob("*.png"))
        if not views:
            raise UserError(
                f"{model / 'renders'} holds no .png; unpack rendered_chairs.tar again, or remove {model}"
            )
        inputs += [_read_view(view, size) for view in views]
        labels += [label] * len(views)
    return Dataset(np.stack(inputs), np.array(labels), (size, size), "chairs")


def _read_view(path: pathlib.Path, size: int) -> np.ndarray:
    """`[size^2]` float32, 0 for white."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            grey = np.asarray(image.convert("L"), np.float32)
    except (OSError, ValueError, SyntaxError) as error:  # the last: how Pillow says that a PNG is damaged
        raise UserError(f"{path} cannot be read as an image ({error}); unpack rendered_chairs.tar again") from error
    if grey.shape[0] != grey.shape[1]:
        raise UserError(
            f"{path} has {grey.shape[1]} x {grey.shape[0]} pixels, but views are square; unpack it again"
        )
    return 1.0 - resize_bilinear(grey[None], size).ravel() / 255.0
