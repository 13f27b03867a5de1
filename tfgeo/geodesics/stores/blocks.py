"""A matrix cut into blocks: which there are, in which order, and where their values go."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np

__all__ = ["Block", "Cut", "MemoryTarget", "Target", "put"]

# Rows of the largest square, as many pairs as the solver takes at once, and of the largest strip, whose columns are
# held at once. Few points are cut finer: workers have something to share, and interruptions cost less.
SQUARE_ROWS, STRIP_ROWS = 256, 512
LEAST_ROWS = 16


@dataclasses.dataclass(frozen=True)
class Block:
    """A part of a matrix that is found at once.

    Attributes:
      rows: its first row and the one after its last.
      columns: its first column and the one after its last.
      num_pairs: distances that are to be found for it.
    """

    rows: tuple[int, int]
    columns: tuple[int, int]
    num_pairs: int

    @property
    def on_diagonal(self) -> bool:
        """Whether a symmetric matrix has its diagonal in the block."""
        return self.rows[0] == self.columns[0]

    @property
    def name(self) -> str:
        """What the block is called in a store."""
        return f"{self.rows[0]}-{self.columns[0]}"


@dataclasses.dataclass(frozen=True)
class Cut:
    """How a matrix is cut, square by square or, where a row costs no more than a part of it, in strips.

    Attributes:
      shape: of the matrix.
      symmetric: whether the matrix is: blocks are then those on and above the diagonal, and each is put on both
        sides of it.
      strips: whether a block has all columns, or those from the diagonal on, in place of as many as rows.
    """

    shape: tuple[int, int]
    symmetric: bool
    strips: bool

    @property
    def size(self) -> int:
        """Rows of a block, and columns of a square; by the number of points alone, so that bits repeat."""
        share = max(self.shape[0] // (16 if self.strips else 8), LEAST_ROWS)
        return min(2 ** int(np.log2(share)), STRIP_ROWS if self.strips else SQUARE_ROWS)

    def blocks(self) -> Iterator[Block]:
        """All blocks, row by row."""
        for row in range(0, self.shape[0], self.size):
            end = min(row + self.size, self.shape[0])
            first = row if self.symmetric else 0
            width = max(self.shape[1] - first, 1) if self.strips else self.size
            for column in range(first, self.shape[1], width):
                last = min(column + width, self.shape[1])
                num_pairs = (end - row) * (last - column)
                if self.symmetric and column == row:  # on the diagonal
                    # Each pair counts once, and points with themselves do not.
                    num_pairs -= (end - row) * (end - row + 1) // 2
                yield Block((row, end), (column, last), num_pairs)


class Target(Protocol):
    """Where the values of blocks go."""

    def is_finished(self, block: Block) -> bool:
        """Whether the block's values are there already."""

    def put(self, block: Block, values: np.ndarray, num_failed: int, reason: str) -> None:
        """Takes the values `[n, m]` of a block, how many of its pairs did not converge, and why the first."""

    def failures(self) -> tuple[int, str]:
        """How many pairs of all blocks did not converge, and why one of them."""


class MemoryTarget:
    """A matrix in memory.

    Args:
      matrix: `[n, m]`, which is filled.
      symmetric: whether blocks are put on both sides of the diagonal.
    """

    def __init__(self, matrix: np.ndarray, symmetric: bool) -> None:
        self.matrix = matrix
        self.symmetric = symmetric
        self._num_failed, self._reason = 0, ""

    def is_finished(self, block: Block) -> bool:
        del block
        return False

    def put(self, block: Block, values: np.ndarray, num_failed: int, reason: str) -> None:
        put(self.matrix, self.symmetric, block, values)
        self._num_failed, self._reason = self._num_failed + num_failed, self._reason or reason

    def failures(self) -> tuple[int, str]:
        return self._num_failed, self._reason


def put(array: Any, symmetric: bool, block: Block, values: np.ndarray) -> None:
    """Writes a block into an array, and where that is symmetric its mirror image below the diagonal."""
    (row, end), (column, last) = block.rows, block.columns
    array[row:end, column:last] = values
    if symmetric and last > end:
        beyond = max(column, end)
        array[beyond:last, row:end] = values[:, beyond - column :].T
