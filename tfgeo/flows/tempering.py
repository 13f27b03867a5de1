"""Tempering: momenta that start hot and are cooled after each step."""

from __future__ import annotations

import itertools
from typing import Any

import tensorflow as tf

from tfgeo.errors import UserError, check_count
from tfgeo.flows.phase_flow import Pair, PhaseFlow, check_scale, read_scale

__all__ = ["Tempering", "tempering_schedule"]


def tempering_schedule(sqrt_beta_zero: tf.Tensor, num_steps: int) -> list[tf.Tensor]:
    """`sqrt(beta_k)` for k from 0 to K, from `sqrt(beta_0)` to 1 (Algorithm 1 of Chadebec et al., 2020).

        1 / sqrt(beta_k) = (1 - 1 / sqrt(beta_0)) k^2 / K^2 + 1 / sqrt(beta_0).

    Args:
      sqrt_beta_zero: `sqrt(beta_0) > 0`, below 1 for a hot start.
      num_steps: K.

    Returns:
      K + 1 scalars.
    """
    heat = 1.0 / sqrt_beta_zero
    return [1.0 / ((1.0 - heat) * (step / num_steps) ** 2 + heat) for step in range(num_steps + 1)]


class Tempering(PhaseFlow):
    """Tempering step k: `rho -> alpha_k rho`, with z as it is.

    `alpha_0 = 1 / sqrt(beta_0)` heats the start; `alpha_k = sqrt(beta_{k-1}) / sqrt(beta_k)` cools after leapfrog
    step k. The log-determinant is `d log alpha_k`: those of steps 1 to K add up to `d log sqrt(beta_0)`, which is
    `(d / 2) log beta_0`, and with step 0 to nothing. (Eq. 8 of Chadebec et al., 2020, multiplies densities by these
    determinants where it must divide by them.)

    Args:
      sqrt_beta_zero: `sqrt(beta_0) > 0`; a number, a tensor or a variable, which is read at every call.
      num_steps: K, number of leapfrog steps.
      step: k, from 0 to K.
      name: name of the operations.

    Raises:
      UserError: if `sqrt_beta_zero` is not positive, there are no steps, or `step` is not one of them.
    """

    def __init__(self, sqrt_beta_zero: Any, num_steps: int, step: int, name: str = "tempering") -> None:
        self.sqrt_beta_zero = check_scale("sqrt_beta_zero", sqrt_beta_zero)
        self.num_steps = check_count("num_steps", num_steps)
        self.step = check_count("step", step, minimum=0)
        if self.step > self.num_steps:
            raise UserError(f"`step` must be at most `num_steps`={num_steps}, but is {step}; lower it.")
        super().__init__(dict(locals()), name)

    def scale(self, dtype: tf.DType) -> tf.Tensor:
        """alpha_k."""
        return tempering_scales(self.sqrt_beta_zero, self.num_steps, dtype)[self.step]

    def log_volume_change(self, z: tf.Tensor) -> tf.Tensor:
        return tf.fill(tf.shape(z)[:-1], z.shape[-1] * tf.math.log(self.scale(z.dtype)))

    def states(self, z: tf.Tensor, rho: tf.Tensor) -> list[Pair]:
        return [(z, rho), (z, self.scale(rho.dtype) * rho)]

    def inverse_states(self, z: tf.Tensor, rho: tf.Tensor) -> list[Pair]:
        return [(z, rho), (z, rho / self.scale(rho.dtype))]


def tempering_scales(sqrt_beta_zero: Any, num_steps: int, dtype: tf.DType) -> list[tf.Tensor]:
    """alpha_k for k from 0 to K; their product is 1."""
    roots = tempering_schedule(read_scale(sqrt_beta_zero, dtype), num_steps)
    return [1.0 / roots[0], *(before / after for before, after in itertools.pairwise(roots))]
