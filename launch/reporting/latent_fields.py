"""Values over the latent plane, for the backgrounds of figures."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from launch.running.run import Run
from tfgeo import plots

__all__ = ["background", "log_variance", "log_volume"]


def log_variance(run: Run, grid: np.ndarray) -> np.ndarray:
    """Logarithm of the decoder's fitted variance, summed over the data dimensions: `[r, r]`."""
    precision = run.entry.precision
    assert precision is not None
    return plots.logarithm(plots.on_grid(lambda z: tf.reduce_sum(precision.variance(z), axis=-1), grid))


def log_volume(run: Run, grid: np.ndarray) -> np.ndarray:
    """Logarithm of the volume of the entry's manifold: `[r, r]`."""
    return plots.logarithm(plots.on_grid(run.entry.manifold().volume, grid))


def background(run: Run, grid: np.ndarray) -> tuple[np.ndarray, str]:
    """What curves are drawn on: the decoder's variance where it is fitted, else the volume; its label."""
    if run.entry.precision is not None:
        return log_variance(run, grid), r"log $\Sigma_D\,\sigma^2(z)$"
    return log_volume(run, grid), plots.VOLUME_LABEL
