"""Distances among many points as a job: by which method, in blocks, in memory or in a store, here or on workers."""

from __future__ import annotations

import dataclasses
import inspect
import os
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from tqdm import tqdm

from tfgeo.errors import UserError, unknown_name_error
from tfgeo.geodesics.connect import PAIRS_PER_CALL, connect
from tfgeo.geodesics.defaults import default_num_points
from tfgeo.geodesics.estimate import estimate
from tfgeo.geodesics.job_limits import MAX_PAIRS, check_cuttable, check_exportable, of_known_pairs
from tfgeo.geodesics.latents import check_manifold
from tfgeo.geodesics.methods.approximation import Approximation
from tfgeo.geodesics.methods.graph import GraphApproximation
from tfgeo.geodesics.methods.grid import GridApproximation
from tfgeo.geodesics.methods.landmarks import LandmarkApproximation
from tfgeo.geodesics.resolution import describe_short_lengths
from tfgeo.geodesics.result import Geodesics, check_distance, distance_of
from tfgeo.geodesics.solvers.solver import Reason
from tfgeo.geodesics.stores.blocks import Block, Cut, MemoryTarget, Target
from tfgeo.geodesics.stores.job import describe_job
from tfgeo.geodesics.stores.resources import check_memory, format_bytes, format_seconds
from tfgeo.geodesics.stores.scheduler import Cluster
from tfgeo.geodesics.stores.store import DistanceStore
from tfgeo.manifolds import Manifold

__all__ = ["METHODS", "DistanceJob"]

# How distances can be found: what makes an approximation of a method, for the solver `connect`.
METHODS: dict[str, Callable[..., Any]] = {
    "solver": connect,
    "grid": GridApproximation,
    "graph": GraphApproximation,
    "landmarks": LandmarkApproximation,
}
# Arguments of these that are no settings.
_NO_SETTINGS = ("self", "manifold", "start", "end", "points", "progress")

_ALTERNATIVES = (
    "give store='distances.zarr' to keep them on disk, fewer points, or ask `geodesic_neighbours` for the nearest "
    "alone or `KNNGraph.distances` for some rows"
)


