"""The training of a neural geodesic (Chen et al. 2018)."""

from __future__ import annotations

import dataclasses

import numpy as np
import tensorflow as tf

from tfgeo.errors import UserError, check_at_least
from tfgeo.geodesics.solvers.gradient_solvers import Adam
from tfgeo.geodesics.solvers.objective import Objective
from tfgeo.geodesics.solvers.smoothness import check_smooth
from tfgeo.manifolds import Manifold
from tfgeo.manifolds.calculus.eigen import eigvalsh

__all__ = ["LengthDescent"]

LOSSES = ("length", "energy")
# Squared velocity below which the root's slope is no number; relative to nothing, as a curve that stands still has
# no scale.
TINY = 1e-24


@dataclasses.dataclass(frozen=True)
class LengthDescent(Adam):
    """Adam on the length of Eq. 10 of Chen et al. (2018), arXiv:1711.01204, validated as in its Appendix A.

    The loss is `1/n sum_i phi(t_i) + penalty 1/n sum_i |G(c(t_i))|_2` with the velocity phi of Eq. 11, from the
    metric and the curve's derivative at n equidistant points, and the spectral norm: Eq. 15. The curve that is kept
    is the one with the smallest `L + speed_weight max_t phi(t)`. For the paper's geodesics the curve is
    `Neural(boundary="paper")`, the start `RandomBezier`, and 500 the number of points.

    The loss needs the decoder's second derivatives: piecewise linear ones are refused.

    Args:
      max_iterations: steps after which a pair stops unconverged.
      tolerance: relative decrease of the validation value, averaged over recent steps, under which a pair may stop.
      gradient_tolerance: scale-free gradient norm at the best curve under which a pair may stop.
      learning_rate: Adam's step size, in the unit of the curve's parameters.
      loss: "length", or "energy" for `1/n sum_i phi(t_i)^2`.
      penalty: lambda_s of Eq. 15.
      speed_weight: lambda_phi of Appendix A, which does not give it.

    Raises:
      UserError: if a setting is out of range.
    """

    max_iterations: int = 300
    tolerance: float = 1e-4
    gradient_tolerance: float = 1.0
    learning_rate: float = 1e-2
    loss: str = "length"
    penalty: float = 0.0
    speed_weight: float = 0.01

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.loss not in LOSSES:
            raise UserError(f"`loss`={self.loss!r} is not known; choose one of {', '.join(LOSSES)}")
        check_at_least("penalty", self.penalty, 0.0)
        check_at_least("speed_weight", self.speed_weight, 0.0)

    def check_manifold(self, manifold: Manifold, start: np.ndarray, end: np.ndarray) -> None:
        check_smooth(manifold, start, end, "the loss of `LengthDescent`", "use another solver, which needs none")

    def _judge(self, objective: Objective, parameters: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(parameters)
            ends = objective.start, objective.end, objective.t
            metric = objective.manifold.metric_tensor(objective.points(parameters))
            steps = objective.curve.derivative(parameters, *ends)
            squares = tf.maximum(tf.einsum("bti,btij,btj->bt", steps, metric, steps), 0.0)
            speeds = tf.sqrt(squares + TINY)
            length = tf.reduce_mean(speeds, axis=-1)
            loss = length if self.loss == "length" else tf.reduce_mean(squares, axis=-1)
            if self.penalty:
                loss += self.penalty * tf.reduce_mean(eigvalsh(metric)[..., -1], axis=-1)
        gradient = tape.gradient(loss, parameters)
        return length + self.speed_weight * tf.reduce_max(speeds, axis=-1), gradient

    def _step_sizes(self, objective: Objective) -> tf.Tensor:
        return tf.fill(tf.shape(objective.start)[:1], tf.cast(self.learning_rate, objective.start.dtype))
