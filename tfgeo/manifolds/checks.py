"""Is a metric a metric? The check that names the first point where it is not."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from tfgeo.errors import UserError
from tfgeo.manifolds.calculus.points import as_points
from tfgeo.manifolds.manifold import Manifold

__all__ = ["check_metric", "check_metric_values"]

# Rounding of a metric built from sums over many outputs, in units of its largest entry's last digit.
ROUNDING = 32.0


def check_metric(manifold: Manifold, z: tf.Tensor, allow_singular: bool = False) -> None:
    """Checks that the metric is finite, symmetric and positive definite at given points.

    Symmetry and definiteness are judged up to the rounding of the metric's dtype: an eigenvalue below
    32 d eps times the largest one counts as zero.

    Args:
      manifold: the manifold.
      z: `[..., d]` points.
      allow_singular: accept a metric whose smallest eigenvalues are zero up to rounding, but not all of them.

    Raises:
      UserError: names the first point, in the order of `z`, where the metric is none, and what it is there.
    """
    points = as_points(z).numpy()
    metric = np.asarray(manifold.metric_tensor(points))
    check_metric_values(type(manifold).__name__, points, metric, allow_singular)


def check_metric_values(name: str, points: np.ndarray, metric: np.ndarray, allow_singular: bool) -> None:
    """What `check_metric` checks, for the metric at `points` of the manifold called `name`."""
    dim = points.shape[-1]
    points = points.reshape(-1, dim)
    if metric.size != len(points) * dim * dim:
        raise UserError(
            f"`metric_tensor` of {name} gave the shape {metric.shape} for {len(points)} points "
            f"of dimension {dim}; it must map [..., {dim}] to [..., {dim}, {dim}]."
        )
    metric = metric.reshape(-1, dim, dim)
    finite = np.isfinite(metric).all(axis=(-1, -2))
    # What is not finite is found by `finite`; eigvalsh would fail on it.
    values = np.where(finite[:, None, None], metric, np.eye(dim))
    slack = ROUNDING * dim * np.finfo(metric.dtype).eps
    asymmetry = np.abs(values - values.swapaxes(-1, -2)).max(axis=(-1, -2))
    symmetric = asymmetry <= slack * np.abs(values).max(axis=(-1, -2))
    eigenvalues = np.linalg.eigvalsh(values)
    smallest, largest = eigenvalues[:, 0], eigenvalues[:, -1]
    if allow_singular:
        definite = (smallest >= -slack * largest) & (largest > 0.0)
    else:
        definite = smallest > slack * np.maximum(largest, 0.0)
    valid = finite & symmetric & definite
    if valid.all():
        return
    row = int(np.argmin(valid))
    if not finite[row]:
        problem = f"is not finite ({metric[row].tolist()}); keep the points where the metric is defined."
    elif not symmetric[row]:
        problem = f"is not symmetric ({metric[row].tolist()}); use (G + G^T) / 2 or correct the function."
    else:
        problem = (
            f"is not positive definite (eigenvalues {smallest[row]:.3g} to {largest[row]:.3g}); add a small "
            "multiple of the identity, or keep away from such points."
        )
    raise UserError(
        f"the metric of {name} at the point {_format_point(points[row])} (number {row} of {len(points)}) {problem}"
    )


def _format_point(point: np.ndarray) -> str:
    """A point as it is written in messages: `(0.25, -1.5)`."""
    return "(" + ", ".join(f"{value:.6g}" for value in point) + ")"
