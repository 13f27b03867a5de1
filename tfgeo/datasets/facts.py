"""What the values of the user's own data look like before anything is done to them, for advice."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

__all__ = ["ValueFacts"]

# Whole numbers up to here are rather classes, switches or grades than counts.
MAX_GRADE = 9


@dataclasses.dataclass(frozen=True)
class ValueFacts:
    """Values of a table, or of images as rows.

    Attributes:
      least: smallest value.
      largest: largest value.
      look_like_counts: whether all are whole numbers from 0 on, some of them too large for classes or grades.
      constant: columns that have one value, from 0 on.
      deviations: smallest and largest standard deviation of the columns that vary; 0 and 0 where none does.
      columns: what the file calls its columns; empty where they have no names.
    """

    least: float
    largest: float
    look_like_counts: bool
    constant: tuple[int, ...]
    deviations: tuple[float, float]
    columns: tuple[str, ...] = ()

    @classmethod
    def of(cls, values: np.ndarray, columns: Sequence[str] = ()) -> ValueFacts:
        """Of finite values `[n, D]`, with the names of their columns."""
        least, largest = float(values.min()), float(values.max())
        counts = largest > MAX_GRADE and least >= 0.0 and np.array_equal(values, np.floor(values))
        spread = values.std(axis=0, dtype=np.float64)
        # Of equal values too: their mean is rounded.
        varies = values.max(axis=0) > values.min(axis=0)
        constant = tuple(int(column) for column in np.flatnonzero(~varies))
        known = spread[varies]
        deviations = (float(known.min()), float(known.max())) if len(known) else (0.0, 0.0)
        return cls(least, largest, bool(counts), constant, deviations, tuple(columns))
