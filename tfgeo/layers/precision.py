"""What every precision layer shares: positive output weights and a variance that is finite everywhere."""

from __future__ import annotations

import abc
from typing import Any

import keras
import numpy as np
import tensorflow as tf

__all__ = ["Precision", "squared_distances"]


class Precision(keras.layers.Layer, abc.ABC):
    """Inverse variance of a decoder, `1 / sigma^2(z) = W h(z) + 1 / max_variance`, with W > 0.

    A subclass gives `log_features` (log h) and places its features with `fit_features`. Far from data the
    features vanish and the variance climbs to `max_variance`, its ceiling. W is kept positive as the
    exponential of `log_scale`.

    Args:
      num_features: number K' of features.
      data_dim: data dimension D.
      latent_dim: latent dimension d.
      max_variance: the ceiling, in squared data units.
    """

    def __init__(
        self,
        num_features: int,
        data_dim: int,
        latent_dim: int,
        max_variance: float = 1e4,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.num_features = num_features
        self.data_dim = data_dim
        self.latent_dim = latent_dim
        self.max_variance = max_variance
        self.log_scale = self.add_weight(
            shape=(num_features, data_dim), initializer="zeros", trainable=True, name="log_scale"
        )
        # Also that of a loaded layer: setting `trainable` to what it is already does not reach the weights.
        self.log_scale.trainable = self.trainable

    @abc.abstractmethod
    def log_features(self, z: tf.Tensor) -> tf.Tensor:
        """Logarithm of the non-negative features: `[..., d]` to `[..., K']`."""

    @abc.abstractmethod
    def fit_features(self, latents: np.ndarray, seed: int) -> None:
        """Places the features on `latents` `[n, d]`; called once, before `log_scale` is trained."""

    def initialize_scale(self, latents: np.ndarray, squared_residuals: np.ndarray) -> None:
        """Sets W where the Gaussian log likelihood is highest for residuals at given latent points.

        With one feature, `1 / W_d = mean_n h(z_n) r_nd^2` is the exact maximum (the ceiling left aside). With
        several, feature k takes the mean of the residuals that it is responsible for, divided among features.

        Args:
          latents: `[n, d]` latent points.
          squared_residuals: `[n, D]`, in squared data units.
        """
        log_features = np.asarray(self.log_features(tf.constant(latents)), np.float64)
        features = np.exp(log_features)
        totals = np.sum(features, axis=1, keepdims=True)
        responsibilities = np.exp(log_features - np.logaddexp.reduce(log_features, axis=1, keepdims=True))
        weighted = responsibilities.T @ (totals * squared_residuals)
        shares = np.sum(responsibilities, axis=0)[:, None]
        # A feature that is too narrow for any sample to reach it starts with the residuals of all.
        overall = np.mean(squared_residuals, axis=0)
        means = np.where(shares > 0.0, weighted / np.where(shares > 0.0, shares, 1.0), overall)
        self.log_scale.assign(-np.log(np.maximum(means, MIN_VARIANCE)))

    def call(self, z: tf.Tensor) -> tf.Tensor:
        """`[..., d]` latent points to `[..., D]` precisions `1 / sigma^2`, in inverse squared data units."""
        return tf.exp(self.log_features(z)) @ tf.exp(self.log_scale) + 1.0 / self.max_variance

    def variance(self, z: tf.Tensor) -> tf.Tensor:
        """`[..., d]` to `[..., D]`: sigma^2, at most `max_variance`."""
        return 1.0 / self(z)

    def log_density(self, z: tf.Tensor) -> tf.Tensor:
        """`[..., d]` to `[...]`: log of the summed features, the ridges that warm starts climb."""
        return tf.reduce_logsumexp(self.log_features(z), axis=-1)

    def get_config(self) -> dict:
        return super().get_config() | {
            "data_dim": self.data_dim,
            "latent_dim": self.latent_dim,
            "max_variance": self.max_variance,
        }


# Smallest variance that training starts from, in squared data units: pixels that never change have none.
MIN_VARIANCE = 1e-6


def squared_distances(z: tf.Tensor, centers: tf.Tensor) -> tf.Tensor:
    """`|z - c_k|^2`: `[..., d]` and `[K, d]` to `[..., K]`, as one matrix product instead of K d differences."""
    centers = tf.convert_to_tensor(centers)
    # Measured from the centres' middle, so that the three terms cancel less.
    middle = tf.reduce_mean(centers, axis=0)
    z, centers = z - middle, centers - middle
    products = tf.matmul(z, centers, transpose_b=True)
    squared = tf.reduce_sum(tf.square(z), axis=-1, keepdims=True) - 2.0 * products
    return squared + tf.reduce_sum(tf.square(centers), axis=-1)
