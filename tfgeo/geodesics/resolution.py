"""Whether curves are measured at enough points."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from tfgeo.geodesics.result import Geodesics
from tfgeo.manifolds import Manifold

__all__ = ["describe_short_lengths"]

# Pairs that are looked at, and numbers that measuring them may take at once.
NUM_PAIRS, BLOCK_FLOATS = 32, 2**23
# Segments into which each one is cut.
CUTS = 4
# Share by which a length may be short of its curve's, and share of pairs in which it may be more.
MAX_SHARE, MAX_PAIRS = 0.05, 0.1


def describe_short_lengths(manifold: Manifold, geodesics: Geodesics, num_points: int) -> str:
    """One line where lengths at `num_points` points are far below those of the same curves; else "".

    A length is a sum of chords: where a decoder bends between neighbouring points, it is short of the integral of
    |c'|_G, which no solver shows. Some pairs are measured again on finer points. Of a manifold whose energy has a
    potential nothing is said: the number of points is part of what is asked for.
    """
    known = np.flatnonzero(np.isfinite(geodesics.length) & (geodesics.length > 0.0))
    if manifold.has_potential or not len(known):
        return ""
    num_fine = CUTS * (num_points - 1) + 1
    dim = geodesics.start.shape[1]
    fitting = BLOCK_FLOATS // (num_fine * manifold.floats_per_point(dim, tf.as_dtype(geodesics.start.dtype)))
    count = min(len(known), NUM_PAIRS, max(fitting, 1))
    rows = known[np.linspace(0, len(known) - 1, count).astype(int)]
    parameters, start, end = (
        tf.constant(part[rows]) for part in (geodesics.parameters, geodesics.start, geodesics.end)
    )
    t = tf.linspace(tf.constant(0.0, geodesics.start.dtype), 1.0, num_fine)
    short = 1.0 - geodesics.length[rows] / np.asarray(
        manifold.length(geodesics.curve.points(parameters, start, end, t))
    )
    short = short[np.isfinite(short)]
    if not len(short) or np.mean(short > MAX_SHARE) <= MAX_PAIRS:
        return ""
    return (
        f"lengths at {num_points} points are too short: by {np.median(short):.0%} in the median of {len(short)} "
        f"pairs that were measured at {num_fine}, by {short.max():.0%} at most; raise num_points"
    )
