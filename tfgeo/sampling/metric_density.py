"""Sampling from the density of a metric: Hamiltonian Monte Carlo in latent space, Euclidean or Riemannian."""

from __future__ import annotations

import dataclasses
import functools
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfgeo.errors import UserError, check_count, check_positive, unknown_name_error
from tfgeo.manifolds import Manifold
from tfgeo.randomness import derive_seed, generator
from tfgeo.sampling.riemannian_hmc import RiemannianHMC

__all__ = ["MOMENTA", "WEIGHTS", "LatentSamples", "sample_latents"]

# What `1 / sqrt(det G)` is multiplied by, since far from all data it is a constant, whose integral is infinite.
WEIGHTS = ("ball", "normal")

# Distributions of the momentum: N(0, I), and N(0, G(z)).
MOMENTA = ("euclidean", "riemannian")

# Standard deviation of the normal density as which the ball ends, in radii. At a sharp end HMC would fail: leapfrog
# steps do not see it, and all paths across it are rejected.
SOFTNESS = 0.25

# The mean acceptance rate to which the step size is adapted, between the 0.65 at which the cost of an independent
# sample is least for very large d and safety on densities with narrow parts.
TARGET_ACCEPTANCE = 0.75

# Share of the steps after which the step size stays as it is. Only later ones are counted in the diagnostics.
ADAPTATION_SHARE = 0.5

# Below it too few steps are left to see whether chains agree.
MIN_STEPS = 20

# Above it, chains still remember where they started (Vehtari et al. 2021 ask for 1.01 to estimate with,
# Gelman et al. for 1.1).
LARGE_SCALE_REDUCTION = 1.1


@dataclasses.dataclass(frozen=True, eq=False)
class LatentSamples:
    """Samples of `sample_latents`, each the last state of a chain of its own.

    Attributes:
      points: `[num, d]` samples.
      starts: `[num, d]`, where their chains began.
      acceptance_rates: `[num]`, the share of steps that each chain took, in [0, 1].
      step_size: to which it was adapted; in latent units with Euclidean momenta.
      potential_scale_reduction: R-hat of Gelman and Rubin (1992), with chains split in halves, the largest over the
        coordinates: near 1 where chains have forgotten where they began. Well above 1, as where groups of data are
        far apart, each sample belongs to the group it began in, and groups have the shares of the starts.
      radius: of the ball with weight="ball", else None.
    """

    points: np.ndarray
    starts: np.ndarray
    acceptance_rates: np.ndarray
    step_size: float
    potential_scale_reduction: float
    radius: float | None

    @property
    def acceptance_rate(self) -> float:
        """Mean of `acceptance_rates`."""
        return float(self.acceptance_rates.mean())

    @property
    def has_mixed(self) -> bool:
        """Whether `potential_scale_reduction` is below 1.1."""
        return self.potential_scale_reduction < LARGE_SCALE_REDUCTION


