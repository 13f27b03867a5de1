"""The evaluation of Chadebec et al. (2020), Sec. 4.2: bound, likelihood and reconstructions of held-out samples."""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from launch import program
from launch.experiments import metric_figures
from launch.reporting import figures, report
from launch.reporting.tables import Rows, markdown_table, text_table
from launch.reporting.training_curves import smooth
from launch.running import training
from launch.running.results import check_results
from launch.running.run import Run, run_from_flags, say
from tfgeo import likelihood, plots
from tfgeo.checkpoints import whole_file
from tfgeo.datasets import Dataset
from tfgeo.models import HVAE
from tfgeo.randomness import derive_seed

__all__ = ["run_evaluation"]


def run_evaluation(values: program.Flags) -> dict[str, Any]:
    """Runs the experiment that the flags name and writes its results; returns what was measured."""
    run = run_from_flags(values, compares=False)
    check_results(run, values)
    with run.timed("total"):
        training.train(run, values.weights, values.tensorboard)
        with run.timed("evaluate"):
            measured = _measure(run)
        curves = training.training_curves(run)
        with run.timed("figures"):
            say("figures: drawing")
            paths = figures.save_all(run, _draw(run, curves, measured))
    reported = _reported(run)
    rows = _rows(run, measured, reported)
    with whole_file(run.folder / "evaluation.npz") as partial:
        np.savez(partial, **{f"training_{name}": values for name, values in curves.items()})
    weights = training.save_weights(run)
    pictures = [f"![{path.stem}](figures/{path.name})" for path in paths]
    report.write_report(run, [markdown_table(rows), *pictures])
    report.write_metrics(run, measured, reported)
    run.finish()
    say("\n" + text_table(rows))
    report.say_results(run, paths, weights)
    return measured


def _measure(run: Run) -> dict[str, Any]:
    config, model = run.config, run.entry.model
    settings = config.evaluation
    parts = _parts(run)
    _, judged = parts[-1]
    say(f"evaluation: {len(judged)} samples, {settings.repeats} estimates from {settings.num_samples} samples each")
    bounds = {name: _bound(run, dataset) for name, dataset in parts}
    measured: dict[str, Any] = {
        "elbo": {name: float(np.mean(bound)) for name, bound in bounds.items()},
        "negative_elbo_sum": float(-np.mean(bounds[parts[-1][0]]) * len(judged)),
        "log_likelihood": {},
        "reconstruction": {
            name: likelihood.relative_reconstruction_error(dataset.inputs, model(dataset.inputs)[0])
            for name, dataset in parts
        },
    }
    repeats = {"encoder": settings.repeats}
    if config.flow is not None and settings.flow_repeats:
        repeats["flow"] = settings.flow_repeats
    for proposal, num_repeats in repeats.items():
        estimate = likelihood.repeated_log_likelihood(
            model, judged.inputs, settings.num_samples, num_repeats, proposal, run.seed
        )
        measured["log_likelihood"][proposal] = {"mean": estimate.mean, "std": estimate.std}
        if proposal == "flow":
            # As public code estimates it, which shows where printed numbers may come from; no estimate of log p(x).
            volume = -config.network.latent_dim * float(np.log(np.asarray(cast(HVAE, model).sqrt_beta_zero)))
            without = {"mean": estimate.mean + volume, "std": estimate.std}
            measured["log_likelihood_without_volume"] = without
    return measured | training.training_facts(run) | training.metric_facts(run)


def _parts(run: Run) -> list[tuple[str, Dataset]]:
    """The samples on which things are measured; the last ones are those that the paper reports on."""
    parts = [("train", run.training)]
    return parts if run.held_out is None else [*parts, ("test", run.held_out)]


def _bound(run: Run, dataset: Dataset) -> np.ndarray:
    """Evidence lower bounds of samples, `[repeats, n]`: one sample of the noise for each."""
    seeds = [derive_seed(run.seed, "bound", repeat) for repeat in range(run.config.evaluation.repeats)]
    return np.stack([np.asarray(run.entry.model.elbo(dataset.inputs, seed)) for seed in seeds])


