"""The suite of scale: distances among up to 10^5 points by each method, the solver's on workers, and clusters."""

from __future__ import annotations

import concurrent.futures
import functools
import multiprocessing
from collections.abc import Callable
from typing import Any

from launch.benchmarks.record import Record, Row, number
from launch.benchmarks.scale_tasks import (
    APPROXIMATIONS,
    measure_approximation,
    measure_clusters,
    measure_solver,
    measure_workers,
)
from launch.reporting.tables import Rows
from tfgeo.geodesics.stores.resources import format_bytes, format_seconds

__all__ = ["measure_scale"]

NOTES = [
    "each row is measured in a process of its own, whose peak of memory it is; seconds are of all that it does but "
    "the comparison with the solver; cpu s are those of its processors together",
    "* is extrapolated: of approximations from the rows that were found to all n, of the solver from its pairs per "
    "second to n (n - 1) / 2; matrix is what float32 takes on disk or in memory",
    "errors are relative to the solver's default on 256 pairs; clusters are k-medoids by landmarks, whose cost is "
    "that of their medoids over that of k-medoids of all pairs, both on the graph",
]


def measure_scale(record: Record) -> None:
    """Measures each metric, method and number of points and writes the results."""
    settings = record.settings
    for metric in settings.metrics:
        solver: dict[str, Any] = {}

        def measure(name: str, task: Callable[..., Row], *arguments: Any, metric: str = metric) -> Row:
            function = functools.partial(task, record.problem, metric, *arguments, settings.seed)
            record.measure(f"{metric}/{name}", functools.partial(_in_a_process, function))
            return record.rows[-1]

        for num_points in settings.sizes:
            for method in APPROXIMATIONS:
                if method == "grid" and record.problem.sizes["latent_dim"] != 2:
                    continue
                measure(f"{method}/n={num_points}", measure_approximation, method, num_points)
            measure(f"clusters/n={num_points}", measure_clusters, num_points)
        solver["solver"] = measure("solver", measure_solver)
        for num_workers in settings.workers:
            name = f"solver/workers={num_workers}"
            solver[name] = measure(name, measure_workers, num_workers)
        for name, row in solver.items():
            for num_points in settings.sizes:
                record.rows.append(_extrapolated(f"{metric}/{name}/n={num_points}", row, num_points))
    record.finish(_table(record.rows), NOTES)


def _in_a_process(function: Callable[[], Row]) -> Row:
    """What a function returns in a process of its own, whose peak of memory is its own; errors come back too."""
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(function).result()


def _extrapolated(name: str, measured: Row, num_points: int) -> Row:
    """The solver's seconds for all pairs, at the rate that was measured."""
    row: Row = {"name": name, "num_points": num_points, "is_whole": False}
    row["matrix_bytes"] = 4 * num_points**2
    if "pairs_per_second" in measured:
        row["seconds"] = num_points * (num_points - 1) / 2 / measured["pairs_per_second"]
    return row


def _table(rows: list[Row]) -> Rows:
    table: Rows = [
        ("", "pairs per s", "set-up s", "rows", "seconds", "cpu s", "matrix", "peak", "median error", "95 % below",
         "worst", "bias", "cost")
    ]  # fmt: skip
    for row in rows:
        mark = "" if row.get("is_whole", True) else "*"
        table.append(
            (
                row["name"],
                number(row, "pairs_per_second", ".0f"),
                number(row, "setup_seconds", ".1f"),
                number(row, "rows_measured", "d"),
                f"{format_seconds(row['seconds'])}{mark}" if "seconds" in row else "-",
                number(row, "cpu_seconds", ".0f"),
                format_bytes(row["matrix_bytes"]) if "matrix_bytes" in row else "-",
                format_bytes(row["peak_bytes"]) if "peak_bytes" in row else "-",
                *(number(row, f"error_{name}", ".2%") for name in ("median", "percentile_95")),
                number(row, "error_worst", ".0%"),
                number(row, "error_bias", "+.2%"),
                number(row, "cost_over_all_pairs", ".3f"),
            )
        )
    return table
