"""The inverse metric at given points, as Hamiltonian dynamics on a manifold need it."""

from __future__ import annotations

import abc
import functools
import math
from collections.abc import Callable

import tensorflow as tf

__all__ = ["Cometric", "MetricCometric"]


class Cometric(abc.ABC):
    """Kinetic energies of momenta at fixed points z: computed once for a point, used for several momenta.

    A momentum at z is distributed as `rho ~ N(0, G(z))`; its kinetic energy, Eq. 9 of Chadebec et al. (2020), is
    `K(z, rho) = 1/2 log((2 pi)^d det G(z)) + 1/2 rho^T G(z)^-1 rho`, the negative logarithm of that density.
    Everything is NaN where the metric is not positive definite.
    """

    @property
    @abc.abstractmethod
    def log_volume(self) -> tf.Tensor:
        """`1/2 log det G(z)`: `[...]`."""

    @abc.abstractmethod
    def velocity(self, rho: tf.Tensor) -> tf.Tensor:
        """`dK/drho = G(z)^-1 rho`: `[..., d]` to `[..., d]`."""

    @abc.abstractmethod
    def energy_gradient(self, rho: tf.Tensor) -> tf.Tensor:
        """`dK/dz` at a fixed momentum: `[..., d]` to `[..., d]`."""

    @abc.abstractmethod
    def momentum(self, noise: tf.Tensor) -> tf.Tensor:
        """Standard normal numbers `[..., d]` to momenta of N(0, G(z)), by a factor of G."""

    def log_prob(self, rho: tf.Tensor) -> tf.Tensor:
        """Log density of N(0, G(z)), `-K(z, rho)`: `[..., d]` to `[...]`."""
        quadratic = tf.reduce_sum(rho * self.velocity(rho), axis=-1)
        return -0.5 * quadratic - self.log_volume - 0.5 * rho.shape[-1] * math.log(2.0 * math.pi)


class MetricCometric(Cometric):
    """That of any metric: solves with its Cholesky factor, and automatic differentiation in z.

    Args:
      metric_fn: `[..., d]` to `[..., d, d]`.
      z: `[..., d]`.
    """

    def __init__(self, metric_fn: Callable[[tf.Tensor], tf.Tensor], z: tf.Tensor) -> None:
        self._metric_fn = metric_fn
        self._z = tf.convert_to_tensor(z)

    @functools.cached_property
    def _factor(self) -> tf.Tensor:
        return tf.linalg.cholesky(self._metric_fn(self._z))

    @property
    def log_volume(self) -> tf.Tensor:
        return tf.reduce_sum(tf.math.log(tf.linalg.diag_part(self._factor)), axis=-1)

    def velocity(self, rho: tf.Tensor) -> tf.Tensor:
        return tf.linalg.cholesky_solve(self._factor, rho[..., None])[..., 0]

    def energy_gradient(self, rho: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            tape.watch(self._z)
            log_prob = MetricCometric(self._metric_fn, self._z).log_prob(rho)
        return -tape.gradient(log_prob, self._z, unconnected_gradients=tf.UnconnectedGradients.ZERO)

    def momentum(self, noise: tf.Tensor) -> tf.Tensor:
        return tf.linalg.matvec(self._factor, noise)
