"""The protocol of a manifold: a metric, and energies and lengths of curves."""

from __future__ import annotations

import abc

import tensorflow as tf

from tfgeo.manifolds.acceleration import metric_acceleration

__all__ = ["Manifold", "check_points"]


class Manifold(abc.ABC):
    """A latent space R^d with a Riemannian metric G(z).

    A subclass gives `metric_tensor` and `segment_energies`; all else follows. Where the energy is a sum of
    squares, it also gives `residuals`, which second-order solvers need.
    """

    @abc.abstractmethod
    def metric_tensor(self, z: tf.Tensor) -> tf.Tensor:
        """G at `z`: `[..., d]` to `[..., d, d]`, symmetric positive semi-definite."""

    @abc.abstractmethod
    def segment_energies(self, points: tf.Tensor) -> tf.Tensor:
        """Squared lengths of the segments between neighbouring points: `[B, T, d]` to `[B, T - 1]`."""

    def residuals(self, points: tf.Tensor) -> tf.Tensor:
        """`[B, T, d]` to `[B, R]` with `energy = energy_scale |residuals|^2 + potential`.

        Raises:
          TypeError: if this manifold's energy is not known as a sum of squares.
        """
        raise TypeError(
            f"{type(self).__name__} has no `residuals`, which solver='levenberg_marquardt' needs; use solver='adam'"
        )

    def potential(self, points: tf.Tensor) -> tf.Tensor | None:
        """The part of the energy that is no square: `[B, T, d]` to `[B]`, or None where there is none."""
        del points
        return None

    def energy_scale(self, num_points: int) -> float:
        """Factor between the sum of `segment_energies` and `energy`: the number of segments, T - 1."""
        return float(num_points - 1)

    def energy(self, points: tf.Tensor) -> tf.Tensor:
        """Energy of curves, the integral of |c'|^2_G over [0, 1]: `[B, T, d]` to `[B]`.

        With T points at equal steps of the parameter this is (T - 1) times the sum of squared segments,
        Eq. 14 of Yang et al. (2018); its error falls with 1 / (T - 1)^2.
        """
        points = check_points(points)
        return self.energy_scale(points.shape[-2]) * tf.reduce_sum(self.segment_energies(points), axis=-1)

    def length(self, points: tf.Tensor) -> tf.Tensor:
        """Length of curves: `[B, T, d]` to `[B]`. Its square is at most an energy scaled by T - 1."""
        return tf.reduce_sum(tf.sqrt(self.segment_energies(check_points(points))), axis=-1)

    def inner_product(self, z: tf.Tensor, u: tf.Tensor, v: tf.Tensor) -> tf.Tensor:
        """`u^T G(z) v` of tangent vectors at `z`: each `[..., d]`, to `[...]`."""
        return tf.einsum("...i,...ij,...j->...", u, self.metric_tensor(z), v)

    def norm(self, z: tf.Tensor, v: tf.Tensor) -> tf.Tensor:
        """Length of tangent vectors `v` at `z`: each `[..., d]`, to `[...]`."""
        # Rounding can push the square of a vector that is sent to 0 below it.
        return tf.sqrt(tf.maximum(self.inner_product(z, v, v), 0.0))

    def geodesic_acceleration(self, z: tf.Tensor, v: tf.Tensor) -> tf.Tensor:
        """Acceleration `-Gamma(v, v)` of the geodesic through `z` with velocity `v`: `[..., d]` each.

        NaN where the metric is not positive definite. It needs a metric with continuous derivatives: for
        piecewise linear (ReLU) decoders it is 0, which is wrong.
        """
        return metric_acceleration(self.metric_tensor, z, v)

    def volume(self, z: tf.Tensor) -> tf.Tensor:
        """Magnification factor `sqrt(det G(z))`: `[..., d]` to `[...]`; Eq. 21 of Yang et al. (2018)."""
        # From the eigenvalues, floored at 0: rounding can push the determinant of a flat metric below it.
        eigenvalues = tf.linalg.eigvalsh(self.metric_tensor(z))
        return tf.sqrt(tf.reduce_prod(tf.maximum(eigenvalues, 0.0), axis=-1))

    def anisotropy(self, z: tf.Tensor) -> tf.Tensor:
        """Square root of largest over smallest eigenvalue of G(z): `[..., d]` to `[...]`, at least 1.

        Infinite where the metric is degenerate.
        """
        eigenvalues = tf.linalg.eigvalsh(self.metric_tensor(z))
        # Rounding can push the smallest eigenvalue of a degenerate metric below 0.
        return tf.sqrt(eigenvalues[..., -1] / tf.maximum(eigenvalues[..., 0], 0.0))


def check_points(points: tf.Tensor) -> tf.Tensor:
    """Curves as a tensor `[B, T, d]`; ValueError where T is not known or below 2."""
    points = tf.convert_to_tensor(points)
    if points.shape.rank < 2 or points.shape[-2] is None or points.shape[-2] < 2:
        raise ValueError(
            f"`points` must be [B, T, d] with a known T of at least 2, got {points.shape}; "
            "give each curve both end points"
        )
    return points
