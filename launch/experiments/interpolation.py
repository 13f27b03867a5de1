"""The interpolation experiment of Yang and Hauberg (2018): curves, and what a warm start saves."""

from __future__ import annotations

import dataclasses
import pathlib
import time
from typing import Any

import numpy as np

from launch import program
from launch.experiments.metric_comparison import draw_metrics
from launch.reporting import figures, report
from launch.reporting.tables import Rows, markdown_table, text_table
from launch.running import training
from launch.running.geodesics import choose_pairs
from launch.running.results import check_results
from launch.running.run import Run, run_from_flags, say
from tfgeo.checkpoints import whole_file
from tfgeo.geodesics import Geodesics, connect
from tfgeo.geodesics.defaults import SOLVERS
from tfgeo.geodesics.resolution import describe_short_lengths

__all__ = ["run_interpolation"]

# Images along each curve of the decoded strips, and pairs that are drawn so.
STRIP_IMAGES = 10
STRIP_PAIRS = 3


@dataclasses.dataclass(frozen=True)
class Trial:
    """One solver from one start.

    Attributes:
      solver: name of the solver.
      warm_start: name of the warm start, or "none".
      geodesics: what it found.
      seconds: time of a run after compiling.
      compile_seconds: further time of the first run.
    """

    solver: str
    warm_start: str
    geodesics: Geodesics
    seconds: float
    compile_seconds: float

    def summary(self) -> dict[str, float]:
        """What metrics.json says of it."""
        return {
            "seconds": self.seconds,
            "compile_seconds": self.compile_seconds,
            "mean_iterations": float(np.mean(self.geodesics.num_iterations)),
            "mean_energy": float(np.mean(self.geodesics.energy)),
            "mean_length": float(np.mean(self.geodesics.length)),
            "share_converged": float(np.mean(self.geodesics.converged)),
        }


def run_interpolation(values: program.Flags) -> dict[str, Any]:
    """Runs the experiment that the flags name and writes its results; returns what was measured."""
    run = run_from_flags(values)
    check_results(run, values)
    rows, columns = choose_pairs(run, len(run.samples), values)
    with run.timed("total"):
        training.train(run, values.weights, values.tensorboard)
        latents = run.latents()
        start, end = latents[rows], latents[columns]
        with run.timed("geodesics"):
            trials = _try_solvers(run, start, end)
        _check_lengths(run, trials[0].geodesics)
        with run.timed("figures"):
            say("figures: drawing")
            best = trials[0].geodesics
            paths = _draw(run, latents, best)
    measured = _measure(run, trials)
    table = _rows(trials)
    with whole_file(run.folder / "interpolation.npz") as partial:
        np.savez(partial, start=start, end=end, points=best.points(100), length=best.length,
                 energy=best.energy, converged=best.converged)  # fmt: skip
    weights = training.save_weights(run)
    pictures = [f"![{path.stem}](figures/{path.name})" for path in paths]
    report.write_report(run, [markdown_table(table), _saving(measured), *pictures])
    report.write_metrics(run, measured, {"source": run.reported.source})
    run.finish()
    say("\n" + text_table(table))
    say(_saving(measured))
    report.say_results(run, paths, weights)
    return measured


def _try_solvers(run: Run, start: np.ndarray, end: np.ndarray) -> list[Trial]:
    """The entry's solver and the paper's gradient descent, each with and without the entry's warm start."""
    settings, entry = run.entry.geodesics, run.entry
    manifold, curve, warm_start = entry.manifold(), entry.curve(), entry.warm_start(run.seed)
    solvers = {settings.solver: entry.solver()}
    solvers.setdefault("gradient_descent", SOLVERS["gradient_descent"]())
    starts = {settings.warm_start: warm_start}
    starts.setdefault("none", None)
    trials = []
    for solver_name, solver in solvers.items():
        for start_name, first in starts.items():
            say(f"geodesics: {len(start)} pairs by {solver_name}, warm start {start_name}")
            seconds = []
            for _ in range(2):
                begin = time.perf_counter()
                found = connect(
                    manifold,
                    start,
                    end,
                    curve,
                    solver,
                    first,
                    num_points=settings.num_points,
                    progress=True,
                    warn=False,
                )
                seconds.append(time.perf_counter() - begin)
            trials.append(Trial(solver_name, start_name, found, seconds[1], max(0.0, seconds[0] - seconds[1])))
    return trials


def _check_lengths(run: Run, found: Geodesics) -> None:
    """Warns of lengths that are too short: after the searches, whose seconds count."""
    short = describe_short_lengths(run.entry.manifold(), found, run.entry.geodesics.num_points)
    if short:
        run.warn(short)


def _measure(run: Run, trials: list[Trial]) -> dict[str, Any]:
    found = trials[0].geodesics
    line = np.linspace(0.0, 1.0, run.entry.geodesics.num_points, dtype=np.float32)[:, None]
    straight = (1.0 - line) * found.start[:, None] + line * found.end[:, None]
    manifold = run.entry.manifold()
    return {
        "num_pairs": len(found),
        "straight_line": {
            "mean_energy": float(np.mean(manifold.energy(straight))),
            "mean_length": float(np.mean(manifold.length(straight))),
        },
        "trials": {f"{trial.solver}/{trial.warm_start}": trial.summary() for trial in trials},
    }


def _rows(trials: list[Trial]) -> Rows:
    rows: Rows = [("solver", "warm start", "iterations", "seconds", "compile seconds", "energy", "converged")]
    for trial in trials:
        summary = trial.summary()
        rows.append(
            (
                trial.solver,
                trial.warm_start,
                f"{summary['mean_iterations']:.1f}",
                f"{summary['seconds']:.2f}",
                f"{summary['compile_seconds']:.1f}",
                f"{summary['mean_energy']:.5g}",
                f"{100 * summary['share_converged']:.1f} %",
            )
        )
    return rows


def _saving(measured: dict[str, Any]) -> str:
    """One sentence per solver: what the warm start saves against none."""
    by_solver: dict[str, dict[str, dict[str, float]]] = {}
    for name, summary in measured["trials"].items():
        solver, start = name.split("/")
        by_solver.setdefault(solver, {})[start] = summary
    sentences = []
    for solver, starts in by_solver.items():
        warm = next((name for name in starts if name != "none"), None)
        if warm is None:
            continue
        saved = {
            key: starts["none"][key] - starts[warm][key] for key in ("mean_iterations", "seconds", "mean_energy")
        }
        sentences.append(
            f"{solver}: against none, {warm} saves {saved['mean_iterations']:.1f} iterations a pair and "
            f"{saved['seconds']:.2f} s for {measured['num_pairs']} pairs, and ends {saved['mean_energy']:.3g} "
            "lower in mean energy."
        )
    return " ".join(sentences)


def _draw(run: Run, latents: np.ndarray, found: Geodesics) -> list[pathlib.Path]:
    drawn = {}
    if figures.is_plane(run):
        curves = found.points(50)[: run.config.figures.num_curves]
        drawn["geodesics"] = figures.curves_figure(run, latents, curves, numbers=True)
    longest = np.argsort(-found.length)[:STRIP_PAIRS]
    drawn |= draw_metrics(run, found.start[longest], found.end[longest], run.samples, numbers=longest.tolist())
    if figures.has_images(run.samples):
        drawn["strips"] = figures.strip_figure(run, found, STRIP_IMAGES, longest)
    return figures.save_all(run, drawn)
