"""Where latent planes are drawn: which part of them, and that they are planes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from tfgeo.errors import UserError
from tfgeo.plots.protocols import Metric

__all__ = ["Bounds", "axes_grid", "check_bounds", "check_metric", "check_plane", "grid_points", "name_axes"]

# Lowest and highest value of each of the two latent dimensions.
Bounds = Sequence[Sequence[float]]

# Points up to so much longer than wide have a square around them; that of thinner ones is longer, up to the second.
SQUARE_ASPECT, MAX_ASPECT = 2.0, 2.5

_OTHERWISE = (
    "only latent planes, d = 2, can be drawn: train with a latent dimension of 2, or use `tfgeo.plots.strip` and "
    "`tfgeo.plots.velocity`, which take any d"
)


def grid_points(latents: np.ndarray, resolution: int, margin: float = 0.25) -> np.ndarray:
    """A grid around latent points: `[n, 2]` to `[resolution, resolution, 2]`, rows along z2.

    It is a square, unless points are spread more than twice as far along one axis as along the other.
    """
    low, high = latents.min(axis=0), latents.max(axis=0)
    center, spread = (low + high) / 2.0, (high - low).astype(np.float64)
    longest = spread.max()
    # Of points on a line the other side is 0.
    thin = longest > SQUARE_ASPECT * spread
    sides = np.where(thin, np.maximum(SQUARE_ASPECT * spread, longest / MAX_ASPECT), longest)
    return axes_grid(
        [(c - half, c + half) for c, half in zip(center, (0.5 + margin) * sides, strict=True)], resolution
    )


def axes_grid(bounds: Bounds, resolution: int) -> np.ndarray:
    """Nodes at equal steps between bounds: `[resolution, resolution, 2]` float32, rows along z2."""
    z1, z2 = (np.linspace(low, high, resolution, dtype=np.float32) for low, high in bounds)
    return np.stack(np.meshgrid(z1, z2), axis=-1)


def check_plane(points: np.ndarray, name: str) -> np.ndarray:
    """`[..., 2]` points as an array.

    Raises:
      UserError: if their last dimension is not 2.
    """
    points = np.asarray(points)
    if points.ndim < 2 or points.shape[-1] != 2:
        raise UserError(f"`{name}` has the shape {list(points.shape)}, the last of which is d; {_OTHERWISE}")
    return points


def check_bounds(bounds: Bounds | None, ax: Axes | None) -> Bounds:
    """Bounds as they are given, or those of what is drawn in `ax` already.

    Raises:
      UserError: if there are none, or they are no two ranges.
    """
    if bounds is None:
        if ax is None or not ax.has_data():
            raise UserError(
                "`bounds` is missing, and nothing is drawn in `ax` that would tell; give ((low, high), "
                "(low, high)) of the two latent dimensions"
            )
        return ax.get_xlim(), ax.get_ylim()
    try:
        ranges = np.asarray(bounds, np.float64)
    except (TypeError, ValueError) as error:  # no numbers, or ranges of different lengths
        raise _bounds_error(bounds) from error
    if ranges.ndim == 2 and ranges.shape[1] == 2 and len(ranges) != 2:
        raise UserError(f"`bounds` has {len(ranges)} ranges, one for each latent dimension; {_OTHERWISE}")
    if ranges.shape != (2, 2) or not np.isfinite(ranges).all() or not (ranges[:, 0] < ranges[:, 1]).all():
        raise _bounds_error(bounds)
    return ranges.tolist()


def _bounds_error(bounds: object) -> UserError:
    return UserError(
        f"`bounds` must be ((low, high), (low, high)) with low < high, got {bounds!r}; give such numbers"
    )


def check_metric(manifold: Metric, grid: np.ndarray) -> None:
    """Refuses a manifold whose metric takes no points of a plane, such as that of a decoder with d = 3."""
    import tensorflow as tf

    try:
        shape = np.shape(manifold.metric_tensor(tf.constant(grid.reshape(-1, 2)[:2])))
    except (ValueError, tf.errors.InvalidArgumentError) as error:
        reason = str(error).splitlines()[0][:200]
        raise UserError(f"{manifold!r} has no metric at latent points [n, 2] ({reason}); {_OTHERWISE}") from error
    if shape[-2:] != (2, 2):
        raise UserError(f"the metric of {manifold!r} at latent points [n, 2] is {list(shape)}; {_OTHERWISE}")


def name_axes(ax: Axes, title: str = "") -> None:
    """Names the latent dimensions, in equal units; a title only where one is given."""
    ax.set(xlabel="$z_1$", ylabel="$z_2$", aspect="equal")
    if title:
        ax.set_title(title)
