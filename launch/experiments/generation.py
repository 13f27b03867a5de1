"""The generation experiment of Chadebec et al. (2020): samples, how near they are to the data, and how varied."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from launch import program
from launch.reporting import figures, report
from launch.reporting.tables import Rows, markdown_table, text_table
from launch.running import training
from launch.running.companions import runs_beside, train_beside
from launch.running.results import check_results
from launch.running.run import Run, run_from_flags, say
from tfgeo import plots
from tfgeo.batches import batched
from tfgeo.checkpoints import whole_file
from tfgeo.datasets import Dataset
from tfgeo.randomness import derive_seed
from tfgeo.sampling import sample_latents
from tfgeo.sampling.quality import mean_pairwise_distance, nearest_distance, nearest_rows, precision_recall

__all__ = ["run_generation"]

# Images of each kind in the figures, and in each of their rows.
DRAWN = 30
COLUMNS = 10
# Below it nearest neighbours say nothing of how sets overlap.
MIN_COMPARED = 8


@dataclasses.dataclass(frozen=True)
class Generated:
    """Images of one kind.

    Attributes:
      images: `[n, D]`.
      title: what they are.
      facts: further numbers, such as those of the chain that found them.
    """

    images: np.ndarray
    title: str
    facts: dict[str, float] = dataclasses.field(default_factory=dict)


def run_generation(values: program.Flags) -> dict[str, Any]:
    """Runs the experiment that the flags name and writes its results; returns what was measured."""
    run = run_from_flags(values, compares=False)
    check_results(run, values)
    others = runs_beside(run, run.config.generation.beside, "generation", values.weights)
    with run.timed("total"):
        training.train(run, values.weights, values.tensorboard)
        for other in others:
            train_beside(other)
        with run.timed("generate"):
            kinds = _generate(run)
            for other in others:
                kinds[f"beside/{other.config.name}"] = _from_prior(other)
        measured = {name: _measure(run, kind) for name, kind in kinds.items()}
        measured |= _measure_data(run)
        with run.timed("figures"):
            say("figures: drawing")
            paths = figures.save_all(run, _draw(run, kinds))
    with whole_file(run.folder / "generation.npz") as partial:
        np.savez(partial, **{name.replace("/", "_"): kind.images for name, kind in kinds.items()})
    weights = training.save_weights(run)
    rows = _rows(kinds, measured)
    pictures = [f"![{path.stem}](figures/{path.name})" for path in paths]
    report.write_report(run, [markdown_table(rows), EXPLANATION, *pictures])
    report.write_metrics(run, measured, {"source": run.reported.source})
    for one in (*others, run):
        one.finish()
    say("\n" + text_table(rows))
    say(EXPLANATION)
    report.say_results(run, paths, weights)
    return measured


EXPLANATION = (
    "Distances are Euclidean, in data units: nearest, from a sample to the nearest training image (0 for a copy); "
    "diversity, between two samples. Precision is the share of samples among the held-out images, recall the share "
    "of held-out images among the samples."
)


def _generate(run: Run) -> dict[str, Generated]:
    """Samples of the run's own model."""
    kinds = {"prior": _from_prior(run)}
    if run.config.metric is not None:
        kinds["metric"] = _along_metric(run)
    return kinds


def _from_prior(run: Run) -> Generated:
    num = run.config.generation.num_samples
    say(f"{run.config.name}: {num} samples from the prior")
    images = run.entry.model.sample(num, seed=derive_seed(run.seed, "generated"))
    return Generated(np.asarray(images), f"{run.config.kind.upper()}, prior")


def _along_metric(run: Run) -> Generated:
    settings, model = run.config.generation, run.entry.model
    say(f"{run.config.name}: {settings.num_samples} samples along the metric, {settings.num_steps} steps each")
    found = sample_latents(
        run.entry.manifold(),
        run.encode(run.training),
        settings.num_samples,
        run.seed,
        settings.weight,
        num_steps=settings.num_steps,
        num_leapfrog_steps=settings.num_leapfrog_steps,
        step_size=settings.step_size,
        momentum=settings.momentum,
    )
    remark = ""
    if not found.has_mixed:
        remark = "; raise --config.generation.num_steps, or each sample stays in the group of data that it began in"
    say(
        f"chains: {100 * found.acceptance_rate:.0f} % of steps accepted, potential scale reduction "
        f"{found.potential_scale_reduction:.2f}{remark}"
    )
    images = batched(lambda z: model.decode(z).mean(), found.points)
    facts = {
        "acceptance_rate": found.acceptance_rate,
        "potential_scale_reduction": found.potential_scale_reduction,
        "step_size": found.step_size,
    }
    return Generated(images, f"{run.config.kind.upper()}, metric", facts)


def _measure(run: Run, kind: Generated) -> dict[str, float]:
    nearest = nearest_distance(kind.images, run.training.inputs)
    measured = {
        "nearest_training_distance": float(np.mean(nearest)),
        "least_training_distance": float(np.min(nearest)),
        "diversity": mean_pairwise_distance(kind.images),
    }
    held_out = run.held_out
    if held_out is not None and min(len(held_out), len(kind.images)) >= MIN_COMPARED:
        # Sets of one size: more samples would reach farther.
        overlap = precision_recall(kind.images[: len(held_out)], held_out.inputs)
        measured |= {"precision": overlap.precision, "recall": overlap.recall}
    return measured | kind.facts


def _measure_data(run: Run) -> dict[str, dict[str, float]]:
    """The same numbers of images that nobody generated, to compare with."""

    def diversity(dataset: Dataset) -> dict[str, float]:
        return {"diversity": mean_pairwise_distance(dataset.inputs)}

    measured = {"training": diversity(run.training)}
    if run.held_out is not None and len(run.held_out) > 1:
        nearest = nearest_distance(run.held_out.inputs, run.training.inputs)
        measured["held_out"] = {"nearest_training_distance": float(np.mean(nearest))} | diversity(run.held_out)
    return measured


def _rows(kinds: dict[str, Generated], measured: dict[str, dict[str, float]]) -> Rows:
    columns = {
        "nearest": "nearest_training_distance",
        "diversity": "diversity",
        "precision": "precision",
        "recall": "recall",
    }
    rows: Rows = [("images", *columns)]
    for name, numbers in measured.items():
        title = kinds[name].title if name in kinds else f"data, {name.replace('_', ' ')}"
        rows.append((title, *(f"{numbers[key]:.3f}" if key in numbers else "-" for key in columns.values())))
    return rows


def _draw(run: Run, kinds: dict[str, Generated]) -> dict[str, plots.style.Figure]:
    """Grids of training and generated images (Fig. 11), and each kind beside its nearest training images."""
    if not figures.has_images(run.training):
        return {}
    shape, color_map = run.training.image_shape, figures.color_map(run)
    chosen = np.linspace(0, len(run.training) - 1, min(DRAWN, len(run.training))).astype(int)
    grids = {"training": run.training.inputs[chosen]}
    grids |= {name.replace("/", "_"): kind.images[:DRAWN] for name, kind in kinds.items()}
    drawn = {
        f"images_{name}": plots.image_grid(images, shape, COLUMNS, (), color_map) for name, images in grids.items()
    }
    rows, names = [], []
    for kind in kinds.values():
        images = kind.images[:COLUMNS]
        rows += [images, run.training.inputs[nearest_rows(images, run.training.inputs)]]
        names += [kind.title, "nearest"]
    width = len(rows[0])
    drawn["nearest"] = plots.image_grid(np.concatenate(rows), shape, width, tuple(names), color_map)
    return drawn
