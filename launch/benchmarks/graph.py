"""The suite of graphs: building one, single queries, and that A* agrees with Dijkstra's algorithm."""

from __future__ import annotations

import functools
import time

import numpy as np
from scipy.sparse import csgraph

from launch.benchmarks.measuring import peak_bytes
from launch.benchmarks.record import Record, Row, number
from launch.reporting.tables import Rows
from tfgeo.geodesics import KNNGraph
from tfgeo.randomness import generator

__all__ = ["measure_graph"]

# Noise of repeated latent points, relative to the spread of each coordinate: the copies are neighbours, not equal.
JITTER = 0.02


def measure_graph(record: Record) -> None:
    """Measures a graph under each metric and writes the results."""
    for metric in record.settings.metrics:
        record.measure(metric, functools.partial(_row, record, metric))
    note = "build s is one build, tracing included; query ms are over single queries between random nodes"
    record.finish(_table(record.rows), [note])


def _row(record: Record, metric: str) -> Row:
    settings, problem = record.settings, record.problem
    nodes, before = _nodes(record), peak_bytes()
    given = {} if settings.block_size is None else {"block_size": settings.block_size}
    begin = time.perf_counter()
    graph = KNNGraph(
        problem.manifold(metric),
        nodes,
        k=settings.num_neighbours,
        progress=False,
        **given,
    )
    build_seconds = time.perf_counter() - begin
    num_edges = graph.weights.nnz // 2

    # Of the largest component, so that there is a path.
    connected = np.flatnonzero(graph.components == 0)
    ends = generator(settings.seed, "queries").choice(connected, size=(settings.num_pairs, 2))
    seconds: dict[str, list[float]] = {"astar": [], "dijkstra": []}
    differences = []
    for source, target in ends:
        begin = time.perf_counter()
        path = graph.shortest_path(int(source), int(target))
        seconds["astar"].append(time.perf_counter() - begin)
        begin = time.perf_counter()
        # The matrix is symmetric as it stands: `directed` spares a search of its transpose.
        distance = csgraph.dijkstra(graph.weights, directed=True, indices=int(source))[target]
        seconds["dijkstra"].append(time.perf_counter() - begin)
        differences.append(abs(path.length - distance) / max(distance, np.finfo(np.float64).tiny))
    # Nodes are decoded once, and the points between the ends of each edge.
    num_decoded = len(graph) + num_edges * (graph.points_per_edge - 2)
    row: Row = {
        "metric": metric,
        "num_nodes": len(graph),
        "k": graph.k,
        "num_edges": num_edges,
        "points_per_edge": graph.points_per_edge,
        "block_size": graph.block_size,
        "num_components": int(graph.components.max()) + 1,
        "num_queries": len(ends),
        "build_seconds": build_seconds,
        "largest_relative_difference": float(np.max(differences)),
        # Both add the same float64 weights, in another order.
        "agree": bool(np.max(differences) < 1e-9),
        "peak_megabytes": 1e-6 * peak_bytes(),
        "peak_growth_megabytes": 1e-6 * (peak_bytes() - before),
        "gflop_needed": 1e-9 * num_decoded * problem.flops_per_point(metric),
        "floor_seconds": build_seconds,
    }
    for name, values in seconds.items():
        milliseconds = 1e3 * np.array(values)
        row |= {
            f"{name}_ms_median": float(np.median(milliseconds)),
            f"{name}_ms_p99": float(np.quantile(milliseconds, 0.99)),
            f"{name}_ms_max": float(np.max(milliseconds)),
        }
    return row


def _nodes(record: Record) -> np.ndarray:
    """`[num_nodes, d]` latent points; repeated with seeded noise where more are asked for than there are."""
    latents, settings = record.problem.latents, record.settings
    num = settings.num_nodes or len(latents)
    repeated = latents[np.arange(num) % len(latents)]
    noise = generator(settings.seed, "nodes").normal(size=repeated.shape) * JITTER * latents.std(axis=0)
    noise[: len(latents)] = 0.0
    return (repeated + noise).astype(np.float32)


def _table(rows: list[Row]) -> Rows:
    table: Rows = [
        ("metric", "nodes", "edges", "components", "build s", "of rate", "A* ms", "p99", "max", "Dijkstra ms",
         "p99", "max", "agree", "difference", "peak MB", "growth MB")
    ]  # fmt: skip
    for row in rows:
        queries = [
            number(row, f"{name}_ms_{which}", ".1f")
            for name in ("astar", "dijkstra")
            for which in ("median", "p99", "max")
        ]
        agree = "-" if "agree" not in row else "yes" if row["agree"] else "NO"
        table.append(
            (
                row["name"],
                *(number(row, key, "d") for key in ("num_nodes", "num_edges", "num_components")),
                number(row, "build_seconds", ".1f"),
                number(row, "share_of_decoder_rate", ".0%"),
                *queries,
                agree,
                number(row, "largest_relative_difference", ".0e"),
                number(row, "peak_megabytes", ".0f"),
                number(row, "peak_growth_megabytes", ".0f"),
            )
        )
    return table
