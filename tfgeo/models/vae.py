"""Variational autoencoder."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any, ClassVar

import keras
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfgeo.errors import UserError
from tfgeo.likelihood import importance_sampling
from tfgeo.models.counts import PoissonDecoder
from tfgeo.models.decoders import BernoulliDecoder, GaussianDecoder
from tfgeo.models.encoders import GaussianEncoder
from tfgeo.models.shares import Seed, Share, mean_of_batch, sample, sum_over_replicas
from tfgeo.randomness import derive_seed

__all__ = ["VAE", "check_proposal"]

tfd = tfp.distributions


@keras.saving.register_keras_serializable(package="tfgeo")
class VAE(keras.Model):
    """Variational autoencoder with a standard normal prior, trained on the evidence lower bound.

    `compile` takes an optimizer, `fit` takes the data alone; `tfgeo.models.fit` adds stateless batches and
    progress. The networks emit tensors; `encode`, `decode` and `prior` make TFP distributions of them.

    Args:
      encoder: `GaussianEncoder` for q(z | x).
      decoder: `GaussianDecoder`, `BernoulliDecoder`, `PoissonDecoder` or `NegativeBinomialDecoder` for p(x | z).
      seed: seed of the reparametrization noise; the noise of a step depends on the seed and the step alone.
    """

    # Arguments of the constructor that are layers.
    network_names: ClassVar[tuple[str, ...]] = ("encoder", "decoder")

    def __init__(
        self,
        encoder: GaussianEncoder,
        decoder: GaussianDecoder | BernoulliDecoder | PoissonDecoder,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        _refuse_half_precision(self, encoder, decoder)
        self.encoder = encoder
        self.decoder = decoder
        self.seed = seed
        # Called in the compiled training step after its update, with its loss; `tfgeo.models.fit` stops by it.
        self.after_update: Callable[[tf.Tensor], None] | None = None
        self._compiled_gradients: Callable | None = None
        self._data_dim: int | None = None
        self.metric_trackers = [keras.metrics.Mean(name) for name in ("loss", "reconstruction", "kl_divergence")]

    @property
    def latent_dim(self) -> int:
        """Latent dimension d."""
        return self.encoder.latent_dim

    @property
    def data_dim(self) -> int:
        """Data dimension D: the width of the decoder's mean."""
        if self._data_dim is None:
            with tf.init_scope():
                if not self.decoder.built:
                    self.decoder.build((None, self.latent_dim))
                point = tf.zeros([1, self.latent_dim], self.compute_dtype)
                self._data_dim = int(self.decoder(point)[0].shape[-1])
        return self._data_dim

    @property
    def networks(self) -> list[keras.layers.Layer]:
        """Those of which a training in mixed precision computes the values in half of it."""
        return [*self.encoder.networks, self.decoder.network]

    @property
    def prior(self) -> tfd.Distribution:
        """p(z) = N(0, I), event shape `[d]`."""
        return tfd.Independent(tfd.Normal(tf.zeros(self.latent_dim), tf.ones(self.latent_dim)), 1)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        # Before the encoder takes on a width that it cannot get rid of.
        _check_width(input_shape, self.data_dim, "inputs", "the decoder")
        self.encoder.build(input_shape)
        self.built = True

    def call(self, x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """`[..., D]` data to mean and standard deviation of p(x | z) at the posterior mean, each `[..., D]`."""
        return self.decoder(self.encoder(x)[0])

    def encode(self, x: tf.Tensor) -> tfd.Distribution:
        """q(z | x) of `[..., D]` data: batch shape `[...]`, event shape `[d]`."""
        return _distribution_of(self.encoder, self._as_tensor(x))

    def decode(self, z: tf.Tensor) -> tfd.Distribution:
        """p(x | z) of `[..., d]` latent points: batch shape `[...]`, event shape `[D]`."""
        z = _convert(z, "z", self.compute_dtype)
        _check_width(z.shape, self.latent_dim, "z", "the latent space")
        return _distribution_of(self.decoder, z)

    def elbo_terms(self, x: tf.Tensor, seed: Seed) -> tuple[tf.Tensor, tf.Tensor]:
        """Both terms of Eq. 7 of Yang et al. (2018) with one sample of z.

        Args:
          x: `[n, D]` data.
          seed: stateless seed, `[2]` int32.

        Returns:
          `log p(x | z)` at a sample of q, and `KL(q(z | x) || p(z))` in closed form; each `[n]`, in nats.
        """
        x = self._as_tensor(x)
        posterior = self.encode(x)
        log_likelihood = self.decoder.log_prob(x, sample(posterior, (), seed))
        return log_likelihood, tfd.kl_divergence(posterior, self.prior)

    def elbo(self, x: tf.Tensor, seed: tf.Tensor | None = None) -> tf.Tensor:
        """Evidence lower bound of `[n, D]` data by one sample each: `[n]`, in nats."""
        log_likelihood, divergence = self.elbo_terms(self._as_data(x), self._default_seed(seed, "elbo"))
        return log_likelihood - divergence

    def training_terms(self, x: tf.Tensor, seed: Seed) -> tuple[tf.Tensor, tf.Tensor]:
        """`elbo_terms` as a training step takes them; with a `Share` as the seed, those of its rows."""
        return self.elbo_terms(x, seed)

    def terms_given(self, inputs: tf.Tensor) -> Callable[[tf.Tensor, tf.Tensor], tuple[tf.Tensor, tf.Tensor]]:
        """`elbo_terms` of the model as it would be if training on `inputs` `[n, D]` ended now."""
        return self.elbo_terms

    def before_training(self, inputs: np.ndarray) -> None:
        """Refuses `[n, D]` training data that the model cannot be trained on, with a `UserError`."""
        self.check_inputs(inputs, "`inputs`")

    def check_inputs(self, inputs: np.ndarray, name: str) -> None:
        """Refuses `[n, D]` data, called `name`, that the decoder has no density for, with a `UserError`."""
        _check_width(np.shape(inputs), self.data_dim, name.strip("`"), "the decoder")
        check_support = getattr(self.decoder, "check_support", None)  # a Gaussian has density everywhere
        if check_support is not None:
            check_support(inputs, name)

    def after_training(self, inputs: np.ndarray) -> None:
        """Takes from the `[n, D]` training data what a trained model keeps of them."""

    @property
    def share_of_skipped_steps(self) -> float:
        """Of the training steps of the present round, those left out because the gradient was not finite."""
        return 0.0

    def explain_divergence(self) -> str | None:
        """What diverged in the present round and what to do about it; None if nothing is known to have."""
        return None

    def remedy(self) -> str:
        """What to change where training stopped being finite."""
        if not isinstance(self.decoder, GaussianDecoder):  # has no variance of its own
            return "lower --config.training.learning_rate"
        return "lower --config.training.learning_rate or raise --config.network.output_variance"

    def log_likelihood(
        self, x: tf.Tensor, num_samples: int = 200, proposal: str = "encoder", seed: tf.Tensor | None = None
    ) -> tf.Tensor:
        """Log p(x) by importance sampling with the posterior as proposal.

        Args:
          x: `[n, D]` data.
          num_samples: samples of z for each x.
          proposal: "encoder", which draws z from q(z | x).
          seed: stateless seed, `[2]` int32.

        Returns:
          `[n]` float64 estimates in nats, summed in float64; unbiased for p(x), a lower bound of log p(x) in
          expectation.
        """
        check_proposal(proposal, ("encoder",))
        return self._importance_sampling(self._encoder_weights, x, num_samples, seed)

    def _encoder_weights(self, x: tf.Tensor, num_samples: int, seed: tf.Tensor) -> tf.Tensor:
        """`[num_samples, n]` log weights of samples of the encoder."""
        posterior = self.encode(x)
        z = posterior.sample(num_samples, seed=seed)
        return self.decoder.log_prob(x, z) + self.prior.log_prob(z) - posterior.log_prob(z)

    def _importance_sampling(
        self,
        log_weights_fn: Callable[[tf.Tensor, int, tf.Tensor], tf.Tensor],
        x: tf.Tensor,
        num_samples: int,
        seed: tf.Tensor | None,
    ) -> tf.Tensor:
        x, seed = self._as_data(x), self._default_seed(seed, "log_likelihood")
        return importance_sampling(log_weights_fn, x, num_samples, seed, max(self._floats_per_sample, x.shape[-1]))

    @property
    def _floats_per_sample(self) -> int:
        """Numbers that an array holds for one sample of z, besides its decoded values."""
        return self.latent_dim

    def sample(self, num: int, seed: tf.Tensor | None = None) -> tf.Tensor:
        """`[num, D]` means of p(x | z) at samples of the prior."""
        return self.decode(self.prior.sample(num, seed=self._default_seed(seed, "sample"))).mean()

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        return self.metric_trackers

    def train_step(self, data: Any) -> dict:
        context = tf.distribute.get_replica_context()
        if context is not None and context.num_replicas_in_sync > 1:
            raise UserError(
                f"`keras.Model.fit` gives all {context.num_replicas_in_sync} replicas the same noise; train by "
                "`tfgeo.models.fit`, which takes the model's strategy."
            )
        terms = self.update(_inputs_of(data))
        if self.after_update is not None:
            self.after_update(tf.reduce_mean(terms[1] - terms[0]))
        return self._track(*terms) | self.step_logs()

    def update(
        self, x: tf.Tensor, share: tuple[tf.Tensor, tf.Tensor, int] | None = None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """One training step.

        Args:
          x: `[n, D]` data: the batch, or a replica's rows of it.
          share: what a `Share` of the batch has besides its seed; None for the whole batch.

        Returns:
          `training_terms` before the update, those that the logs are of.
        """
        seed: Seed = tf.random.experimental.stateless_fold_in(
            derive_seed(self.seed, "training"), tf.cast(self.optimizer.iterations, tf.int32)
        )
        if share is None:
            terms, gradients = (self._compiled_gradients or self._terms_and_gradients)(x, seed)
        else:
            terms, gradients = self._terms_and_gradients(x, Share(seed, *share))
        self.optimizer.apply(gradients, self.trainable_variables)
        return terms

    def step_logs(self) -> dict[str, tf.Tensor]:
        """What else than means over samples the logs of a step have, by name."""
        return {}

    def make_train_function(self, force: bool = False) -> Any:
        # Keras traces a step twice, the first time to see what it returns. Tracing a flow takes seconds.
        if force or self.train_function is None:
            # AutoGraph, which Keras leaves out too, would take further seconds to rewrite what needs no rewriting.
            compiled = tf.function(self._terms_and_gradients, autograph=False)
            self._compiled_gradients = None if self.run_eagerly else compiled
        return super().make_train_function(force)

    def _terms_and_gradients(self, x: tf.Tensor, seed: Seed) -> tuple[tuple[tf.Tensor, tf.Tensor], list[tf.Tensor]]:
        with tf.GradientTape() as tape:
            terms = self.training_terms(x, seed)
            loss = mean_of_batch(terms[1] - terms[0], seed)
        return terms, sum_over_replicas(tape.gradient(loss, self.trainable_variables), seed)

    def test_step(self, data: Any) -> dict:
        return self._track(*self.elbo_terms(_inputs_of(data), derive_seed(self.seed, "testing")))

    def _track(self, log_likelihood: tf.Tensor, divergence: tf.Tensor) -> dict:
        for tracker, values in zip(
            self.metric_trackers, (divergence - log_likelihood, -log_likelihood, divergence), strict=True
        ):
            tracker.update_state(values)
        return {tracker.name: tracker.result() for tracker in self.metric_trackers}

    def _as_tensor(self, x: tf.Tensor) -> tf.Tensor:
        """`[..., D]` data in the dtype of the networks, whatever theirs is: NumPy's own is float64."""
        x = _convert(x, "x", self.compute_dtype)
        _check_width(x.shape, self.data_dim, "x", "the decoder")
        return x

    def _as_data(self, x: tf.Tensor) -> tf.Tensor:
        """`[n, D]` data as a tensor; those without a density are refused, where values are known."""
        x = self._as_tensor(x)
        if x.shape.rank not in (None, 2) or x.shape[0] == 0:
            raise UserError(f"`x` has shape {tuple(x.shape)}; give [n, {self.data_dim}], n at least 1.")
        if tf.executing_eagerly():
            self.check_inputs(x, "`x`")
        return x

    def _default_seed(self, seed: tf.Tensor | None, purpose: str) -> tf.Tensor | np.ndarray:
        return derive_seed(self.seed, purpose) if seed is None else seed

    def get_config(self) -> dict:
        networks = {name: keras.saving.serialize_keras_object(getattr(self, name)) for name in self.network_names}
        return super().get_config() | networks | {"seed": self.seed}

    @classmethod
    def from_config(cls, config: dict) -> VAE:
        networks = {name: keras.saving.deserialize_keras_object(config[name]) for name in cls.network_names}
        return cls(**config | networks)


def check_proposal(proposal: str, accepted: tuple[str, ...]) -> str:
    """Refuses an unknown proposal of importance sampling with a `UserError`."""
    if proposal not in accepted:
        raise UserError(f"`proposal` must be one of {', '.join(accepted)}, but is {proposal!r}; change it.")
    return proposal


def _refuse_half_precision(*layers: keras.layers.Layer) -> None:
    """A likelihood of two or three digits is none."""
    for layer in itertools.chain.from_iterable(layer._flatten_layers() for layer in layers):
        if layer.compute_dtype in ("float16", "bfloat16"):
            raise UserError(
                f"under the dtype policy {layer.dtype_policy.name!r} likelihoods would have 2 or 3 digits; build "
                "the model under 'float32', and train it with `fit(..., mixed_precision=True)`."
            )


def _convert(values: Any, name: str, dtype: str) -> tf.Tensor:
    """Real numbers as a tensor of another dtype; a `UserError` where they are none."""
    if np.ma.is_masked(values):
        raise UserError(f"`{name}` has masked values; fill them, or leave their rows out.")
    try:
        tensor = tf.convert_to_tensor(values)
    except (TypeError, ValueError) as error:
        raise UserError(f"`{name}` is no array of numbers ({error}).") from error
    if not (tensor.dtype.is_floating or tensor.dtype.is_integer or tensor.dtype.is_bool):
        raise UserError(f"`{name}` holds {tensor.dtype.name}, not real numbers.")
    return tf.cast(tensor, dtype)


def _check_width(shape: Any, width: int, name: str, of_what: str) -> None:
    """Refuses a shape whose last dimension is known and another; says both."""
    shape = tf.TensorShape(shape)
    if shape.rank is None or (shape.rank > 0 and shape[-1] in (None, width)):
        return
    given = f"has {shape[-1]} columns" if shape.rank else "is a single number"
    raise UserError(
        f"`{name}` {given}, but {of_what} has {width}; give an array of shape [n, {width}], or build a model "
        "for these."
    )


def _inputs_of(data: Any) -> tf.Tensor:
    """The data of a batch, whether or not `fit` was also given targets."""
    return data[0] if isinstance(data, (tuple, list)) else data


def _distribution_of(network: keras.layers.Layer, points: tf.Tensor) -> tfd.Distribution:
    """The network's distribution, also for one point without leading dimensions, which dense layers refuse."""
    if points.shape.rank == 1:
        return network.distribution(points[None])[0]
    return network.distribution(points)
