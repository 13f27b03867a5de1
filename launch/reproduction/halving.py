"""Trained weights in half precision where that costs nothing, as it is measured."""

from __future__ import annotations

import math
import pathlib
import shutil
from typing import Any

import numpy as np
import tensorflow as tf

from tfgeo.checkpoints import whole_file
from tfgeo.geodesics import connect
from tfgeo.randomness import generator
from zoo.building import build_model
from zoo.config import EntryConfig
from zoo.entry import Entry
from zoo.loading import halve_weights, load_weights
from zoo.samples import choose_compared, load_dataset

__all__ = ["store_weights"]

# What half precision may cost: nats of log p(x) of a sample in the mean, and a share of a distance at most.
MAX_NATS, MAX_SHARE = 0.05, 1e-3
# Samples and pairs on which it is measured, importance samples of log p(x), and points on a curve.
NUM_SAMPLES, NUM_PAIRS, NUM_IMPORTANCE, NUM_POINTS = 100, 20, 100, 50


def store_weights(
    config: EntryConfig, seed: int, source: pathlib.Path, target: pathlib.Path, data_dir: str | None = None
) -> dict[str, Any]:
    """Writes weights in half precision if log p(x) and distances stay what they are, else as they are.

    Args:
      config: the entry that they are of.
      seed: seed of the data that it was trained on.
      source: file of weights in single precision.
      target: where to.
      data_dir: folder of the original data files.

    Returns:
      "precision", "half" or "single"; and of half precision "log_likelihood", the mean difference in nats, and
      "distance", the largest relative one. Where one is not finite, or no pair has a distance, it is None.
    """
    with whole_file(target) as partial:
        halve_weights(source, partial)
        cost = _measure_cost(config, seed, source, partial, data_dir)
        limits = {"log_likelihood": MAX_NATS, "distance": MAX_SHARE}
        # False of not-a-number too; what could not be measured costs nothing.
        keeps = all(value is None or value <= limits[name] for name, value in cost.items())
        if not keeps:
            shutil.copyfile(source, partial)
    finite = {name: None if value is None or not math.isfinite(value) else value for name, value in cost.items()}
    return {"precision": "half" if keeps else "single"} | finite


def _measure_cost(
    config: EntryConfig, seed: int, source: pathlib.Path, halved: pathlib.Path, data_dir: str | None
) -> dict[str, float | None]:
    single, half = (_load(config, path) for path in (source, halved))
    samples = choose_compared(config, load_dataset(config, data_dir, seed), seed)
    random = generator(seed, "halving")
    x = samples.inputs[random.permutation(len(samples))[:NUM_SAMPLES]]
    # The same noise for both, so that weights alone differ.
    bounds = [entry.model.log_likelihood(x, NUM_IMPORTANCE, seed=(seed, 0)).numpy() for entry in (single, half)]
    return {
        "log_likelihood": float(np.mean(np.abs(bounds[1] - bounds[0]))),
        "distance": _compare_lengths(single, half, x),
    }


def _load(config: EntryConfig, path: pathlib.Path) -> Entry:
    entry = Entry(config, None, build_model(config))
    load_weights(entry.model, path)
    return entry


def _compare_lengths(single: Entry, half: Entry, x: np.ndarray) -> float | None:
    """The largest relative difference of geodesics' lengths; None where no samples are apart.

    To first order in a change of the metric it is that of one curve's length, since a geodesic is shortest; so the
    curve is found once, and moved with its ends.
    """
    z, moved = (entry.model.encode(x).mean().numpy() for entry in (single, half))
    pairs = min(NUM_PAIRS, len(z) // 2)
    start, end = np.arange(pairs), len(z) - 1 - np.arange(pairs)
    apart = np.any(x[start] != x[end], axis=1)  # lengths between equal ones are 0 but for rounding
    start, end = start[apart], end[apart]
    if len(start) == 0:
        return None
    found = connect(single.manifold(), z[start], z[end], warn=False)
    curves = found.points(NUM_POINTS)
    t = np.linspace(0.0, 1.0, NUM_POINTS, dtype=curves.dtype)[:, None]
    shift = (1.0 - t) * (moved - z)[start, None] + t * (moved - z)[end, None]
    before, after = (
        np.asarray(entry.manifold().length(tf.constant(points)))
        for entry, points in ((single, curves), (half, curves + shift))
    )
    known = before != 0.0
    return float(np.max(np.abs(after[known] / before[known] - 1.0))) if known.any() else None
