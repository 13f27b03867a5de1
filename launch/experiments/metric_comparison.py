"""One figure of all metrics that a model has: geodesics between the same pairs of its latent plane."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from launch.reporting import figures
from launch.running.geodesics import find_geodesics
from launch.running.run import Run, say
from tfgeo import plots
from tfgeo.datasets import Dataset
from tfgeo.errors import UserError
from tfgeo.geodesics import Geodesics
from tfgeo.manifolds import Manifold
from tfgeo.models import RHVAE
from zoo.metrics import metric_by_name, metric_names, metric_title

__all__ = ["draw_metrics"]


def draw_metrics(
    run: Run,
    start: np.ndarray,
    end: np.ndarray,
    dataset: Dataset,
    known: Mapping[str, Geodesics] | None = None,
    numbers: Sequence[int] | None = None,
) -> dict[str, plots.style.Figure]:
    """Every metric of the run's model, a picture each, by the name of the figure; none of what is no plane.

    Args:
      run: the run, trained.
      start: `[B, 2]` where the pairs' geodesics begin.
      end: `[B, 2]` where they end.
      dataset: the samples whose latent points are drawn.
      known: by metric, geodesics between these pairs that were found before.
      numbers: the numbers that the pairs have in other figures; by default their rows.
    """
    if run.config.geodesics is None or start.shape[1] != 2:
        return {}
    names = metric_names(run.entry)
    if isinstance(run.entry.model, RHVAE):
        names.append("density")  # what the learned metric would know of the codes' density alone
    known = known or {}
    manifolds: dict[str, Manifold] = {}
    found: dict[str, Geodesics] = {}
    for name in names:
        title = metric_title(run.entry, name)
        try:
            manifold = metric_by_name(run.entry, name)
            if name in known:
                geodesics = known[name]
            else:
                say(f"figures: {len(start)} geodesics under the {title} metric")
                geodesics = find_geodesics(run, start, end, warn=False, manifold=manifold)
        except UserError as error:  # too few centroids for a density, or a metric that the entry's solver refuses
            say(f"figures: the metric {name!r} is left out, {error}")
            continue
        manifolds[title], found[title] = manifold, geodesics
    if not found:
        return {}
    figure = plots.metric_panels(
        manifolds,
        found,
        run.encode(dataset),
        dataset.labels,
        figures.class_names(run, dataset),
        resolution=run.config.figures.resolution,
        numbers=numbers,
    )
    return {"metrics": figure}
