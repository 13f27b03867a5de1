"""Data of the user's own, from a folder of image files."""

from __future__ import annotations

import contextlib
import math
import os
import pathlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from tfgeo.datasets.dataset import Dataset
from tfgeo.datasets.resize import resize_bilinear
from tfgeo.datasets.stored import LARGE, StoredRows
from tfgeo.datasets.user import make_dataset, make_stored_dataset
from tfgeo.errors import UserError

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["image_folder"]

# Side to which images that differ in size are brought, or the least side of any where that is smaller.
DEFAULT_SIZE = 64
# White, on which transparent images are laid.
_WHITE = (255, 255, 255, 255)
# EXIF's orientation and those of its values that swap height and width.
_ORIENTATION, _TURNED = 0x0112, (5, 6, 7, 8)


def image_folder(
    path: str | os.PathLike[str],
    classes: Sequence[int | str] = (),
    standardize: bool = False,
    size: int = 0,
    scale_bytes: bool = True,
) -> Dataset:
    """Grey images of a folder; where they lie in sub-folders, the names of these are the labels.

    Every format that Pillow reads is taken: colours by their luminance (ITU-R 601-2), transparent parts as white,
    of several frames the first, all turned as their EXIF data say. Images of one size are kept as they are, unless
    `size` says otherwise; of several sizes they are scaled to squares, without regard to their proportions.

    Args:
      path: the folder. Hidden files and files with other endings than images have are left out.
      classes: sub-folders to keep; by default all.
      standardize: whether each pixel is brought to mean 0 and standard deviation 1; a constant one becomes 0.
      size: height and width in pixels to which images are scaled down; 0 keeps theirs or, where they differ, takes
        64 or the least side of any.
      scale_bytes: whether grey values are brought from 0 .. 255 (65535 for 16 bits) to [0, 1].

    Returns:
      `[n, height * width]` samples, sorted by label and then by file name; labels 0, 1, ... in the order of the
      sub-folders' names, or None without sub-folders. Where they would take 256 MB or more, `inputs` are
      `StoredRows`: the files are read as their images are needed.

    Raises:
      UserError: if there are no images, images both in the folder and in sub-folders, or one that cannot be read.
    """
    folder = pathlib.Path(path).expanduser()
    if not folder.is_dir():
        raise UserError(f"there is no folder {folder}; give a folder of images, sub-folders are their labels.")
    files, y = _find_images(folder)
    sizes = {_size_of(file) for file in files}
    notes = []
    if size:
        notes.append(f"images scaled to {size} x {size} pixels")
    if not size and len(sizes) > 1:
        size = min(DEFAULT_SIZE, *(side for sides in sizes for side in sides))
        notes.append(f"images of {len(sizes)} sizes scaled to {size} x {size} pixels")
    if scale_bytes:
        notes.append(f"grey values of {folder} scaled to [0, 1]")

    def read(rows: np.ndarray) -> np.ndarray:
        return np.stack([_read_sized(files[row], size, scale_bytes) for row in rows])

    shape = (size, size) if size else next(iter(sizes))
    if 4 * len(files) * math.prod(shape) < LARGE:
        return make_dataset(read(np.arange(len(files))), y, folder, "images", classes, standardize, notes=notes)
    read(np.arange(1))  # a header may claim more than the file has, and columns of that many pixels
    table = StoredRows(lambda rows: read(rows).reshape(len(rows), -1), len(files), math.prod(shape))
    return make_stored_dataset(table, y, shape, folder, classes, standardize, notes)


def _find_images(folder: pathlib.Path) -> tuple[list[pathlib.Path], np.ndarray | None]:
    """The files, and the names of their sub-folders."""
    here = _images_in(folder)
    inside = sorted(path for path in folder.iterdir() if path.is_dir() and not _is_hidden(path))
    if not inside:
        if not here:
            raise UserError(f"{folder} holds no images; give a folder of images, such as png or jpg files.")
        return here, None
    if here:
        raise UserError(
            f"{folder} holds images ({here[0].name}) and sub-folders ({inside[0].name}); put all images in "
            "sub-folders, which are their labels, or none."
        )
    files, labels = [], []
    for place in inside:
        found = _images_in(place)
        if not found:
            deeper = any(path.is_dir() for path in place.iterdir())
            remedy = f"give {place} as the folder, or move its images up" if deeper else "remove it"
            raise UserError(f"sub-folder {place} holds no images; {remedy}.")
        files += found
        labels += [place.name] * len(found)
    return files, np.array(labels)


def _images_in(folder: pathlib.Path) -> list[pathlib.Path]:
    from PIL import Image

    endings = Image.registered_extensions()
    return sorted(
        path
        for path in folder.iterdir()
        if path.is_file() and not _is_hidden(path) and path.suffix.lower() in endings
    )


def _is_hidden(path: pathlib.Path) -> bool:
    """Whether a file or folder is one that systems leave behind."""
    return path.name.startswith((".", "__"))


def _size_of(file: pathlib.Path) -> tuple[int, int]:
    """Height and width as the image is seen."""
    with _opened(file) as image:
        width, height = image.size
        turned = image.getexif().get(_ORIENTATION) in _TURNED
    return (width, height) if turned else (height, width)


def _read_sized(file: pathlib.Path, size: int, scale_bytes: bool) -> np.ndarray:
    """`[height, width]` grey values, scaled down to a square where a size is given."""
    image = _read_image(file, scale_bytes)
    if not size:
        return image
    try:
        return resize_bilinear(image[None], size)[0]
    except UserError as error:
        raise UserError(f"{file}: {error}") from error


def _read_image(file: pathlib.Path, scale_bytes: bool) -> np.ndarray:
    """`[height, width]` grey values."""
    from PIL import Image, ImageOps

    with _opened(file) as opened:
        image = ImageOps.exif_transpose(opened)
        if image.mode.startswith("I"):  # 16 bits, which Pillow would cut off at 255
            values, largest = np.asarray(image, np.float64), 65535.0
        else:
            if image.has_transparency_data:
                image = image.convert("RGBA")
                image = Image.alpha_composite(Image.new("RGBA", image.size, _WHITE), image)
            values, largest = np.asarray(image.convert("L"), np.float64), 255.0
    return (values / largest if scale_bytes else values).astype(np.float32)


@contextlib.contextmanager
def _opened(file: pathlib.Path) -> Iterator[Image.Image]:
    """An image to be read in the block, where an error is one of the file."""
    from PIL import Image

    try:
        with Image.open(file) as image:
            yield image
    except Exception as error:  # Pillow's many readers fail in many ways
        raise UserError(f"cannot read {file} as an image ({error}); mend it, or leave it out.") from error
