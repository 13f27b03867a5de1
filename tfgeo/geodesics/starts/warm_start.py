"""Where solvers start: curves that already follow the data."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Callable

import tensorflow as tf

from tfgeo.curves import Curve
from tfgeo.errors import UserError, check_count, check_positive
from tfgeo.randomness import generator

__all__ = ["CrossEntropy", "RidgeClimb", "WarmStart"]


class WarmStart(abc.ABC):
    """Gives curve parameters to start from. Subclasses are frozen dataclasses."""

    @abc.abstractmethod
    def parameters(self, curve: Curve, start: tf.Tensor, end: tf.Tensor) -> tf.Tensor:
        """`[B, P]` parameters for ends `[B, d]`; each pair's depend on its own ends alone."""


@dataclasses.dataclass(frozen=True)
class CrossEntropy(WarmStart):
    """Algorithm 1 of Yang et al. (2018): stochastic search for the curve through the highest density g.

    The parameters start as N(0, |z_0 - z_1| I); each step samples `num_samples` curves, scores each by the
    sum of 1 / g along it, and refits mean and variance to the best. The last mean is returned. All pairs
    share the same standard normal draws, so that a batch equals a loop and the ends can be exchanged.

    Args:
      log_density_fn: log g, `[..., d]` to `[...]`, such as `model.decoder.precision.log_density`.
      num_steps: steps of the search.
      num_samples: curves per step, M in the paper.
      num_elites: how many of the best curves the refit takes.
      num_points: points on each curve that are scored.
      seed: seed of the draws.

    Raises:
      UserError: if a number is not positive, or there are more elites than curves.
    """

    log_density_fn: Callable[[tf.Tensor], tf.Tensor]
    num_steps: int = 8
    num_samples: int = 32
    num_elites: int = 4
    num_points: int = 10
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("num_steps", "num_samples", "num_elites"):
            check_count(name, getattr(self, name))
        check_count("num_points", self.num_points, 2)
        if self.num_elites > self.num_samples:
            raise UserError(
                f"num_elites is {self.num_elites}, more than the {self.num_samples} curves of num_samples, of "
                "which they are the best; give fewer"
            )

    def parameters(self, curve: Curve, start: tf.Tensor, end: tf.Tensor) -> tf.Tensor:
        num_parameters = curve.num_parameters(start.shape[-1])
        t = tf.linspace(tf.constant(0.0, start.dtype), 1.0, self.num_points)
        # NumPy's draws: TensorFlow's differ between XLA and the rest.
        shape = (self.num_steps, self.num_samples, num_parameters)
        draws = tf.constant(generator(self.seed, "cross_entropy").standard_normal(shape), start.dtype)
        distance = tf.norm(end - start, axis=-1, keepdims=True)
        mean = tf.zeros_like(tf.repeat(start[:, :1], num_parameters, axis=-1))
        stddev = tf.sqrt(distance) * tf.ones_like(mean)

        def refit(step: tf.Tensor, mean: tf.Tensor, stddev: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
            samples = mean[:, None, :] + stddev[:, None, :] * draws[step]
            points = curve.points(samples, start[:, None, :], end[:, None, :], t)
            log_costs = tf.reduce_logsumexp(-self.log_density_fn(points), axis=-1)
            best = tf.math.top_k(-log_costs, self.num_elites).indices
            elites = tf.gather(samples, best, batch_dims=1)
            return step + 1, tf.reduce_mean(elites, axis=1), tf.math.reduce_std(elites, axis=1)

        state = (tf.constant(0), mean, stddev)
        return tf.while_loop(
            lambda *_: True, refit, state, maximum_iterations=self.num_steps, parallel_iterations=1
        )[1]


@dataclasses.dataclass(frozen=True)
class RidgeClimb(WarmStart):
    """Warm start of Yang and Hauberg (GiMLi 2018): the curve climbs the ridges of the precision g.

    Gradient ascent on the mean of log g along the curve (log, because g itself underflows between the data,
    and its gradient with it). A step follows the directions of the last gradients, whose lengths do not count, and
    steps shrink to 0; the highest curve is returned.

    Args:
      log_density_fn: log g, `[..., d]` to `[...]`.
      num_steps: steps of the ascent.
      learning_rate: size of the first step, relative to the distance of the ends.
      num_points: points on each curve.

    Raises:
      UserError: if a number is not positive.
    """

    log_density_fn: Callable[[tf.Tensor], tf.Tensor]
    num_steps: int = 30
    learning_rate: float = 0.1
    num_points: int = 12

    def __post_init__(self) -> None:
        check_count("num_steps", self.num_steps)
        check_positive("learning_rate", self.learning_rate)
        check_count("num_points", self.num_points, 2)

    def parameters(self, curve: Curve, start: tf.Tensor, end: tf.Tensor) -> tf.Tensor:
        t = tf.linspace(tf.constant(0.0, start.dtype), 1.0, self.num_points)
        parameters = tf.zeros_like(tf.repeat(start[:, :1], curve.num_parameters(start.shape[-1]), axis=-1))
        scale = self.learning_rate * tf.norm(end - start, axis=-1, keepdims=True)

        def height_and_slope(parameters: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            with tf.GradientTape() as tape:
                tape.watch(parameters)
                height = tf.reduce_mean(self.log_density_fn(curve.points(parameters, start, end, t)), axis=-1)
            return height, tape.gradient(height, parameters)

        def climb(
            step: tf.Tensor, parameters: tf.Tensor, velocity: tf.Tensor, best: tf.Tensor, top: tf.Tensor
        ) -> tuple[tf.Tensor, ...]:
            height, slope = height_and_slope(parameters)
            best = tf.where((height > top)[:, None], parameters, best)
            velocity = MOMENTUM * velocity + (1.0 - MOMENTUM) * slope / (
                tf.norm(slope, axis=-1, keepdims=True) + TINY
            )
            # Steps that shrink to 0: the ascent settles on a ridge instead of crossing it to and fro.
            rate = scale * (1.0 - tf.cast(step, scale.dtype) / self.num_steps)
            return step + 1, parameters + rate * velocity, velocity, best, tf.maximum(height, top)

        lowest = tf.fill(tf.shape(start)[:1], tf.cast(-float("inf"), start.dtype))
        state = (tf.constant(0), parameters, tf.zeros_like(parameters), parameters, lowest)
        return tf.while_loop(
            lambda *_: True, climb, state, maximum_iterations=self.num_steps, parallel_iterations=1
        )[3]


# Share of the last direction that the next one keeps.
MOMENTUM = 0.7
# Keeps a division by a vanishing slope finite.
TINY = 1e-30
