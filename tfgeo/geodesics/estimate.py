"""How long many geodesics would take, and how much memory, from one block of them."""

from __future__ import annotations

import dataclasses
import inspect
import time
from typing import Any

import numpy as np
import tensorflow as tf

from tfgeo.errors import UserError, check_count, unknown_name_error
from tfgeo.geodesics.connect import BLOCKS_PER_POOL, PAIRS_PER_CALL, connect
from tfgeo.geodesics.defaults import curve_and_solver, default_num_points, fitting_block_size
from tfgeo.geodesics.job_limits import of_known_pairs
from tfgeo.geodesics.latents import as_latents, check_manifold, working_dtype
from tfgeo.geodesics.stores.resources import format_bytes, format_seconds
from tfgeo.manifolds import Manifold
from tfgeo.randomness import draw_pairs, generator

__all__ = ["Estimate", "estimate"]

# Blocks that are timed: pairs that stop early make room for others only where there are several.
TIMED_BLOCKS = 2


@dataclasses.dataclass(frozen=True)
class Estimate:
    """What geodesics would take on this machine, as it is busy now.

    Attributes:
      num_pairs: pairs that it is for.
      seconds: of all of them, compiled.
      compile_seconds: what the first call took longer than one that is compiled.
      num_bytes: that a block makes on its way, and all results hold, but for what TensorFlow itself takes.
      num_timed: pairs that were timed.
    """

    num_pairs: int
    seconds: float
    compile_seconds: float
    num_bytes: int
    num_timed: int

    def __str__(self) -> str:
        return (
            f"{self.num_pairs} geodesics take about {format_seconds(self.seconds)}, after "
            f"{format_seconds(self.compile_seconds)} to compile, and {format_bytes(self.num_bytes)} "
            f"(from {self.num_timed} of them)"
        )


def estimate(
    manifold: Manifold, points: Any, num_pairs: int | None = None, seed: int = 0, **settings: Any
) -> Estimate:
    """Seconds and memory of geodesics between points, by connecting a few pairs of them twice.

    Args:
      manifold: the manifold.
      points: `[n, d]` latent points, as for `connect`, at least two; pairs are drawn of them.
      num_pairs: for how many pairs; by default all n (n - 1) / 2.
      seed: of the draw.
      **settings: as for `connect`, but none that belong to given pairs, and not `accelerate`.

    Returns:
      `Estimate`, which prints as one line.

    Raises:
      UserError: if there are fewer than two finite points, a setting is not known, or as for `connect`.
    """
    check_manifold(manifold)
    _check_settings(settings)
    points = as_latents(points, "points")
    finite = points[np.isfinite(points).all(axis=1)]
    if len(finite) < 2:
        raise UserError(
            f"`points` {points.shape} must be [n, d] with at least two finite points, to draw pairs from"
        )
    total = len(points) * (len(points) - 1) // 2 if num_pairs is None else check_count("num_pairs", num_pairs)
    condition = settings.pop("condition", None)
    manifold = manifold if condition is None else manifold.given(condition)
    curve, solver = curve_and_solver(
        settings.get("curve", "quadratic"), settings.get("solver"), manifold, points.shape[1]
    )
    num_points = settings.get("num_points")
    num_points = default_num_points(curve) if num_points is None else check_count("num_points", num_points, 3)
    work = finite.astype(working_dtype(manifold, finite), copy=False)
    # Blocks are no larger for more pairs than these.
    of_many = np.broadcast_to(work[:1], (min(total, PAIRS_PER_CALL), work.shape[1]))
    block_size = fitting_block_size(settings.get("block_size"), manifold, of_many, num_points, solver)
    timed = min(total, TIMED_BLOCKS * block_size)
    first, second = draw_pairs(generator(seed, "estimate"), len(finite), timed)
    seconds = []
    for _ in range(2):
        began = time.perf_counter()
        connect(manifold, finite[first], finite[second], **settings | {"block_size": block_size, "warn": False})
        seconds.append(time.perf_counter() - began)
    peak = block_size * solver.peak_floats_per_curve(manifold, work.shape[1], tf.as_dtype(work.dtype), num_points)
    # Of a pair: ends, parameters, length, energy, deviation of speed; two integers and a truth value.
    floats, others = 2 * points.shape[1] + curve.num_parameters(points.shape[1]) + 3, 2 * 4 + 1
    result = total * (floats * points.dtype.itemsize + others)
    # A pool holds the steps of its pairs, gradients and matrices among them.
    pool = min(total, BLOCKS_PER_POOL * block_size) * 4 * floats
    return Estimate(
        total,
        seconds[1] * total / timed,
        max(seconds[0] - seconds[1], 0.0),
        (peak + pool) * work.dtype.itemsize + result,
        timed,
    )


def _check_settings(settings: dict[str, Any]) -> None:
    accepted = set(inspect.signature(connect).parameters) - {"manifold", "start", "end", "accelerate"}
    for name in settings:
        if name not in accepted:
            raise unknown_name_error("setting", name, accepted, f"it has {', '.join(sorted(accepted))}")
    if of_known_pairs(settings):
        raise UserError(
            "`warm_start` or `condition` of known pairs do not belong to the pairs that are drawn; give a "
            "`WarmStart` or one condition [C]"
        )