def sample_latents(
    manifold: Manifold,
    starts: np.ndarray,
    num: int,
    seed: int = 0,
    weight: str = "ball",
    radius: float | None = None,
    num_steps: int = 200,
    num_leapfrog_steps: int = 10,
    step_size: float = 0.1,
    momentum: str = "euclidean",
    warn: bool = True,
) -> LatentSamples:
    """Samples latent points with a density that is high where the volume of the metric is small, as near data.

    The density is `w(z) / sqrt(det G(z)) = w(z) sqrt(det G^-1(z))`. The learned metric of the RHVAE, Eq. 14 of
    Chadebec et al. (2020), is `I / lambda` far from all centroids, so that with w = 1 the integral would be
    infinite; two weights make it finite:

    - "ball": w is 1 in a ball of radius R around the mean of `starts`, where the metric alone decides. At distances
      r beyond it is `exp(-(r - R)^2 / 2 s^2)` with s = R / 4.
    - "normal": w is the VAE's prior N(0, I), so that samples are likely under both.

    All `num` chains run at once, each from one of `starts`, drawn with replacement, and each gives one sample, its
    last state: samples are independent of each other. The step size, one for all chains, is adapted in the first
    half of the steps. Momenta have one of two distributions, and samples the same density with both:

    - "euclidean": N(0, I), Sec. 2.1 of the paper. The metric acts through the density alone.
    - "riemannian": N(0, G(z)), its Sec. 3.1, by `RiemannianHMC`. Steps are long where the metric is small, so that
      chains are fast near data and slow away from them.

    Args:
      manifold: the manifold, with a metric that is smooth; piecewise linear decoders have gradients of 0.
      starts: `[n, d]` points where data are, such as centroids or encoded means; its dtype, float32 or float64, is
        that of the computation.
      num: number of samples.
      seed: integer of at least 0; the same seed gives the same samples.
      weight: "ball" or "normal".
      radius: R, in latent units; by default the distance of the farthest start from the mean of all.
      num_steps: steps of each chain, at least 20.
      num_leapfrog_steps: mean number of evaluations of the gradient in each step.
      step_size: of the leapfrog, where adaptation begins; in latent units with Euclidean momenta.
      momentum: "euclidean" or "riemannian".
      warn: whether to warn where chains never moved.

    Returns:
      `LatentSamples`.

    Raises:
      UserError: if a setting is wrong, or the density is not finite at a start.
    """
    if not isinstance(manifold, Manifold):
        raise UserError(f"`manifold` is {type(manifold).__name__}; give a tfgeo.manifolds.Manifold.")
    starts = _check_starts(starts)
    num, seed = check_count("num", num), check_count("seed", seed, 0)
    num_steps = check_count("num_steps", num_steps, MIN_STEPS)
    num_leapfrog_steps = check_count("num_leapfrog_steps", num_leapfrog_steps)
    step_size = check_positive("step_size", step_size)
    if weight not in WEIGHTS:
        raise unknown_name_error("weight", weight, WEIGHTS, f"accepted are {' and '.join(WEIGHTS)}")
    if momentum not in MOMENTA:
        raise unknown_name_error("momentum", momentum, MOMENTA, f"accepted are {' and '.join(MOMENTA)}")
    centre = starts.mean(axis=0)
    if weight == "ball":
        radius = _ball_radius(starts, centre, radius)
    elif radius is not None:
        raise UserError(
            f"`radius`={radius} needs weight='ball', but `weight` is {weight!r}; leave one of them out."
        )

    rows = generator(seed, "sample_latents", "starts").integers(len(starts), size=num)
    density = _Density(manifold, weight, tf.constant(centre), tf.constant(radius or np.inf, starts.dtype))
    finite = np.isfinite(density(tf.constant(starts)).numpy())
    if not finite.all():
        row = int(np.argmin(finite))
        raise UserError(
            f"the density is not finite at {np.sum(~finite)} of {len(starts)} `starts`, the first at row {row} "
            f"({starts[row].tolist()}); leave out those far from all data, or where the metric is degenerate."
        )
    run = _compile(manifold, weight, num_steps, num_leapfrog_steps, momentum)
    points, accepted, adapted, reduction = run(
        tf.constant(starts[rows]),
        density.centre,
        density.radius,
        tf.constant(step_size, starts.dtype),
        tf.constant(derive_seed(seed, "sample_latents", "chains")),
    )
    rates = accepted.numpy()
    if warn and not rates.all():
        warnings.warn(
            f"{np.sum(rates == 0.0)} of {num} chains never moved, so that their samples are starts; lower "
            "`step_size` or raise `num_steps`",
            stacklevel=2,
        )
    return LatentSamples(points.numpy(), starts[rows], rates, float(adapted), float(reduction), radius)


@dataclasses.dataclass(frozen=True, eq=False)
class _Density:
    """Log density `[..., d]` to `[...]`, up to a constant; -inf where it is not finite."""

    manifold: Manifold
    weight: str
    centre: tf.Tensor
    radius: tf.Tensor

    def __call__(self, z: tf.Tensor) -> tf.Tensor:
        if self.weight == "normal":
            log_weight = -0.5 * tf.reduce_sum(tf.square(z), axis=-1)
        else:
            # Bounded under the root, which has no derivative at 0.
            squares = tf.reduce_sum(tf.square(z - self.centre), axis=-1)
            distance = tf.sqrt(tf.maximum(squares, tf.square(self.radius)))
            log_weight = -0.5 * tf.square((distance / self.radius - 1.0) / SOFTNESS)
        value = log_weight - self.manifold.log_volume(z)
        return tf.where(tf.math.is_finite(value), value, -float("inf"))


