"""What an interpolation found: one model's curves between the same images."""

from __future__ import annotations

import dataclasses

import numpy as np

from launch.running.run import Run
from tfgeo.geodesics import Geodesics
from tfgeo.manifolds import Manifold

__all__ = ["MEASURED_POINTS", "Interpolation"]

# Points on a curve at which lengths are compared.
MEASURED_POINTS = 100


@dataclasses.dataclass(frozen=True)
class Interpolation:
    """One model's curves between the same images.

    Attributes:
      run: the run of the model.
      name: what tables and files call it: the entry, with the metric where that is another than the entry's own.
      manifold: the latent space.
      start: `[B, d]` posterior means of the first images.
      end: `[B, d]` those of the last ones.
      found: its geodesics, or None for a model that interpolates along straight lines only.
      seconds: time that they took, compiling included.
    """

    run: Run
    name: str
    manifold: Manifold
    start: np.ndarray
    end: np.ndarray
    found: Geodesics | None
    seconds: float

    def straight(self, num: int) -> np.ndarray:
        """`[B, num, d]` points on the straight lines."""
        t = np.linspace(0.0, 1.0, num, dtype=self.start.dtype)[:, None]
        return (1.0 - t) * self.start[:, None] + t * self.end[:, None]

    def curves(self, num: int) -> dict[str, np.ndarray]:
        """`[B, num, d]` points on the curves of each kind."""
        straight = {"straight": self.straight(num)}
        return straight if self.found is None else {"geodesic": self.found.points(num)} | straight

    @property
    def file_name(self) -> str:
        """Its name as part of a file's."""
        return self.name.replace("/", "_").replace(", ", "_")
