"""Slices of brain scans: the user's own copy of OASIS-1."""

from __future__ import annotations

import os
import pathlib
from typing import Any

import numpy as np

from tfgeo.datasets import files
from tfgeo.datasets.dataset import Dataset
from tfgeo.datasets.resize import resize_bilinear
from tfgeo.errors import UserError, check_count, unknown_name_error

__all__ = ["oasis"]

OASIS_PAGE = "https://sites.wustl.edu/oasisbrains"

# Which scan of a session: pattern of its header inside of the session's folder. Both are sagittal.
_HEADERS = {"raw": "RAW/*_mpr-1_anon.hdr", "averaged": "PROCESSED/MPRAGE/SUBJ_111/*_anon_sbj_111.hdr"}

# First sessions only: second ones, of 20 subjects, show the same brains again. Archives may be kept as discs.
_SESSIONS = ("OAS1_*_MR1", "disc*/OAS1_*_MR1")

# Value of the header's `orient` of sagittal scans whose columns run downwards; in all others they run upwards.
_SAGITTAL_FLIPPED = 5


def oasis(data_dir: str | os.PathLike[str] | None = None, size: int = 100, scan: str = "raw") -> Dataset:
    """OASIS-1: the middle sagittal slice of each subject's scan (Marcus et al., 2007).

    OASIS asks every user to agree to its terms, so nothing is fetched: put the folders `OAS1_0001_MR1` and so on,
    or the `disc1` to `disc12` that hold them, into the folder `oasis` of the data folder. Needs nibabel.

    Nothing is done to a slice but bilinear down-sampling and, as intensities have no unit and differ from scan to
    scan, division by the slice's own maximum; a sample does not depend on which others are there. Chadebec et al.
    (2020) do not say how they scale, nor which 418 sessions they took; here it is one scan of each subject, 416 in
    the whole of OASIS-1. Rows run from the top of the head downwards, as Analyze orders sagittal scans.

    Args:
      data_dir: see `files.data_folder`.
      size: height and width in pixels, at most the 256 of the scans.
      scan: `"raw"`, the first scan of a session as acquired, or `"averaged"`, the mean of all its scans.

    Returns:
      `[n, size^2]` samples in [0, 1], in the order of the subjects' numbers; no labels.

    Raises:
      UserError: if nibabel or the folders are missing, or a scan is missing, damaged, or not sagittal.
    """
    size = check_count("size", size)
    if scan not in _HEADERS:
        raise unknown_name_error("scan", scan, _HEADERS, f"accepted are {', '.join(_HEADERS)}")
    nibabel = _import_nibabel()
    folder = files.data_folder(data_dir) / "oasis"
    sessions = {path.name: path for pattern in _SESSIONS for path in folder.glob(pattern)}
    if not sessions:
        raise UserError(
            f"{folder} has no folders OAS1_0001_MR1, .. (nor discs that hold them); get OASIS-1 from {OASIS_PAGE} "
            "and unpack it there."
        )
    slices = []
    for name in sorted(sessions):
        middle = _read_middle_slice(nibabel, _find_header(sessions[name], scan))
        slices.append(resize_bilinear(middle[None], size)[0].ravel())
    return Dataset(np.stack(slices), None, (size, size), "oasis")


def _import_nibabel() -> Any:
    try:
        import nibabel
    except ImportError as error:
        raise UserError(
            "dataset 'oasis' needs nibabel, which is not installed; run python -m pip install nibabel "
            "(it is in the extra `data`)."
        ) from error
    return nibabel


def _find_header(session: pathlib.Path, scan: str) -> pathlib.Path:
    headers = sorted(session.glob(_HEADERS[scan]))
    if not headers:
        raise UserError(
            f"{session} has no {_HEADERS[scan]}; unpack it again from OASIS-1 ({OASIS_PAGE}), move the folder "
            f"away, or choose another scan ({', '.join(_HEADERS)})."
        )
    return headers[0]


def _read_middle_slice(nibabel: Any, header: pathlib.Path) -> np.ndarray:
    """`[height, width]` float32 in [0, 1], upright."""
    remedy = f"unpack it again from OASIS-1 ({OASIS_PAGE})"
    try:
        # Plain Analyze: dialects of it would read scale factors into fields that OASIS does not use for them.
        image = nibabel.AnalyzeImage.from_filename(header)
        shape = image.shape
        if len(shape) == 4 and shape[3] == 1:  # scans are stored as series of one
            shape = shape[:3]
        sagittal = len(shape) == 3 and shape[0] == shape[1] > 0 and shape[2] > 0
        middle = np.asarray(image.dataobj[:, :, shape[2] // 2], np.float32) if sagittal else None
        flipped = bytes(image.header["orient"].item()) == bytes([_SAGITTAL_FLIPPED])
    except Exception as error:  # damage shows in many ways, and the remedy is the same
        raise UserError(f"{header} or its .img cannot be read as Analyze ({error}); {remedy}.") from error
    if middle is None:
        raise UserError(
            f"{header} has the shape {shape}, not that of a sagittal scan, [height, width, slices] with square "
            f"slices; {remedy}."
        )
    # The file runs from back to front first, then up (down where flipped); below zero there is only air.
    upright = np.maximum(middle.reshape(shape[:2]).T, 0.0)
    upright = upright if flipped else upright[::-1]
    largest = upright.max()
    if not np.isfinite(largest) or largest <= 0.0:
        raise UserError(f"the middle slice of {header} is empty or not finite; {remedy}, or move it away.")
    return upright / largest
