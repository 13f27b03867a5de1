"""The suite of geodesics: speed, and the energy reached, of each method on the same pairs."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

import numpy as np

from launch.benchmarks.measuring import (
    Judge,
    Timing,
    length_errors,
    needed_flops,
    table_flops,
    timed,
)
from launch.benchmarks.methods import METHODS, Method, choose_methods
from launch.benchmarks.problem import read_arrays
from launch.benchmarks.record import Record, Row, number
from launch.reporting.tables import Rows
from tfgeo import curves
from tfgeo.curves import Curve
from tfgeo.errors import UserError
from tfgeo.geodesics import Geodesics, Solver, connect
from tfgeo.geodesics.defaults import SOLVERS, default_num_points, fitting_block_size
from tfgeo.manifolds import Interpolated, Manifold, Preconditioned

__all__ = ["measure_geodesics"]


def measure_geodesics(record: Record) -> None:
    """Measures the chosen methods under each metric and writes the results."""
    settings = record.settings
    methods = choose_methods(settings.methods)
    judge = Judge(record.problem, settings.num_segments)
    lowest = _read_reference(settings.reference, settings.metrics, settings.num_pairs)
    benches = [_Bench(record, judge, metric, lowest.get(metric)) for metric in settings.metrics]
    for bench in benches:
        for method in methods:
            record.measure(f"{bench.metric}/{method.name}", functools.partial(bench.row, method))
        bench.compare_lengths()
    record.finish(_table(record.rows, bool(lowest)), [bench.note() for bench in benches])


def _read_reference(path: str | None, metrics: tuple[str, ...], num_pairs: int) -> dict[str, np.ndarray]:
    """The lowest energies known, `[num_pairs]` for each metric."""
    if path is None:
        return {}
    content = read_arrays(path)
    energies = {}
    for metric in metrics:
        key = f"energy_{metric}"
        values = content.get(key)
        if values is None or values.ndim != 1 or values.dtype.kind != "f" or len(values) < num_pairs:
            raise UserError(
                f"--reference={path} needs `{key}`, energies of the first {num_pairs} pairs, [B] floats; "
                "write it there, lower --num_pairs or leave --reference out"
            )
        energies[metric] = values[:num_pairs].astype(np.float64)
    return energies


class _Bench:
    """One metric: its manifolds, and what the methods found, which others may start from."""

    def __init__(self, record: Record, judge: Judge, metric: str, lowest: np.ndarray | None) -> None:
        self.metric = metric
        self._record, self._judge, self._lowest = record, judge, lowest
        self._manifold = record.problem.manifold(metric)
        self._start, self._end = record.problem.pairs(record.settings.num_pairs)
        self._line = judge(judge.straight_lines(self._start, self._end), metric)
        self._table: Timing[Interpolated] | None = None
        self._solved: dict[str, Timing[Geodesics]] = {}
        self._judged: dict[str, tuple[np.ndarray, np.ndarray]] = {}

    def row(self, method: Method) -> Row:
        """Runs, times and judges a method."""
        found = self._solve(method)
        geodesics, settings = found.result, self._record.settings
        num_points = _num_points(method)
        energy, length = self._judge(geodesics.points(settings.num_segments + 1), self.metric)
        warm_seconds = self._warm_seconds(method)
        total = found.seconds + warm_seconds
        failed = ~np.isfinite(geodesics.length)
        row: Row = {
            "metric": self.metric,
            "method": dataclasses.asdict(method),
            "num_pairs": len(geodesics),
            "num_points": num_points,
            "block_size": fitting_block_size(
                settings.block_size, self._manifold_of(method), self._start, num_points, SOLVERS[method.solver]()
            ),
            **found.summary(),
            "warm_start_seconds": warm_seconds,
            "total_seconds": total,
            "geodesics_per_second": len(geodesics) / total,
            "share_converged": float(np.mean(geodesics.converged)),
            "num_failed": int(np.sum(failed)),
            "mean_iterations": float(np.mean(geodesics.num_iterations)),
            "max_iterations": int(np.max(geodesics.num_iterations)),
            "reasons": _count_reasons(geodesics),
            "mean_energy": float(np.mean(energy)),
            "mean_length": float(np.mean(length)),
            "energy_over_line": float(np.mean(energy) / np.mean(self._line[0])),
            "median_energy_over_line": float(np.median(energy / self._line[0])),
            "worse_than_line": int(np.sum(energy > self._line[0] * (1.0 + 1e-6))),
            # What the method says of its own curves, at its own T, on its own manifold.
            "reported_length_error_median": float(np.nanmedian(np.abs(geodesics.length - length) / length)),
        }
        if self._lowest is not None:
            row["energy_above_lowest"] = float(np.mean(energy) / np.mean(self._lowest) - 1.0)
        if method.is_table:
            row |= self._describe_table(total)
        else:
            flops = needed_flops(
                self._record.problem,
                self.metric,
                "preconditioned" if method.is_preconditioned else method.solver,
                num_points,
                geodesics.num_iterations,
                method.warm_start is not None,
            )
            row |= {"gflop_needed": 1e-9 * flops, "floor_seconds": found.seconds}
        self._judged[method.name] = energy, length
        return row

    def compare_lengths(self) -> None:
        """Adds to the rows of tables how far their lengths are from those of the exact decoder's geodesics.

        A pair's own one is the curve of least energy that any method on the exact decoder found.
        """
        exact = [name for name in self._judged if not name.startswith("interpolated/")]
        if not exact:
            return
        energies, lengths = (np.stack([self._judged[name][part] for name in exact]) for part in (0, 1))
        best = np.take_along_axis(lengths, np.argmin(energies, axis=0)[None], axis=0)[0]
        for row in self._record.rows:
            name = row["name"].removeprefix(f"{self.metric}/")
            if row.get("metric") == self.metric and name.startswith("interpolated/"):
                row |= length_errors(self._solved[name].result.length, best)

    def note(self) -> str:
        """What the table's columns compare with, under this metric."""
        energy, length = self._line
        note = f"{self.metric}: straight lines have energy {np.mean(energy):.5g} and length {np.mean(length):.5g}"
        if self._lowest is not None:
            note += f", the lowest energy known is {np.mean(self._lowest):.5g}"
        note += " (means over the pairs)"
        if self._table is not None:
            table, seconds = self._table.result, self._table.seconds
            note += f"; table built in {seconds:.2f} s, which are not in total s: {table.describe()}"
        return note

    def _solve(self, method: Method) -> Timing[Geodesics]:
        """A method's geodesics, of the method that it starts from first."""
        if method.name in self._solved:
            return self._solved[method.name]
        settings = self._record.settings
        warm_start: Geodesics | None = None
        if method.warm_start is not None:
            warm_start = self._solve(_find(method.warm_start)).result
        manifold, curve, solver = self._manifold_of(method), _curve(method), _solver(method)
        block_size: dict[str, Any] = {} if settings.block_size is None else {"block_size": settings.block_size}

        def run() -> Geodesics:
            return connect(
                manifold,
                self._start,
                self._end,
                curve=curve,
                solver=solver,
                warm_start=warm_start,
                num_points=method.num_points,
                xla=method.xla,
                warn=False,
                **block_size,
            )

        self._solved[method.name] = timed(run, settings.repeats, settings.max_seconds)
        return self._solved[method.name]

    def _warm_seconds(self, method: Method) -> float:
        """Seconds of the method that this one starts from, and of what that one starts from."""
        if method.warm_start is None:
            return 0.0
        return self._solved[method.warm_start].seconds + self._warm_seconds(_find(method.warm_start))

    def _manifold_of(self, method: Method) -> Manifold:
        if not method.is_table and not method.is_preconditioned:
            return self._manifold
        if self._table is None:
            settings, ends = self._record.settings, np.stack([self._start, self._end])
            self._table = timed(
                lambda: Interpolated.around(self._manifold, ends, resolution=settings.resolution),
                settings.repeats,
                settings.max_seconds,
            )
            self._preconditioned = Preconditioned(self._manifold, self._table.result)
        return self._preconditioned if method.is_preconditioned else self._table.result

    def _describe_table(self, seconds: float) -> Row:
        """What a row says of the table on which its geodesics took `seconds`."""
        assert self._table is not None  # `_solve` built it
        table = self._table.result
        return {
            "table_seconds": self._table.seconds,
            "geodesics_per_second_with_table": len(self._start) / (self._table.seconds + seconds),
            "table": table.describe(),
            "table_median_norm_error": table.median_norm_error,
            "table_max_norm_error": table.max_norm_error,
            # The decoder works while the table is built, and not after.
            "gflop_needed": 1e-9 * table_flops(self._record.problem, self.metric, table.resolution),
            "floor_seconds": self._table.seconds,
        }


