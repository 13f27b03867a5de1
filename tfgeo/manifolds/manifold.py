"""The protocol of a manifold: a metric, and energies and lengths of curves."""

from __future__ import annotations

import abc
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from tfgeo.errors import UserError
from tfgeo.manifolds.calculus.acceleration import metric_acceleration
from tfgeo.manifolds.calculus.cometric import Cometric, MetricCometric
from tfgeo.manifolds.calculus.eigen import eigvalsh
from tfgeo.manifolds.calculus.jacobian import jacobian_columns
from tfgeo.manifolds.calculus.points import as_points
from tfgeo.manifolds.calculus.quadratic_model import QuadraticModel, model_of_segments

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Manifold", "check_points", "raise_index"]


class Manifold(abc.ABC):
    """A latent space R^d with a Riemannian metric G(z).

    A subclass gives `metric_tensor` and `segment_energies`; all else follows.
    """

    @abc.abstractmethod
    def metric_tensor(self, z: tf.Tensor) -> tf.Tensor:
        """G at `z`: `[..., d]` to `[..., d, d]`, symmetric positive semi-definite."""

    @abc.abstractmethod
    def segment_energies(self, points: tf.Tensor) -> tf.Tensor:
        """Squared lengths of the segments between neighbouring points: `[B, T, d]` to `[B, T - 1]`."""

    def quadratic_model(self, points: tf.Tensor, definite: bool = False) -> QuadraticModel:
        """A second-order model of `energy` in the inner points of curves, for second-order solvers.

        By differentiating `segment_energies` twice; a manifold that knows a cheaper one gives it.

        Args:
          points: `[B, T, d]`.
          definite: whether the model's matrix must be positive semi-definite, as long curves need it; what is
            not is left out of it. Energy and gradient are exact either way.
        """
        points = check_points(points)
        return model_of_segments(self.segment_energies, points, self.energy_scale(points.shape[-2]), definite)

    def energy_and_gradient(self, points: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Energy of curves `[B, T, d]` and its gradient in their T - 2 inner points: `[B]` and `[B, T - 2, d]`.

        By reverse mode.
        """
        points = check_points(points)
        with tf.GradientTape() as tape:
            tape.watch(points)
            energy = self.energy(points)
        # A decoder of constant variance has a potential that does not depend on the curve.
        gradient = tape.gradient(energy, points, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        return energy, gradient[:, 1:-1]

    def floats_per_point(self, latent_dim: int, dtype: tf.DType) -> int:
        """Numbers that `quadratic_model` holds for one point of a curve; solvers size their blocks by it."""
        del dtype
        return (1 + 2 * latent_dim) ** 2

    def peak_floats_per_point(self, latent_dim: int, dtype: tf.DType) -> int:
        """Numbers that `quadratic_model` makes on the way for one point, which bound how many fit the memory."""
        return self.floats_per_point(latent_dim, dtype)

    def working_dtype(self, latent_dim: int, dtype: tf.DType) -> tf.DType:
        """The dtype in which curves between points of `dtype` are computed: where there is one, the decoder's."""
        del latent_dim
        return dtype

    def given(self, condition: Any) -> Manifold:
        """The manifold of a conditional decoder under another condition `[..., C]`, broadcast against the points.

        Raises:
          UserError: if there is no such decoder.
        """
        del condition
        raise UserError(f"{type(self).__name__} has no conditional decoder; leave the condition out")

    def __sklearn_clone__(self) -> Manifold:
        """Itself: `sklearn.base.clone` copies what is no estimator, here the weights of a decoder."""
        return self

    @property
    def model_is_approximate(self) -> bool:
        """Whether `quadratic_model` leaves out second derivatives that the energy has."""
        return False

    def omitted_curvature(
        self, points: tf.Tensor, slopes: tf.Tensor | None, step: tf.Tensor | None = None
    ) -> tf.Tensor | None:
        """Second derivatives of `energy` that `quadratic_model` leaves out, where they are cheap to find.

        Blocks of each inner point with itself: `[B, T, d]` to `[B, T - 2, d, d]`, symmetric; or None, and
        solvers take differences of `energy_and_gradient` in place of the model. An exact model needs none.
        `slopes` `[B, T - 2, d]` is the model's gradient, found anew where it is None; `step` `[B]` is the length of
        the steps of differences, by default one that fits the curve.
        """
        del points, slopes, step
        return None

    @property
    def model_takes_jacobians(self) -> bool:
        """Whether `quadratic_model` is made of the decoder's Jacobians, so that its cost grows with d."""
        return False

    def jacobian_products(self, z: tf.Tensor) -> tf.Tensor | None:
        """Inner products of the columns of an embedding's Jacobian at several points, also between the points.

        `J(z_r)^T J(z_s)` of S points on a curve: `[B, S, d]` to `[B, S d, S d]`; None of a manifold whose energies
        are no differences of embedded points.
        """
        del z
        return None

    @property
    def has_potential(self) -> bool:
        """Whether the energy has a part that does not come from segments, so that it is no square of a length."""
        return False

    def without_potential(self) -> Manifold:
        """The manifold of the same metric whose energy is that of its segments alone; itself where it has no other.

        A curve of least energy with a potential is no geodesic of the metric, which logarithms and means are about.
        """
        return self

    def contains(self, z: tf.Tensor) -> tf.Tensor:
        """Whether the metric is known at `z`: `[..., d]` to `[...]` bool. By default it is everywhere."""
        return tf.ones(tf.shape(z)[:-1], tf.bool)

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
        metric = self.metric_tensor(z)
        return tf.einsum("...i,...ij,...j->...", as_points(u, metric.dtype), metric, as_points(v, metric.dtype))

    def norm(self, z: tf.Tensor, v: tf.Tensor) -> tf.Tensor:
        """Length of tangent vectors `v` at `z`: each `[..., d]`, to `[...]`."""
        # Rounding can push the square of a vector that is sent to 0 below it.
        return tf.sqrt(tf.maximum(self.inner_product(z, v, v), 0.0))

    def geodesic_acceleration(self, z: tf.Tensor, v: tf.Tensor) -> tf.Tensor:
        """Acceleration `-Gamma(v, v)` of the geodesic through `z` with velocity `v`: `[..., d]` each.

        NaN where the metric is not positive definite. It needs a metric with continuous derivatives: for
        piecewise linear (ReLU) decoders it is 0, which is wrong.
        """
        return metric_acceleration(self.metric_tensor, as_points(z), as_points(v))

    def volume(self, z: tf.Tensor) -> tf.Tensor:
        """Magnification factor `sqrt(det G(z))`: `[..., d]` to `[...]`; Eq. 21 of Yang et al. (2018)."""
        # From the eigenvalues, floored at 0: rounding can push the determinant of a flat metric below it.
        eigenvalues = eigvalsh(self.metric_tensor(z))
        return tf.sqrt(tf.reduce_prod(tf.maximum(eigenvalues, 0.0), axis=-1))

    def cometric(self, z: tf.Tensor) -> Cometric:
        """The inverse metric at `z` `[..., d]`, with momenta, their density and their kinetic energy.

        By automatic differentiation of `metric_tensor`; a manifold that knows its inverse gives that.
        """
        return MetricCometric(self.metric_tensor, z)

    def log_volume(self, z: tf.Tensor) -> tf.Tensor:
        """`log sqrt(det G(z))`: `[..., d]` to `[...]`; -inf where the metric is degenerate.

        Where `volume` overflows or underflows, as it does in many dimensions, this does not.
        """
        eigenvalues = eigvalsh(self.metric_tensor(z))
        return 0.5 * tf.reduce_sum(tf.math.log(tf.maximum(eigenvalues, 0.0)), axis=-1)

    def plot_volume(
        self, ax: Axes | None = None, bounds: Sequence[Sequence[float]] | None = None, resolution: int = 200
    ) -> Axes:
        """Draws `log_volume` over a part of the latent plane in colours, beneath what is there already.

        A few extreme values are cut, as the bar of colours shows.

        Args:
          ax: matplotlib's axes to draw in; by default a new figure.
          bounds: `((low, high), (low, high))` of the two latent dimensions, by default what `ax` shows.
          resolution: points along each side.

        Returns:
          The axes.

        Raises:
          UserError: if d is not 2, or nothing says which part of the plane to draw.
        """
        from tfgeo.plots.fields import volume  # matplotlib is for those who draw

        return volume(self, ax, bounds, resolution)

    def anisotropy(self, z: tf.Tensor) -> tf.Tensor:
        """Square root of largest over smallest eigenvalue of G(z): `[..., d]` to `[...]`, at least 1.

        Infinite where the metric is degenerate.
        """
        eigenvalues = eigvalsh(self.metric_tensor(z))
        # Rounding can push the smallest eigenvalue of a degenerate metric below 0.
        return tf.sqrt(eigenvalues[..., -1] / tf.maximum(eigenvalues[..., 0], 0.0))

    def metric_derivative(self, z: tf.Tensor) -> tf.Tensor:
        """`dG_ij / dz^k` at `z`: `[..., d]` to `[..., d, d, d]`, indices in the order i, j, k."""
        return jacobian_columns(self.metric_tensor, as_points(z))

    def christoffels(self, z: tf.Tensor) -> tf.Tensor:
        """Christoffel symbols of the second kind: `[..., d]` to `[..., d, d, d]`.

        `Gamma^k_ij = 1/2 G^kl (d_i G_lj + d_j G_li - d_l G_ij)`, indices in the order k, i, j: the upper one
        first, symmetric in the last two. Geodesics solve `z''^k + Gamma^k_ij z'^i z'^j = 0`. NaN where the
        metric is singular; 0 inside the pieces of a piecewise linear decoder.
        """
        derivative = self.metric_derivative(z)
        # [l, i, j] of d_j G_li is the derivative as it is; both others are transposes of it.
        other = tf.einsum("...lji->...lij", derivative) - tf.einsum("...ijl->...lij", derivative)
        return raise_index(self.metric_tensor(z), 0.5 * (derivative + other))


def raise_index(metric: tf.Tensor, lowered: tf.Tensor) -> tf.Tensor:
    """`G^kl T_lij`: `[..., d, d]` and `[..., d, d, d]` to `[..., d, d, d]`, NaN where the metric is singular."""
    dim = lowered.shape[-1]
    columns = tf.reshape(lowered, tf.concat([tf.shape(lowered)[:-2], [dim * dim]], axis=0))
    # Cholesky gives NaN for a singular matrix, where `tf.linalg.solve` would stop the whole batch.
    return tf.reshape(tf.linalg.cholesky_solve(tf.linalg.cholesky(metric), columns), tf.shape(lowered))


def check_points(points: tf.Tensor) -> tf.Tensor:
    """Curves as a tensor `[B, T, d]`; ValueError where T is not known or below 2."""
    points = as_points(points)
    if points.shape.rank < 2 or points.shape[-2] is None or points.shape[-2] < 2:
        raise ValueError(
            f"`points` must be [B, T, d] with a known T of at least 2, got {points.shape}; "
            "give each curve both end points"
        )
    return points
