"""Hamiltonian variational autoencoder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfgeo.errors import UserError, check_count, check_positive
from tfgeo.flows import HamiltonianLeapfrog, Leapfrog, Position, Tempered, first_divergence
from tfgeo.flows.leapfrog import points_of
from tfgeo.flows.phase_flow import Pair, check_scale
from tfgeo.models.decoders import BernoulliDecoder, GaussianDecoder
from tfgeo.models.divergence import Divergence
from tfgeo.models.encoders import GaussianEncoder
from tfgeo.models.shares import Seed, Share, batch_size, gather_rows, normal, sample, split
from tfgeo.models.vae import VAE, check_proposal

__all__ = ["HVAE", "Momenta", "live"]

tfd = tfp.distributions

# From the integrator, the start and standard normal numbers `[..., n, d]` to momenta and their log density.
Momenta = Callable[[Leapfrog, Position, tf.Tensor], tuple[tf.Tensor, tf.Tensor]]


@keras.saving.register_keras_serializable(package="tfgeo")
class HVAE(VAE):
    """Hamiltonian VAE (Caterini et al., 2018), as Section 2.2 of Chadebec et al. (2020), arXiv:2010.11518, has it.

    A sample of the encoder and a momentum are moved by tempered leapfrog steps towards the posterior, with
    `log p(x, z)` as the target. The bound is that of the pair,

        log p(x, z_K) + log N(rho_K) - log q(z_0 | x) - log N(rho_0),

    with no volume to add, since the flow begins with the unheated momentum (see `tfgeo.flows.Tempered`). The
    gradient goes through the whole flow. A training step whose gradient is not finite is left out and counted in
    the log `skipped_steps`; `tfgeo.models.fit` ends a training that leaves out half of them.

    Args:
      encoder: `GaussianEncoder` for q(z_0 | x).
      decoder: `GaussianDecoder` or `BernoulliDecoder` for p(x | z).
      num_steps: leapfrog steps K.
      step_size: their size, a number or one for each latent dimension; where it is learned, its start.
      learn_step_size: whether it is learned, by its logarithm.
      sqrt_beta_zero: `sqrt(beta_0)`, below 1 for a hot start, 1 for no tempering.
      learn_beta_zero: whether it is learned, by its logarithm.
      gradient_limit: longest gradient of a sample's bound, in nats per unit of a position or a momentum, that flows
        back through a point of its trajectory in training; None for no limit.
      seed: seed of the noise; that of a step depends on the seed and the step alone.

    Raises:
      UserError: if there are no steps, or a size is not positive.
    """

    def __init__(
        self,
        encoder: GaussianEncoder,
        decoder: GaussianDecoder | BernoulliDecoder,
        num_steps: int = 3,
        step_size: float | Sequence[float] = 1e-2,
        learn_step_size: bool = True,
        sqrt_beta_zero: float = 0.3,
        learn_beta_zero: bool = True,
        gradient_limit: float | None = None,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(encoder, decoder, seed, **kwargs)
        self.num_steps = check_count("num_steps", num_steps)
        if np.shape(step_size) not in ((), (self.latent_dim,)):
            raise UserError(
                f"`step_size` must be a number or {self.latent_dim} of them, but has the shape "
                f"{np.shape(step_size)}; give one for each latent dimension."
            )
        self._settings = {
            "step_size": step_size,
            "learn_step_size": learn_step_size,
            "sqrt_beta_zero": sqrt_beta_zero,
            "learn_beta_zero": learn_beta_zero,
        }
        self.gradient_limit = None if gradient_limit is None else check_positive("gradient_limit", gradient_limit)
        self._log_step_size = self._add_positive("step_size", step_size, learn_step_size)
        self._log_sqrt_beta_zero = self._add_positive("sqrt_beta_zero", sqrt_beta_zero, learn_beta_zero)
        self.divergence = Divergence()

    @property
    def step_size(self) -> tf.Tensor:
        """Present size of a leapfrog step: a scalar or `[d]`."""
        return tf.exp(self._log_step_size)

    @property
    def sqrt_beta_zero(self) -> tf.Tensor:
        """Present `sqrt(beta_0)`."""
        return tf.exp(self._log_sqrt_beta_zero)

    def flow(self, x: tf.Tensor, *, gradient_limit: tf.Tensor | None = None) -> Tempered:
        """The flow towards p(z | x) of `[n, D]` data: a bijector on pairs of `[..., n, d]`.

        Args:
          x: `[n, D]` data.
          gradient_limit: as that of the leapfrog.
        """
        step_size = live(self._log_step_size)
        return self._temper(
            HamiltonianLeapfrog(self._log_joint(x), step_size, self.num_steps, gradient_limit=gradient_limit)
        )

    def sample_posterior(self, x: tf.Tensor, seed: tf.Tensor | None = None) -> tf.Tensor:
        """One z_K for each of `[n, D]` data, the encoder's sample after the flow: `[n, d]`."""
        x = self._as_tensor(x)
        states, _ = self._run(
            x, self.encode(x), self._evaluation_flow(x), (), self._default_seed(seed, "posterior")
        )
        return states[-1][0]

    def elbo_terms(self, x: tf.Tensor, seed: Seed) -> tuple[tf.Tensor, tf.Tensor]:
        """Both terms of the bound with one sample of the encoder and one momentum.

        Args:
          x: `[n, D]` data.
          seed: stateless seed, `[2]` int32.

        Returns:
          `log p(x | z_K)`, and `log q(z_0, rho_0 | x) - log p(z_K, rho_K)`, an estimate of the divergence of the
          flow's (z_K, rho_K) from their prior; each `[n]`, in nats.
        """
        x = self._as_tensor(x)
        return self._flow_terms(x, self.encode(x), self._evaluation_flow(x), seed)

    def training_terms(self, x: tf.Tensor, seed: Seed) -> tuple[tf.Tensor, tf.Tensor]:
        x = self._as_tensor(x)
        flow = self.flow(x, gradient_limit=self._limit_for(batch_size(x, seed)))
        return self._flow_terms(x, self.encode(x), flow, seed, is_training=True)

    def log_likelihood(
        self, x: tf.Tensor, num_samples: int = 200, proposal: str = "encoder", seed: tf.Tensor | None = None
    ) -> tf.Tensor:
        """Log p(x) by importance sampling; both proposals are unbiased for p(x).

        Args:
          x: `[n, D]` data.
          num_samples: samples for each x.
          proposal: "encoder" draws z from q(z | x), as the papers' tables have it; "flow" draws z_K and rho_K from
            the flow and weighs the pair.
          seed: stateless seed, `[2]` int32.

        Returns:
          `[n]` float64 estimates in nats, summed in float64; lower bounds of log p(x) in expectation.
        """
        if check_proposal(proposal, ("encoder", "flow")) == "encoder":
            return super().log_likelihood(x, num_samples, proposal, seed)
        return self._importance_sampling(self._flow_weights, x, num_samples, seed)

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        return [*super().metrics, self.divergence]

    def explain_divergence(self) -> str | None:
        training_step, leapfrog_step = self.divergence.found()
        if training_step < 0:
            return None
        where = f"at the start of the flow in training step {training_step}"
        if leapfrog_step > 0:
            where = f"in leapfrog step {leapfrog_step} of {self.num_steps}, training step {training_step}"
        return f"a trajectory diverged {where}; {self.remedy()}"

    @property
    def share_of_skipped_steps(self) -> float:
        return self.divergence.share_of_skipped_steps()

    def step_logs(self) -> dict[str, tf.Tensor]:
        # A copy: Keras cannot take a variable among the logs of an eager step.
        return {"skipped_steps": tf.identity(self.divergence.num_skipped.value)}

    def _terms_and_gradients(self, x: tf.Tensor, seed: Seed) -> tuple[tuple[tf.Tensor, tf.Tensor], list[tf.Tensor]]:
        terms, gradients = super()._terms_and_gradients(x, seed)
        is_finite = tf.math.is_finite(tf.linalg.global_norm(gradients))
        self.divergence.count(~is_finite)
        # The log is of the trajectories that did not diverge, unless all did.
        shown = tf.math.is_finite(terms[1] - terms[0])
        if not isinstance(seed, Share):  # whether all did is not seen in a share
            shown |= ~tf.reduce_any(shown)
        terms = tf.boolean_mask(terms[0], shown), tf.boolean_mask(terms[1], shown)
        return terms, [tf.where(is_finite, gradient, 0.0) for gradient in gradients]

    def remedy(self) -> str:
        return "lower `step_size` or the learning rate, or raise `sqrt_beta_zero`"

    def _flow_terms(
        self,
        x: tf.Tensor,
        posterior: tfd.Distribution,
        flow: Tempered,
        seed: Seed,
        is_training: bool = False,
        momenta: Momenta | None = None,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """`elbo_terms` with a given posterior, flow and momenta; notes trajectories that diverge in training."""
        states, (log_joint, log_weights) = self._run(x, posterior, flow, (), seed, momenta)
        if is_training:
            found = gather_rows(first_divergence(states), seed)
            self.divergence.update_state(found, self.optimizer.iterations)
        reconstruction = log_joint - self.prior.log_prob(states[-1][0])
        return reconstruction, reconstruction - log_weights

    def _flow_weights(self, x: tf.Tensor, num_samples: int, seed: tf.Tensor) -> tf.Tensor:
        states, (_, log_weights) = self._run(x, self.encode(x), self.flow(x), (num_samples,), seed)
        # Density is 0 where a trajectory runs off.
        return tf.where(first_divergence(states) < 0, log_weights, -np.inf)

    def _run(
        self,
        x: tf.Tensor,
        posterior: tfd.Distribution,
        flow: Tempered,
        samples: tuple[int, ...],
        seed: Seed,
        momenta: Momenta | None = None,
    ) -> tuple[list[Pair], tuple[tf.Tensor, tf.Tensor]]:
        """Runs the flow for `samples`, a shape, of each of n data, by default from momenta of N(0, G(z_0)).

        Returns:
          Its states, pairs of `[*samples, n, d]`; then `log p(x, z_K)` and
          `log p(x, z_K, rho_K) - log q(z_K, rho_K | x)`, each `[*samples, n]`.
        """
        of_position, of_momentum = split(seed, 2)
        z = sample(posterior, samples, of_position)
        leapfrog = flow.leapfrog
        start = leapfrog.position(z)
        noise = normal(tf.shape(z), of_momentum, z.dtype)
        draw = _momenta_of_the_flow if momenta is None else momenta
        rho, log_momentum = draw(leapfrog, start, tf.ensure_shape(noise, z.shape))
        trajectory = flow.trajectory(start, rho)
        end, end_rho = trajectory[-1]
        log_start = posterior.log_prob(z) + log_momentum
        # The density of what the flow leads to is that of its start divided by the change of volume.
        log_end = end.log_prob + leapfrog.momentum_log_prob(end, end_rho) + flow.log_volume_change(z)
        return points_of(trajectory), (end.log_prob, log_end - log_start)

    def _evaluation_flow(self, x: tf.Tensor) -> Tempered:
        """`flow`, to be used at once."""
        return self.flow(x)

    def _log_joint(self, x: tf.Tensor) -> Callable[[tf.Tensor], tf.Tensor]:
        """`log p(x, z)` as a function of `[..., n, d]`."""
        x = self._as_tensor(x)
        return lambda z: self.decoder.log_prob(x, z) + self.prior.log_prob(z)

    def _limit_for(self, num_samples: tf.Tensor) -> tf.Tensor | None:
        """The limit on a gradient of the mean over a batch of so many."""
        if self.gradient_limit is None:
            return None
        return self.gradient_limit / tf.cast(num_samples, self.variable_dtype)

    def _temper(self, leapfrog: Leapfrog) -> Tempered:
        return Tempered(leapfrog, live(self._log_sqrt_beta_zero))

    def _add_positive(self, name: str, value: Any, learn: bool) -> keras.Variable:
        """A weight for the logarithm of a positive number."""
        logarithm = np.log(np.asarray(check_scale(name, value), np.float64))
        return self.add_weight(
            shape=logarithm.shape,
            initializer=lambda shape, dtype: tf.constant(logarithm, dtype, shape),
            trainable=learn,
            name=f"log_{name}",
        )

    # By name: Keras numbers a model's own weights with the learned ones first, which differ between models.
    def save_own_variables(self, store: Any) -> None:
        for variable in self._own_weights():
            store[variable.name] = variable

    def load_own_variables(self, store: Any) -> None:
        held, own = sorted(store.keys()), sorted(variable.name for variable in self._own_weights())
        if held != own:
            raise ValueError(f"they are of another kind of model: {held or 'nothing'} where this one has {own}")
        for variable in self._own_weights():
            variable.assign(store[variable.name])

    def _own_weights(self) -> list[keras.Variable]:
        return [self._log_step_size, self._log_sqrt_beta_zero]

    def get_config(self) -> dict:
        return super().get_config() | {
            "num_steps": self.num_steps, "gradient_limit": self.gradient_limit, **self._settings
        }  # fmt: skip


def _momenta_of_the_flow(leapfrog: Leapfrog, position: Position, noise: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Those of N(0, G(z_0))."""
    rho = leapfrog.momentum(position, noise)
    return rho, leapfrog.momentum_log_prob(position, rho)


def live(logarithm: keras.Variable) -> tfp.util.DeferredTensor:
    """The exponential of a weight, read when it is used: a flow that is kept follows the training."""
    return tfp.util.DeferredTensor(logarithm.value, tf.exp)
