"""Interpolation between the same images by several models, each under its own metric.

Chadebec et al. (2020), Sec. 4.3.3 and 4.3.4, Fig. 4-10 and 20-23: straight lines of a VAE, the metrics of
Arvanitidis et al. (2018) and of Chen et al. (2018), and the RHVAE's learned one.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import tensorflow as tf

from launch import program
from launch.experiments.comparison_figures import draw
from launch.experiments.interpolations import MEASURED_POINTS, Interpolation
from launch.reporting import figures, report
from launch.reporting.tables import Rows, markdown_table, text_table
from launch.running import training
from launch.running.companions import runs_beside, train_beside
from launch.running.geodesics import choose_pairs, find_geodesics
from launch.running.results import check_results
from launch.running.run import Run, run_from_flags, say
from tfgeo.batches import batched
from tfgeo.checkpoints import whole_file
from tfgeo.curves import Neural
from tfgeo.datasets import Dataset
from tfgeo.errors import UserError
from tfgeo.geodesics import Adam, Geodesics, connect, logarithm_map
from tfgeo.sampling.quality import nearest_distance
from zoo.metrics import metric_by_name

__all__ = ["run_comparison"]

# Sec. 4.3.2: two hidden layers of 100 tanh units for the curve's network, gradient descent without a further term.
NEURAL_UNITS = (100, 100)
# Pairs on which the paper's way is tried beside the entry's solver: it costs many times more.
NEURAL_PAIRS = 10
# Pairs on which the solver is compared with the equation of geodesics.
EXACT_PAIRS = 10
# Points at which curves are decoded to see how near they stay to the data.
DECODED_POINTS = 20
# Share of the held-out images that count as on data.
HELD_OUT_SHARE = 0.95


def run_comparison(values: program.Flags) -> dict[str, Any]:
    """Runs the experiment that the flags name and writes its results; returns what was measured."""
    run = run_from_flags(values, compares=False)
    check_results(run, values)
    pairs = choose_pairs(run, len(run.training), values)
    metrics = run.config.interpolation.metrics
    others = runs_beside(run, run.config.interpolation.beside, "interpolation", values.weights)
    with run.timed("total"):
        training.train(run, values.weights, values.tensorboard)
        for other in others:
            train_beside(other)
        with run.timed("geodesics"):
            models = [_interpolate(one, pairs) for one in others]
            models += [_interpolate(run, pairs, metric) for metric in metrics]
            models.append(_interpolate(run, pairs))
            solvers = _try_neural_curve(models[-1])
        measured = _measure(models, solvers)
        with run.timed("figures"):
            say("figures: drawing")
            paths = figures.save_all(run, draw(run, models))
    with whole_file(run.folder / "interpolation.npz") as partial:
        np.savez(partial, pairs=np.stack(pairs), **_arrays(models))
    weights = training.save_weights(run)
    tables = [_model_rows(measured), *([_solver_rows(solvers)] if solvers else [])]
    pictures = [f"![{path.stem}](figures/{path.name})" for path in paths]
    report.write_report(run, [*map(markdown_table, tables), EXPLANATION, *pictures])
    report.write_metrics(run, measured, {"source": run.reported.source})
    for one in (*others, run):
        one.finish()
    for table in tables:
        say("\n" + text_table(table))
    say(EXPLANATION)
    report.say_results(run, paths, weights)
    return measured


EXPLANATION = (
    "Lengths are those of each model's own metric, so that only their ratio compares. Bend: the largest distance "
    "of a geodesic from the straight line, over the distance of its ends. Nearest: Euclidean distance from a "
    "decoded point of a curve to the nearest training image, in data units, the mean over curves. On data: the "
    "share of decoded points that are as near to a training image as 95 in 100 held-out images are. Figures show "
    "the pairs whose geodesic saves most of the straight line's length; that line is dashed."
)


def _interpolate(run: Run, pairs: tuple[np.ndarray, np.ndarray], metric: str = "") -> Interpolation:
    """Curves of a run's model under the entry's metric, or under another one by name."""
    latents = run.encode(run.training)
    start, end = (latents[rows] for rows in pairs)
    name = f"{run.config.name}, {metric}" if metric else run.config.name
    manifold = metric_by_name(run.entry, metric) if metric else run.entry.manifold()
    if run.config.geodesics is None:
        return Interpolation(run, name, manifold, start, end, None, 0.0)
    say(f"{run.config.name}: {len(start)} geodesics under the {metric or run.config.energy} metric")
    begin = time.perf_counter()
    found = find_geodesics(run, start, end, warn=False, manifold=manifold)
    return Interpolation(run, name, manifold, start, end, found, time.perf_counter() - begin)


def _try_neural_curve(model: Interpolation) -> dict[str, dict[str, float]]:
    """The paper's curve, a network fitted by gradient descent, beside the entry's, on the same few pairs."""
    if model.found is None or model.run.config.metric is None:
        return {}
    start, end = model.start[:NEURAL_PAIRS], model.end[:NEURAL_PAIRS]
    settings = model.run.entry.geodesics
    say(f"{model.name}: {len(start)} neural curves by Adam, to compare with")
    begin = time.perf_counter()
    neural = connect(
        model.manifold,
        start,
        end,
        Neural(NEURAL_UNITS, seed=model.run.seed),
        Adam(),
        num_points=settings.num_points,
        progress=True,
        warn=False,
    )
    seconds = time.perf_counter() - begin
    own = f"{settings.curve}/{settings.solver}"
    curves = {
        own: model.found.points(MEASURED_POINTS)[:NEURAL_PAIRS],
        "neural/adam": neural.points(MEASURED_POINTS),
        "straight": model.straight(MEASURED_POINTS)[:NEURAL_PAIRS],
    }
    measured = {name: {"mean_length": _mean_length(model, points)} for name, points in curves.items()}
    measured[own]["share_converged"] = float(np.mean(model.found.converged[:NEURAL_PAIRS]))
    measured["neural/adam"] |= {"seconds": seconds, "share_converged": float(np.mean(neural.converged))}
    return measured


def _mean_length(model: Interpolation, points: np.ndarray) -> float:
    return float(np.mean(model.manifold.length(tf.constant(points))))


def _measure(models: list[Interpolation], solvers: dict[str, dict[str, float]]) -> dict[str, Any]:
    by_model = {model.name: _measure_model(model) for model in models}
    own = by_model[models[-1].name]
    shared = {key: own[key] for key in ("length_over_straight", "share_converged") if key in own}
    return {"num_pairs": len(models[0].start), "models": by_model, "solvers": solvers} | shared


def _measure_model(model: Interpolation) -> dict[str, Any]:
    run, curves = model.run, model.curves(MEASURED_POINTS)
    nearest, on_data = {}, {}
    reach = None if run.held_out is None else _reach_of_data(run, run.held_out)
    for name, points in model.curves(DECODED_POINTS).items():
        decoded = batched(lambda z: run.entry.model.decode(z).mean(), points.reshape(-1, points.shape[-1]))
        distances = nearest_distance(decoded, run.training.inputs)
        nearest[name] = float(np.mean(distances))
        if reach is not None:
            on_data[name] = float(np.mean(distances <= reach))
    measured: dict[str, Any] = {
        "straight_length": _mean_length(model, curves["straight"]),
        "nearest_training_distance": nearest,
        "share_on_data": on_data,
    }
    if model.found is None:
        return measured
    length = _mean_length(model, curves["geodesic"])
    apart = np.linalg.norm(curves["geodesic"] - curves["straight"], axis=-1).max(axis=1)
    span = np.linalg.norm(model.end - model.start, axis=-1)
    return (
        measured
        | {
            "geodesic_length": length,
            "length_over_straight": length / measured["straight_length"],
            "bend": float(np.mean(apart / np.maximum(span, np.finfo(span.dtype).tiny))),
            "share_converged": float(np.mean(model.found.converged)),
            "seconds": model.seconds,
        }
        | ({"exact": _measure_exact(model, model.found)} if run.config.energy == "expected" else {})
    )


def _reach_of_data(run: Run, held_out: Dataset) -> float:
    """How far from the nearest training image 95 in 100 held-out images are at most."""
    distances = nearest_distance(held_out.inputs, run.training.inputs)
    return float(np.percentile(distances, 100.0 * HELD_OUT_SHARE))


def _measure_exact(model: Interpolation, found: Geodesics) -> dict[str, float]:
    """The solver's lengths against those of the equation of geodesics, solved between the same ends.

    The first few pairs: a boundary value problem costs many times more than a curve.
    """
    ends = found.start[:EXACT_PAIRS], found.end[:EXACT_PAIRS]
    entry = model.run.entry
    try:
        exact = logarithm_map(
            model.manifold, *ends, entry.curve(), entry.solver(), num_points=MEASURED_POINTS, warn=False
        )
    except UserError as error:  # a variance so narrow that its metric jumps
        say(f"{model.name}: not compared with the equation of geodesics: {error}")
        return {"num_pairs": 0}
    points = model.curves(MEASURED_POINTS)["geodesic"][: len(ends[0])]
    length = np.asarray(model.manifold.length(tf.constant(points)))
    difference = length[exact.converged] / exact.distance[exact.converged] - 1.0
    measured = {"num_pairs": len(ends[0]), "share_converged": float(np.mean(exact.converged))}
    if len(difference):
        measured |= {"mean_difference": float(np.mean(difference)), "largest": float(np.max(np.abs(difference)))}
    return measured


def _model_rows(measured: dict[str, Any]) -> Rows:
    kinds = ("geodesic", "straight")
    header = ("model", "length / straight", "bend", *(f"nearest, {kind}" for kind in kinds))
    rows: Rows = [(*header, *(f"on data, {kind}" for kind in kinds), "converged")]
    for name, numbers in measured["models"].items():
        nearest, on_data = numbers["nearest_training_distance"], numbers["share_on_data"]
        cells = (
            numbers.get("length_over_straight"), numbers.get("bend"), *(nearest.get(kind) for kind in kinds),
            *(on_data.get(kind) for kind in kinds), numbers.get("share_converged"),
        )  # fmt: skip
        rows.append((name, *("-" if value is None else f"{value:.3f}" for value in cells)))
    return rows


def _solver_rows(solvers: dict[str, dict[str, float]]) -> Rows:
    rows: Rows = [("curve and solver", "mean length", "converged", "seconds")]
    for name, numbers in solvers.items():
        share = f"{numbers['share_converged']:.3f}" if "share_converged" in numbers else "-"
        seconds = f"{numbers['seconds']:.1f}" if "seconds" in numbers else "-"
        rows.append((name, f"{numbers['mean_length']:.4g}", share, seconds))
    return rows


def _arrays(models: list[Interpolation]) -> dict[str, np.ndarray]:
    arrays = {}
    for model in models:
        for name, points in model.curves(MEASURED_POINTS).items():
            arrays[f"{model.file_name}_{name}"] = points
    return arrays
