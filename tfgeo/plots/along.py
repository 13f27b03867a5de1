"""Along curves: the curves themselves in the latent plane, what they decode to, and how fast they run."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patheffects import Normal, Stroke

from tfgeo.errors import UserError, check_count
from tfgeo.plots.images import draw_images, grid_size
from tfgeo.plots.planes import check_plane, name_axes
from tfgeo.plots.protocols import Ends, Metric
from tfgeo.plots.style import CLASS_COLORS, axes_of, line_width

__all__ = ["curves_in_plane", "strip", "velocity"]

# Pairs that have numbers beside their curves, and those whose strips are drawn where none are named.
MAX_NUMBERS, STRIP_PAIRS = 12, 4
# Numbers nearer to one another, as a part of what is drawn, could not be read.
NUMBERS_GAP = 0.08
# A dark rim, so that white curves show on the bright end of the field's colours too.
_OUTLINE = (Stroke(linewidth=2.4, foreground="black"), Normal())

Curves = Ends | Mapping[str, np.ndarray]


def curves_in_plane(
    curves: np.ndarray | None,
    ax: Axes | None = None,
    dashed: np.ndarray | None = None,
    numbers: bool | Sequence[int] = False,
) -> Axes:
    """Curves in the latent plane: `Geodesics.plot` draws by it.

    Args:
      curves: `[B, T, 2]`, or None for dashed ones alone.
      ax: where to draw, by default in a new figure.
      dashed: `[B, T, 2]` curves to compare them with, or None.
      numbers: whether their rows are written where they begin, or the numbers to write there; where others stand
        near, at their end or middle. More than 12 go without, which they would hide.

    Returns:
      The axes.

    Raises:
      UserError: if the curves are not of dimension d = 2, or numbers are not as many.
    """
    curves = None if curves is None else check_plane(curves, "curves")
    shown = dashed if curves is None else curves
    shown = np.zeros([0, 2, 2]) if shown is None else shown
    names = _number_pairs(numbers, len(shown))
    ax = axes_of(ax)
    width = line_width(len(shown))
    rim = (Stroke(linewidth=width + 0.8, foreground="black"), Normal())
    for drawn, style in ((dashed, "--"), (curves, "-")):
        for curve in () if drawn is None else drawn:
            ax.plot(*curve.T, style, color="white", linewidth=width, path_effects=rim, zorder=2)
    for name, place in zip(names, _place_numbers(shown, ax) if names else (), strict=True):
        ax.text(
            place[0],
            place[1],
            name,
            color="white",
            path_effects=_OUTLINE,
            ha="center",
            va="center",
            zorder=5,
        )
    name_axes(ax)
    return ax


def _number_pairs(numbers: bool | Sequence[int], num: int) -> list[str]:
    """What stands beside each of `num` curves; nothing beside too many."""
    if isinstance(numbers, bool | np.bool_):
        numbers = range(num) if numbers else ()
    elif len(numbers) != num:
        raise UserError(f"there are {len(numbers)} `numbers` for {num} curves; give one for each")
    return [str(number) for number in numbers] if num <= MAX_NUMBERS else []


def _place_numbers(curves: np.ndarray, ax: Axes) -> list[np.ndarray]:
    """Where the number of each of `[B, T, 2]` curves stands: the first of its start, end and middle with room."""
    gap = NUMBERS_GAP * max(ax.dataLim.width, ax.dataLim.height)
    places: list[np.ndarray] = []
    for curve in curves:
        candidates = curve[[0, -1, len(curve) // 2]]
        finite = candidates[np.isfinite(candidates).all(axis=1)]
        candidates = finite if len(finite) else candidates[:1]
        # What is not finite is nowhere, in nobody's way.
        others = np.reshape([place for place in places if np.isfinite(place).all()], [-1, 2])
        if not len(others):
            places.append(candidates[0])
            continue
        room = np.linalg.norm(candidates[:, None] - others, axis=-1).min(axis=1)
        has_room = room >= gap
        places.append(candidates[np.argmax(has_room if has_room.any() else room)])
    return places


def strip(
    curves: Curves,
    decoder: Callable[[np.ndarray], Any],
    image_shape: Sequence[int] | None = None,
    ax: Axes | None = None,
    num: int = 12,
    pairs: Iterable[int] | None = None,
    color_map: str = "gray_r",
) -> Axes:
    """What curves decode to, at equal steps from left to right: a row for each pair and kind of curve.

    Args:
      curves: geodesics, whose straight lines are drawn too, or curves `[B, T, d]` by name, of any d.
      decoder: latent points `[n, d]` to their means `[n, ...]`, or to a TFP distribution that has some.
      image_shape: height, width and where there are some channels of an image, by default the shape that is
        decoded; values without such a shape are columns of colours. Pixels are cut to [0, 1].
      ax: where to draw, by default in a new figure that fits the rows.
      num: pictures in a row.
      pairs: rows of the curves to draw, each with its number; by default the first four.
      color_map: of grey images; "gray" draws 0 black, as photographs need it.

    Returns:
      The axes.

    Raises:
      UserError: if a pair does not exist, curves by name are not as many or of one point, or what is decoded has
        another size than the images.
    """
    named = _named_curves(curves, check_count("num", num))
    shown = _choose(pairs, len(next(iter(named.values()))), STRIP_PAIRS)
    rows, names = [], []
    for pair in shown:
        for place, (name, points) in enumerate(named.items()):
            rows.append(points[pair][np.linspace(0, points.shape[1] - 1, num).round().astype(int)])
            names.append(name if place else f"{pair}  {name}")
    decoded = _decode(decoder, np.concatenate(rows))
    ax = ax if ax is not None else axes_of(None, *grid_size(len(rows), num, len(named)))
    draw_images(
        ax,
        decoded,
        decoded.shape[1:] if image_shape is None else image_shape,
        num,
        names,
        color_map,
        group=len(named),
    )
    return ax


def velocity(
    curves: Curves, manifold: Metric, ax: Axes | None = None, num: int = 100, pairs: Iterable[int] | None = None
) -> Axes:
    """Speeds along curves, Eq. 11 of Chen et al. (2018): level for a geodesic; their mean over t is the length.

    Args:
      curves: geodesics, whose straight lines are drawn too, or curves `[B, T, d]` by name, of any d.
      manifold: whose metric measures.
      ax: where to draw, by default in a new figure.
      num: points on each curve at equal steps of t, where geodesics are given; speeds are between neighbours.
      pairs: rows of the curves to draw; by default all.

    Returns:
      The axes.

    Raises:
      UserError: if a pair does not exist, or curves by name are not as many or of one point.
    """
    named = _named_curves(curves, check_count("num", num, 2))
    ax = axes_of(ax, 4.8, 3.0)
    for color, (name, points) in zip(itertools.cycle(CLASS_COLORS), named.items(), strict=False):
        shown = points[_choose(pairs, len(points), len(points))]
        segments = shown.shape[1] - 1
        speeds = segments * np.sqrt(np.asarray(manifold.segment_energies(shown)))
        t = (np.arange(segments) + 0.5) / segments
        mean = "mean " if len(shown) > 1 else ""
        label = f"{name}, {mean}length {speeds.mean():.3g}"
        lines = ax.plot(t, speeds.T, color=color, linewidth=line_width(len(shown)))
        lines[0].set_label(label)
    ax.set(xlabel="t", ylabel=r"velocity $\phi(t)$", xlim=(0.0, 1.0))
    ax.set_ylim(bottom=0.0)
    ax.legend(frameon=False)
    return ax


def _named_curves(curves: Curves, num: int) -> dict[str, np.ndarray]:
    """Curves `[B, T, d]` by name."""
    if isinstance(curves, Mapping):
        named = {name: np.asarray(points) for name, points in curves.items()}
        for name, points in named.items():
            if points.ndim != 3 or not len(points):
                raise UserError(f"`curves`[{name!r}] must be [B, T, d], got {list(points.shape)}; stack the curves")
            if points.shape[1] < 2:
                raise UserError(f"`curves`[{name!r}] has {points.shape[1]} points on each curve; give 2 or more")
        if not named:
            raise UserError("`curves` is empty; give geodesics, or curves [B, T, d] by name")
        counts = {name: len(points) for name, points in named.items()}
        if len(set(counts.values())) > 1:
            raise UserError(f"`curves` has {counts} curves by name; give as many of each, a row for each pair")
        return named
    if not hasattr(curves, "points"):
        raise UserError(f"`curves` is {type(curves).__name__}; give geodesics, or curves [B, T, d] by name")
    t = np.linspace(0.0, 1.0, num, dtype=curves.start.dtype)[:, None]
    straight = (1.0 - t) * curves.start[:, None] + t * curves.end[:, None]
    return {"geodesic": curves.points(num), "straight": straight}


def _choose(pairs: Iterable[int] | None, num: int, most: int) -> list[int]:
    chosen = list(range(min(num, most))) if pairs is None else [int(pair) for pair in pairs]
    wrong = [pair for pair in chosen if not 0 <= pair < num]
    if wrong or not chosen:
        raise UserError(f"`pairs`={chosen} must name some of the {num} curves, 0 to {num - 1}")
    return chosen


def _decode(decoder: Callable[[np.ndarray], Any], rows: np.ndarray) -> np.ndarray:
    decoded = decoder(rows)
    if hasattr(decoded, "log_prob"):  # a distribution
        decoded = decoded.mean()
    if isinstance(decoded, (tuple, list, Mapping)):
        raise UserError("`decoder` returns several tensors; give one that returns the mean, as `lambda z: f(z)[0]`")
    return np.asarray(decoded)
