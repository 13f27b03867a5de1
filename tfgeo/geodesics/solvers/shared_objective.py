"""An objective whose costly parts are traced once for all the functions of a problem."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple, cast

import numpy as np
import tensorflow as tf

from tfgeo.curves import Curve
from tfgeo.geodesics.solvers.objective import Objective, ParameterModel
from tfgeo.geodesics.solvers.sealed import call_sealed
from tfgeo.manifolds import Manifold

__all__ = ["SharedObjective", "equal_steps"]


class SharedObjective(Objective):
    """An `Objective` at `equal_steps`, whose energies with their derivatives are graphs of their own.

    The first step, all others and the last look at a block need the same derivatives of the decoder, of which each
    copy would take as long to trace and to optimize as the first. Equal manifolds, curves and T share a graph, also
    with other solvers or settings.
    """

    __slots__ = ()

    def measure(self, parameters: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        return self._share(Objective.measure, parameters)

    def energy_and_gradient(self, parameters: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return self._share(Objective.energy_and_gradient, parameters)

    def quadratic_model(self, parameters: tf.Tensor) -> ParameterModel:
        return self._share(Objective.quadratic_model, parameters)

    def sampled_matrix(self, parameters: tf.Tensor) -> tf.Tensor:
        return self._share(Objective.sampled_matrix, parameters)

    def _share(self, method: Callable[..., Any], parameters: tf.Tensor) -> Any:
        part = _Part(method, self.manifold, self.curve, self.t.shape[0])
        return call_sealed(cast(Callable[..., Any], part), self.start, self.end, parameters)


class _Part(NamedTuple):
    """A method of objectives as a function of tensors; parts are equal where all else is."""

    method: Callable[..., Any]
    manifold: Manifold
    curve: Curve
    num_points: int

    def __call__(self, start: tf.Tensor, end: tf.Tensor, parameters: tf.Tensor) -> Any:
        t = tf.constant(equal_steps(self.num_points, start.dtype))
        return self.method(Objective(self.manifold, self.curve, start, end, t), parameters)


@functools.lru_cache(maxsize=64)
def equal_steps(num_points: int, dtype: tf.DType) -> np.ndarray:
    """`[T]` curve parameters from 0 to 1."""
    with tf.init_scope():  # values, also while a graph is traced: a constant there, not seventy operations
        return tf.linspace(tf.constant(0.0, dtype), 1.0, num_points).numpy()
