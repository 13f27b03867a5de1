"""The suite of all pairs: the distance matrix of some samples, and how the cost grows with pairs and points."""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from launch.benchmarks.measuring import (
    Judge,
    Timing,
    distillation_flops,
    length_errors,
    needed_flops,
    peak_bytes,
    table_flops,
    timed,
)
from launch.benchmarks.record import Record, Row, number
from launch.reporting.tables import Rows
from tfgeo.errors import UserError
from tfgeo.geodesics import Geodesics, connect
from tfgeo.geodesics.acceleration import starts_on
from tfgeo.geodesics.connect import MIN_LEARNING_PAIRS
from tfgeo.geodesics.defaults import DEFAULT_NUM_POINTS, SOLVERS, curve_and_solver, fitting_block_size
from tfgeo.manifolds import Distilled, Interpolated, Manifold, Preconditioned
from tfgeo.randomness import generator

__all__ = ["measure_pairwise"]

# T of the distance matrix: the default of `connect`.
NUM_POINTS = DEFAULT_NUM_POINTS
# Points at which a table's geodesics are read off for the decoder to start from.
WARM_POINTS = 64
# Pairs whose energies are judged.
NUM_JUDGED = 200
# What a network may be off by at the 99th percentile: the row says how far, also where that is too far for use.
MAX_LENGTH_ERROR = 1.0


def measure_pairwise(record: Record) -> None:
    """Measures distance matrices and their growth under each metric and writes the results."""
    notes = []
    for metric in record.settings.metrics:
        bench = _Bench(record, metric)
        record.measure(f"{metric}/exact", bench.exact_row)
        record.measure(f"{metric}/exact/starts", functools.partial(bench.exact_row, accelerate="starts"))
        record.measure(f"{metric}/{bench.stand_in}", bench.stand_in_row)
        record.measure(f"{metric}/preconditioned", bench.preconditioned_row)
        # Few pairs first: the peak of memory only ever rises, so that a row's growth is its own.
        for num_pairs in sorted(record.settings.scaling_pairs):
            for num_points in record.settings.scaling_points:
                record.measure(
                    f"{metric}/{bench.stand_in}/pairs={num_pairs}/points={num_points}",
                    functools.partial(bench.scaling_row, num_pairs, num_points),
                )
        notes += bench.notes()
    record.finish(_table(record.rows), notes)


class _Approximated(NamedTuple):
    """All pairs by what stands for the decoder, and the seconds of both."""

    manifold: Interpolated | Distilled
    geodesics: Geodesics
    seconds: float


