"""Quadratic curves (Yang et al. 2018)."""

from __future__ import annotations

import dataclasses

import tensorflow as tf

from tfgeo.curves.linear_curve import LinearCurve

__all__ = ["Quadratic"]


@dataclasses.dataclass(frozen=True)
class Quadratic(LinearCurve):
    """`c(t) = a t^2 + b t + c` per dimension, Eq. 19 of Yang et al. (2018), with the end points built in.

    c = start and b = end - start - a, which leaves the d parameters a:
    `c(t) = (1 - t) start + t end - t (1 - t) a`. Exchanging the ends leaves a unchanged.
    """

    @property
    def num_nodes(self) -> int:
        return 1

    def basis(self, t: tf.Tensor) -> tf.Tensor:
        t = t[:, None]
        return -t * (1.0 - t)
