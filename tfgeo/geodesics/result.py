"""What a solver returns for a batch of pairs."""

from __future__ import annotations

import dataclasses

import numpy as np
import tensorflow as tf

from tfgeo.curves import Curve
from tfgeo.geodesics.solvers.solver import Reason

__all__ = ["Geodesics"]


@dataclasses.dataclass(frozen=True)
class Geodesics:
    """Geodesics of B pairs.

    Attributes:
      curve: the curve family.
      parameters: `[B, P]`.
      start: `[B, d]`.
      end: `[B, d]`.
      length: `[B]`, in data units.
      energy: `[B]`, in squared data units.
      speed_deviation: `[B]` standard deviation of the speed along the curve, relative to its mean. A geodesic
        has constant speed, so that this checks a solver on its own; it cannot vanish where the curve family
        cannot follow the geodesic, nor where the energy has a potential.
      converged: `[B]` bool.
      num_iterations: `[B]` int32.
      reason_codes: `[B]` int32 values of `Reason`.
    """

    curve: Curve
    parameters: np.ndarray
    start: np.ndarray
    end: np.ndarray
    length: np.ndarray
    energy: np.ndarray
    speed_deviation: np.ndarray
    converged: np.ndarray
    num_iterations: np.ndarray
    reason_codes: np.ndarray

    def __len__(self) -> int:
        return len(self.length)

    def __repr__(self) -> str:
        return (
            f"Geodesics({len(self)} pairs, {self.curve}, {np.count_nonzero(self.converged)} converged, "
            f"median length {np.median(self.length) if len(self) else np.nan:.4g})"
        )

    def points(self, num: int) -> np.ndarray:
        """`[B, num, d]` points at equal steps of the curve parameter; the first and last are the ends."""
        t = tf.linspace(tf.constant(0.0, self.start.dtype), 1.0, num)
        parameters, start, end = map(tf.constant, (self.parameters, self.start, self.end))
        return self.curve.points(parameters, start, end, t).numpy()

    @property
    def reason(self) -> np.ndarray:
        """`[B]` strings: why each pair stopped."""
        return np.array([Reason(code).message for code in self.reason_codes], dtype=object)
