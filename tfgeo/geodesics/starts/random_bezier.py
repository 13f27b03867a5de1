"""Warm start of Chen et al. (2018): the best of some random Bezier curves."""

from __future__ import annotations

import dataclasses

import tensorflow as tf

from tfgeo.curves import Bezier, Curve
from tfgeo.errors import check_at_least, check_count, check_positive
from tfgeo.geodesics.starts.warm_start import WarmStart
from tfgeo.manifolds import Manifold
from tfgeo.randomness import generator

__all__ = ["RandomBezier"]


@dataclasses.dataclass(frozen=True)
class RandomBezier(WarmStart):
    """Pre-training on random curves, Appendix A of Chen et al. (2018), arXiv:1711.01204.

    The K - 1 inner control points of each Bezier curve are drawn once, uniformly and orthogonally to the straight
    line, around the points `(K - k) / K z_0 + k / K z_1`; the curve family is fitted to each Bezier curve, and of
    the fitted curves the one with the lowest validation value is where the solver starts.

    The validation value is `L + lambda_phi max_t phi(t)`: against narrow spikes of the velocity phi on a curve that
    is short in all; the paper does not give lambda_phi. Its "range (z_1 - z_0) / 2" of the draws is taken as what
    they reach to either side. All pairs share the same draws, relative to their ends, so that a batch
    equals a loop and the ends can be exchanged.

    A curve costs `num_points` decoded points per pair: velocities are those of the segments between them.

    Args:
      manifold: the manifold whose lengths validate.
      num_curves: n, random curves per pair.
      degree: K, the degree of the Bezier curves.
      width: how far control points may lie from the straight line, relative to the distance of the ends.
      num_points: points on each curve to which the family is fitted, and between which lengths are measured.
      speed_weight: lambda_phi, at least 0.
      seed: seed of the draws.

    Raises:
      UserError: if a number is out of range.
    """

    manifold: Manifold
    num_curves: int = 8
    degree: int = 4
    width: float = 0.5
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
        latent_dim = start.shape[-1]
        # NumPy's draws: TensorFlow's differ between XLA and the rest.
        shape = [self.num_curves, self.degree - 1, latent_dim - 1]
        draws = tf.constant(generator(self.seed, "random_bezier").uniform(-1.0, 1.0, shape), start.dtype)
        swapped = _is_swapped(start, end)[:, None]
        low, high = tf.where(swapped, end, start), tf.where(swapped, start, end)
        reach = self.width * tf.norm(high - low, axis=-1)
        across = reach[:, None, None] * _orthogonal_directions(high - low)
        bezier = Bezier(self.degree)

        def try_curve(number: tf.Tensor, best: tf.Tensor, least: tf.Tensor) -> tuple[tf.Tensor, ...]:
            control = tf.einsum("kj,bij->bki", draws[number], across)
            control = tf.reshape(control, [-1, bezier.num_parameters(latent_dim)])
            points = bezier.points(control, low, high, t)
            fitted = curve.fit(tf.where(swapped[:, None], tf.reverse(points, axis=[1]), points))
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
