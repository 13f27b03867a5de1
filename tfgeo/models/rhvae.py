"""Riemannian Hamiltonian variational autoencoder."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfgeo.batches import batched
from tfgeo.clustering import euclidean_distances, k_medoids
from tfgeo.datasets import StoredRows
from tfgeo.errors import UserError, check_count
from tfgeo.flows import RiemannianLeapfrog, Tempered
from tfgeo.flows.riemannian_leapfrog import HasCometric
from tfgeo.flows.round_trip import is_near
from tfgeo.layers import MetricNetwork
from tfgeo.manifolds import CentroidMetric, CentroidVariant
from tfgeo.manifolds.calculus.cometric import Cometric
from tfgeo.models.decoders import BernoulliDecoder, GaussianDecoder
from tfgeo.models.encoders import GaussianEncoder
from tfgeo.models.hvae import HVAE, live
from tfgeo.models.riemannian_objective import RiemannianObjective
from tfgeo.models.shares import Seed, Share, batch_size, gather_rows, rows_of_share
from tfgeo.randomness import generator

__all__ = ["RHVAE", "UpdateMetric"]

tfd = tfp.distributions

# K-medoids needs all distances: 400 million of them for this many data.
MAX_FOR_MEDOIDS = 20_000
# Eq. 14.
ORIGINAL = CentroidVariant()
# Iterations for importance sampling, where the volume must not change: float32 is reached where each of them
# halves the error.
EXACT_FIXED_POINT_STEPS = 20


@keras.saving.register_keras_serializable(package="tfgeo")
class RHVAE(HVAE):
    """Riemannian Hamiltonian VAE of Chadebec et al. (2020), arXiv:2010.11518: Algorithm 1.

    The flow is that of the metric of Eq. 14, with the encoder's means of data as centroids and the metric
    network's factors. A training step uses the metric of its own batch, with gradients. Once trained, the metric is
    that of the training data, stored in the weights `centroids` and `centroid_factors`: `tfgeo.models.fit` does so
    at its end, and with `keras.Model.fit` the callback `UpdateMetric` does. Everything but training uses the stored
    metric: `elbo`, `log_likelihood`, `evaluate` and `manifold`. Before it is set, it is one round bump at the
    origin, as Algorithm 1 starts.

    With tempering the bound falls as the factors grow, and training makes them small, in some models until nothing
    is left of the metric but lambda. `CentroidVariant(factors="identity")` leaves them out. Of a variant, only
    learned factors need training: weights that were trained with them can be loaded into a model of any other
    variant, and the same latent points compared under several metrics.

    The bound takes the flow's volume as preserved, as the paper does. With `num_fixed_point_steps` iterations it is
    so only up to their error, which is small where steps are short against the metric's changes, but may reach a
    nat with steps of 1e-2 once the metric has become stiff. `log_likelihood` is free of it.

    Args:
      encoder: `GaussianEncoder` for q(z_0 | x).
      decoder: `GaussianDecoder` or `BernoulliDecoder` for p(x | z).
      metric_network: `MetricNetwork` for the factors L of the metric.
      num_centroids: centroids that are stored: the number of training data, or fewer, which are then chosen among
        them by k-medoids.
      num_steps: leapfrog steps K.
      step_size: their size, a number or one for each latent dimension; where it is learned, its start.
      temperature: T of Eq. 14, a length in latent space.
      regularization: lambda of Eq. 14.
      sqrt_beta_zero: `sqrt(beta_0)`, below 1 for a hot start, 1 for no tempering.
      learn_step_size: whether the step size is learned, like those that follow by its logarithm.
      learn_temperature: whether T is learned.
      learn_regularization: whether lambda is learned.
      learn_beta_zero: whether `sqrt(beta_0)` is learned.
      num_fixed_point_steps: iterations for each implicit equation of a leapfrog step.
      gradient_limit: as that of the HVAE; without one, training does not survive a metric that becomes stiff.
      seed: seed of the noise; that of a step depends on the seed and the step alone.
      variant: what the metric makes of centroids, in training and after it; the metric network is trained only
        where its factors are used.
      objective: what training maximizes: a `RiemannianObjective`, or the name of one, "bound" or "released".
        Everything but training is the bound's: `elbo` and `log_likelihood` take the exact flow.

    Raises:
      UserError: if a count is below 1 or a size is not positive, or if there are too few centroids for temperatures
        that adapt.
    """

    network_names = ("encoder", "decoder", "metric_network")

    def __init__(
        self,
        encoder: GaussianEncoder,
        decoder: GaussianDecoder | BernoulliDecoder,
        metric_network: MetricNetwork,
        num_centroids: int,
        num_steps: int = 3,
        step_size: float | Sequence[float] = 1e-2,
        temperature: float = 0.8,
        regularization: float = 1e-2,
        sqrt_beta_zero: float = 0.3,
        learn_step_size: bool = False,
        learn_temperature: bool = False,
        learn_regularization: bool = False,
        learn_beta_zero: bool = False,
        num_fixed_point_steps: int = 3,
        gradient_limit: float | None = 50.0,
        seed: int = 0,
        objective: RiemannianObjective | str = "bound",
        variant: CentroidVariant = ORIGINAL,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            encoder,
            decoder,
            num_steps,
            step_size,
            learn_step_size,
            sqrt_beta_zero,
            learn_beta_zero,
            gradient_limit,
            seed,
            **kwargs,
        )
        if metric_network.latent_dim != self.latent_dim:
            raise UserError(
                f"`metric_network.latent_dim` is {metric_network.latent_dim}, but the encoder's is "
                f"{self.latent_dim}; make them the same."
            )
        self.metric_network = metric_network
        self.objective = RiemannianObjective.named(objective) if isinstance(objective, str) else objective
        self.num_centroids = check_count("num_centroids", num_centroids)
        self.num_fixed_point_steps = check_count("num_fixed_point_steps", num_fixed_point_steps)
        self.variant = variant
        if variant.neighbour is not None and num_centroids <= variant.neighbour:
            raise UserError(
                f"`num_centroids`={num_centroids} leaves centroids without neighbour {variant.neighbour}, to which "
                "their temperatures adapt; raise it, or lower `neighbour`."
            )
        # What has no effect has no gradient.
        metric_network.trainable = metric_network.trainable and self._has_learned_factors
        self._settings |= {
            "temperature": temperature,
            "regularization": regularization,
            "learn_temperature": learn_temperature,
            "learn_regularization": learn_regularization,
        }
        self._log_temperature = self._add_positive("temperature", temperature, learn_temperature)
        self._log_regularization = self._add_positive("regularization", regularization, learn_regularization)
        dim = self.latent_dim
        self.centroids = self.add_weight(
            shape=(num_centroids, dim), initializer="zeros", trainable=False, name="centroids"
        )
        self.centroid_factors = self.add_weight(
            shape=(num_centroids, dim, dim),
            # Together one identity matrix.
            initializer=lambda shape, dtype: tf.eye(dim, batch_shape=shape[:1], dtype=dtype) * shape[0] ** -0.5,
            trainable=False,
            name="centroid_factors",
        )

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        super().build(input_shape)
        if not self.metric_network.built:
            self.metric_network.build(input_shape)

    @property
    def networks(self) -> list[keras.layers.Layer]:
        return [*super().networks, self.metric_network.hidden]

    @property
    def temperature(self) -> tf.Tensor:
        """Present T."""
        return tf.exp(self._log_temperature)

    @property
    def regularization(self) -> tf.Tensor:
        """Present lambda."""
        return tf.exp(self._log_regularization)

    @property
    def holds_untrained_factors(self) -> bool:
        """Whether all stored factors are the identity, what a metric network gives that was never trained."""
        factors = np.asarray(self.centroid_factors)
        return bool((factors == np.eye(self.latent_dim, dtype=factors.dtype)).all())

    def manifold(self, variant: CentroidVariant | None = None) -> CentroidMetric:
        """The latent space with the stored metric, a snapshot: it does not follow later changes of weights.

        Args:
          variant: what the metric makes of the stored centroids; by default the model's own.

        Raises:
          UserError: if the variant takes learned factors and the model has learned none.
        """
        variant = self.variant if variant is None else variant
        if variant.factors == "learned" and not self._has_learned_factors:
            raise UserError(
                f"{variant} takes learned factors, but this model was trained with `factors`="
                f"{self.variant.factors!r} and has none; choose 'identity' or 'density'."
            )
        factors = self.centroid_factors.value
        return variant.metric(self.centroids.value, factors, self.temperature, self.regularization)

    def flow(
        self,
        x: tf.Tensor,
        manifold: HasCometric | None = None,
        num_fixed_point_steps: int | None = None,
        *,
        gradient_limit: tf.Tensor | None = None,
    ) -> Tempered:
        """The flow towards p(z | x) of `[n, D]` data: a bijector on pairs of `[..., n, d]`.

        Args:
          x: `[n, D]` data.
          manifold: the metric; by default the stored one.
          num_fixed_point_steps: iterations for each implicit equation; by default the model's.
          gradient_limit: as that of the leapfrog.
        """
        manifold = _StoredMetric(self) if manifold is None else manifold
        iterations = self.num_fixed_point_steps if num_fixed_point_steps is None else num_fixed_point_steps
        step_size = live(self._log_step_size)
        return self._temper(
            RiemannianLeapfrog(self._log_joint(x), manifold, step_size, self.num_steps, iterations, gradient_limit)
        )

    def update_metric(self, inputs: np.ndarray) -> None:
        """Stores the metric of training data under the present weights.

        Args:
          inputs: `[n, D]` data. Where there are more than `num_centroids`, the medoids of their posterior means
            (`tfgeo.clustering.k_medoids`) become the centroids, each with its own factor.

        Raises:
          UserError: if there are fewer data than centroids, or too many for k-medoids.
        """
        self.before_training(inputs)
        means = batched(lambda x: self.encoder(x)[0], inputs)
        chosen = np.arange(len(means))
        if len(means) > self.num_centroids:
            chosen = k_medoids(euclidean_distances(means), self.num_centroids, "fasterpam", self.seed)[1]
        self.centroids.assign(means[chosen])
        rows = inputs if isinstance(inputs, StoredRows) else np.asarray(inputs)
        self.centroid_factors.assign(batched(self.metric_network, rows[chosen]))

    def log_likelihood(
        self, x: tf.Tensor, num_samples: int = 200, proposal: str = "encoder", seed: tf.Tensor | None = None
    ) -> tf.Tensor:
        """As that of the HVAE. The flow as a proposal has its fixed points solved to float32's precision.

        Where a trajectory does not come back to its start under the inverse flow, they have no solution that the
        iteration finds, and it counts as 0. So "flow" is unbiased where all come back, and too small where not.
        """
        return super().log_likelihood(x, num_samples, proposal, seed)

    def before_training(self, inputs: np.ndarray) -> None:
        super().before_training(inputs)
        num = len(inputs)
        if num < self.num_centroids:
            raise UserError(
                f"{num} samples are too few for `num_centroids`={self.num_centroids}; give more or lower it."
            )
        if num > self.num_centroids and num > MAX_FOR_MEDOIDS:
            raise UserError(
                f"{num} samples are too many to choose `num_centroids`={self.num_centroids} of them by k-medoids, "
                f"which takes at most {MAX_FOR_MEDOIDS}; call `update_metric` with a part of them."
            )

    def after_training(self, inputs: np.ndarray) -> None:
        self.update_metric(inputs)

    def training_terms(self, x: tf.Tensor, seed: Seed) -> tuple[tf.Tensor, tf.Tensor]:
        """Terms of the objective: with the metric of `x` itself in place of the stored one, with gradients.

        With the objective "bound" they are `elbo_terms` of that metric; with one that is no bound, their difference
        says nothing of log p(x). A `Share` of a batch has the metric of the whole batch.
        """
        x = self._as_tensor(x)
        mean, stddev = self.encoder(x)
        manifold = self._metric_of(*self._of_batch(mean, self._factors_of(x), seed))
        leapfrog = self.objective.leapfrog(
            self._log_joint(x),
            manifold,
            live(self._log_step_size),
            self.num_steps,
            self.num_fixed_point_steps,
            self._limit_for(batch_size(x, seed)),
        )
        posterior = tfd.Independent(tfd.Normal(mean, stddev), 1)
        return self._flow_terms(
            x,
            posterior,
            self._temper(leapfrog),
            seed,
            is_training=True,
            momenta=self.objective.momenta(rows_of_share(manifold.cholesky_factors, seed, tf.shape(x)[0])),
        )

    def terms_given(self, inputs: tf.Tensor) -> Callable[[tf.Tensor, tf.Tensor], tuple[tf.Tensor, tf.Tensor]]:
        """`elbo_terms` with the metric of `inputs`, the training data, under the present weights.

        Where there are more of them than `num_centroids`, as many of them, drawn once, stand for the medoids.
        """
        num = inputs.shape[0]
        if num > self.num_centroids:
            rows = generator(self.seed, "validation metric").choice(num, self.num_centroids, replace=False)
            rows = np.sort(rows)
            inputs = inputs[rows] if isinstance(inputs, StoredRows) else tf.gather(inputs, rows)
        inputs = tf.convert_to_tensor(inputs)
        manifold = self._metric_of(self.encoder(inputs)[0], self._factors_of(inputs))
        return lambda x, seed: self._flow_terms(x, self.encode(x), self.flow(x, manifold), seed)

    def _flow_weights(self, x: tf.Tensor, num_samples: int, seed: tf.Tensor) -> tf.Tensor:
        # Any flow will do as a proposal, but it must be one to one and keep the volume: with the fixed points exact
        # it does both. Where it does not come back they are not, and a weight of 0 can only make p(x) too small.
        iterations = max(self.num_fixed_point_steps, EXACT_FIXED_POINT_STEPS)
        flow = self.flow(x, self.manifold(), iterations)
        states, (_, log_weights) = self._run(x, self.encode(x), flow, (num_samples,), seed)
        z, heated = states[0]
        back_z, back_rho = flow.inverse(list(states[-1]))
        is_same = is_near(back_z, z) & is_near(back_rho, self.sqrt_beta_zero * heated)
        return tf.where(is_same & tf.math.is_finite(log_weights), log_weights, -np.inf)

    def _evaluation_flow(self, x: tf.Tensor) -> Tempered:
        # A snapshot of the stored metric is made up once, not at every point.
        return self.flow(x, self.manifold())

    @property
    def _has_learned_factors(self) -> bool:
        return self.variant.factors == "learned"

    def _factors_of(self, inputs: tf.Tensor) -> tf.Tensor | None:
        """Factors of `[n, D]` data, `[n, d, d]`, where they are the network's."""
        return self.metric_network(inputs) if self._has_learned_factors else None

    def _of_batch(
        self, centroids: tf.Tensor, factors: tf.Tensor | None, seed: Seed
    ) -> tuple[tf.Tensor, tf.Tensor | None]:
        """Centroids and factors of the whole batch, of those of a share."""
        if factors is None or not isinstance(seed, Share):
            return gather_rows(centroids, seed), factors
        # In one exchange between replicas, not two.
        dim = self.latent_dim
        together = gather_rows(tf.concat([centroids, tf.reshape(factors, [-1, dim * dim])], axis=-1), seed)
        return together[:, :dim], tf.reshape(together[:, dim:], [-1, dim, dim])

    def _metric_of(self, centroids: tf.Tensor, factors: tf.Tensor | None) -> CentroidMetric:
        return self.variant.metric(centroids, factors, self.temperature, self.regularization)

    @property
    def _floats_per_sample(self) -> int:
        return max(super()._floats_per_sample, self.num_centroids, self.latent_dim**2)

    def remedy(self) -> str:
        return "lower `step_size`, raise `temperature` or `regularization`, or lower the learning rate"

    def _own_weights(self) -> list[keras.Variable]:
        own = [self._log_temperature, self._log_regularization, self.centroids, self.centroid_factors]
        return [*super()._own_weights(), *own]

    def get_config(self) -> dict:
        return super().get_config() | {
            "num_centroids": self.num_centroids,
            "num_fixed_point_steps": self.num_fixed_point_steps,
            "objective": dataclasses.asdict(self.objective),
            "variant": dataclasses.asdict(self.variant),
        }

    @classmethod
    def from_config(cls, config: dict) -> RHVAE:
        choices = {
            "objective": RiemannianObjective(**config.get("objective", {})),
            "variant": CentroidVariant(**config.get("variant", {})),
        }
        return super().from_config(config | choices)


class _StoredMetric:
    """The model's stored metric, read when it is used: a flow that is kept follows the training."""

    def __init__(self, model: RHVAE) -> None:
        self._model = model

    def cometric(self, z: tf.Tensor) -> Cometric:
        return self._model.manifold().cometric(z)


class UpdateMetric(keras.callbacks.Callback):
    """For `keras.Model.fit`: stores the metric of the training data before each validation and at the end.

    Args:
      inputs: `[n, D]` training data.
    """

    def __init__(self, inputs: np.ndarray) -> None:
        super().__init__()
        self.inputs = inputs

    def on_test_begin(self, logs: dict | None = None) -> None:
        self.model.update_metric(self.inputs)

    def on_train_end(self, logs: dict | None = None) -> None:
        self.model.update_metric(self.inputs)
