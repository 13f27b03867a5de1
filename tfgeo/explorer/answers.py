"""What a served explorer computes under one metric: the field, geodesics, and distances from a point."""

from __future__ import annotations

import dataclasses
import functools
import time
from typing import Any

import numpy as np
import tensorflow as tf

from tfgeo.curves import CubicSpline, Curve, Polyline
from tfgeo.explorer.scene import Scene, SceneMetric
from tfgeo.geodesics import Geodesics, KNNGraph, connect
from tfgeo.manifolds import Interpolated

__all__ = ["SOLVERS", "Answer", "Answers"]

# Ways to find a geodesic by name: on the table of the metric, on the decoder, or along the grid alone.
SOLVERS = {
    "table": "table, then the decoder",
    "levenberg_marquardt": "decoder, Levenberg-Marquardt",
    "bfgs": "decoder, BFGS",
    "adam": "decoder, Adam",
    "georce": "decoder, GEORCE",
    "grid": "grid alone",
}
# Nodes of the metric's table and of the grid along each axis, and neighbours of a node of the grid.
TABLE_NODES, GRID_NODES, GRID_NEIGHBOURS = 64, 60, 24
# Nodes from which lower bounds of distances on the grid are kept: they make its paths quick to find.
LANDMARKS = 16
# Nodes along each axis of the field that is drawn.
FIELD_NODES = 200
# Points of a curve at which it is measured and drawn.
CURVE_POINTS = 101
PATH_POINTS = 64
# Enough pieces for curves along winding data; with more the solver's time grows, and lengths hardly change. GEORCE
# takes polylines.
CURVE, POLYLINE = CubicSpline(8), Polyline(39)
# Codes that the first pair is chosen among, and the least share of the longest distance that it must be apart.
CANDIDATES, LEAST_APART = 40, 0.4


@dataclasses.dataclass(frozen=True, eq=False)
class Answer:
    """A curve between two points.

    Attributes:
      points: `[T, 2]` at equal steps of its parameter.
      speeds: `[T - 1]` in units of the metric per unit of the parameter.
      note: how it was found, a clause for people.
      seconds: that it took.
    """

    points: np.ndarray
    speeds: np.ndarray
    note: str = ""
    seconds: float = 0.0

    @property
    def length(self) -> float:
        """Its length under the metric itself, whatever found it."""
        return float(np.mean(self.speeds))


