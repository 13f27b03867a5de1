"""Polylines."""

from __future__ import annotations

import dataclasses

import numpy as np
import tensorflow as tf

from tfgeo.curves.linear_curve import LinearCurve
from tfgeo.curves.piecewise import piecewise_polynomials
from tfgeo.errors import check_count

__all__ = ["Polyline"]


@dataclasses.dataclass(frozen=True)
class Polyline(LinearCurve):
    """Straight segments between nodes at equal steps of t.

    The parameters are the displacements of the inner nodes from the straight line. An energy of T points sees
    every node where T - 1 is a multiple of `num_nodes + 1`, as with the default and 20 points.

    Args:
      num_nodes: inner nodes, at least 1.

    Raises:
      UserError: if it is not.
    """

    num_nodes: int = 18

    def __post_init__(self) -> None:
        check_count("num_nodes", self.num_nodes)

    def basis(self, t: tf.Tensor) -> tf.Tensor:
        """Hat functions; the derivative at a node is that of the segment on one of its sides."""
        num_segments = self.num_nodes + 1
        heights = np.pad(np.eye(self.num_nodes), [(1, 1), (0, 0)])  # at all nodes, the ends included
        slopes = num_segments * np.diff(heights, axis=0)
        # The last segment is expanded about its right end; see `piece_origins`.
        values = np.concatenate([heights[:-2], heights[-1:]])
        return piecewise_polynomials(np.stack([values, slopes], axis=1), t)
