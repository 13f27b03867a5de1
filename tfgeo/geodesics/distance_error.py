"""How far approximate distances are from the solver's, on a sample of pairs."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from tfgeo.errors import UserError, check_count
from tfgeo.geodesics.connect import connect
from tfgeo.geodesics.latents import as_latents
from tfgeo.geodesics.result import check_distance, distance_of
from tfgeo.manifolds import Manifold
from tfgeo.randomness import generator

__all__ = ["DistanceError", "distance_error"]


@dataclasses.dataclass(frozen=True)
class DistanceError:
    """Relative errors `approximate / solver - 1` of distances, over a sample of pairs.

    Attributes:
      num_pairs: pairs of the sample that count: different points, for which the solver converged.
      num_left_out: pairs of the sample that do not.
      median: median of the absolute errors.
      percentile_95: what 95 % of the absolute errors are not above.
      worst: the largest absolute error.
      bias: mean of the errors: above 0 where the approximation is too long.
    """

    num_pairs: int
    num_left_out: int
    median: float
    percentile_95: float
    worst: float
    bias: float

    def __str__(self) -> str:
        left_out = f" ({self.num_left_out} left out)" if self.num_left_out else ""
        return (
            f"error against the solver on {self.num_pairs} pairs{left_out}: median {self.median:.2%}, 95 % of "
            f"pairs below {self.percentile_95:.2%}, worst {self.worst:.1%}, bias {self.bias:+.2%}"
        )


def distance_error(
    manifold: Manifold,
    matrix: Any,
    a: Any,
    b: Any = None,
    distance: str = "length",
    num_pairs: int = 256,
    seed: int = 0,
    **settings: Any,
) -> DistanceError:
    """Measures a matrix of distances, however it was found, against the solver on a sample of its pairs.

    Args:
      manifold: the manifold.
      matrix: `[n, m]` distances, an array or an opened store, of which the sample alone is read.
      a: `[n, d]` points of its rows.
      b: `[m, d]` points of its columns; None where they are those of the rows.
      distance: "length", "energy" or "root_energy": what the matrix holds.
      num_pairs: pairs that are drawn, different points each where b is None.
      seed: of the draw.
      **settings: as for `connect`.

    Returns:
      `DistanceError`; its numbers are NaN where no pair counts.

    Raises:
      UserError: if the shapes do not match, or as for `connect`.
    """
    check_distance(distance)
    a = as_latents(a, "a")
    ends = a if b is None else as_latents(b, "b", shape="[m, d]")
    if tuple(matrix.shape) != (len(a), len(ends)):
        raise UserError(f"`matrix` {tuple(matrix.shape)} must be [n, m] for {len(a)} and {len(ends)} points")
    random = generator(seed, "distance error")
    check_count("num_pairs", num_pairs)
    num = num_pairs if len(ends) > int(b is None) and len(a) else 0
    rows, columns = (random.integers(max(len(part), 1), size=num) for part in (a, ends))
    if b is None and num:
        columns = (rows + 1 + random.integers(len(a) - 1, size=num)) % len(a)
    dtype = np.result_type(a, ends)
    geodesics = connect(manifold, a[rows].astype(dtype), ends[columns].astype(dtype), **settings, warn=False)
    exact = distance_of(geodesics.length, geodesics.energy, distance).astype(np.float64)
    given = _read(matrix, rows, columns).astype(np.float64)
    counts = geodesics.converged & (exact > 0)
    errors = given[counts] / exact[counts] - 1.0
    sizes = np.abs(errors) if len(errors) else np.full(1, np.nan)
    return DistanceError(
        len(errors),
        num - len(errors),
        float(np.median(sizes)),
        float(np.quantile(sizes, 0.95)),
        float(np.max(sizes)),
        float(np.mean(errors)) if len(errors) else float("nan"),
    )


def _read(matrix: Any, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """`[num]` entries, of an array or of a store, which reads the chunks that they are in."""
    if isinstance(matrix, np.ndarray):
        return matrix[rows, columns]
    return matrix.vindex[rows, columns]
