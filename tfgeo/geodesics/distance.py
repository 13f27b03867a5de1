"""Geodesic distances that can be differentiated."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from tfgeo import curves
from tfgeo.curves import Curve
from tfgeo.errors import UserError
from tfgeo.geodesics.connect import connect
from tfgeo.geodesics.defaults import default_num_points
from tfgeo.geodesics.solvers.solver import Solver
from tfgeo.geodesics.starts.warm_start import WarmStart
from tfgeo.manifolds import Manifold

__all__ = ["distance"]


def distance(
    manifold: Manifold,
    start: tf.Tensor,
    end: tf.Tensor,
    curve: str | Curve = "cubic_spline",
    solver: str | Solver | None = None,
    warm_start: WarmStart | None = None,
    num_points: int | None = None,
    block_size: int | None = None,
    warn: bool = True,
) -> tf.Tensor:
    """Geodesic distances that have a gradient, so that they can sit in a loss.

    The value is the root of the least energy E(a, start, end) over the curve parameters a. At the minimum dE/da
    is 0, so that the derivative of the least energy is the one at fixed a (the envelope theorem): the solver
    finds a, and one more evaluation of the energy is differentiated, by reverse mode. In the limit of many points
    this is the first variation, `G(end) c'(1) / |c'|` in `end` and minus that of the other end in `start`. It
    holds for the weights of the manifold's decoder too.

    It is as exact as the curve is minimal: for gradients to 1e-4 give a solver with a `gradient_tolerance` of
    about that. First derivatives only: a second one would lack how a depends on the ends. In a `tf.function` the
    solver runs on the host (`tf.numpy_function`), which neither XLA nor an exported graph can do.

    Args:
      manifold: the manifold. Of one whose energy has a potential (`IndependentNoise`), it is the root of that
        energy and no length.
      start: `[B, d]` floating point tensor.
      end: `[B, d]` tensor of the same dtype; both need a known d.
      curve: as for `connect`.
      solver: as for `connect`.
      warm_start: as for `connect`.
      num_points: as for `connect`.
      block_size: as for `connect`.
      warn: whether to warn when pairs did not converge.

    Returns:
      `[B]` distances in data units, with gradient 0 where both ends are equal, and NaN where an end is not finite
      or outside of the manifold.

    Raises:
      UserError: as for `connect`.
    """
    start, end = tf.convert_to_tensor(start), tf.convert_to_tensor(end)
    if start.dtype != end.dtype or start.dtype not in (tf.float32, tf.float64):
        raise UserError(f"`start` {start.dtype.name} and `end` {end.dtype.name} must both be float32 or float64")
    if start.shape.rank != 2 or not start.shape.is_compatible_with(end.shape) or start.shape[-1] is None:
        raise UserError(f"`start` {start.shape} and `end` {end.shape} must both be [B, d] with a known d")
    curve = curves.from_name(curve) if isinstance(curve, str) else curve

    if num_points is None:
        num_points = default_num_points(curve)

    def solve(start: np.ndarray, end: np.ndarray) -> np.ndarray:
        return connect(
            manifold, start, end, curve, solver, warm_start, num_points, block_size=block_size, warn=warn
        ).parameters

    if tf.executing_eagerly():
        parameters = tf.constant(solve(start.numpy(), end.numpy()))
    else:
        parameters = tf.numpy_function(solve, [start, end], start.dtype)
    parameters = tf.ensure_shape(parameters, [start.shape[0], curve.num_parameters(start.shape[-1])])
    t = tf.ensure_shape(tf.linspace(tf.constant(0.0, start.dtype), 1.0, num_points), [num_points])
    energy = manifold.energy(curve.points(tf.stop_gradient(parameters), start, end, t))
    equal = tf.reduce_all(tf.equal(start, end), axis=-1)
    # Two `where`s: the root's infinite slope at 0 may not meet the 0 of the other branch.
    root = tf.sqrt(tf.where(equal, tf.ones_like(energy), energy))
    outside = ~(manifold.contains(start) & manifold.contains(end))
    return tf.where(outside, tf.cast(float("nan"), root.dtype), tf.where(equal, tf.zeros_like(root), root))
