"""Networks that compute in bfloat16 for a while, inside layers that do not."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

import keras
import tensorflow as tf

__all__ = ["in_half_precision", "widened"]

# Half precision with the range of float32: no loss has to be scaled against underflow.
POLICY = "mixed_bfloat16"


@contextlib.contextmanager
def in_half_precision(networks: Sequence[keras.layers.Layer]) -> Iterator[None]:
    """In the block these networks, with all layers in them, compute in bfloat16; weights stay in float32.

    What was traced before keeps its precision, and what is traced in the block does so after it.
    """
    layers = [layer for network in networks for layer in network._flatten_layers()]
    before = [layer.dtype_policy for layer in layers]
    for layer in layers:
        layer.dtype_policy = keras.DTypePolicy(POLICY)
    try:
        yield
    finally:
        for layer, policy in zip(layers, before, strict=True):
            layer.dtype_policy = policy


def widened(values: tf.Tensor, dtype: str) -> tf.Tensor:
    """What a network in half precision gives, in a wider dtype; other values are as they are."""
    return tf.cast(values, dtype) if values.dtype.size < tf.as_dtype(dtype).size else values
