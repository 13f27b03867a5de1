"""How good generated samples are, without a classifier: copies, realism and variety, by distances of values."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np

from tfgeo.errors import UserError, check_count, check_data

__all__ = ["PrecisionRecall", "mean_pairwise_distance", "nearest_distance", "nearest_rows", "precision_recall"]

# Distances that are held at once, 32 MB: memory does not grow with the number of samples.
_BLOCK_DISTANCES = 4_000_000


def nearest_rows(samples: np.ndarray, inputs: np.ndarray) -> np.ndarray:
    """Row numbers of the nearest of `inputs` `[m, D]` to each of `samples` `[n, D]`: `[n]` integers.

    Raises:
      UserError: if an array is no table of finite numbers, or they have different widths.
    """
    samples, inputs = _check_tables(samples, inputs)
    return np.concatenate([block.argmin(axis=1) for _, block in _squared_distances(samples, inputs)])


def nearest_distance(samples: np.ndarray, inputs: np.ndarray) -> np.ndarray:
    """Euclidean distance from each sample to the nearest training sample; 0 for a copy.

    To judge whether a model copies, compare with the same distances of held-out data.

    Args:
      samples: `[n, D]` generated.
      inputs: `[m, D]` on which the model was trained.

    Returns:
      `[n]` float64, in data units.

    Raises:
      UserError: if an array is no table of finite numbers, or they have different widths.
    """
    rows = nearest_rows(samples, inputs)
    # From the difference itself: that of squares, by which the nearest is found, is not exactly 0 for a copy.
    differences = np.asarray(samples, np.float64) - np.asarray(inputs, np.float64)[rows]
    return np.linalg.norm(differences, axis=1)


def mean_pairwise_distance(samples: np.ndarray) -> float:
    """Mean Euclidean distance between two different samples: 0 where a model generates one sample only.

    Variety alone: noise has much of it too, see `precision_recall`. Compare with that of the data.

    Args:
      samples: `[n, D]`, at least two.

    Returns:
      The mean over the `n (n - 1) / 2` pairs, in data units.

    Raises:
      UserError: if there are fewer than two samples, or they are not finite numbers.
    """
    samples, _ = _check_tables(samples, samples)
    if len(samples) < 2:
        raise UserError("`samples` has one row, which forms no pairs; generate at least two.")
    total = 0.0
    for first, block in _squared_distances(samples, samples):
        rows = np.arange(len(block))
        block[rows, first + rows] = 0.0
        total += np.sqrt(block).sum()
    return float(total / (len(samples) * (len(samples) - 1)))


@dataclasses.dataclass(frozen=True)
class PrecisionRecall:
    """Of `precision_recall`, both in [0, 1].

    Attributes:
      precision: share of the samples that lie within the data: realism.
      recall: share of the data that lie within the samples: variety.
    """

    precision: float
    recall: float


def precision_recall(samples: np.ndarray, inputs: np.ndarray, num_neighbours: int = 3) -> PrecisionRecall:
    """Improved precision and recall of Kynkäänniemi et al. (2019), https://arxiv.org/abs/1904.06991, on values.

    What lies "within" a set is the union of balls around its members, each reaching to its k-th nearest other
    member (Eq. 1). The paper takes features of a network trained on ImageNet; here it is the values themselves,
    which suit small aligned images such as digits and faces. Both sets should be equally large, and data that were
    not trained on keep copies from being rewarded.

    Args:
      samples: `[n, D]` generated.
      inputs: `[m, D]` data.
      num_neighbours: k, below n and m; 3 as in the paper.

    Returns:
      `PrecisionRecall`.

    Raises:
      UserError: if an array is no table of finite numbers, they have different widths, or k is too large.
    """
    samples, inputs = _check_tables(samples, inputs)
    num_neighbours = check_count("num_neighbours", num_neighbours)
    smaller = min(len(samples), len(inputs))
    if num_neighbours >= smaller:
        raise UserError(
            f"`num_neighbours`={num_neighbours} needs more than that many `samples` and `inputs`, but there are "
            f"{len(samples)} and {len(inputs)}; give more of them or at most {smaller - 1}."
        )
    return PrecisionRecall(
        precision=_share_within(samples, inputs, num_neighbours),
        recall=_share_within(inputs, samples, num_neighbours),
    )


def _share_within(points: np.ndarray, members: np.ndarray, num_neighbours: int) -> float:
    """Share of `points` in a ball around one of `members` that reaches to its k-th nearest other member."""
    radii = np.empty(len(members))
    for first, block in _squared_distances(members, members):
        rows = np.arange(len(block))
        block[rows, first + rows] = np.inf  # a member is no neighbour of its own
        radii[first : first + len(block)] = np.partition(block, num_neighbours - 1, axis=1)[:, num_neighbours - 1]
    within = [(block <= radii).any(axis=1) for _, block in _squared_distances(points, members)]
    return float(np.concatenate(within).mean())


def _squared_distances(first: np.ndarray, second: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Yields (first row, `[rows, m]` squared distances) over blocks of rows: one matrix product each."""
    squares = np.einsum("md,md->m", second, second)
    step = max(_BLOCK_DISTANCES // len(second), 1)
    for start in range(0, len(first), step):
        rows = first[start : start + step]
        block = np.einsum("nd,nd->n", rows, rows)[:, None] - 2.0 * (rows @ second.T) + squares
        yield start, np.maximum(block, 0.0)  # rounding takes the squares of equal points below 0


def _check_tables(samples: np.ndarray, inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both as float64, in which the difference of squares has digits to spare."""
    inputs = check_data(inputs, "inputs")
    samples = check_data(samples, "samples", width=inputs.shape[1])
    return samples.astype(np.float64), inputs.astype(np.float64)
