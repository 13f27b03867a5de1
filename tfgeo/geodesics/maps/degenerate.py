"""Where a metric has directions of length 0, and with them no equation of geodesics."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from tfgeo.manifolds import Manifold

__all__ = ["describe_degenerate"]

# Points that are looked at.
NUM_POINTS = 64
# Smallest eigenvalue over the largest, in units of the dtype's precision, below which it is nothing but rounding.
ROUNDING = 8.0


def describe_degenerate(manifold: Manifold, points: np.ndarray) -> str:
    """One line where the metric is singular at most of the points `[n, d]`; else ""."""
    finite = points[np.isfinite(points).all(axis=-1)]
    if not len(finite):
        return ""
    chosen = finite[np.linspace(0, len(finite) - 1, min(len(finite), NUM_POINTS)).astype(int)]
    metric = np.asarray(manifold.metric_tensor(tf.constant(chosen)))
    metric = metric[np.isfinite(metric).all(axis=(-2, -1))]
    if not len(metric):
        return ""
    values = np.linalg.eigvalsh(metric)
    least = ROUNDING * np.finfo(metric.dtype).eps * values[:, -1]
    if np.mean(values[:, 0] <= least) <= 0.5:
        return ""
    rank = int(np.median(np.sum(values > least[:, None], axis=-1)))
    return (
        f"the metric is singular: of {values.shape[-1]} latent dimensions the decoder moves in {rank}, so that the "
        "equation of geodesics has no solution; use `connect`, which needs none, or `Smoothed`, which is definite"
    )
