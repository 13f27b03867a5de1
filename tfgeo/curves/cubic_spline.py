"""Cubic splines with two continuous derivatives."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
import tensorflow as tf
from scipy.interpolate import CubicSpline as Interpolant
from scipy.interpolate import PPoly

from tfgeo.curves.linear_curve import LinearCurve
from tfgeo.curves.piecewise import piece_origins, piecewise_polynomials
from tfgeo.errors import UserError, check_count

__all__ = ["CubicSpline"]

# Name -> scipy's name.
END_CONDITIONS = {"not_a_knot": "not-a-knot", "natural": "natural"}


@dataclasses.dataclass(frozen=True)
class CubicSpline(LinearCurve):
    """Cubic splines on equal pieces, twice continuously differentiable.

    The parameters are the displacements from the straight line at the inner knots: the basis is the cardinal
    one. "not_a_knot" contains every cubic polynomial and has the full order of accuracy up to the ends;
    "natural" has c'' = 0 at the ends, which a geodesic has not in general.

    Args:
      num_segments: pieces, at least 2, one more than there are inner knots K.
      end_condition: "not_a_knot" or "natural".

    Raises:
      UserError: if either is not one of these.
    """

    num_segments: int = 4
    end_condition: str = "not_a_knot"

    def __post_init__(self) -> None:
        check_count("num_segments", self.num_segments, minimum=2)
        if self.end_condition not in END_CONDITIONS:
            raise UserError(
                f"`end_condition`={self.end_condition!r} is not known; choose one of {', '.join(END_CONDITIONS)}"
            )

    @property
    def num_nodes(self) -> int:
        return self.num_segments - 1

    def basis(self, t: tf.Tensor) -> tf.Tensor:
        return piecewise_polynomials(_build_coefficients(self.num_segments, self.end_condition), t)


@functools.lru_cache(maxsize=64)
def _build_coefficients(num_segments: int, end_condition: str) -> np.ndarray:
    """`[K + 1, 4, K]` coefficients of the cardinal splines, for `piecewise_polynomials`."""
    knots = np.linspace(0.0, 1.0, num_segments + 1)
    values = np.eye(num_segments + 1)[:, 1:-1]
    spline = Interpolant(knots, values, bc_type=END_CONDITIONS[end_condition])
    coefficients = np.zeros([num_segments, 4, num_segments - 1])
    origins = piece_origins(num_segments)
    for power, factorial in enumerate((1.0, 1.0, 2.0, 6.0)):
        # Taylor's formula about the origin of each piece, which is taken alone: the last origin is its right end.
        for piece, origin in enumerate(origins):
            alone = PPoly(spline.c[:, piece : piece + 1], knots[piece : piece + 2])
            coefficients[piece, power] = alone(origin, nu=power) / factorial
    # The cardinal splines of inner knots are 0 at the ends; rounding may not say otherwise.
    coefficients[0, 0] = coefficients[-1, 0] = 0.0
    return coefficients
