"""Samples that stay on disk: rows of a table that are read when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from tfgeo.datasets.facts import MAX_GRADE, ValueFacts
from tfgeo.errors import UserError

__all__ = ["LARGE", "StoredRows", "standardized", "summarize"]

# Bytes of float32 from which on a user's samples stay on disk, and up to which a selection of them is kept.
LARGE = 2**28
# Bytes of float32 that are read at once where all rows are gone through.
_BLOCK = 2**24


class StoredRows:
    """A table `[n, D]` of float32 on disk, which training, encoding and checks read in parts.

    It is indexed as an array is, by numbers, slices and arrays of rows, and what it gives is an array. NumPy's
    functions take it too: they read all of it, `min` and `max` apart.

    Args:
      read: values `[m, D]` of row numbers `[m]`, which are taken as float32.
      num: n.
      width: D.
      bounds: smallest and largest value, where they are known.
      rows: row numbers `[m]` of `read` that this table holds; by default all.
    """

    ndim = 2
    dtype = np.dtype(np.float32)

    def __init__(
        self,
        read: Callable[[np.ndarray], np.ndarray],
        num: int,
        width: int,
        bounds: tuple[float, float] | None = None,
        rows: np.ndarray | None = None,
    ) -> None:
        self.read = read
        self.bounds = bounds
        self._num, self._width = num, width
        self._rows = rows

    @property
    def shape(self) -> tuple[int, int]:
        """Samples n and values D."""
        return len(self), self._width

    @property
    def nbytes(self) -> int:
        """What the table would take in memory."""
        return 4 * len(self) * self._width

    def __len__(self) -> int:
        return self._num if self._rows is None else len(self._rows)

    def __getitem__(self, index: Any) -> np.ndarray:
        numbers = np.asarray(index) if isinstance(index, (list, np.ndarray)) else None
        if self._rows is not None:
            rows = self._rows[index]
        elif numbers is not None and numbers.dtype.kind in "iu" and numbers.ndim == 1:
            rows = numbers
        elif isinstance(index, slice):
            rows = np.arange(*index.indices(self._num))
        else:
            rows = np.arange(self._num)[index]
        return self._read(rows) if np.ndim(rows) else self._read(rows[None])[0]

    def _read(self, rows: np.ndarray) -> np.ndarray:
        if not len(rows):  # of which readers of files make no table
            return np.empty((0, self._width), np.float32)
        values = np.asarray(self.read(rows), np.float32)
        if values.shape != (len(rows), self._width):
            raise UserError(
                f"`read` gave {values.shape} for {len(rows)} rows of {self._width} values; return a row for each"
            )
        return values

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        values = self[:]
        return values if dtype is None else values.astype(dtype, copy=False)

    def select(self, rows: np.ndarray) -> StoredRows | np.ndarray:
        """The rows of these numbers: in memory where they are few, else as a table on disk."""
        rows = np.asarray(rows)
        if 4 * len(rows) * self._width < LARGE:
            return self[rows]
        chosen = rows if self._rows is None else self._rows[rows]
        return StoredRows(self.read, self._num, self._width, self.bounds, chosen)

    def blocks(self) -> Iterator[tuple[int, np.ndarray]]:
        """All rows in parts that are small: the number of the first row, and the values."""
        size = max(1, _BLOCK // (4 * self._width))
        for first in range(0, len(self), size):
            yield first, self[first : first + size]

    # As NumPy calls them.
    def min(self, axis: None = None, out: None = None) -> float:
        """A number that no value is below: the smallest of the table that this one was selected from."""
        return self._find_bounds()[0]

    def max(self, axis: None = None, out: None = None) -> float:
        """A number that no value is above: the largest of the table that this one was selected from."""
        return self._find_bounds()[1]

    def _find_bounds(self) -> tuple[float, float]:
        if self.bounds is None:
            found = [(values.min(), values.max()) for _, values in self.blocks()]
            self.bounds = float(min(low for low, _ in found)), float(max(high for _, high in found))
        return self.bounds


def summarize(table: StoredRows, name: str) -> tuple[ValueFacts, np.ndarray, np.ndarray]:
    """Goes through all values once.

    Args:
      table: the samples; their bounds are noted.
      name: what to call them in messages.

    Returns:
      Their facts, and mean and standard deviation of each column, `[D]` float64.

    Raises:
      UserError: if a value is not finite.
    """
    num, mean, squares = 0, np.zeros(table.shape[1]), np.zeros(table.shape[1])
    low, high = np.full(table.shape[1], np.inf), np.full(table.shape[1], -np.inf)
    are_whole = True
    for first, values in table.blocks():
        finite = np.isfinite(values)
        if not finite.all():
            row, column = np.unravel_index(int(np.argmin(finite)), finite.shape)
            raise UserError(
                f"`{name}` has values that are not finite in float32, the first at row {first + row}, column "
                f"{column} ({values[row, column]}); remove or replace them."
            )
        low, high = np.minimum(low, values.min(axis=0)), np.maximum(high, values.max(axis=0))
        are_whole = are_whole and bool((values == np.floor(values)).all())
        # Chan et al. (1979): the moments of two parts together.
        part = values.mean(axis=0, dtype=np.float64)
        shift, together = part - mean, num + len(values)
        squares += np.square(values - part).sum(axis=0) + np.square(shift) * num * len(values) / together
        mean += shift * len(values) / together
        num = together
    table.bounds = float(low.min()), float(high.max())
    spread = np.sqrt(squares / num)
    varies = high > low
    known = spread[varies]
    facts = ValueFacts(
        *table.bounds,
        are_whole and table.bounds[0] >= 0.0 and table.bounds[1] > MAX_GRADE,
        tuple(int(column) for column in np.flatnonzero(~varies)),
        (float(known.min()), float(known.max())) if len(known) else (0.0, 0.0),
    )
    return facts, mean, np.where(varies, spread, 0.0)


def standardized(table: StoredRows, mean: np.ndarray, spread: np.ndarray) -> StoredRows:
    """The table with each column brought to mean 0 and standard deviation 1; a constant one becomes 0."""
    scale = np.where(spread > 0.0, spread, 1.0)

    def read(rows: np.ndarray) -> np.ndarray:
        return ((table[rows] - mean) / scale).astype(np.float32)

    return StoredRows(read, *table.shape)
