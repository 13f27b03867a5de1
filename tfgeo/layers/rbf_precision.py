"""Precision as a network of radial basis functions (Arvanitidis et al. 2018, Yang and Hauberg 2018)."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfgeo.errors import UserError
from tfgeo.layers.precision import Precision, squared_distances

__all__ = ["RBFPrecision"]


@keras.saving.register_keras_serializable(package="tfgeo")
class RBFPrecision(Precision):
    """`1 / sigma^2(z) = W v(z) + 1 / max_variance`, `v_k(z) = exp(-gamma_k |z - c_k|^2)`.

    Eq. 6 of Yang and Hauberg (GiMLi 2018); the centres are k-means centres of the latent points and
    the bandwidths follow Eq. 13 of Chadebec et al. (2020), arXiv:2010.11518:
    `gamma_k = 1/2 (a / |C_k| sum_{z in C_k} |z - c_k|)^-2`. `W` (`[K, D]`, positive) is trained.

    Args:
      num_components: number K of basis functions.
      data_dim: data dimension D.
      latent_dim: latent dimension d.
      max_variance: ceiling of the variance far from data, in squared data units (1 / xi).
      bandwidth_factor: a in the bandwidth's equation; larger is wider.
    """

    def __init__(
        self,
        num_components: int,
        data_dim: int,
        latent_dim: int,
        max_variance: float = 1e4,
        bandwidth_factor: float = 1.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(num_components, data_dim, latent_dim, max_variance, **kwargs)
        self.num_components = num_components
        self.bandwidth_factor = bandwidth_factor
        self.means = self.add_weight(
            shape=(num_components, latent_dim), initializer="zeros", trainable=False, name="means"
        )
        self.gammas = self.add_weight(shape=(num_components,), initializer="ones", trainable=False, name="gammas")

    def log_features(self, z: tf.Tensor) -> tf.Tensor:
        """`[..., d]` to `[..., K]`: `-gamma_k |z - c_k|^2`."""
        squared = squared_distances(z, self.means)
        return -self.gammas * squared

    def fit_features(self, latents: np.ndarray, seed: int) -> None:
        """Places centres and bandwidths on latent points `[n, d]` by k-means.

        Raises:
          UserError: if there are fewer points than basis functions, or if no cluster holds two points that
            differ.
        """
        from sklearn.cluster import KMeans

        if len(latents) < self.num_components:
            raise UserError(
                f"{len(latents)} samples cannot place `num_components`={self.num_components} basis functions; "
                f"give at least {self.num_components} samples or lower --config.variance.num_components"
            )
        latents = np.asarray(latents, np.float64)
        clusters = KMeans(self.num_components, n_init=5, random_state=seed % 2**32).fit(latents)
        distances = np.linalg.norm(latents - clusters.cluster_centers_[clusters.labels_], axis=1)
        sums = np.bincount(clusters.labels_, weights=distances, minlength=self.num_components)
        # A cluster is empty where points coincide.
        spreads = sums / np.maximum(np.bincount(clusters.labels_, minlength=self.num_components), 1)
        if not np.any(spreads > 0.0):
            raise UserError(
                f"the clusters of {len(latents)} samples around `num_components`={self.num_components} basis "
                "functions have no spread to take a bandwidth from; lower --config.variance.num_components or "
                "check that the encoder does not map all samples to one point"
            )
        # A cluster of one point has no spread of its own; it takes that of the others.
        spreads = np.where(spreads > 0.0, spreads, np.mean(spreads[spreads > 0.0]))
        self.means.assign(clusters.cluster_centers_)
        self.gammas.assign(0.5 / np.square(self.bandwidth_factor * spreads))

    def get_config(self) -> dict:
        return super().get_config() | {
            "num_components": self.num_components,
            "bandwidth_factor": self.bandwidth_factor,
        }
