"""What a solver returns for a batch of pairs."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from tfgeo.curves import Curve
from tfgeo.errors import UserError, check_count
from tfgeo.geodesics.solvers.solver import Reason
from tfgeo.manifolds import Manifold

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["DISTANCES", "Geodesics", "check_distance", "distance_of"]

# What a geodesic's distance can mean.
DISTANCES = ("length", "energy", "root_energy")

# Numbers that are held at once where velocities are measured: 16 MiB in float32.
BLOCK_FLOATS = 2**22


@dataclasses.dataclass(frozen=True)
class Geodesics:
    """Geodesics of B pairs.

    Attributes:
      curve: the curve family.
      parameters: `[B, P]`.
      start: `[B, d]`.
      end: `[B, d]`.
      length: `[B]`, in data units: the sum of the chords between the points of the curve at which it was measured,
        which is short of its integral of |c'|_G where the decoder bends between them.
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
        check_count("num", num, 2)
        t = tf.linspace(tf.constant(0.0, self.start.dtype), 1.0, num)
        parameters, start, end = map(tf.constant, (self.parameters, self.start, self.end))
        return self.curve.points(parameters, start, end, t).numpy()

    def velocity(self, manifold: Manifold, num: int) -> np.ndarray:
        """`[B, num]` speeds `phi(t) = sqrt(c'(t)^T G c'(t))` at equal steps of t, Eq. 11 of Chen et al. (2018).

        In data units; their mean is the length by Eq. 10, the same for every t where a curve is a geodesic.

        Args:
          manifold: whose metric measures, such as the one that the curves were found on.
          num: how many, at least 2.
        """
        check_count("num", num, 2)
        dtype = tf.as_dtype(self.start.dtype)
        block = max(1, BLOCK_FLOATS // (num * manifold.floats_per_point(self.start.shape[1], dtype)))
        measure = _compile_velocity(self.curve, manifold, num)
        parts = [
            measure(*(tf.constant(part[first : first + block]) for part in (self.parameters, self.start, self.end)))
            for first in range(0, len(self), block)
        ]
        return np.concatenate(parts) if parts else np.zeros([0, num], self.start.dtype)

    def plot(self, ax: Axes | None = None, num: int = 100, straight: bool = False, numbers: bool = True) -> Axes:
        """Draws the curves in the latent plane, in white with a dark rim.

        Args:
          ax: matplotlib's axes to draw in, such as those of `Manifold.plot_volume`; by default a new figure.
          num: points on each curve.
          straight: whether the straight lines between the ends are drawn too, dashed.
          numbers: whether the pairs' rows are written where the curves begin; more than 20 pairs go without.

        Returns:
          The axes.

        Raises:
          UserError: if d is not 2; `tfgeo.plots.strip` and `tfgeo.plots.velocity` take any d.
        """
        from tfgeo.plots.along import curves_in_plane  # matplotlib is for those who draw

        ends = np.stack([self.start, self.end], axis=1)
        return curves_in_plane(self.points(check_count("num", num, 2)), ax, ends if straight else None, numbers)

    @property
    def reason(self) -> np.ndarray:
        """`[B]` strings: why each pair stopped."""
        return np.array([Reason(code).message for code in self.reason_codes], dtype=object)


@functools.lru_cache(maxsize=16)
def _compile_velocity(curve: Curve, manifold: Manifold, num: int) -> Callable[..., tf.Tensor]:
    @tf.function(autograph=False, reduce_retracing=True)
    def measure(parameters: tf.Tensor, start: tf.Tensor, end: tf.Tensor) -> tf.Tensor:
        t = tf.linspace(tf.constant(0.0, start.dtype), 1.0, num)
        points = curve.points(parameters, start, end, t)
        return manifold.norm(points, curve.derivative(parameters, start, end, t))

    return measure


def check_distance(distance: str) -> None:
    """Refuses what is not one of `DISTANCES`."""
    if distance not in DISTANCES:
        raise UserError(f"`distance`={distance!r} is not known; choose one of {', '.join(DISTANCES)}")


def distance_of(length: np.ndarray, energy: np.ndarray, distance: str) -> np.ndarray:
    """The distance of geodesics with such lengths and energies, each `[B]`."""
    values = length if distance == "length" else energy
    return np.sqrt(values) if distance == "root_energy" else values
