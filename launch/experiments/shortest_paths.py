"""Shortest paths between pairs of samples by several methods: Chen et al. (2018, 2019).

The entry's own fast solver, the neural curves of Chen et al. (2018), the graph of Chen et al. (2019), and the
graph's paths refined by the solver, beside the straight line.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from launch import program
from launch.experiments import path_domains, path_figures
from launch.experiments.path_results import Method, Paths, measure_paths, method_rows
from launch.reporting import figures, report
from launch.reporting.tables import markdown_table, text_table
from launch.running import training
from launch.running.geodesics import prepare_search
from launch.running.results import check_results
from launch.running.run import Run, run_from_flags, say
from tfgeo.checkpoints import whole_file
from tfgeo.curves import Neural
from tfgeo.errors import UserError
from tfgeo.geodesics import Geodesics, KNNGraph, LengthDescent, RandomBezier, connect
from tfgeo.manifolds import Manifold
from tfgeo.randomness import generator

__all__ = ["run_shortest_paths"]


def run_shortest_paths(values: program.Flags) -> dict[str, Any]:
    """Runs the experiment that the flags name and writes its results; returns what was measured."""
    run = run_from_flags(values, compares=False)
    check_results(run, values)
    rows = _choose_pairs(run, values.num_pairs, run.config.interpolation.num_draws)
    with run.timed("total"):
        training.train(run, values.weights, values.tensorboard)
        with run.timed("geodesics"):
            paths = _find_paths(run, rows)
        measured = measure_paths(paths) | path_domains.measure(run, paths)
        with run.timed("figures"):
            say("figures: drawing")
            pictures = figures.save_all(run, path_figures.draw(paths) | path_domains.draw(run, paths))
            pictures += path_figures.animate(paths)
    with whole_file(run.folder / "interpolation.npz") as partial:
        np.savez(partial, pairs=np.stack(rows), **{name: one.points for name, one in paths.methods.items()})
    weights = training.save_weights(run)
    table = method_rows(measured)
    lines = [f"![{path.stem}](figures/{path.name})" for path in pictures]
    report.write_report(run, [markdown_table(table), EXPLANATION, *lines])
    reported = {
        name: value for name, value in dataclasses.asdict(run.reported).items() if name.count("length") and value
    }
    report.write_metrics(run, measured, reported | {"source": run.reported.source})
    run.finish()
    say("\n" + text_table(table))
    say(EXPLANATION)
    report.say_results(run, pictures, weights)
    return measured


EXPLANATION = (
    "Lengths are those of the curves under the entry's metric, smoothed where it smooths, in the unit of the "
    "data; decoded: without smoothing. Over straight: their means' ratio to the straight lines' on the same pairs. "
    "Seconds are of one query, after compiling or building. Neural curves are trained for the first pairs only."
)


def _choose_pairs(run: Run, num_pairs: int, num_draws: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows of different training samples, those of one draw after those of another; no sample is in two pairs."""
    num = num_pairs * num_draws
    if 2 * num > len(run.training):
        draws = f" by interpolation.num_draws={num_draws}" if num_draws > 1 else ""
        raise UserError(
            f"--num_pairs={num_pairs}{draws} needs {2 * num} training samples, but there are {len(run.training)}"
        )
    chosen = generator(run.seed, "pairs").choice(len(run.training), 2 * num, replace=False)
    return chosen[:num], chosen[num:]


def _find_paths(run: Run, rows: tuple[np.ndarray, np.ndarray]) -> Paths:
    latents = run.encode(run.training)
    start, end = latents[rows[0]], latents[rows[1]]
    manifold = run.entry.manifold()
    paths = Paths(run, rows, latents, manifold)
    say(f"{run.config.name}: {len(start)} pairs by {run.entry.geodesics.curve}/{run.entry.geodesics.solver}")
    found, seconds = _time(prepare_search(run, start, end, warn=False))
    paths.add("fast", Method.of(found, seconds))
    if run.config.graph is not None:
        _add_graph(run, paths, start, end)
    if run.config.neural is not None and run.config.neural.num_pairs:
        _add_neural(run, paths, start, end)
    return paths


def _time(search: Callable[[], Any]) -> tuple[Any, float]:
    """What a search finds, and seconds of a run after compiling."""
    search()
    begin = time.perf_counter()
    return search(), time.perf_counter() - begin


def _add_graph(run: Run, paths: Paths, start: np.ndarray, end: np.ndarray) -> None:
    settings, manifold = run.config.graph, paths.manifold
    assert settings is not None
    nodes = np.unique(paths.latents, axis=0)
    if settings.num_nodes and settings.num_nodes < len(nodes):
        nodes = nodes[generator(run.seed, "nodes").choice(len(nodes), settings.num_nodes, replace=False)]
    say(f"{run.config.name}: a graph of {len(nodes)} samples, {settings.num_neighbours} neighbours of each")
    begin = time.perf_counter()
    graph = KNNGraph(manifold, nodes, settings.num_neighbours, settings.points_per_edge)
    built = time.perf_counter() - begin
    # A graph in pieces is an error that says how many there are, and which k would join them.
    whole, others = (np.flatnonzero(part)[:1] for part in (graph.components == 0, graph.components))
    graph.distances(whole, others, require_connected=True)
    found, seconds = _time(lambda: graph.connect(start, end))
    paths.add("graph", Method.along(found.points(path_figures.NUM_POINTS), seconds, {"build_seconds": built}))
    say(f"{run.config.name}: the graph's paths, refined")
    refined, seconds = _time(lambda: _refine(run, manifold, start, end, found.points(64)))
    paths.add("refined", Method.of(refined, seconds))


def _refine(run: Run, manifold: Manifold, start: np.ndarray, end: np.ndarray, first: np.ndarray) -> Geodesics:
    settings = run.entry.geodesics
    return connect(
        manifold, start, end, run.entry.curve(), run.entry.solver(), first, settings.num_points, progress=True,
        warn=False,
    )  # fmt: skip


def _add_neural(run: Run, paths: Paths, start: np.ndarray, end: np.ndarray) -> None:
    settings, manifold = run.config.neural, paths.manifold
    assert settings is not None
    num = min(settings.num_pairs, len(start))
    say(f"{run.config.name}: {num} neural curves of {settings.num_points} points, {settings.max_iterations} steps")
    solver = LengthDescent(
        settings.max_iterations,
        learning_rate=settings.learning_rate,
        loss=settings.loss,
        penalty=settings.penalty,
        speed_weight=settings.speed_weight,
    )
    first = RandomBezier(
        manifold, settings.num_curves, num_points=100, speed_weight=settings.speed_weight, seed=run.seed
    )
    begin = time.perf_counter()
    found = connect(
        manifold,
        start[:num],
        end[:num],
        Neural(settings.hidden_units, "paper", run.seed),
        solver,
        first,
        settings.num_points,
        block_size=1,  # one curve alone is a block of large products
        progress=True,
        warn=False,
    )
    paths.add("neural", Method.of(found, time.perf_counter() - begin))