class _RandomLength(tfp.mcmc.TransitionKernel):
    """HMC with a number of leapfrog steps drawn anew for each step, uniformly from 1 to `max_num`.

    With a fixed number, paths through a nearly normal density can come back to where they started, again and again:
    step after step is taken, and the chain never mixes.
    """

    def __init__(self, inner_kernel: tfp.mcmc.TransitionKernel, max_num: int) -> None:
        self.parameters = {"inner_kernel": inner_kernel, "max_num": max_num}

    @property
    def is_calibrated(self) -> bool:
        return True

    def bootstrap_results(self, init_state: tf.Tensor) -> Any:
        return self.parameters["inner_kernel"].bootstrap_results(init_state)

    def one_step(self, current_state: tf.Tensor, previous_kernel_results: Any, seed: tf.Tensor) -> tuple[Any, Any]:
        length_seed, step_seed = tf.unstack(tf.random.experimental.stateless_split(seed, 2))
        num = tf.random.stateless_uniform([], length_seed, 1, self.parameters["max_num"] + 1, tf.int32)
        accepted = previous_kernel_results.accepted_results._replace(num_leapfrog_steps=num)
        results = previous_kernel_results._replace(accepted_results=accepted)
        return self.parameters["inner_kernel"].one_step(current_state, results, seed=step_seed)


def _run_chains(
    manifold: Manifold,
    weight: str,
    num_steps: int,
    num_leapfrog_steps: int,
    momentum: str,
    start: tf.Tensor,
    centre: tf.Tensor,
    radius: tf.Tensor,
    step_size: tf.Tensor,
    seed: tf.Tensor,
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]:
    """Last states `[num, d]`, acceptance rates `[num]`, step size and scale reduction of chains from `start`."""
    density = _Density(manifold, weight, centre, radius)
    if momentum == "riemannian":
        hmc = RiemannianHMC(density, manifold, step_size, num_leapfrog_steps)
    else:
        hmc = tfp.mcmc.HamiltonianMonteCarlo(
            density, step_size, num_leapfrog_steps, store_parameters_in_results=True
        )
    num_adapted = round(ADAPTATION_SHARE * num_steps)
    kernel = tfp.mcmc.DualAveragingStepSizeAdaptation(
        _RandomLength(hmc, 2 * num_leapfrog_steps - 1),
        num_adaptation_steps=num_adapted,
        target_accept_prob=tf.cast(TARGET_ACCEPTANCE, start.dtype),
    )
    states, (accepted, step_sizes) = tfp.mcmc.sample_chain(
        num_results=num_steps - num_adapted,
        num_burnin_steps=num_adapted,
        current_state=start,
        kernel=kernel,
        trace_fn=lambda _, results: (
            results.inner_results.is_accepted,
            results.inner_results.accepted_results.step_size,
        ),
        seed=seed,
    )
    reduction = tfp.mcmc.potential_scale_reduction(states, split_chains=True)
    rates = tf.reduce_mean(tf.cast(accepted, start.dtype), axis=0)
    return states[-1], rates, step_sizes[-1], tf.reduce_max(reduction)


@functools.lru_cache(maxsize=16)
def _compile(manifold: Manifold, *settings: Any) -> Callable[..., Any]:
    """`_run_chains` with its first five arguments, compiled once for each number of chains."""
    return tf.function(functools.partial(_run_chains, manifold, *settings), autograph=False)


def _check_starts(starts: np.ndarray) -> np.ndarray:
    """`[n, d]` finite floats."""
    points = np.asarray(starts)
    if points.dtype.kind not in "biuf" or points.ndim != 2 or 0 in points.shape:
        raise UserError(
            f"`starts` must be numbers [n, d], but is {points.dtype} of shape {points.shape}; give the centroids, "
            "or encoded means of data."
        )
    if not np.isfinite(points).all():
        raise UserError(f"`starts` has {np.sum(~np.isfinite(points))} values that are not finite; leave them out.")
    return points if points.dtype == np.float64 else points.astype(np.float32)


def _ball_radius(starts: np.ndarray, centre: np.ndarray, radius: float | None) -> float:
    if radius is not None:
        return check_positive("radius", radius)
    farthest = float(np.linalg.norm(starts - centre, axis=-1).max())
    if farthest == 0.0:
        raise UserError("all `starts` are one point, around which no ball is known; give `radius` in latent units.")
    return farthest
