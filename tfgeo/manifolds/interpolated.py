"""A tabulated metric, interpolated so smoothly that bulk geodesics need no decoder."""

from __future__ import annotations

import numpy as np
import tensorflow as tf
from numpy.lib.stride_tricks import sliding_window_view

from tfgeo.errors import UserError, check_at_least, check_count
from tfgeo.manifolds.calculus.arrays import as_array
from tfgeo.manifolds.calculus.bspline import MIN_NODES, derivative_weights, fit_coefficients
from tfgeo.manifolds.calculus.points import as_points
from tfgeo.manifolds.calculus.quadratic_model import QuadraticModel, join_segments
from tfgeo.manifolds.checks import check_metric_values
from tfgeo.manifolds.manifold import Manifold, check_points
from tfgeo.manifolds.metric_field import MetricField

__all__ = ["Interpolated"]

# Nodes whose metric is computed together: 2 x 784 outputs of 1024 points and their tangents take 20 MB.
BLOCK_SIZE = 1024

# Least eigenvalue of a coefficient, relative to the smallest one of the node's own metric. Coefficients of a
# metric that grows by exp(5) from node to node are still above it.
# A side of the bounding box of points, as a share of the other, at least.
LEAST_SIDE = 0.1
COEFFICIENT_FLOOR = 0.01