class Answers:
    """Geodesics and distances of a scene under one of its metrics.

    What takes long, the table of the metric and the grid, is made when it is first asked for, and kept.

    Args:
      scene: the scene.
      metric: one of its metrics.
    """

    def __init__(self, scene: Scene, metric: SceneMetric) -> None:
        self.scene = scene
        self.metric = metric

    @property
    def is_straight(self) -> bool:
        """Whether straight lines are the geodesics."""
        return self.metric.manifold is None

    @functools.cached_property
    def table(self) -> Interpolated:
        """The metric as a table over the plane."""
        assert self.metric.manifold is not None
        return Interpolated(self.metric.manifold, self.scene.bounds, TABLE_NODES)

    @functools.cached_property
    def grid(self) -> KNNGraph:
        """The nodes of a grid over the plane, rows along the second coordinate, joined under the table."""
        nodes = self._nodes(GRID_NODES)
        return KNNGraph(
            self.table, nodes, GRID_NEIGHBOURS, points_per_edge=3, num_landmarks=LANDMARKS, progress=False
        )

    @functools.cached_property
    def _segment_energies(self) -> Any:
        """Those of the manifold, compiled: a call of many small operations takes longer than what they do."""
        assert self.metric.manifold is not None
        return tf.function(self.metric.manifold.segment_energies, autograph=False, reduce_retracing=True)

    def field(self) -> np.ndarray | None:
        """`[r, r]` log10 of the volume, rows along the second coordinate; None for straight lines."""
        if self.is_straight:
            return None
        volume = np.asarray(self.table.volume(tf.constant(self._nodes(FIELD_NODES))), np.float64)
        return np.log10(np.maximum(volume, np.finfo(np.float32).tiny)).reshape(FIELD_NODES, FIELD_NODES)

    def distances(self, source: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Distances from a point `[2]`: both axes `[r]` of the grid, and `[r, r]` by the shortest paths on it."""
        first, second = self._axes(GRID_NODES)
        if self.is_straight:
            nodes = self._nodes(GRID_NODES)
            distances = np.linalg.norm(nodes - source, axis=-1)
        else:
            node = int(np.argmin(np.linalg.norm(self.grid.points - source, axis=-1)))
            distances = self.grid.distances(np.array([node]))[0]
        return first, second, distances.reshape(GRID_NODES, GRID_NODES)

    def telling_pair(self) -> np.ndarray:
        """Two codes `[2, 2]` far apart between which the straight line is a long detour, to begin with."""
        codes = self.scene.latents[self.scene.shown]
        codes = codes[:: max(1, len(codes) // CANDIDATES)].astype(np.float64)
        start, others = codes[0], codes[1:]
        if self.is_straight:
            return np.stack([start, others[-1]])
        first, second, distances = self.distances(start)
        far = distances[np.abs(second - others[:, 1:]).argmin(axis=1), np.abs(first - others[:, :1]).argmin(axis=1)]
        straight = [self.straight(start, end).length for end in others]
        gains = np.where(far > LEAST_APART * far.max(), straight / np.maximum(far, np.finfo(np.float32).tiny), 0.0)
        return np.stack([start, others[np.argmax(gains)]])

    def straight(self, start: np.ndarray, end: np.ndarray) -> Answer:
        """The straight line between two points `[2]`."""
        return self._measure(_line(start, end)[None])[0]

    def between(self, start: np.ndarray, end: np.ndarray, solver: str, is_final: bool) -> tuple[Answer, Answer]:
        """The geodesic between two points `[2]`, and the straight line.

        Args:
          start: where they begin.
          end: where they end.
          solver: one of `SOLVERS`.
          is_final: whether the ends are at rest, so that "table" goes on to the decoder.
        """
        if self.is_straight or np.array_equal(start, end):
            straight = self.straight(start, end)
            return dataclasses.replace(straight, note="a straight line is the shortest there is"), straight
        begin = time.perf_counter()
        ends = np.asarray(start, np.float32)[None], np.asarray(end, np.float32)[None]
        path = self.grid.paths(*ends, PATH_POINTS, warn=False)
        if solver == "grid":
            points, note = self.grid.paths(*ends, CURVE_POINTS, warn=False)[0], "shortest path on a grid"
        else:
            found, note = self._connect(ends, path, solver, is_final)
            points = _points_along(found)
        answer, straight = self._measure(np.stack([points, _line(start, end)]))
        if not answer.length < straight.length:
            answer, note = straight, f"{note}; nothing shorter than the straight line"
        return dataclasses.replace(answer, note=note, seconds=time.perf_counter() - begin), straight

    def _connect(
        self, ends: tuple[np.ndarray, np.ndarray], path: np.ndarray, solver: str, is_final: bool
    ) -> tuple[Any, str]:
        manifold = self.metric.manifold
        assert manifold is not None  # straight lines have been answered
        if solver == "georce":
            found = connect(manifold, *ends, curve=POLYLINE, solver=solver, warm_start=path, warn=False)
            return found, _describe(found, "by GEORCE on the decoder itself")
        # XLA, for of one pair most of the time is the calling of many small operations.
        found = connect(self.table, *ends, curve=CURVE, warm_start=path, warn=False, xla=True)
        if solver == "table" and not is_final:
            return found, f"on a table of {TABLE_NODES} x {TABLE_NODES} nodes"
        # BFGS, for one step of it costs two decoder passes.
        name = "bfgs" if solver == "table" else solver
        found = connect(manifold, *ends, curve=CURVE, solver=name, warm_start=found, warn=False)
        return found, _describe(found, f"by {name} on the decoder itself")

    def _measure(self, curves: np.ndarray) -> list[Answer]:
        """Curves `[B, T, 2]` with their speeds, under the metric itself."""
        if self.metric.manifold is None:
            lengths = np.linalg.norm(np.diff(curves, axis=1), axis=-1)
        else:
            segments = self._segment_energies(tf.constant(curves, tf.float32))
            lengths = np.sqrt(np.maximum(np.asarray(segments, np.float64), 0.0))
        speeds = (curves.shape[1] - 1) * lengths
        return [Answer(np.asarray(curve, np.float64), speed) for curve, speed in zip(curves, speeds, strict=True)]

    def _axes(self, count: int) -> tuple[np.ndarray, np.ndarray]:
        first, second = (np.linspace(low, high, count, dtype=np.float32) for low, high in self.scene.bounds)
        return first, second

    def _nodes(self, count: int) -> np.ndarray:
        """`[r * r, 2]`, the first coordinate running fastest."""
        return np.stack(np.meshgrid(*self._axes(count)), axis=-1).reshape(-1, 2)


def _points_along(found: Geodesics) -> np.ndarray:
    """`Geodesics.points` of one curve, compiled once for all that come."""
    t = tf.linspace(tf.constant(0.0, found.start.dtype), 1.0, CURVE_POINTS)
    return _compile_points(found.curve)(*map(tf.constant, (found.parameters, found.start, found.end)), t).numpy()[0]


@functools.lru_cache(maxsize=4)
def _compile_points(curve: Curve) -> Any:
    return tf.function(curve.points, autograph=False, reduce_retracing=True)


def _line(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    t = np.linspace(0.0, 1.0, CURVE_POINTS)[:, None]
    return (1.0 - t) * np.asarray(start, np.float64) + t * np.asarray(end, np.float64)


def _describe(found: Any, how: str) -> str:
    state = "converged" if found.converged[0] else f"not converged ({found.reason[0]})"
    return f"{how}, {state} in {int(found.num_iterations[0])} steps"