class _Bench:
    """One metric: the samples, what stands for the decoder around them, and what was found.

    Attributes:
      stand_in: "interpolated", a table, for d = 2; "distilled", a small network, for others.
    """

    def __init__(self, record: Record, metric: str) -> None:
        self.metric = metric
        self._record = record
        self._manifold = record.problem.manifold(metric)
        latents, num = record.problem.latents, min(record.settings.num_samples, len(record.problem.latents))
        chosen = generator(record.settings.seed, "samples").choice(len(latents), num, replace=False)
        self._points = latents[np.sort(chosen)]
        self.stand_in = "interpolated" if latents.shape[1] == 2 else "distilled"
        self._around_all: Interpolated | Distilled | None = None
        self._approximated: _Approximated | None = None
        self._exact: Geodesics | None = None

    def exact_row(self, accelerate: bool | str = False) -> Row:
        """All pairs by the decoder itself, from straight lines or from where a part of them tells the others."""
        found = self._all_pairs(self._manifold, xla=False, accelerate=accelerate)
        error: Row = {}
        if not accelerate:
            self._exact = found.result
        elif self._exact is not None:
            error = length_errors(found.result.length, self._exact.length)
        _, solver = curve_and_solver(found.result.curve, None, self._manifold, self._points.shape[1])
        flops = needed_flops(
            self._record.problem,
            self.metric,
            next(name for name, made in SOLVERS.items() if made is type(solver)),
            NUM_POINTS,
            found.result.num_iterations,
            warm=False,
        )
        return {
            **self._sizes(self._manifold, found.result, NUM_POINTS),
            **found.summary(),
            **_convergence(found.result),
            "total_seconds": found.seconds,
            "geodesics_per_second": len(found.result) / found.seconds,
            "gflop_needed": 1e-9 * flops,
            "floor_seconds": found.seconds,
            "energy_over_line": self._energy_over_line(found.result),
            **error,
        }

    def stand_in_row(self) -> Row:
        """All pairs by the table or the network, whose making is part of the seconds."""
        settings = self._record.settings
        built = timed(lambda: self._make(self._points), settings.repeats, settings.max_seconds)
        made = built.result
        found = self._all_pairs(made, settings.xla, accelerate=starts_on(made))
        total = built.seconds + found.seconds
        self._approximated = _Approximated(made, found.result, total)
        row: Row = {
            **self._sizes(made, found.result, NUM_POINTS),
            **found.summary(),
            **_convergence(found.result),
            "table_seconds": built.seconds,
            "table": made.describe(),
            "total_seconds": total,
            "geodesics_per_second": len(found.result) / total,
            # The decoder works while it is made, and not after.
            "gflop_needed": 1e-9 * self._making_flops(),
            "floor_seconds": built.seconds,
            "energy_over_line": self._energy_over_line(found.result),
        }
        if self._exact is not None:
            row |= length_errors(found.result.length, self._exact.length)
        return row

    def preconditioned_row(self) -> Row:
        """All pairs by the decoder, from those geodesics and with those derivatives, all in the seconds."""
        if self._approximated is None:
            raise UserError(f"the row {self.stand_in} failed, from which this one starts; see its error")
        near = self._approximated
        found = self._all_pairs(Preconditioned(self._manifold, near.manifold), False, near.geodesics)
        flops = self._making_flops() + needed_flops(
            self._record.problem, self.metric, "preconditioned", NUM_POINTS, found.result.num_iterations, warm=True
        )
        total = near.seconds + found.seconds
        row: Row = {
            **self._sizes(self._manifold, found.result, NUM_POINTS),
            **found.summary(),
            **_convergence(found.result),
            "total_seconds": total,
            "geodesics_per_second": len(found.result) / total,
            "gflop_needed": 1e-9 * flops,
            "floor_seconds": total,
            "energy_over_line": self._energy_over_line(found.result),
        }
        if self._exact is not None:
            row |= length_errors(found.result.length, self._exact.length)
        return row

    def scaling_row(self, num_pairs: int, num_points: int) -> Row:
        """Random pairs of all latent points, by the table or the network of these."""
        settings, latents = self._record.settings, self._record.problem.latents
        if self._around_all is None:
            made = self._approximated
            # A network is of all latent points already.
            self._around_all = made.manifold if made and self.stand_in == "distilled" else self._make(latents)
        manifold, before = self._around_all, peak_bytes()
        rows = generator(settings.seed, "scaling", num_pairs).integers(len(latents), size=(2, num_pairs))
        ends = latents[rows[0]], latents[rows[1]]
        found = self._connect(manifold, *ends, num_points, settings.xla, accelerate=starts_on(manifold))
        return {
            **self._sizes(manifold, found.result, num_points),
            "is_scaling": True,
            **found.summary(),
            **_convergence(found.result),
            "total_seconds": found.seconds,
            "geodesics_per_second": num_pairs / found.seconds,
            "peak_megabytes": 1e-6 * peak_bytes(),
            "peak_growth_megabytes": 1e-6 * (peak_bytes() - before),
        }

    def notes(self) -> list[str]:
        """The errors of the table or the network, and the exponents with which seconds grow."""
        record, notes = self._record, []
        rows = {row["name"]: row for row in record.rows if row["name"].startswith(f"{self.metric}/")}
        made = rows[f"{self.metric}/{self.stand_in}"]
        if "length_error_median" in made:
            notes.append(
                f"{self.metric}: distances of row {self.stand_in} are off by {made['length_error_median']:.2%} in "
                f"the median, {made['length_error_p99']:.2%} at the 99th percentile, "
                f"{made['length_error_max']:.2%} at most; {made['table']}"
            )
        scaling = [row for row in rows.values() if "seconds" in row and row.get("is_scaling")]
        exponents = _fit_exponents(scaling)
        if exponents is not None:
            record.facts[f"{self.metric}_scaling_exponents"] = exponents
            notes.append(
                f"{self.metric}: seconds grow as pairs^{exponents['pairs']:.2f} and "
                f"points^{exponents['points']:.2f} "
                "(least squares of logarithms over all rows; 1 is linear)"
            )
        return notes

    def _make(self, points: np.ndarray) -> Interpolated | Distilled:
        """The table around some points, or the network of all latent points, which needs many."""
        if self.stand_in == "interpolated":
            return Interpolated.around(self._manifold, points, resolution=self._record.settings.resolution)
        return Distilled(self._manifold, self._record.problem.latents, max_length_error=MAX_LENGTH_ERROR)

    def _making_flops(self) -> float:
        problem = self._record.problem
        if self.stand_in == "interpolated":
            return table_flops(problem, self.metric, self._record.settings.resolution)
        return distillation_flops(problem, self.metric)

    def _all_pairs(
        self,
        manifold: Manifold,
        xla: bool,
        warm_start: Geodesics | None = None,
        accelerate: bool | str = False,
    ) -> Timing[Geodesics]:
        rows, columns = np.triu_indices(len(self._points), 1)
        ends = self._points[rows], self._points[columns]
        return self._connect(manifold, *ends, NUM_POINTS, xla, warm_start, accelerate)

    def _connect(
        self,
        manifold: Manifold,
        start: np.ndarray,
        end: np.ndarray,
        num_points: int,
        xla: bool,
        warm_start: Geodesics | None = None,
        accelerate: bool | str = False,
    ) -> Timing[Geodesics]:
        """Times `connect`; the pairs of a single block compile it, or as many as learn from one another."""
        settings = self._record.settings
        _, solver = curve_and_solver(settings.curve, None, manifold, start.shape[1])
        block_size = fitting_block_size(settings.block_size, manifold, start, num_points, solver)

        def run(num_pairs: int) -> Geodesics:
            return connect(
                manifold,
                start[:num_pairs],
                end[:num_pairs],
                curve=settings.curve,
                warm_start=None if warm_start is None else warm_start.points(WARM_POINTS)[:num_pairs],
                num_points=num_points,
                block_size=block_size,
                xla=xla,
                warn=False,
                accelerate=accelerate,
            )

        return timed(
            lambda: run(len(start)),
            settings.repeats,
            settings.max_seconds,
            lambda: run(min(max(block_size, MIN_LEARNING_PAIRS if accelerate else 0), len(start))),
        )

    def _energy_over_line(self, geodesics: Geodesics) -> float:
        """Mean energy over that of straight lines, of some pairs, judged apart from all manifolds."""
        judge = Judge(self._record.problem, self._record.settings.num_segments)
        some = np.linspace(0, len(geodesics) - 1, min(len(geodesics), NUM_JUDGED)).astype(int)
        start, end = geodesics.start[some], geodesics.end[some]
        lines = judge.straight_lines(start, end)
        t = np.linspace(0.0, 1.0, judge.num_segments + 1).astype(start.dtype)
        curves = geodesics.curve.points(*map(tf.constant, (geodesics.parameters[some], start, end, t))).numpy()
        return float(np.mean(judge(curves, self.metric)[0]) / np.mean(judge(lines, self.metric)[0]))

    def _sizes(self, manifold: Manifold, geodesics: Geodesics, num_points: int) -> Row:
        given = self._record.settings.block_size
        _, solver = curve_and_solver(geodesics.curve, None, manifold, geodesics.start.shape[1])
        block_size = fitting_block_size(given, manifold, geodesics.start, num_points, solver)
        return {"num_pairs": len(geodesics), "num_points": num_points, "block_size": block_size}


