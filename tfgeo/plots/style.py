"""What all figures share: colours and their bars, sizes, fonts, files."""

from __future__ import annotations

import pathlib

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure

from tfgeo.checkpoints import whole_file
from tfgeo.errors import check_writable_folder

__all__ = [
    "CLASS_COLORS",
    "CLASS_MARKERS",
    "FIELD_MAP",
    "axes_of",
    "color_bar",
    "color_limits",
    "dot_area",
    "line_width",
    "new_figure",
    "save",
]

# Okabe and Ito's palette ("Color universal design", 2008), without its yellow, too faint on white; marker
# shapes say the same once more.
CLASS_COLORS = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#000000")
CLASS_MARKERS = ("o", "^", "s", "D", "v", "P", "X")
# Perceptually uniform and readable without colour.
FIELD_MAP = "viridis"

_STYLE = {"font.size": 8, "axes.titlesize": 8, "axes.labelsize": 8, "pdf.fonttype": 42}

# Shares of the values between which colours lie, in percent, and how much further, as a part of what is between,
# the rest may reach and still have colours of its own.
PERCENTILES = (1.0, 99.0)
REACH = 0.25
# A bar of colours beside a panel, in parts of the panel's width: its gap, its width, and what its numbers take.
BAR_GAP, BAR_WIDTH, BAR_NUMBERS = 0.03, 0.05, 0.32


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of a size in inches, independent of pyplot's global state."""
    matplotlib.rcParams.update(_STYLE)
    return Figure(figsize=(width, height), layout="constrained")


def axes_of(ax: Axes | None, width: float = 4.8, height: float = 4.0) -> Axes:
    """`ax` itself, or where that is None the axes of a new figure of pyplot, which notebooks show."""
    if ax is not None:
        return ax
    from matplotlib import pyplot

    return pyplot.subplots(figsize=(width, height), layout="constrained")[1]


def color_limits(values: np.ndarray) -> tuple[float, float, str]:
    """Lowest and highest value that have colours of their own, and which end of the bar is an arrow, as "both".

    All values where they are near one another; else a few extreme ones, 1 in 100 at each end, look alike, so that
    the others can be told apart.
    """
    finite = np.asarray(values, np.float64)[np.isfinite(values)]
    if not len(finite):
        return 0.0, 1.0, "neither"
    least, most = float(finite.min()), float(finite.max())
    low, high = np.percentile(finite, PERCENTILES)
    reach = REACH * (high - low)
    below, above = least < low - reach, most > high + reach
    extend = {(False, False): "neither", (True, False): "min", (False, True): "max"}.get((below, above), "both")
    return float(low) if below else least, float(high) if above else most, extend


def color_bar(ax: Axes, mappable: ScalarMappable, label: str, extend: str = "neither") -> None:
    """A bar of colours as high as its panel, whatever its shape; a second one stands beside the first."""
    place = 1.0 + BAR_GAP + (BAR_WIDTH + BAR_NUMBERS) * len(ax.child_axes)
    inside = ax.inset_axes((place, 0.0, BAR_WIDTH, 1.0))
    ax.figure.colorbar(mappable, cax=inside, label=label, extend=extend)


def dot_area(num: int) -> float:
    """Area of a dot in square points, for `num` of them in a panel: smaller where they would cover one another."""
    return float(np.clip(14.0 * np.sqrt(200.0 / max(num, 1)), 1.5, 24.0))


def line_width(num: int) -> float:
    """Width of a line in points, for `num` of them in a panel."""
    return float(np.clip(1.6 * (4.0 / max(num, 1)) ** 0.25, 0.4, 1.6))


def save(figure: Figure, folder: pathlib.Path, name: str) -> pathlib.Path:
    """Writes `name`.png and `name`.pdf into `folder`; returns the path of the PNG."""
    folder = check_writable_folder(folder)
    # Panels of equal units change their size in a pass, for which titles have room in the next.
    for _ in range(2):
        figure.draw_without_rendering()
    for suffix in ("pdf", "png"):
        with whole_file(folder / f"{name}.{suffix}") as partial:
            # No creation date: the same run writes the same bytes.
            metadata = {"CreationDate": None} if suffix == "pdf" else {"Software": None}
            figure.savefig(partial, dpi=160, metadata=metadata)
        figure.set_layout_engine("none")  # it stays as it was laid out first
    return folder / f"{name}.png"
