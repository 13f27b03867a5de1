"""Whether a metric has the derivatives that the geodesic equation and GEORCE need."""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from tfgeo.errors import UserError
from tfgeo.manifolds import Manifold
from tfgeo.manifolds.calculus.acceleration import differentiate_metric

__all__ = ["check_smooth", "jump_share"]

# Segments that are looked at, and steps on each.
MAX_SEGMENTS = 4
NUM_STEPS = 64
# Share of a metric's change that may come in jumps: a smooth one has about 1 / NUM_STEPS^2.
MAX_JUMP_SHARE = 0.1
# Steps on which the metric changes by more than this of its size are left out: a segment may lead through points
# that belong to no geodesic, and through singular ones.
MAX_STEP_CHANGE = 0.5
# A metric that changes by less than this of its size, all steps together, is constant up to rounding.
CONSTANT = 1e-3


def check_smooth(
    manifold: Manifold,
    start: np.ndarray,
    end: np.ndarray,
    purpose: str,
    remedy: str = "use `connect`, which needs none",
) -> None:
    """Refuses metrics that jump, as those of piecewise linear decoders do; see `jump_share`.

    Args:
      manifold: the manifold.
      start: `[B, d]`.
      end: `[B, d]`.
      purpose: what needs the derivatives; the message begins with it.
      remedy: what to use instead.

    Raises:
      UserError: names what `purpose` needs and what to use instead.
    """
    share = jump_share(manifold, start, end)
    if share > MAX_JUMP_SHARE:
        raise UserError(
            f"{purpose} needs second derivatives of the decoder, but {share:.0%} of the change of this "
            f"{type(manifold).__name__} metric between the points comes in jumps, as with piecewise linear (ReLU) "
            f"units or half precision; {remedy}, or a decoder with tanh, softplus or ELU units in float32"
        )


def jump_share(manifold: Manifold, start: np.ndarray, end: np.ndarray) -> float:
    """Share of the metric's change along straight segments that its derivative does not account for.

    Compares `G(z_{i+1}) - G(z_i)` with the derivative of G at the midpoint. Where G is smooth they agree to
    second order in the step; at a kink of the decoder G jumps, which no derivative shows.

    Args:
      manifold: the manifold.
      start: `[B, d]`; the first few pairs that are finite are looked at.
      end: `[B, d]`.

    Returns:
      A number from 0 to about 1, and 0 where the metric is constant up to rounding.
    """
    usable = np.isfinite(start).all(axis=-1) & np.isfinite(end).all(axis=-1) & (start != end).any(axis=-1)
    start, end = start[usable][:MAX_SEGMENTS], end[usable][:MAX_SEGMENTS]
    if not len(start):
        return 0.0
    moves = ((end - start) / NUM_STEPS)[:, None]
    corners = start[:, None] + np.arange(NUM_STEPS + 1, dtype=start.dtype)[:, None] * moves
    middles = 0.5 * (corners[:, 1:] + corners[:, :-1])
    arrays = corners, middles, np.broadcast_to(moves, middles.shape)
    metric, change = _compile_metric(manifold)(*map(tf.constant, arrays))
    metric, change = metric.numpy(), change.numpy()
    sizes = np.linalg.norm(metric, axis=(-2, -1))
    differences = np.diff(metric, axis=1)
    finite = np.isfinite(sizes[:, 1:] + sizes[:, :-1]) & np.isfinite(change).all(axis=(-2, -1))
    sizes = np.where(finite, np.minimum(sizes[:, 1:], sizes[:, :-1]), 0.0)
    # None is left where nothing is finite: the maps themselves mark such pairs.
    counted = finite & (sizes > 0.0) & (np.linalg.norm(differences, axis=(-2, -1)) <= MAX_STEP_CHANGE * sizes)
    # Relative to the metric's size, so that one large place does not hide the others.
    total = (np.abs(differences[counted]).sum(axis=(-2, -1)) / sizes[counted]).sum()
    if total <= CONSTANT * len(start):
        return 0.0
    return float((np.abs(differences - change)[counted].sum(axis=(-2, -1)) / sizes[counted]).sum() / total)


@functools.lru_cache(maxsize=16)
def _compile_metric(manifold: Manifold) -> Callable[..., tuple[tf.Tensor, tf.Tensor]]:
    @tf.function(autograph=False)
    def metric_and_change(corners: tf.Tensor, middles: tf.Tensor, moves: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        change = differentiate_metric(manifold.metric_tensor, middles, moves)[-1]
        return manifold.metric_tensor(corners), change

    return metric_and_change
