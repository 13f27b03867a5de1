"""Trained weights in as few bits as cost nothing, as it is measured."""

from __future__ import annotations

import math
import pathlib
import shutil
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from tfgeo.checkpoints import whole_file
from tfgeo.geodesics import Geodesics, connect
from tfgeo.randomness import generator
from zoo.building import build_model
from zoo.config import EntryConfig
from zoo.entry import Entry
from zoo.geodesics import geodesic_settings
from zoo.loading import load_weights
from zoo.quantization import BITS, quantize_weights
from zoo.samples import choose_compared, load_dataset

__all__ = ["store_weights"]

# What fewer bits may cost: nats of log p(x) of a sample in the mean, and a share of a distance at most.
MAX_NATS, MAX_SHARE = 0.05, 1e-3
# Samples and pairs on which it is measured, importance samples of log p(x), and points on a curve.
NUM_SAMPLES, NUM_PAIRS, NUM_IMPORTANCE, NUM_POINTS = 100, 20, 100, 50

Cost = dict[str, float | None]


def store_weights(
    config: EntryConfig, seed: int, source: pathlib.Path, target: pathlib.Path, data_dir: str | None = None
) -> dict[str, Any]:
    """Writes weights in the fewest bits with which log p(x) and distances stay what they are.

    Args:
      config: the entry that they are of.
      seed: seed of the data that it was trained on.
      source: file of weights in single precision.
      target: where to.
      data_dir: folder of the original data files.

    Returns:
      "bits" of a weight, 32 where fewer cost too much; and of those, or of the most that were tried,
      "log_likelihood", the mean difference in nats, and "distance", the largest relative one. Where one is not
      finite, or no pair has a distance, it is None.
    """
    cost_of = _costs(config, seed, source, data_dir)
    limits = {"log_likelihood": MAX_NATS, "distance": MAX_SHARE}
    with whole_file(target) as partial:
        for bits in BITS:
            quantize_weights(source, partial, bits)
            cost = cost_of(partial)
            # False of not-a-number too; what could not be measured costs nothing.
            if all(value is None or value <= limits[name] for name, value in cost.items()):
                break
        else:
            bits = 32
            shutil.copyfile(source, partial)
    return {"bits": bits} | {
        name: None if value is None or not math.isfinite(value) else value for name, value in cost.items()
    }


def _costs(
    config: EntryConfig, seed: int, source: pathlib.Path, data_dir: str | None
) -> Callable[[pathlib.Path], Cost]:
    """What other weights than these change, as a function of their file."""
    single = _load(config, source)
    samples = choose_compared(config, load_dataset(config, data_dir, seed), seed)
    random = generator(seed, "quantizing")
    x = samples.inputs[random.permutation(len(samples))[:NUM_SAMPLES]]

    # The same noise for both, so that weights alone differ.
    def bound(entry: Entry) -> np.ndarray:
        return np.asarray(entry.model.log_likelihood(x, NUM_IMPORTANCE, seed=(seed, 0)))

    before, share_of = bound(single), _length_changes(single, x)

    def cost(path: pathlib.Path) -> Cost:
        other = _load(config, path)
        return {"log_likelihood": float(np.mean(np.abs(bound(other) - before))), "distance": share_of(other)}

    return cost


def _load(config: EntryConfig, path: pathlib.Path) -> Entry:
    entry = Entry(config, None, build_model(config))
    load_weights(entry.model, path)
    return entry


def _length_changes(single: Entry, x: np.ndarray) -> Callable[[Entry], float | None]:
    """The largest relative difference of geodesics' lengths in another entry; None where no samples are apart.

    To first order in a change of the metric it is that of one curve's length, since a geodesic is shortest; so the
    curve is found once, and moved with its ends. Curves of an energy with a potential are not shortest: these are
    found again from there, with the entry's settings, so that each stays the same of several minima.
    """
    z = single.model.encode(x).mean().numpy()
    pairs = min(NUM_PAIRS, len(z) // 2)
    start, end = np.arange(pairs), len(z) - 1 - np.arange(pairs)
    apart = np.any(x[start] != x[end], axis=1)  # lengths between equal ones are 0 but for rounding
    start, end = start[apart], end[apart]
    if len(start) == 0:
        return lambda other: None
    if single.manifold().has_potential:
        found = _solve(single, z[start], z[end])
        solved = _solve(single, z[start], z[end], warm_start=found).length

        def share_of_solved(other: Entry) -> float | None:
            moved = other.model.encode(x).mean().numpy()
            return _largest_share(solved, _solve(other, moved[start], moved[end], warm_start=found).length)

        return share_of_solved
    curves = connect(single.manifold(), z[start], z[end], warn=False).points(NUM_POINTS)
    t = np.linspace(0.0, 1.0, NUM_POINTS, dtype=curves.dtype)[:, None]
    before = np.asarray(single.manifold().length(tf.constant(curves)))

    def share(other: Entry) -> float | None:
        moved = other.model.encode(x).mean().numpy() - z
        shift = (1.0 - t) * moved[start, None] + t * moved[end, None]
        after = np.asarray(other.manifold().length(tf.constant(curves + shift)))
        return _largest_share(before, after)

    return share


def _solve(entry: Entry, start: np.ndarray, end: np.ndarray, **settings: Any) -> Geodesics:
    return connect(start=start, end=end, warn=False, **geodesic_settings(entry, start, end) | settings)


def _largest_share(before: np.ndarray, after: np.ndarray) -> float | None:
    known = before != 0.0
    return float(np.max(np.abs(after[known] / before[known] - 1.0))) if known.any() else None
