"""The metric that an embedding pulls back from data space."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from tfgeo.manifolds.calculus.acceleration import embedded_acceleration
from tfgeo.manifolds.calculus.jacobian import (
    differentiate,
    jacobian_columns,
    nan_unless_finite,
    value_and_columns,
)
from tfgeo.manifolds.calculus.omitted_curvature import curvature_of_differences
from tfgeo.manifolds.calculus.points import as_points
from tfgeo.manifolds.calculus.quadratic_model import QuadraticModel, model_of_differences
from tfgeo.manifolds.decoders.decoder import Decoder
from tfgeo.manifolds.decoders.outputs import Outputs
from tfgeo.manifolds.decoders.readers import Reader, read_values
from tfgeo.manifolds.manifold import Manifold, check_points, raise_index

__all__ = ["Pullback", "differences", "differences_gradient", "differences_model"]


class Pullback(Manifold):
    """`G(z) = J(z)^T J(z)` for the Jacobian J of `embedding_fn`; Eq. 10 of Yang et al. (2018).

    Metrics are built by forward mode, one pass per latent dimension; energies and lengths are sums over
    decoded differences and need no Jacobian.

    Args:
      decoder: what decodes rows `[n, d]`: a Keras model, a function of TensorFlow operations, or any other that
        `Decoder` takes. Values of any rank are flattened; of a distribution the mean is taken.
      outputs: what the tensors are that the decoder returns, as for `Decoder`; not needed for one alone.
      condition: `[C]` what a conditional decoder is conditioned on; see `given`.
    """

    def __init__(self, decoder: Any, outputs: Outputs | None = None, condition: Any = None) -> None:
        self.decoder = Decoder.of(decoder, outputs, condition)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.decoder})"

    # What of the decoder is embedded.
    _reader: Reader = staticmethod(read_values)

    def embedding(self, z: tf.Tensor) -> tf.Tensor:
        """`[..., d]` to `[..., M]`: the points whose Euclidean differences are measured."""
        return self.decoder.values(z)

    def given(self, condition: Any) -> Manifold:
        other = copy.copy(self)
        other.decoder = self.decoder.given(condition)
        return other

    def metric_tensor(self, z: tf.Tensor) -> tf.Tensor:
        values, columns = value_and_columns(self.embedding, as_points(z))
        columns = tf.stack(columns, axis=-1)
        return tf.einsum("...mi,...mj->...ij", columns, columns) * nan_unless_finite(values)[..., None, None]

    def christoffels(self, z: tf.Tensor) -> tf.Tensor:
        # G Gamma = J^T H: the tangential part of the embedding's second derivatives H is all that remains when
        # the derivatives of J^T J are put together.
        z = as_points(z)
        second = jacobian_columns(lambda z: jacobian_columns(self.embedding, z), z)
        return raise_index(
            self.metric_tensor(z), tf.einsum("...mk,...mij->...kij", jacobian_columns(self.embedding, z), second)
        )

    def geodesic_acceleration(self, z: tf.Tensor, v: tf.Tensor) -> tf.Tensor:
        z, v = as_points(z), as_points(v)
        return embedded_acceleration(self.embedding, jacobian_columns(self.embedding, z), z, v)

    def segment_energies(self, points: tf.Tensor) -> tf.Tensor:
        return tf.reduce_sum(tf.square(differences(self.embedding(as_points(points)))), axis=-1)

    def quadratic_model(self, points: tf.Tensor, definite: bool = False) -> QuadraticModel:
        """Gauss-Newton's model of the decoded differences; it needs no second derivatives of the embedding."""
        del definite  # a sum of squares always is
        points = check_points(points)
        return differences_model(self.embedding, points, self.energy_scale(points.shape[-2]))

    def energy_and_gradient(self, points: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        points = check_points(points)
        return differences_gradient(self.embedding, points, self.energy_scale(points.shape[-2]))

    @property
    def model_is_approximate(self) -> bool:
        return True

    @property
    def model_takes_jacobians(self) -> bool:
        return True

    def jacobian_products(self, z: tf.Tensor) -> tf.Tensor:
        _, columns = value_and_columns(self.embedding, as_points(z))
        rows = tf.stack(columns, axis=2)  # [B, S, d, M]
        rows = tf.reshape(rows, tf.stack([-1, rows.shape[1] * rows.shape[2], tf.shape(rows)[-1]]))
        return tf.matmul(rows, rows, transpose_b=True)

    def omitted_curvature(
        self, points: tf.Tensor, slopes: tf.Tensor | None, step: tf.Tensor | None = None
    ) -> tf.Tensor:
        points = check_points(points)
        return curvature_of_differences(self.embedding, points, self.energy_scale(points.shape[-2]), slopes, step)

    def floats_per_point(self, latent_dim: int, dtype: tf.DType) -> int:
        return (1 + latent_dim) * sum(self.decoder.widths(latent_dim, dtype, self._reader))

    def peak_floats_per_point(self, latent_dim: int, dtype: tf.DType) -> int:
        return (1 + latent_dim) * self.decoder.floats_per_row(latent_dim, dtype, self._reader)

    def working_dtype(self, latent_dim: int, dtype: tf.DType) -> tf.DType:
        return self.decoder.working_dtype(latent_dim, dtype, self._reader)


def differences(values: tf.Tensor) -> tf.Tensor:
    """Differences of neighbouring points: `[..., T, M]` to `[..., T - 1, M]`."""
    return values[..., 1:, :] - values[..., :-1, :]


def differences_model(
    embedding_fn: Callable[[tf.Tensor], tf.Tensor], points: tf.Tensor, scale: float
) -> QuadraticModel:
    """Gauss-Newton's model of `scale sum_i |f(z_{i+1}) - f(z_i)|^2` for points `[B, T, d]`."""
    values, columns = value_and_columns(embedding_fn, points[:, 1:-1])
    # The ends do not move: they need values, no derivatives.
    ends = embedding_fn(tf.stack([points[:, 0], points[:, -1]], axis=1))
    return model_of_differences(ends[:, 0], values, columns, ends[:, 1], scale)


def differences_gradient(
    embedding_fn: Callable[[tf.Tensor], tf.Tensor], points: tf.Tensor, scale: float
) -> tuple[tf.Tensor, tf.Tensor]:
    """Energy of points `[B, T, d]` as in `differences_model`, and its gradient `[B, T - 2, d]` in the inner ones.

    The slope in a decoded value is a second difference of them: written out, it passes over the decoded values
    once, where reverse mode would pass over them for every operation.
    """
    inner = points[:, 1:-1]
    with tf.GradientTape() as tape:
        tape.watch(inner)
        values = embedding_fn(inner)
    ends = embedding_fn(tf.stack([points[:, 0], points[:, -1]], axis=1))
    steps = differences(tf.concat([ends[:, :1], values, ends[:, 1:]], axis=1))
    slopes = differentiate(tape, values, inner, -differences(steps))
    return scale * tf.einsum("btm,btm->b", steps, steps), 2.0 * scale * slopes