def _reported(run: Run) -> dict[str, Any]:
    reported = run.reported
    if not reported.source:
        return {}
    return {
        "source": reported.source,
        "log_likelihood": {"mean": reported.log_likelihood, "std": reported.log_likelihood_std},
        "negative_elbo_sum": reported.negative_elbo_sum,
        "reconstruction": {"train": reported.reconstruction_train, "test": reported.reconstruction_test},
    }


def _rows(run: Run, measured: dict[str, Any], reported: dict[str, Any]) -> Rows:
    """What was measured beside what the paper prints."""

    def printed(*path: str) -> float | None:
        value: Any = reported
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        return value

    rows: Rows = [("quantity", "measured", "reported")]
    judged = "held out" if run.held_out is not None else "training"
    for proposal, estimate in measured["log_likelihood"].items():
        # The paper draws from the encoder's Gaussian.
        beside = printed("log_likelihood", "mean") if proposal == "encoder" else None
        std = printed("log_likelihood", "std")
        rows.append(
            (
                f"log p(x), {judged}, proposal {proposal}",
                f"{estimate['mean']:.2f} ({estimate['std']:.2f})",
                "-" if beside is None else f"{beside:.2f} ({std:.2f})",
            )
        )
    if "log_likelihood_without_volume" in measured:
        estimate = measured["log_likelihood_without_volume"]
        cell = f"{estimate['mean']:.2f} ({estimate['std']:.2f})"
        rows.append((f"the same without the tempering's volume, too high, {judged}", cell, "-"))
    for name, value in measured["elbo"].items():
        rows.append((f"evidence lower bound, {_TITLES[name]}", f"{value:.2f}", "-"))
    beside = printed("negative_elbo_sum")
    rows.append(
        (
            f"negative bound, sum, {judged}",
            f"{measured['negative_elbo_sum']:.1f}",
            "-" if beside is None else f"{beside:.1f}",
        )
    )
    for name, value in measured["reconstruction"].items():
        beside = printed("reconstruction", name)
        rows.append(
            (
                f"relative squared error, {_TITLES[name]}",
                f"{100 * value:.2f} %",
                "-" if beside is None else f"{100 * beside:.2f} %",
            )
        )
    if "epochs" in measured:
        rows.append(("epochs trained", str(measured["epochs"]), "-"))
    return rows


_TITLES = {"train": "training", "test": "held out"}


def _draw(run: Run, curves: dict[str, np.ndarray], measured: dict[str, Any]) -> dict[str, plots.style.Figure]:
    """Training curves (Appendix A), reconstructions (Fig. 1), and a learned metric in the plane (Fig. 2, 3)."""
    drawn = {}
    if curves:
        objective = getattr(run.entry.model, "objective", None)  # of an RHVAE alone
        is_bound = objective is None or objective.is_bound
        drawn["training"] = _draw_training(curves, measured.get("best_epoch"), is_bound)
    judged = run.held_out or run.training
    if figures.has_images(judged):
        drawn["images"] = figures.images_figure(run, judged)
    if run.config.metric is not None and figures.is_plane(run):
        drawn |= metric_figures.draw_geometry(run)
    return drawn


def _draw_training(
    curves: dict[str, np.ndarray], best_epoch: int | None, is_bound: bool = True
) -> plots.style.Figure:
    """The training loss, beside that of held-out samples only where both are the bound."""
    lines = {"training": (curves["epoch"], curves["loss"])}
    panels = {"negative bound, nats" if is_bound else "training loss, no bound": lines}
    if "held_out" in curves:
        passes = 1.0 + np.arange(len(curves["held_out"]))
        panels.setdefault("negative bound, nats", {})["held out"] = (passes, smooth(passes, curves["held_out"]))
    if "log_likelihood" in curves:
        known = np.isfinite(curves["log_likelihood"])
        epochs = curves["epoch"][known]
        panels["log p(x), nats"] = {"held out": (epochs, smooth(epochs, curves["log_likelihood"][known]))}
    return plots.training_curves(panels, best_epoch)
