"""Functions as graphs of their own, each traced once for all that call it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import tensorflow as tf

__all__ = ["call_sealed"]


def call_sealed(function: Callable[..., Any], *arguments: Any) -> Any:
    """Calls `function` as a graph of its own that TensorFlow optimizes by itself, whatever graph it is part of.

    Rewriting the graph changes how results are rounded, and solvers amplify it: sealed, the same arithmetic is
    done in `connect` and in an exported model. All arguments have the batch as their first dimension, which is
    left open, so that it is no part of the graph either. Equal functions of tensors of equal shapes share a graph;
    methods are equal where their objects are.
    """
    specification = tf.nest.map_structure(
        lambda part: tf.TensorSpec([None, *part.shape[1:]], part.dtype), arguments
    )
    key = tuple((tuple(part.shape), part.dtype) for part in tf.nest.flatten(specification))
    # Python compares the objects of methods by identity.
    owner, plain = getattr(function, "__self__", None), getattr(function, "__func__", function)
    return _seal(owner, plain, key, _Ignored((function, specification)))(*arguments)


class _Ignored:
    """Carries a value through a cache without being part of its key."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Ignored)

    def __hash__(self) -> int:
        return 0


# Five for each of the problems that `connect` keeps, and some that problems share.
@functools.lru_cache(maxsize=128)
def _seal(owner: Any, plain: Callable[..., Any], key: tuple, ignored: _Ignored) -> Callable[..., Any]:
    del owner, plain, key
    function, specification = ignored.value
    return tf.function(
        function,
        autograph=False,
        input_signature=specification,
        experimental_attributes={"_noinline": True},
    )
