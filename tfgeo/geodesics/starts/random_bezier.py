"""Warm start of Chen et al. (2018): the best of some random Bezier curves."""

from __future__ import annotations

import dataclasses

import numpy as np
import tensorflow as tf

from tfgeo.curves import Bezier, Curve
from tfgeo.errors import check_at_least, check_count, check_positive
from tfgeo.geodesics.starts.warm_start import WarmStart
from tfgeo.manifolds import Manifold
from tfgeo.randomness import generator

__all__ = ["RandomBezier", "draw_curves", "random_curves"]

DEFAULT_DEGREE = 4
DEFAULT_WIDTH = 0.5


@dataclasses.dataclass(frozen=True)
class RandomBezier(WarmStart):
    """Pre-training on random curves, Appendix A of Chen et al. (2018), arXiv:1711.01204.

    The q - 1 inner control points of each Bezier curve are drawn once, uniformly and orthogonally to the straight
    line, around the points `(q - k) / q z_0 + k / q z_1`; the curve family is fitted to each Bezier curve, and of
    the fitted curves the one with the lowest validation value is where the solver starts.

    The validation value is `L + lambda_phi max_t phi(t)`: against narrow spikes of the velocity phi on a curve that
    is short in all; the paper does not give lambda_phi. Its "range (z_1 - z_0) / 2" of the draws is taken as what
    they reach to either side. All pairs share the same draws, relative to their ends, so that a batch
    equals a loop and the ends can be exchanged.

    A curve costs `num_points` decoded points per pair: velocities are those of the segments between them.

    Args:
      manifold: the manifold whose lengths validate.
      num_curves: random curves per pair.
      degree: q, the degree of the Bezier curves.
      width: how far control points may lie from the straight line, relative to the distance of the ends.
      num_points: points on each curve to which the family is fitted, and between which lengths are measured.
      speed_weight: lambda_phi, at least 0.
      seed: seed of the draws.

    Raises:
      UserError: if a number is out of range.
    """

    manifold: Manifold
    num_curves: int = 8
    degree: int = DEFAULT_DEGREE
    width: float = DEFAULT_WIDTH
    num_points: int = 20
    speed_weight: float = 0.01
    seed: int = 0

    def __post_init__(self) -> None:
        check_count("num_curves", self.num_curves)
        check_count("degree", self.degree, minimum=2)
        check_positive("width", self.width)
        check_count("num_points", self.num_points, minimum=3)
        check_at_least("speed_weight", self.speed_weight, 0.0)

    def parameters(self, curve: Curve, start: tf.Tensor, end: tf.Tensor) -> tf.Tensor:
        t = tf.ensure_shape(tf.linspace(tf.constant(0.0, start.dtype), 1.0, self.num_points), [self.num_points])
        draws = tf.constant(draw_curves(self.seed, self.num_curves, self.degree, start.shape[-1]), start.dtype)

        def try_curve(number: tf.Tensor, best: tf.Tensor, least: tf.Tensor) -> tuple[tf.Tensor, ...]:
            fitted = random_curves(curve, start, end, draws[number][None], self.num_points, self.width)
            lengths = tf.sqrt(self.manifold.segment_energies(curve.points(fitted, start, end, t)))
            fastest = (self.num_points - 1.0) * tf.reduce_max(lengths, axis=-1)
            value = tf.reduce_sum(lengths, axis=-1) + self.speed_weight * fastest
            better = value < least
            return number + 1, tf.where(better[:, None], fitted, best), tf.where(better, value, least)

        least = tf.fill(tf.shape(start)[:1], tf.cast(float("inf"), start.dtype))
        state = (tf.constant(0), curve.initial_parameters(start, end), least)
        return tf.while_loop(
            lambda *_: True, try_curve, state, maximum_iterations=self.num_curves, parallel_iterations=1
        )[1]


def draw_curves(seed: int, num: int, degree: int, latent_dim: int) -> np.ndarray:
    """Draws `[num, degree - 1, d - 1]` in [-1, 1] of the inner control points, across the straight line."""
    # NumPy's draws: TensorFlow's differ between XLA and the rest.
    return generator(seed, "random_bezier").uniform(-1.0, 1.0, [num, degree - 1, latent_dim - 1])


def random_curves(
    curve: Curve, start: tf.Tensor, end: tf.Tensor, draws: tf.Tensor, num_points: int, width: float = DEFAULT_WIDTH
) -> tf.Tensor:
    """Parameters `[B, P]` of the curves that follow the Bezier curves of given draws; see `RandomBezier`.

    Args:
      curve: the family that is fitted.
      start: `[B, d]`.
      end: `[B, d]`.
      draws: `[B, K - 1, d - 1]`, or `[1, K - 1, d - 1]` for all pairs.
      num_points: points to which the family is fitted.
      width: how far control points may lie from the straight line, relative to the distance of the ends.
    """
    t = tf.ensure_shape(tf.linspace(tf.constant(0.0, start.dtype), 1.0, num_points), [num_points])
    swapped = _is_swapped(start, end)[:, None]
    low, high = tf.where(swapped, end, start), tf.where(swapped, start, end)
    reach = width * tf.norm(high - low, axis=-1)
    across = reach[:, None, None] * _orthogonal_directions(high - low)
    control = tf.matmul(draws, across, transpose_b=True)
    bezier = Bezier(draws.shape[1] + 1)
    control = tf.reshape(control, [-1, bezier.num_parameters(start.shape[-1])])
    points = bezier.points(control, low, high, t)
    return curve.fit(tf.where(swapped[:, None], tf.reverse(points, axis=[1]), points))


def _is_swapped(start: tf.Tensor, end: tf.Tensor) -> tf.Tensor:
    """`[B]` bool: whether the first coordinate in which the ends differ falls, as it does for one order of them."""
    signs = tf.sign(end - start)
    # Each weight is more than those behind it together.
    weights = tf.constant([3.0**-axis for axis in range(start.shape[-1])], start.dtype)
    return tf.linalg.matvec(signs, weights) < 0.0


def _orthogonal_directions(vector: tf.Tensor) -> tf.Tensor:
    """`[B, d]` to `[B, d, d - 1]` unit vectors orthogonal to it and to each other, by Householder's reflection."""
    size = vector.shape[-1]
    length = tf.norm(vector, axis=-1, keepdims=True)
    unit = tf.math.divide_no_nan(vector, length)
    # Away from the first axis or its opposite, so that nothing cancels.
    sign = tf.where(unit[:, :1] < 0.0, -tf.ones_like(length), tf.ones_like(length))
    normal = unit + sign * tf.eye(size, dtype=vector.dtype)[0]
    square = tf.reduce_sum(tf.square(normal), axis=-1)[:, None, None]
    reflection = tf.eye(size, dtype=vector.dtype) - 2.0 * normal[:, :, None] * normal[:, None, :] / square
    return reflection[:, :, 1:]
