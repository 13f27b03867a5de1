"""Whether a trajectory, run backwards, leads to where it started."""

from __future__ import annotations

import tensorflow as tf

__all__ = ["ROUND_TRIP_TOLERANCE", "is_near"]

# A trajectory has come back to its start where it is no further off, relative to 1 plus the length of the start.
ROUND_TRIP_TOLERANCE = 1e-3


def is_near(back: tf.Tensor, start: tf.Tensor) -> tf.Tensor:
    """Whether points `[..., d]` are the same up to the tolerance, `[...]`; not where they are not finite."""
    return tf.norm(back - start, axis=-1) <= ROUND_TRIP_TOLERANCE * (1.0 + tf.norm(start, axis=-1))