@dataclasses.dataclass(frozen=True)
class DistanceJob:
    """Distances from points to points, and how they are to be found.

    Args:
      manifold: the manifold.
      rows: `[n, d]` points.
      columns: `[m, d]` points of the same dtype; None for those of the rows, each pair once.
      distance: one of `DISTANCES`.
      method: one of `METHODS`.
      settings: of the method.
      progress: whether to show progress bars.

    Raises:
      UserError: if a name is not known, or the method cannot give such a distance.
    """

    manifold: Manifold
    rows: np.ndarray
    columns: np.ndarray | None
    distance: str
    method: str
    settings: dict[str, Any]
    progress: bool

    def __post_init__(self) -> None:
        check_distance(self.distance)
        check_manifold(self.manifold)
        if not isinstance(self.method, str) or self.method not in METHODS:
            raise unknown_name_error("method", str(self.method), METHODS, f"give one of {', '.join(METHODS)}")
        accepted = set(inspect.signature(METHODS[self.method]).parameters) - {*_NO_SETTINGS, "settings"}
        if self.method == "landmarks" and self.settings.get("by") == "solver":
            accepted |= set(inspect.signature(connect).parameters) - {*_NO_SETTINGS, "warn"}
        for name in self.settings:
            if name not in accepted:
                remedy = f"it has {', '.join(sorted(accepted))}"
                raise unknown_name_error(f"setting of method {self.method!r}", name, accepted, remedy)
        if self.method != "solver" and self.distance != "length" and self.manifold.has_potential:
            raise UserError(
                f"`method`={self.method!r} finds lengths, of which the energy of {type(self.manifold).__name__} is "
                "no square; give distance='length' or method='solver'"
            )

    @property
    def symmetric(self) -> bool:
        """Whether the matrix is: all pairs of the rows."""
        return self.columns is None

    @property
    def ends(self) -> np.ndarray:
        """`[m, d]` points of the columns."""
        return self.rows if self.columns is None else self.columns

    @property
    def num_pairs(self) -> int:
        """Distances to be found."""
        num = len(self.rows)
        return num * (num - 1) // 2 if self.symmetric else num * len(self.ends)

    @property
    def dtype(self) -> np.dtype:
        """Of the distances."""
        return self.rows.dtype

    def run(self, store: str | os.PathLike[str] | None, scheduler: str | None) -> Any:
        """Finds the distances.

        Args:
          store: folder of a zarr array in which they are kept, or None for memory.
          scheduler: address of a Dask scheduler, or None for this process.

        Returns:
          `[n, m]`: an array, or with `store` the opened zarr array.

        Raises:
          UserError: if they do not fit, or as `pairwise` says.
        """
        settings = dict(self.settings)
        warn = settings.pop("warn", True)
        short: list[str] | None = [] if warn else None
        cut = Cut((len(self.rows), len(self.ends)), self.symmetric, self.method != "solver")
        if store is not None or scheduler is not None:
            check_cuttable(settings)
        if scheduler is not None:
            check_exportable(self.manifold, self.rows, self.method, settings)
        if store is None:
            self._check_fits(settings)
        cluster = None if scheduler is None else Cluster(scheduler)
        try:
            if store is None:
                matrix = np.zeros(cut.shape, self.dtype)
                target: Target = MemoryTarget(matrix, self.symmetric)
            else:
                engine = "connect" if cluster is None else "saved_model"
                job = describe_job(
                    self.manifold,
                    self.rows,
                    self.columns,
                    self.distance,
                    self.method,
                    settings,
                    engine if self.method == "solver" else self.method,
                    cut.size,
                )
                target = DistanceStore(store, cut, self.dtype, job)
            if self.method == "solver" and store is None and cluster is None:
                num_failed, reason = self._solve_all(matrix, settings, short)
            else:
                self._fill(target, cut, cluster, settings, short)
                num_failed, reason = target.failures()
        finally:
            if cluster is not None:
                cluster.close()
        if warn and num_failed:
            # Of the caller of `pairwise` or `distances`.
            warnings.warn(f"{num_failed} of {self.num_pairs} pairs did not converge; {reason}", stacklevel=4)
        if short:
            warnings.warn(short[0], stacklevel=4)
        return target.read() if isinstance(target, DistanceStore) else matrix

    def _fill(
        self, target: Target, cut: Cut, cluster: Cluster | None, settings: dict[str, Any], short: list[str] | None
    ) -> None:
        """Finds all blocks that are not there yet; what is to be said of lengths goes to `short`."""
        blocks = [block for block in cut.blocks() if not target.is_finished(block)]
        starts = settings.get("starts", 1)
        left = sum(block.num_pairs for block in blocks)
        if not blocks:
            return
        approximation = None if self.method == "solver" else self._approximation(settings)
        with self._bar(starts * self.num_pairs, starts * (self.num_pairs - left)) as bar:
            if cluster is not None:
                ends = self.rows, self.ends
                cluster.solve(self.manifold, ends, blocks, target, self.symmetric, self.distance, settings, bar)
                return
            for block in blocks:
                if approximation is None:
                    target.put(block, *self._solve_block(block, settings, bar, short))
                else:
                    target.put(block, self._approximate_block(block, approximation), 0, "")
                    bar.update(block.num_pairs)

    def _solve_block(
        self, block: Block, settings: dict[str, Any], bar: tqdm, short: list[str] | None
    ) -> tuple[np.ndarray, int, str]:
        """Distances of a square, how many did not converge, and why the first."""
        rows, columns = self.rows[slice(*block.rows)], self.ends[slice(*block.columns)]
        shape = len(rows), len(columns)
        mirrored = self.symmetric and block.on_diagonal
        pairs = np.triu_indices(shape[0], 1) if mirrored else tuple(np.indices(shape).reshape(2, -1))
        values = np.zeros(shape, self.dtype)
        geodesics = connect(self.manifold, rows[pairs[0]], columns[pairs[1]], **settings, progress=bar, warn=False)
        self._look_at(geodesics, settings, short)
        values[pairs] = distance_of(geodesics.length, geodesics.energy, self.distance)
        if mirrored:
            values.T[pairs] = values[pairs]
        failed = _without_distance(geodesics)
        return values, len(failed), geodesics.reason[failed[0]] if len(failed) else ""

    def _approximation(self, settings: dict[str, Any]) -> Approximation:
        points = self.rows if self.columns is None else np.concatenate([self.rows, self.columns])
        return METHODS[self.method](self.manifold, points, self.progress, **settings)

    def _approximate_block(self, block: Block, approximation: Approximation) -> np.ndarray:
        """Distances of a strip."""
        first, last = block.columns
        offset = 0 if self.symmetric else len(self.rows)
        # Of length L and constant speed, a curve has the energy L^2.
        values = approximation.rows(*block.rows)[:, offset + first : offset + last]
        values = np.square(values) if self.distance == "energy" else values
        if self.symmetric:
            # Sums of the same edges in opposite orders differ by rounding.
            size = block.rows[1] - block.rows[0]
            above = np.triu(values[:, :size], 1)
            values[:, :size] = above + above.T
        return values.astype(self.dtype)

    def _solve_all(self, matrix: np.ndarray, settings: dict[str, Any], short: list[str] | None) -> tuple[int, str]:
        """Fills a matrix in memory by the solver, of whose geodesics nothing but the distances is kept."""
        # What was found otherwise for each pair is not cut into parts.
        size = max(self.num_pairs, 1) if of_known_pairs(settings) else PAIRS_PER_CALL
        num_failed, reason = 0, ""
        with self._bar(self.num_pairs * settings.get("starts", 1)) as bar:
            for first in range(0, self.num_pairs, size):
                rows, columns = self._pairs(np.arange(first, min(first + size, self.num_pairs)))
                geodesics = connect(
                    self.manifold, self.rows[rows], self.ends[columns], **settings, progress=bar, warn=False
                )
                self._look_at(geodesics, settings, short)
                matrix[rows, columns] = distance_of(geodesics.length, geodesics.energy, self.distance)
                if self.symmetric:
                    matrix[columns, rows] = matrix[rows, columns]
                failed = _without_distance(geodesics)
                if len(failed):
                    num_failed, reason = num_failed + len(failed), geodesics.reason[failed[0]]
        return num_failed, reason

    def _look_at(self, geodesics: Geodesics, settings: dict[str, Any], short: list[str] | None) -> None:
        """Adds what is to be said of lengths that are too short, once, where it is asked for."""
        if short is None or short or settings.get("condition") is not None:
            return
        num_points = settings.get("num_points") or default_num_points(geodesics.curve)
        said = describe_short_lengths(self.manifold, geodesics, num_points)
        if said:
            short.append(said)

    def _pairs(self, index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Rows and columns of the pairs of such numbers, row by row, above the diagonal where it is symmetric."""
        if not self.symmetric:
            return index // len(self.ends), index % len(self.ends)
        num = len(self.rows)
        ends = np.cumsum(np.arange(num - 1, 0, -1))
        rows = np.searchsorted(ends, index, side="right")
        return rows, index - ends[rows] + num

    def _bar(self, total: int, done: int = 0) -> tqdm:
        name = "geodesics" if self.method == "solver" else "distances"
        return tqdm(total=total, initial=done, desc=name, unit="pair", disable=not self.progress)

    def _check_fits(self, settings: dict[str, Any]) -> None:
        """Refuses, before the work, a matrix that does not fit in memory, and days of work without a store."""
        num_bytes = len(self.rows) * len(self.ends) * self.dtype.itemsize
        what = f"{len(self.rows)} x {len(self.ends)} distances"
        if self.method == "solver" and self.num_pairs > MAX_PAIRS:
            raise UserError(
                f"{what} take {format_bytes(num_bytes)}{self._describe_time(settings)}, and are more than the "
                f"{MAX_PAIRS} that are found without a `store`; {_ALTERNATIVES}, or an approximate `method`"
            )
        # The time is asked for where it is said alone: it takes seconds to find out.
        check_memory(num_bytes, what, lambda: self._describe_time(settings), _ALTERNATIVES)

    def _describe_time(self, settings: dict[str, Any]) -> str:
        """The seconds that the solver would take, from a few pairs, in words."""
        if self.method != "solver" or of_known_pairs(settings) or not self.num_pairs:
            return ""
        points = self.rows if self.columns is None else np.concatenate([self.rows, self.columns])
        timed = {name: value for name, value in settings.items() if name != "accelerate"}
        said = estimate(self.manifold, points, self.num_pairs, **timed)
        return f" and about {format_seconds(said.seconds)} of this machine"


def _without_distance(geodesics: Geodesics) -> np.ndarray:
    """Pairs that did not converge, or for whose energy the precision has nothing but 0."""
    return np.flatnonzero(~geodesics.converged | (geodesics.reason_codes == Reason.NO_ENERGY))
