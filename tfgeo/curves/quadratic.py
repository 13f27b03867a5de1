"""Quadratic curves (Yang et al. 2018)."""

from __future__ import annotations

import dataclasses

import tensorflow as tf

from tfgeo.curves.curve import Curve

__all__ = ["Quadratic"]


@dataclasses.dataclass(frozen=True)
class Quadratic(Curve):
    """`c(t) = a t^2 + b t + c` per dimension, Eq. 19 of Yang et al. (2018), with the end points built in.

    c = start and b = end - start - a, which leaves the d parameters a:
    `c(t) = (1 - t) start + t end - t (1 - t) a`. Exchanging the ends leaves a unchanged.
    """

    def num_parameters(self, latent_dim: int) -> int:
        return latent_dim

    def points(self, parameters: tf.Tensor, start: tf.Tensor, end: tf.Tensor, t: tf.Tensor) -> tf.Tensor:
        t = t[:, None]
        line = (1.0 - t) * start[..., None, :] + t * end[..., None, :]
        return line - t * (1.0 - t) * parameters[..., None, :]
