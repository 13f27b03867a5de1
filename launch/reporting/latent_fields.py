"""Values over the latent plane, for the backgrounds of figures."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from launch.running.run import Run
from tfgeo.models.training import batched

__all__ = ["background", "log_variance", "log_volume", "logarithm", "on_grid"]

# Grid points that are evaluated together.
BLOCK = 900


def on_grid(function: Callable[[tf.Tensor], tf.Tensor], grid: np.ndarray) -> np.ndarray:
    """`[r, r]` values of a function `[n, 2]` to `[n]` on a grid `[r, r, 2]`, compiled once."""
    rows = grid.reshape(-1, 2)
    return batched(tf.function(function), rows, min(len(rows), BLOCK)).reshape(grid.shape[:2])


def logarithm(values: np.ndarray) -> np.ndarray:
    """Logarithm; where a volume vanishes, far from data, that of the smallest one that does not."""
    positive = values[values > 0.0]
    return np.log(np.maximum(values, positive.min() if len(positive) else 1.0))


def log_variance(run: Run, grid: np.ndarray) -> np.ndarray:
    """Logarithm of the decoder's fitted variance, summed over the data dimensions: `[r, r]`."""
    precision = run.entry.precision
    assert precision is not None
    return logarithm(on_grid(lambda z: tf.reduce_sum(precision.variance(z), axis=-1), grid))


def log_volume(run: Run, grid: np.ndarray) -> np.ndarray:
    """Logarithm of the volume of the entry's manifold: `[r, r]`."""
    return logarithm(on_grid(run.entry.manifold().volume, grid))


def background(run: Run, grid: np.ndarray) -> tuple[np.ndarray, str]:
    """What curves are drawn on: the decoder's variance where it is fitted, else the volume; its label."""
    if run.entry.precision is not None:
        return log_variance(run, grid), r"log $\Sigma_D\,\sigma^2(z)$"
    return log_volume(run, grid), r"log $\sqrt{\det G(z)}$"