def _convergence(geodesics: Geodesics) -> Row:
    return {
        "share_converged": float(np.mean(geodesics.converged)),
        "mean_iterations": float(np.mean(geodesics.num_iterations)),
    }


def _fit_exponents(rows: list[Row]) -> dict[str, float] | None:
    """Exponents p and q of `seconds = c pairs^p points^q`; None where the rows do not determine them."""
    sizes = np.array([[1.0, np.log(row["num_pairs"]), np.log(row["num_points"])] for row in rows])
    if len(rows) < 3 or np.linalg.matrix_rank(sizes) < 3:
        return None
    solution = np.linalg.lstsq(sizes, np.log([row["seconds"] for row in rows]), rcond=None)[0]
    return {"pairs": float(solution[1]), "points": float(solution[2])}


def _table(rows: list[Row]) -> Rows:
    table: Rows = [
        ("what", "pairs", "T", "compile s", "table s", "run s", "total s", "per s", "converged", "iterations",
         "of rate", "E / line", "distance error", "peak MB", "growth MB")
    ]  # fmt: skip
    for row in rows:
        share, error = (number(row, key, ".2%") for key in ("share_of_decoder_rate", "length_error_median"))
        table.append(
            (
                row["name"],
                number(row, "num_pairs", "d"),
                number(row, "num_points", "d"),
                number(row, "compile_seconds", ".1f"),
                number(row, "table_seconds", ".2f"),
                number(row, "seconds", ".2f"),
                number(row, "total_seconds", ".2f"),
                number(row, "geodesics_per_second", ".0f"),
                number(row, "share_converged", ".1%"),
                number(row, "mean_iterations", ".1f"),
                share,
                number(row, "energy_over_line", ".4f"),
                error,
                number(row, "peak_megabytes", ".0f"),
                number(row, "peak_growth_megabytes", ".0f"),
            )
        )
    return table
