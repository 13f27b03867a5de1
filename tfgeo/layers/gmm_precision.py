"""Precision as a rescaled Gaussian mixture (Yang et al. 2018)."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfgeo.errors import UserError
from tfgeo.layers.precision import Precision, squared_distances

__all__ = ["GMMPrecision"]

# Added to the variance of each component in EM, relative to that of the latents: it keeps a component off a
# single point, where its density, and with it the precision, would have no bound.
RELATIVE_VARIANCE_FLOOR = 1e-3


@keras.saving.register_keras_serializable(package="tfgeo")
class GMMPrecision(Precision):
    """`1 / sigma^2(z) = sum_k w_k N(z | c_k, s_k^2 I) W_g`, Eq. 20 of Yang et al. (2018), arXiv:1809.04747.

    The mixture's weights, means and one variance per component come from EM on the latent points
    and stay fixed; `W_g` (`[D]`, positive) is trained on the evidence lower bound with all else frozen.

    Args:
      num_components: number K of mixture components.
      data_dim: data dimension D.
      latent_dim: latent dimension d.
      max_variance: ceiling of the variance far from data, in squared data units.
    """

    def __init__(
        self,
        num_components: int,
        data_dim: int,
        latent_dim: int,
        max_variance: float = 1e4,
        **kwargs: Any,
    ) -> None:
        super().__init__(1, data_dim, latent_dim, max_variance, **kwargs)
        self.num_components = num_components
        self.log_weights = self.add_weight(
            shape=(num_components,), initializer="zeros", trainable=False, name="log_weights"
        )
        self.means = self.add_weight(
            shape=(num_components, latent_dim), initializer="zeros", trainable=False, name="means"
        )
        self.variances = self.add_weight(
            shape=(num_components,), initializer="ones", trainable=False, name="variances"
        )

    def log_features(self, z: tf.Tensor) -> tf.Tensor:
        """`[..., d]` to `[..., 1]`: logarithm of the mixture density."""
        variances = tf.convert_to_tensor(self.variances)
        squared = squared_distances(z, self.means)
        log_normalizers = self.log_weights - 0.5 * self.latent_dim * tf.math.log(2.0 * math.pi * variances)
        return tf.reduce_logsumexp(log_normalizers - 0.5 * squared / variances, axis=-1, keepdims=True)

    def fit_features(self, latents: np.ndarray, seed: int) -> None:
        """Fits the mixture to latent points `[n, d]` by expectation maximization.

        Raises:
          UserError: if there are fewer points than components, or if all coincide.
        """
        from sklearn.mixture import GaussianMixture

        if len(latents) < self.num_components:
            raise UserError(
                f"{len(latents)} samples cannot fit `num_components`={self.num_components} mixture components; "
                f"give at least {self.num_components} samples or lower --config.variance.num_components"
            )
        latents = np.asarray(latents, np.float64)
        floor = RELATIVE_VARIANCE_FLOOR * float(np.mean(np.var(latents, axis=0)))
        if floor == 0.0:
            raise UserError(
                f"all {len(latents)} samples have the same latents: the encoder maps them to one point, where no "
                "mixture can be fitted; train for longer or lower --config.network.output_variance"
            )
        mixture = GaussianMixture(
            self.num_components, covariance_type="spherical", reg_covar=floor, n_init=5, random_state=seed % 2**32
        ).fit(latents)
        self.log_weights.assign(np.log(mixture.weights_))
        self.means.assign(mixture.means_)
        self.variances.assign(mixture.covariances_)

    def get_config(self) -> dict:
        return super().get_config() | {"num_components": self.num_components}