class Interpolated(MetricField):
    """The metric of another manifold, d = 2, by tensor-product cubic B-splines through a table of nodes.

    The field is twice continuously differentiable and positive definite everywhere: spline weights are
    positive and sum to 1, and coefficients that are not positive definite are raised (`num_raised` counts
    them; the spline then misses the nodes around). Outside of the bounds the metric is constant along each
    axis, that of the nearest point of the border: `contains` says whether a point is there.

    The error is measured when the table is built, at the centres of all cells, where it is largest.

    The neighbours of each cell are stored together, so that a point costs one lookup: 192 bytes for each
    cell in float32, 0.8 MB at 64 nodes per axis.

    Args:
      manifold: the manifold to tabulate, of dimension 2. Its metric must be finite at all nodes.
      bounds: `((low0, high0), (low1, high1))`, one row for each coordinate.
      resolution: nodes per axis, at least 4.
      dtype: of the points at which `manifold` is evaluated, and of the table, whose precision the metric has.
        Points may be of another dtype, which is then that of what is returned.

    Attributes:
      median_relative_error: of the metric in the Frobenius norm, relative to its own, over cell centres.
      max_relative_error: the largest one.
      median_norm_error: relative error of the length of a tangent vector, in the worst direction at a point,
        over cell centres; infinite where the manifold's metric is singular.
      max_norm_error: the largest one.
      coefficients: `[r + 2, r + 2, 3]` of the spline, for the entries (0, 0), (0, 1) and (1, 1) of the metric, with
        which others can evaluate it; r is the resolution, and cell i of an axis has the coefficients i to i + 3.
      num_raised: number of coefficients that were raised to keep the metric positive definite.

    Raises:
      UserError: if the bounds or the resolution are wrong, or the metric at a node is not finite, not symmetric
        or has a negative eigenvalue; names the node.
    """

    def __init__(
        self,
        manifold: Manifold,
        bounds: np.ndarray,
        resolution: int = 64,
        dtype: tf.DType = tf.float32,
    ) -> None:
        self.manifold = manifold
        self.bounds = _check_bounds(bounds)
        self.resolution = check_count("resolution", resolution, MIN_NODES)
        self.dtype = tf.as_dtype(dtype)
        axes = [np.linspace(low, high, self.resolution) for low, high in self.bounds]
        self.coefficients, self.num_raised = _positive_coefficients(self._tabulate(axes))
        # [cell, first axis, (entry, second axis)]
        windows = sliding_window_view(sliding_window_view(self.coefficients, 4, axis=0), 4, axis=1)
        self._table = tf.constant(windows.transpose(0, 1, 3, 2, 4).reshape(-1, 4, 12), self.dtype)

        centres = [0.5 * (nodes[1:] + nodes[:-1]) for nodes in axes]
        exact = self._tabulate(centres).reshape(-1, 2, 2)
        fitted = self.metric_tensor(tf.constant(_grid(centres), self.dtype)).numpy().astype(np.float64)
        errors = np.linalg.norm(fitted - exact, axis=(-1, -2)) / np.linalg.norm(exact, axis=(-1, -2))
        self.median_relative_error, self.max_relative_error = float(np.median(errors)), float(np.max(errors))
        errors = _norm_errors(exact, fitted)
        self.median_norm_error, self.max_norm_error = float(np.median(errors)), float(np.max(errors))

    @classmethod
    def around(
        cls,
        manifold: Manifold,
        points: np.ndarray,
        resolution: int = 64,
        margin: float = 0.2,
        dtype: tf.DType = tf.float32,
    ) -> Interpolated:
        """The table over the bounding box of `points` `[..., 2]`, `margin` of its sides wider at each side.

        Its shorter side is at least a tenth of the longer one.
        """
        points = as_array(points, "`points`", "[n, 2]").astype(np.float64)
        if points.ndim < 2 or points.shape[-1] != 2 or points.size < 4 or not np.isfinite(points).all():
            raise UserError(
                f"`points` {points.shape} must be [n, 2], finite and at least two, to give the table its bounds; "
                "a table is for latent spaces of dimension 2."
            )
        points = points.reshape(-1, 2)
        low, high = points.min(axis=0), points.max(axis=0)
        sides = high - low
        if not sides.any():
            raise UserError(f"`points` are all {low}, a place that gives a table no bounds; give `bounds` instead")
        # Points on a line along an axis still get a plane around them.
        middle, least = 0.5 * (low + high), 0.5 * LEAST_SIDE * sides.max()
        low, high = np.minimum(low, middle - least), np.maximum(high, middle + least)
        room = check_at_least("margin", margin, 0.0) * (high - low)
        return cls(manifold, np.stack([low - room, high + room], axis=-1), resolution, dtype)

    def __repr__(self) -> str:
        return f"Interpolated({self.manifold!r}, {self._extent()})"

    def _extent(self) -> str:
        """Nodes and bounds in words."""
        box = " x ".join(f"[{low:.4g}, {high:.4g}]" for low, high in self.bounds)
        return f"{self.resolution} x {self.resolution} nodes over {box}"

    def describe(self) -> str:
        """One line: the table and its measured error."""
        return (
            f"metric of {self.manifold!r} on {self._extent()}: "
            f"relative error at cell centres {self.median_relative_error:.1e} in the median, "
            f"{self.max_relative_error:.1e} at most; of lengths {self.median_norm_error:.1e} in the median, "
            f"{self.max_norm_error:.1e} at most; {self.num_raised} of {(self.resolution + 2) ** 2} "
            "coefficients raised"
        )

    def working_dtype(self, latent_dim: int, dtype: tf.DType) -> tf.DType:
        """That of the table: maps that ask for more find its rounding in their errors."""
        del latent_dim, dtype
        return self.dtype

    def contains(self, z: tf.Tensor) -> tf.Tensor:
        """Whether `z` is inside of the bounds: `[..., 2]` to `[...]` bool."""
        low, high = tf.unstack(tf.constant(self.bounds, z.dtype), axis=-1)
        return tf.reduce_all((z >= low) & (z <= high), axis=-1)

    def metric_tensor(self, z: tf.Tensor) -> tf.Tensor:
        z = as_points(z)
        return _as_matrix(z, *tf.unstack(self._partials(z, 0)[0, 0]))

    def metric_derivative(self, z: tf.Tensor) -> tf.Tensor:
        return self.derivatives(z)[1]

    def derivatives(self, z: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """The metric with its first and second derivatives, exact for the spline, from one lookup.

        Args:
          z: `[..., 2]`.

        Returns:
          Metric `[..., 2, 2]`; first `[..., 2, 2, 2]`, last index the coordinate; second `[..., 2, 2, 2, 2]`.
          Outside of the bounds the derivatives along the axes that are left are 0.
        """
        z = as_points(z)
        matrices = {orders: _as_matrix(z, *tf.unstack(entries)) for orders, entries in self._partials(z, 2).items()}
        first = tf.stack([matrices[1, 0], matrices[0, 1]], axis=-1)
        second = tf.stack([matrices[2, 0], matrices[1, 1], matrices[1, 1], matrices[0, 2]], axis=-1)
        return matrices[0, 0], first, tf.reshape(second, _shape_like(z, [2, 2, 2, 2]))

    def segment_energies(self, points: tf.Tensor) -> tf.Tensor:
        points = as_points(points)
        steps = points[..., 1:, :] - points[..., :-1, :]
        x, y = tf.unstack(tf.cast(tf.reshape(steps, [-1, 2]), self.dtype), axis=-1)
        xx, xy, yy = tf.unstack(self._partials(0.5 * (points[..., 1:, :] + points[..., :-1, :]), 0)[0, 0])
        squares = xx * x * x + 2.0 * xy * x * y + yy * y * y
        return tf.cast(tf.reshape(squares, tf.shape(steps)[:-1]), points.dtype)

    def quadratic_model(self, points: tf.Tensor, definite: bool = False) -> QuadraticModel:
        # The formulas of `MetricField`, written out for d = 2: vectors over all segments are what processors
        # are fast at, and batches of 2 x 2 matrices are not.
        points = check_points(points)
        batch = tf.shape(points)[:-2]
        steps, middles = points[:, 1:] - points[:, :-1], 0.5 * (points[:, 1:] + points[:, :-1])
        x, y = tf.unstack(tf.cast(tf.reshape(steps, [-1, 2]), self.dtype), axis=-1)
        partials = self._partials(middles, 1 if definite else 2)

        def apply(entries: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            return entries[0] * x + entries[1] * y, entries[1] * x + entries[2] * y

        def square(entries: tf.Tensor) -> tf.Tensor:
            return entries[0] * x * x + 2.0 * entries[1] * x * y + entries[2] * y * y

        def join(*parts: tf.Tensor) -> tf.Tensor:
            """Vectors over the segments to `[B, T - 1, 2]`, or `[B, T - 1, 2, 2]` of the entries row by row."""
            shape = [points.shape[-2] - 1] + [2] * (len(parts) // 2)
            return tf.cast(tf.reshape(tf.stack(parts, axis=-1), tf.concat([batch, shape], axis=0)), points.dtype)

        metric = partials[0, 0]
        cost = apply(metric)
        slope = 0.5 * square(partials[1, 0]), 0.5 * square(partials[0, 1])
        slopes = join(*(s - 2.0 * c for s, c in zip(slope, cost, strict=True)))
        slopes = slopes, join(*(s + 2.0 * c for s, c in zip(slope, cost, strict=True)))
        xx, xy, yy = (2.0 * entry for entry in tf.unstack(metric))
        if definite:
            outer = join(xx, xy, xy, yy)
            blocks = outer, -outer, outer
        else:
            (m00, m10), (m01, m11) = apply(partials[1, 0]), apply(partials[0, 1])
            bend = [0.25 * square(partials[orders]) for orders in ((2, 0), (1, 1), (0, 2))]
            twist = 2.0 * m00, m01 + m10, 2.0 * m11
            start, end = (
                join(
                    xx + sign * twist[0] + bend[0],
                    *[xy + sign * twist[1] + bend[1]] * 2,
                    yy + sign * twist[2] + bend[2],
                )
                for sign in (-1.0, 1.0)
            )
            turn = m10 - m01
            blocks = start, join(bend[0] - xx, bend[1] - xy + turn, bend[1] - xy - turn, bend[2] - yy), end
        energies = tf.cast(tf.reshape(cost[0] * x + cost[1] * y, tf.shape(steps)[:-1]), points.dtype)
        return join_segments(energies, slopes, blocks, self.energy_scale(points.shape[-2]))

    def _partials(self, z: tf.Tensor, order: int) -> dict[tuple[int, int], tf.Tensor]:
        """Derivatives up to an order: `{(i, j): d^i/dz0 d^j/dz1 of the entries}` of `[..., 2]`, each `[3, n]`.

        Points are the last axis of all, so that every operation is one on long vectors.
        """
        neighbours, t, scale = self._look_up(z)
        # [order of the derivative, neighbour, n] for each axis.
        first, second = (
            tf.reshape(derivative_weights(place), [3, 4, -1])[: order + 1]
            * tf.stack([tf.ones_like(length), length, length * length])[: order + 1, None]
            for place, length in zip(tf.unstack(t), tf.unstack(scale), strict=True)
        )
        partials = {}
        for i in range(order + 1):
            rows = tf.reduce_sum(first[i, :, None] * neighbours, axis=0)
            rows = tf.reshape(rows, [3, 4, -1])
            for j in range(order + 1 - i):
                partials[i, j] = tf.reduce_sum(rows * second[j], axis=1)
        return partials

    def _look_up(self, z: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Points to coefficients around them `[4, 12, n]`, places in cells and cells per length, each `[2, n]`."""
        # In the table's precision, whatever the points': more would be digits that the table does not have.
        points = tf.transpose(tf.cast(tf.reshape(z, [-1, 2]), self.dtype))
        low, high = tf.split(tf.constant(self.bounds, self.dtype), 2, axis=-1)
        last = self.resolution - 1
        scale = last / (high - low)
        place = tf.clip_by_value((points - low) * scale, 0.0, float(last))
        # Clipped as integers too: what NaN is cast to is no cell.
        cell = tf.clip_by_value(tf.cast(place, tf.int32), 0, last - 1)
        neighbours = tf.transpose(tf.gather(self._table, cell[0] * last + cell[1]), [1, 2, 0])
        inside = (points >= low) & (points <= high)
        return neighbours, place - tf.cast(cell, self.dtype), tf.where(inside, scale, 0.0)

    def _tabulate(self, axes: list[np.ndarray]) -> np.ndarray:
        """The manifold's metric `[n0, n1, 2, 2]` in float64 on the grid of two axes, checked."""
        nodes = _grid(axes).astype(self.dtype.as_numpy_dtype)
        blocks = [
            np.asarray(self.manifold.metric_tensor(tf.constant(nodes[first : first + BLOCK_SIZE])))
            for first in range(0, len(nodes), BLOCK_SIZE)
        ]
        metric = np.concatenate(blocks)
        # Decoders whose outputs saturate have singular metrics, up to rounding, far from data.
        check_metric_values(type(self.manifold).__name__, nodes, metric, allow_singular=True)
        return metric.astype(np.float64).reshape(len(axes[0]), len(axes[1]), 2, 2)


def _check_bounds(bounds: np.ndarray) -> np.ndarray:
    values = np.asarray(bounds, np.float64)
    if values.shape != (2, 2) or not np.isfinite(values).all() or not (values[:, 0] < values[:, 1]).all():
        raise UserError(
            f"`bounds` must be ((low0, high0), (low1, high1)) with finite low < high, but is {values.tolist()}; "
            "a table is for latent spaces of dimension 2."
        )
    return values


def _grid(axes: list[np.ndarray]) -> np.ndarray:
    """`[n0 n1, 2]`, the second axis running fastest."""
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2)


def _positive_coefficients(metric: np.ndarray) -> tuple[np.ndarray, int]:
    """Spline coefficients `[r + 2, r + 2, 3]` of the entries (0, 0), (0, 1), (1, 1), and how many were raised."""
    coefficients = fit_coefficients(metric)
    own = np.linalg.eigvalsh(metric)
    # A node that is singular up to rounding counts as having that rounding as its smallest eigenvalue.
    least = np.maximum(own[..., 0], np.finfo(np.float32).eps * own[..., 1])
    floor = COEFFICIENT_FLOOR * np.pad(least, 1, mode="edge")
    eigenvalues, vectors = np.linalg.eigh(coefficients)
    low = eigenvalues[..., 0] < floor
    raised = np.maximum(eigenvalues[low], floor[low, None])
    coefficients[low] = np.einsum("nik,nk,njk->nij", vectors[low], raised, vectors[low])
    return coefficients.reshape(*coefficients.shape[:2], 4)[..., [0, 1, 3]], int(low.sum())


def _norm_errors(exact: np.ndarray, fitted: np.ndarray) -> np.ndarray:
    """Largest relative error of the norm of a tangent vector, `[n]`: from the eigenvalues of exact^-1 fitted."""
    determinant = np.linalg.det(exact)
    singular = determinant <= 0.0
    exact = np.where(singular[:, None, None], np.eye(2), exact)
    eigenvalues = np.linalg.eigvals(np.linalg.solve(exact, fitted)).real
    return np.where(singular, np.inf, np.abs(np.sqrt(np.maximum(eigenvalues, 0.0)) - 1.0).max(axis=-1))


def _as_matrix(z: tf.Tensor, xx: tf.Tensor, xy: tf.Tensor, yy: tf.Tensor) -> tf.Tensor:
    """Entries `[n]` of symmetric matrices to `[..., 2, 2]`, in the shape and dtype of the points `[..., 2]`."""
    return tf.cast(tf.reshape(tf.stack([xx, xy, xy, yy], axis=-1), _shape_like(z, [2, 2])), z.dtype)


def _shape_like(z: tf.Tensor, tail: list[int]) -> tf.Tensor:
    return tf.concat([tf.shape(z)[:-1], tail], axis=0)
