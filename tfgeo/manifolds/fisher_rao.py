"""The Fisher information of a decoder's distribution as a metric of its latent space."""

from __future__ import annotations

import copy
from typing import Any

import tensorflow as tf

from tfgeo.manifolds.calculus.points import as_points
from tfgeo.manifolds.calculus.quadratic_model import QuadraticModel
from tfgeo.manifolds.decoders.decoder import Decoder
from tfgeo.manifolds.decoders.fisher_coordinates import fisher_coordinates
from tfgeo.manifolds.decoders.outputs import Outputs
from tfgeo.manifolds.half_planes import half_plane_metric, half_planes_model, squared_distances
from tfgeo.manifolds.manifold import Manifold, check_points
from tfgeo.manifolds.pullback import Pullback

__all__ = ["FisherRao"]


class FisherRao(Manifold):
    """`G(z) = J(z)^T I(z) J(z)`: Fisher information I of p(x | z), pulled back by the parameters' Jacobian J.

    `KL(p(x | z), p(x | z + h)) = h^T G h / 2 + O(|h|^3)`: the metric in which latent points are far apart if
    samples tell them apart (Arvanitidis et al. (2022), arXiv:2106.05367). It has no data units, and is not
    changed by another parametrization of the distribution. A sum over independent outputs:

    - normal (also `MultivariateNormalDiag`): `(d mu)^2 / sigma^2 + 2 (d sigma)^2 / sigma^2`;
    - Bernoulli of probability p: `(d p)^2 / (p (1 - p))`;
    - categorical (also `OneHotCategorical`): `sum_k (d p_k)^2 / p_k`;
    - Poisson of rate r: `(d r)^2 / r`;
    - negative binomial of mean m and a total count r that does not depend on z: `(d m)^2 / (m + m^2 / r)`;

    each also inside of `tfd.Independent` and of joint distributions of independent parts. All but the normal
    distribution are pull-backs of coordinates that make them flat (`fisher_coordinates`), as is a normal one whose
    sigma does not depend on z, by `mu / sigma`: energies are then differences of these, as cheap as those of
    `Pullback`. Where sigma varies they are sums of closed-form distances in the half-plane. Where a probability or
    rate is exactly 0 (or a Bernoulli's is 1), its output is left out: the derivative of a probability is 0 there.

    Args:
      decoder: as for `Pullback`; it gives one of these distributions.
      outputs: what the tensors are that the decoder returns, such as ("mean", "log_variance") or "logits".
      condition: `[C]` what a conditional decoder is conditioned on.

    Raises:
      UserError: by `metric_tensor`, if the distribution is none of these, or if the total count of a negative
        binomial has batch dimensions of its own, as one that depends on z has.
    """

    def __init__(self, decoder: Any, outputs: Outputs | None = None, condition: Any = None) -> None:
        self.decoder = Decoder.of(decoder, outputs, condition)

    def __repr__(self) -> str:
        return f"FisherRao({self.decoder})"

    def given(self, condition: Any) -> Manifold:
        other = copy.copy(self)
        other.decoder = self.decoder.given(condition)
        return other

    def metric_tensor(self, z: tf.Tensor) -> tf.Tensor:
        z = as_points(z)
        parts = []
        if self._has_flat(z):
            parts.append(self._flat.metric_tensor(z))
        if self._has_half_planes(z):
            parts.append(half_plane_metric(self._mean_and_stddev, z))
        return tf.add_n(parts)

    def segment_energies(self, points: tf.Tensor) -> tf.Tensor:
        points = as_points(points)
        parts = []
        if self._has_flat(points):
            parts.append(self._flat.segment_energies(points))
        if self._has_half_planes(points):
            parts.append(squared_distances(*self._mean_and_stddev(points)))
        return tf.add_n(parts)

    def quadratic_model(self, points: tf.Tensor, definite: bool = False) -> QuadraticModel:
        """Gauss-Newton's model of differences of coordinates and of distances in the half-plane."""
        points = check_points(points)
        models = []
        if self._has_flat(points):
            models.append(self._flat.quadratic_model(points, definite))
        if self._has_half_planes(points):
            models.append(half_planes_model(self._mean_and_stddev, points, self.energy_scale(points.shape[-2])))
        return models[0] if len(models) == 1 else QuadraticModel(*(a + b for a, b in zip(*models, strict=True)))

    def energy_and_gradient(self, points: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        points = check_points(points)
        if self._has_half_planes(points):
            return super().energy_and_gradient(points)
        return self._flat.energy_and_gradient(points)

    def christoffels(self, z: tf.Tensor) -> tf.Tensor:
        z = as_points(z)
        return super().christoffels(z) if self._has_half_planes(z) else self._flat.christoffels(z)

    def geodesic_acceleration(self, z: tf.Tensor, v: tf.Tensor) -> tf.Tensor:
        z = as_points(z)
        if self._has_half_planes(z):
            return super().geodesic_acceleration(z, v)
        return self._flat.geodesic_acceleration(z, v)

    @property
    def model_is_approximate(self) -> bool:
        return True

    @property
    def model_takes_jacobians(self) -> bool:
        return True

    def jacobian_products(self, z: tf.Tensor) -> tf.Tensor | None:
        z = as_points(z)
        return None if self._has_half_planes(z) else self._flat.jacobian_products(z)

    def omitted_curvature(
        self, points: tf.Tensor, slopes: tf.Tensor | None, step: tf.Tensor | None = None
    ) -> tf.Tensor | None:
        points = check_points(points)
        return None if self._has_half_planes(points) else self._flat.omitted_curvature(points, slopes, step)

    def floats_per_point(self, latent_dim: int, dtype: tf.DType) -> int:
        return (1 + latent_dim) * sum(self.decoder.widths(latent_dim, dtype, fisher_coordinates))

    def peak_floats_per_point(self, latent_dim: int, dtype: tf.DType) -> int:
        return (1 + latent_dim) * self.decoder.floats_per_row(latent_dim, dtype, fisher_coordinates)

    def working_dtype(self, latent_dim: int, dtype: tf.DType) -> tf.DType:
        return self.decoder.working_dtype(latent_dim, dtype, fisher_coordinates)

    @property
    def _flat(self) -> Pullback:
        """The part of the metric that coordinates make flat."""
        return _Flat(self)

    def _layout(self, z: tf.Tensor) -> tuple[int, bool]:
        """How many tensors `fisher_coordinates` gives, and whether the deviation, the last of several, varies."""
        moves = self.decoder.moves(z.shape[-1], z.dtype, fisher_coordinates)
        return len(moves), len(moves) > 1 and moves[-1]

    def _has_flat(self, z: tf.Tensor) -> bool:
        count, varies = self._layout(z)
        return count != 2 or not varies

    def _has_half_planes(self, z: tf.Tensor) -> bool:
        return self._layout(z)[1]

    def _mean_and_stddev(self, z: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        mean, stddev = self.decoder.read(z, fisher_coordinates)[-2:]
        return mean, stddev

    def _flat_coordinates(self, z: tf.Tensor) -> tf.Tensor:
        parts = self.decoder.read(z, fisher_coordinates)
        if len(parts) == 1:
            return parts[0]
        if self._has_half_planes(z):
            return parts[0]
        mean, stddev = parts[-2:]
        return tf.concat([*parts[:-2], mean / stddev], axis=-1)


class _Flat(Pullback):
    """The pull-back of the coordinates of a `FisherRao` that are flat."""

    def __init__(self, manifold: FisherRao) -> None:
        super().__init__(manifold.decoder)
        self._manifold = manifold

    def embedding(self, z: tf.Tensor) -> tf.Tensor:
        return self._manifold._flat_coordinates(z)
