"""Hamiltonian Monte Carlo whose momenta have the metric of a manifold as covariance."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf
import tensorflow_probability as tfp

from tfgeo.errors import check_count, check_positive
from tfgeo.flows import RiemannianLeapfrog
from tfgeo.flows.riemannian_leapfrog import HasCometric
from tfgeo.flows.round_trip import is_near

__all__ = ["RiemannianHMC"]


class _Trajectory(NamedTuple):
    """How the next trajectory is made. Named as TFP's own kernels do, whose adaptations look for these names."""

    step_size: tf.Tensor
    num_leapfrog_steps: tf.Tensor


class RiemannianHMCResults(NamedTuple):
    """What a step says of itself: whether each chain moved, the logarithm of what decided it, and how it went."""

    is_accepted: tf.Tensor
    log_accept_ratio: tf.Tensor
    accepted_results: _Trajectory


class RiemannianHMC(tfp.mcmc.TransitionKernel):
    """Riemannian HMC of Girolami and Calderhead (2011), a `tfp.mcmc` kernel on states `[n, d]`, a chain each.

    A momentum is drawn from N(0, G(z)), and the state moves by generalized leapfrog steps (`RiemannianLeapfrog`)
    for `H(z, rho) = -log target(z) + 1/2 log((2 pi)^d det G(z)) + 1/2 rho^T G(z)^-1 rho`, Eq. 9 of Chadebec et al.
    (2020): with long steps where G is small, and short ones where it is large. The implicit equations are solved by
    a fixed number of iterations, which may be too few. So each trajectory is run backwards as well, and a state is
    kept as it is unless that leads back to it: what is accepted is reversible and keeps the volume, as detailed
    balance needs.

    Args:
      target_log_prob_fn: log density with respect to dz, up to a constant, `[n, d]` to `[n]`.
      manifold: a `tfgeo.manifolds.Manifold`, of whose `cometric` momenta, velocities and forces come.
      step_size: positive, without unit: with a flat metric, latent units per root of the metric.
      num_leapfrog_steps: leapfrog steps of a trajectory, at least 1.
      num_fixed_point_steps: iterations for each implicit equation, at least 1.

    Raises:
      UserError: if a number is not positive.
    """

    def __init__(
        self,
        target_log_prob_fn: Callable[[tf.Tensor], tf.Tensor],
        manifold: HasCometric,
        step_size: Any,
        num_leapfrog_steps: int,
        num_fixed_point_steps: int = 6,
    ) -> None:
        if not tf.is_tensor(step_size):
            check_positive("step_size", step_size)
        check_count("num_leapfrog_steps", num_leapfrog_steps)
        self.parameters = {
            "target_log_prob_fn": target_log_prob_fn,
            "manifold": manifold,
            "step_size": step_size,
            "num_leapfrog_steps": num_leapfrog_steps,
            "num_fixed_point_steps": num_fixed_point_steps,
        }
        # Steps are taken one by one: their number changes from one trajectory to the next, as does their size.
        self._leapfrog = RiemannianLeapfrog(target_log_prob_fn, manifold, 1.0, 1, num_fixed_point_steps)

    @property
    def is_calibrated(self) -> bool:
        """Its samples have the target density: there is a Metropolis test."""
        return True

    def bootstrap_results(self, init_state: tf.Tensor) -> RiemannianHMCResults:
        """Results of no step, for `[n, d]` states."""
        state = tf.convert_to_tensor(init_state)
        zeros = tf.zeros(tf.shape(state)[:-1], state.dtype)
        trajectory = _Trajectory(
            tf.cast(self.parameters["step_size"], state.dtype),
            tf.constant(self.parameters["num_leapfrog_steps"], tf.int32),
        )
        return RiemannianHMCResults(tf.zeros_like(zeros, tf.bool), zeros, trajectory)

    def one_step(
        self, current_state: tf.Tensor, previous_kernel_results: RiemannianHMCResults, seed: Any = None
    ) -> tuple[tf.Tensor, RiemannianHMCResults]:
        """The next `[n, d]` states."""
        z = tf.convert_to_tensor(current_state)
        trajectory = previous_kernel_results.accepted_results
        noise_seed, accept_seed = tf.unstack(
            tf.random.experimental.stateless_split(tfp.random.sanitize_seed(seed), 2)
        )
        noise = tf.random.stateless_normal(tf.shape(z), noise_seed, dtype=z.dtype)
        rho = self._leapfrog.momentum(self._leapfrog.position(z), noise)
        new_z, new_rho = self._move(z, rho, trajectory, 1.0)
        back_z, back_rho = self._move(new_z, new_rho, trajectory, -1.0)
        log_ratio = self._leapfrog.hamiltonian(z, rho) - self._leapfrog.hamiltonian(new_z, new_rho)
        is_valid = tf.math.is_finite(log_ratio) & is_near(back_z, z) & is_near(back_rho, rho)
        log_ratio = tf.where(is_valid, log_ratio, -float("inf"))
        chance = tf.random.stateless_uniform(tf.shape(log_ratio), accept_seed, dtype=z.dtype)
        is_accepted = tf.math.log(chance) < log_ratio
        state = tf.where(is_accepted[..., None], new_z, z)
        return state, RiemannianHMCResults(is_accepted, log_ratio, trajectory)

    def _move(
        self, z: tf.Tensor, rho: tf.Tensor, trajectory: _Trajectory, sign: float
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Where the leapfrog steps lead; backwards in time with sign -1."""

        def step(index: tf.Tensor, z: tf.Tensor, rho: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
            position, rho = self._leapfrog.step(self._leapfrog.position(z), rho, sign * trajectory.step_size)
            return index + 1, tf.ensure_shape(position.z, z.shape), tf.ensure_shape(rho, z.shape)

        _, z, rho = tf.while_loop(lambda index, *_: index < trajectory.num_leapfrog_steps, step, (0, z, rho))
        return z, rho
