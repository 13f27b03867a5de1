"""Distances between all of some points, or from some to others."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from tqdm import tqdm

from tfgeo.errors import UserError
from tfgeo.geodesics.connect import connect
from tfgeo.geodesics.latents import as_latents, check_manifold
from tfgeo.geodesics.result import Geodesics
from tfgeo.geodesics.starts.warm_start import WarmStart
from tfgeo.manifolds import Manifold

__all__ = ["DISTANCES", "all_pairs", "distance_matrix", "distances", "pairwise"]

# What a geodesic's distance can mean; see `distance_matrix`.
DISTANCES = ("length", "energy", "root_energy")
# Geodesics whose curves are held at once, some tens of MB.
PAIRS_PER_CALL = 65536
# Hours even on a table; with a decoder days.
MAX_PAIRS = 100_000_000


def pairwise(
    manifold: Manifold, points: Any, distance: str = "length", progress: bool = True, **settings: Any
) -> np.ndarray:
    """Geodesic distances between all pairs of `points`.

    Args:
      manifold: the manifold.
      points: `[n, d]` latent points, as for `connect`.
      distance: "length", "energy" or "root_energy".
      progress: whether to show a progress bar.
      **settings: as for `connect`.

    Returns:
      `[n, n]` symmetric matrix with a zero diagonal, float64 where the points are, else float32.

    Raises:
      UserError: if `distance` is not one of `DISTANCES`, there are too many pairs, or as for `connect`.
    """
    points = as_latents(points, "points")
    num_points = len(points)
    ends = np.cumsum(np.arange(num_points - 1, 0, -1))  # of the pairs of each row, above the diagonal

    def pair(index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        rows = np.searchsorted(ends, index, side="right")
        return points[rows], points[index - ends[rows] + num_points]

    num_pairs = num_points * (num_points - 1) // 2
    values = _solve(manifold, pair, num_pairs, points.dtype, distance, progress, settings)
    return _symmetric(values, num_points)


def distances(
    manifold: Manifold, a: Any, b: Any, distance: str = "length", progress: bool = True, **settings: Any
) -> np.ndarray:
    """Geodesic distances from each of `a` to each of `b`; `pairwise` is the symmetric case.

    Args:
      manifold: the manifold.
      a: `[n, d]` latent points, as for `connect`.
      b: `[m, d]` latent points.
      distance: "length", "energy" or "root_energy".
      progress: whether to show a progress bar.
      **settings: as for `connect`.

    Returns:
      `[n, m]`, float64 where points are, else float32.

    Raises:
      UserError: as for `pairwise`, or if a and b have different widths.
    """
    a, b = as_latents(a, "a"), as_latents(b, "b", shape="[m, d]")
    if a.shape[1] != b.shape[1]:
        raise UserError(f"`a` {a.shape} and `b` {b.shape} must be [n, d] and [m, d] of one d; reshape them")
    dtype = np.result_type(a, b)
    a, b = a.astype(dtype, copy=False), b.astype(dtype, copy=False)

    def pair(index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return a[index // len(b)], b[index % len(b)]

    return _solve(manifold, pair, len(a) * len(b), dtype, distance, progress, settings).reshape(len(a), len(b))


def _solve(
    manifold: Manifold,
    pair_fn: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]],
    num_pairs: int,
    dtype: np.dtype,
    distance: str,
    progress: bool,
    settings: dict[str, Any],
) -> np.ndarray:
    """Distances `[num_pairs]`, of which nothing but the distance is kept."""
    _check_distance(distance)  # before hours of geodesics, not after
    check_manifold(manifold)
    _check_num_pairs(num_pairs, dtype)
    settings = dict(settings)
    warn = settings.pop("warn", True)
    values = np.zeros(num_pairs, dtype)
    # What was found otherwise for each pair is not cut into parts.
    whole = not isinstance(settings.get("warm_start"), (WarmStart, type(None)))
    size = max(num_pairs, 1) if whole else PAIRS_PER_CALL
    num_failed, reason = 0, ""
    with tqdm(
        total=num_pairs * settings.get("starts", 1), desc="geodesics", unit="pair", disable=not progress
    ) as bar:
        for first in range(0, num_pairs, size):
            index = np.arange(first, min(first + size, num_pairs))
            geodesics = connect(manifold, *pair_fn(index), **settings, progress=bar, warn=False)
            values[index] = _distance_of(geodesics, distance)
            failed = np.flatnonzero(~geodesics.converged)
            if len(failed):
                num_failed, reason = num_failed + len(failed), geodesics.reason[failed[0]]
    if warn and num_failed:
        warnings.warn(f"{num_failed} of {num_pairs} pairs did not converge; {reason}", stacklevel=3)
    return values


def all_pairs(manifold: Manifold, points: np.ndarray, **settings: Any) -> Geodesics:
    """The n (n - 1) / 2 geodesics between `[n, d]` points, in the order of `np.triu_indices(n, 1)`."""
    points = as_latents(points, "points")
    _check_num_pairs(len(points) * (len(points) - 1) // 2, points.dtype)
    rows, columns = np.triu_indices(len(points), 1)
    return connect(manifold, points[rows], points[columns], **settings)


def distance_matrix(geodesics: Geodesics, num_points: int, distance: str = "length") -> np.ndarray:
    """The symmetric `[n, n]` matrix of the geodesics that `all_pairs` gave for n points.

    Raises:
      UserError: if `distance` is not one of `DISTANCES`.
    """
    _check_distance(distance)
    return _symmetric(_distance_of(geodesics, distance), num_points)


def _distance_of(geodesics: Geodesics, distance: str) -> np.ndarray:
    values = geodesics.length if distance == "length" else geodesics.energy
    return np.sqrt(values) if distance == "root_energy" else values


def _symmetric(values: np.ndarray, num_points: int) -> np.ndarray:
    """The matrix with these values above its diagonal, row by row, and their mirror images below."""
    matrix = np.zeros([num_points, num_points], values.dtype)
    matrix[np.triu_indices(num_points, 1)] = values
    return matrix + matrix.T


def _check_distance(distance: str) -> None:
    if distance not in DISTANCES:
        raise UserError(f"`distance`={distance!r} is not known; choose one of {', '.join(DISTANCES)}")


def _check_num_pairs(num_pairs: int, dtype: np.dtype) -> None:
    """Refuses more pairs than one call finds, before memory is taken for them."""
    if num_pairs > MAX_PAIRS:
        raise UserError(
            f"{num_pairs} geodesics, whose distances alone are {num_pairs * dtype.itemsize / 1e9:.1f} GB, are more "
            f"than the {MAX_PAIRS} that one call finds; use `KNNGraph.distances`, or `distances` between parts of "
            "the points"
        )
