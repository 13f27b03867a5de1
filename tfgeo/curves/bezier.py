"""Bezier curves."""

from __future__ import annotations

import dataclasses
import math

import tensorflow as tf

from tfgeo.curves.linear_curve import LinearCurve
from tfgeo.errors import check_count

__all__ = ["Bezier"]


@dataclasses.dataclass(frozen=True)
class Bezier(LinearCurve):
    """Bezier curves: `c(t) = sum_k C(q, k) t^k (1 - t)^(q - k) b_k`, b_0 = start and b_q = end.

    The parameters are the displacements of the inner control points b_1 .. b_{q-1} from those of the straight
    line, `start + (end - start) k / q`. A polynomial curve of degree q; degree 2 is a `Quadratic`.

    Args:
      degree: q, at least 2.

    Raises:
      UserError: if it is not.
    """

    degree: int = 4

    def __post_init__(self) -> None:
        check_count("degree", self.degree, minimum=2)

    @property
    def num_nodes(self) -> int:
        return self.degree - 1

    def basis(self, t: tf.Tensor) -> tf.Tensor:
        # Products rather than tf.pow, whose second derivative is NaN at the ends.
        rising, falling = [tf.ones_like(t)], [tf.ones_like(t)]
        for _ in range(self.degree):
            rising.append(rising[-1] * t)
            falling.append(falling[-1] * (1.0 - t))
        inner = range(1, self.degree)
        return tf.stack([math.comb(self.degree, k) * rising[k] * falling[self.degree - k] for k in inner], axis=-1)
