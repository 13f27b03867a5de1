"""Functions of many samples in blocks."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import tensorflow as tf

__all__ = ["batched"]


def batched(function: Callable[[tf.Tensor], tf.Tensor], inputs: np.ndarray, batch_size: int = 4096) -> np.ndarray:
    """`function` over the rows of `inputs` in blocks, so that memory does not grow with their number."""
    blocks = [
        np.asarray(function(tf.constant(inputs[start : start + batch_size])))
        for start in range(0, len(inputs), batch_size)
    ]
    return np.concatenate(blocks)
