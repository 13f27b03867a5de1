"""What stands for a costly decoder where many pairs pay for making it."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import tensorflow as tf

from tfgeo.errors import UserError
from tfgeo.geodesics.latents import working_dtype
from tfgeo.manifolds import Distilled, Interpolated, Manifold, Pullback
from tfgeo.manifolds.distillation import MIN_BLOCK_SIZE, MOST_FLOATS, NUM_PILOTS, NUM_TRAINING_POINTS

__all__ = ["check_accelerate", "stand_in", "starts_on"]

# Decoder passes that making each takes, at the defaults: the metric at nodes and centres of cells in the plane; the
# samples of a network, pushed forward.
TABLE_PASSES = 3 * (64**2 + 63**2)
NETWORK_PASSES = 3 * (NUM_TRAINING_POINTS + NUM_PILOTS)
# Seconds that making and compiling take beside: measured on 2 cores, 7 and 8 to 10.
TABLE_SECONDS, NETWORK_SECONDS = 8.0, 10.0
# Decoder passes of a geodesic, 7 steps with 20 points and 2 passes each, and what is done around them; and those
# that an exact one saves by starting there rather than where others tell: measured, a tenth to a fifth of its time.
PASSES, SAVED_PASSES = 400, 60
# Rows by which a pass is timed.
TIMED_ROWS = 1024


def check_accelerate(accelerate: Any) -> bool | str:
    """Whether anything is to be done about it: False, True or "starts".

    Raises:
      UserError: if it is a text that says nothing.
    """
    if isinstance(accelerate, str):
        if accelerate != "starts":
            raise UserError(f"`accelerate` is {accelerate!r}; give True, False or 'starts'")
        return accelerate
    return bool(accelerate)


def starts_on(near: Manifold) -> bool | str:
    """`accelerate` for geodesics on what stands in: a table's steps cost less than to learn where to start."""
    return False if isinstance(near, Interpolated) else "starts"


def stand_in(
    manifold: Manifold, points: np.ndarray, num_pairs: int, progress: bool = False, alone: bool = False
) -> tuple[Interpolated | Distilled | None, str]:
    """A table (d = 2) or a network for a manifold, or None where there is none or it does not pay; and why.

    It pays where `num_pairs` geodesics save more decoder passes than making it takes.

    Args:
      manifold: the manifold.
      points: `[n, d]` the ends of the pairs, finite.
      num_pairs: how many pairs there are.
      progress: whether to show progress bars.
      alone: whether its geodesics are what is wanted, and not those of the decoder from there.
    """
    in_plane = points.shape[1] == 2
    if not isinstance(manifold, Pullback) or manifold.has_potential:
        return None, f"energies of {type(manifold).__name__} are more than decoded differences"
    if isinstance(manifold, Distilled):
        return None, "the manifold is a network already"
    passes, seconds = (TABLE_PASSES, TABLE_SECONDS) if in_plane else (NETWORK_PASSES, NETWORK_SECONDS)
    seconds_per_pass = _seconds_per_pass(manifold, points)
    saved = (PASSES if alone else SAVED_PASSES) * seconds_per_pass
    least = int((passes * seconds_per_pass + seconds) / saved)
    if num_pairs < least:
        return None, f"{num_pairs} pairs do not pay for it, with this decoder {least} would"
    points = np.unique(points, axis=0)
    try:
        made = Interpolated.around(manifold, points) if in_plane else Distilled(manifold, points, progress=progress)
    except UserError as error:
        return None, f"none can be made: {error}"
    return made, made.describe()


def _seconds_per_pass(manifold: Pullback, points: np.ndarray) -> float:
    """Seconds that decoding one point takes, among many."""
    embedding = tf.function(manifold.embedding, autograph=False)
    dtype = working_dtype(manifold, points)
    # Convolutional decoders make hundreds of times the numbers that they return.
    num = MOST_FLOATS // manifold.peak_floats_per_point(points.shape[1], tf.as_dtype(dtype))
    rows = np.resize(points, (min(max(num, MIN_BLOCK_SIZE), TIMED_ROWS), points.shape[1])).astype(dtype)
    seconds = []
    for _ in range(4):  # the first compiles
        began = time.perf_counter()
        embedding(tf.constant(rows))[0, 0].numpy()  # one element is fetched, so that all are finished
        seconds.append(time.perf_counter() - began)
    return min(seconds[1:]) / len(rows)