def _find(name: str) -> Method:
    return next(method for method in METHODS if method.name == name)


def _curve(method: Method) -> Curve:
    if method.num_pieces is None:
        return curves.from_name(method.curve)
    if method.curve == "cubic_spline":
        return curves.CubicSpline(num_segments=method.num_pieces)
    if method.curve == "polyline":
        return curves.Polyline(num_nodes=method.num_pieces - 1)
    raise UserError(f"a {method.curve} curve has no pieces; leave `num_pieces` of {method.name} out")


def _solver(method: Method) -> Solver:
    return SOLVERS[method.solver](**dict(method.solver_settings))


def _num_points(method: Method) -> int:
    """T as `connect` chooses it."""
    if method.num_points is not None:
        return method.num_points
    return default_num_points(_curve(method))


def _count_reasons(geodesics: Geodesics) -> dict[str, int]:
    """How many pairs stopped for each reason."""
    reasons, counts = np.unique([str(reason) for reason in geodesics.reason], return_counts=True)
    return dict(zip(reasons.tolist(), counts.tolist(), strict=True))


def _table(rows: list[Row], has_reference: bool) -> Rows:
    header = ["method", "T", "compile s", "table s", "run s", "total s", "per s", "energy", "E / line"]
    if has_reference:
        header.append("above lowest")
    header += ["length", "converged", "iterations", "of rate", "length error"]
    table: Rows = [tuple(header)]
    for row in rows:
        cells = [
            row["name"],
            number(row, "num_points", "d"),
            number(row, "compile_seconds", ".1f"),
            number(row, "table_seconds", ".2f"),
            number(row, "seconds", ".3f"),
            number(row, "total_seconds", ".3f"),
            number(row, "geodesics_per_second", ".0f"),
            number(row, "mean_energy", ".2f"),
            number(row, "energy_over_line", ".4f"),
        ]
        if has_reference:
            cells.append(number(row, "energy_above_lowest", "+.2%"))
        cells += [
            number(row, "mean_length", ".3f"),
            number(row, "share_converged", ".1%"),
            number(row, "mean_iterations", ".1f"),
            number(row, "share_of_decoder_rate", ".0%"),
            number(row, "length_error_median", ".2%"),
        ]
        table.append(tuple(cells))
    return table
