"""What all figures share: colours, fonts, files."""

from __future__ import annotations

import pathlib

import matplotlib
from matplotlib.figure import Figure

from tfgeo.checkpoints import whole_file

__all__ = ["CLASS_COLORS", "CLASS_MARKERS", "FIELD_MAP", "new_figure", "save"]

# Okabe and Ito's palette ("Color universal design", 2008), without its yellow, too faint on white; marker
# shapes say the same once more.
CLASS_COLORS = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#000000")
CLASS_MARKERS = ("o", "^", "s", "D", "v", "P", "X")
# Perceptually uniform and readable without colour.
FIELD_MAP = "viridis"

_STYLE = {"font.size": 8, "axes.titlesize": 8, "axes.labelsize": 8, "pdf.fonttype": 42}


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of a size in inches, independent of pyplot's global state."""
    matplotlib.rcParams.update(_STYLE)
    return Figure(figsize=(width, height), layout="constrained")


def save(figure: Figure, folder: pathlib.Path, name: str) -> pathlib.Path:
    """Writes `name`.png and `name`.pdf into `folder`; returns the path of the PNG."""
    folder = pathlib.Path(folder)
    for suffix in ("pdf", "png"):
        with whole_file(folder / f"{name}.{suffix}") as partial:
            # No creation date: the same run writes the same bytes.
            metadata = {"CreationDate": None} if suffix == "pdf" else {"Software": None}
            figure.savefig(partial, dpi=160, metadata=metadata)
        figure.set_layout_engine("none")  # it stays as it was laid out first
    return folder / f"{name}.png"
