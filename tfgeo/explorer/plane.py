"""A plane in a latent space of more dimensions, and the metric that it has from there."""

from __future__ import annotations

import dataclasses

import numpy as np
import tensorflow as tf

from tfgeo.errors import UserError
from tfgeo.manifolds import Manifold, Pullback, TensorField

__all__ = ["Plane"]


@dataclasses.dataclass(frozen=True, eq=False)
class Plane:
    """The points `origin + u @ directions` for u `[..., 2]`.

    Attributes:
      origin: `[d]` latent point.
      directions: `[2, d]` orthonormal vectors.
      share: of the variance of the points that it was made for, which part lies in it.
    """

    origin: np.ndarray
    directions: np.ndarray
    share: float = 1.0

    @classmethod
    def principal(cls, latents: np.ndarray) -> Plane:
        """The plane of the first two principal axes of `[n, d]` latent points, d at least 2; through their mean."""
        if latents.ndim != 2 or latents.shape[1] < 2 or len(latents) < 3:
            raise UserError(f"`latents` {latents.shape} must be [n, d], n at least 3 and d at least 2, for a plane")
        origin = latents.mean(axis=0)
        _, values, vectors = np.linalg.svd(latents - origin, full_matrices=False)
        directions = vectors[:2]
        # Of two opposite directions the one whose largest component is positive: the same on every machine.
        largest = np.take_along_axis(directions, np.abs(directions).argmax(axis=1)[:, None], axis=1)
        squares = values**2
        return cls(origin, np.sign(largest) * directions, float(squares[:2].sum() / squares.sum()))

    def lift(self, u: tf.Tensor) -> tf.Tensor:
        """`[..., 2]` to latent points `[..., d]`."""
        flat = tf.reshape(u, [-1, 2]) @ tf.constant(self.directions, u.dtype) + tf.constant(self.origin, u.dtype)
        return tf.reshape(flat, tf.concat([tf.shape(u)[:-1], [len(self.origin)]], axis=0))

    def project(self, latents: np.ndarray) -> np.ndarray:
        """Latent points `[n, d]` to their nearest places in the plane `[n, 2]`."""
        return (latents - self.origin) @ self.directions.T

    def restrict(self, manifold: Manifold) -> Manifold:
        """The manifold of the plane: shortest curves stay in it, and are at least as long as those of the space."""
        if isinstance(manifold, Pullback):
            # Energies stay decoded differences.
            whole = manifold
            return Pullback(lambda u: whole.embedding(self.lift(u)))

        def metric_tensor(u: tf.Tensor) -> tf.Tensor:
            directions = tf.constant(self.directions, u.dtype)
            return tf.einsum("ai,...ij,bj->...ab", directions, manifold.metric_tensor(self.lift(u)), directions)

        return TensorField(metric_tensor)
