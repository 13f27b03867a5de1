"""What a training step of an RHVAE maximizes: Algorithm 1 of its paper, or what its authors' code runs."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any, ClassVar

import tensorflow as tf

from tfgeo.errors import UserError, unknown_name_error
from tfgeo.flows import Leapfrog, Position, RiemannianLeapfrog
from tfgeo.flows.riemannian_leapfrog import HasCometric
from tfgeo.flows.simplified_leapfrog import SimplifiedLeapfrog
from tfgeo.models.hvae import Momenta

__all__ = ["RiemannianObjective"]

# What each part may be.
CHOICES: dict[str, tuple[str | bool, ...]] = {
    "momentum": ("metric", "factor"),
    "momentum_density": (True, False),
    "gradient": ("flow", "last_kick"),
    "position": ("implicit", "explicit"),
}


@dataclasses.dataclass(frozen=True)
class RiemannianObjective:
    """What a training step of an `RHVAE` maximizes; the rest of the model never looks at it.

    `RiemannianObjective.named("bound")`, the default, is Algorithm 1 of Chadebec et al. (2020), arXiv:2010.11518:
    the bound `log p(x, z_K) + log N(rho_K; 0, G(z_K)) - log q(z_0 | x) - log N(rho_0; 0, G(z_0))`, whose gradient
    goes through the whole flow. To first order its terms in G cancel, and it says little about the metric.

    `RiemannianObjective.named("released")` is what the authors' public code maximizes, and it is no bound of log
    p(x): its momenta do not follow the metric, their density is left out, and its steps change volume. The metric
    enters it as `1/2 log det G^-1 - 1/2 gamma^T L^T G^-1 L gamma`, with the largest value at
    `L_i = (2 W_i)^(-1/4) I`, `W_i = sum_j exp(-|c_i - c_j|^2 / T^2)`, where latent points are spread evenly.

    Attributes:
      momentum: "metric" draws rho_0 from N(0, G(z_0)); "factor" takes `rho_0 = L_psi(x) gamma`, gamma ~ N(0, I),
        with the factor of the sample itself. Both are then heated by `1 / sqrt(beta_0)`.
      momentum_density: whether the log density of rho_0, under what it is drawn from, is subtracted.
      gradient: "flow" differentiates the whole flow, "last_kick" of each leapfrog step only the last half-kick.
      position: "implicit" solves the position's equation of a leapfrog step (Eq. 11), "explicit" makes a step of
        Euler's of it.

    Raises:
      UserError: if a choice is not known.
    """

    momentum: str = "metric"
    momentum_density: bool = True
    gradient: str = "flow"
    position: str = "implicit"

    NAMES: ClassVar[tuple[str, ...]] = ("bound", "released")

    def __post_init__(self) -> None:
        for field, choices in CHOICES.items():
            value = getattr(self, field)
            if value not in choices:
                raise UserError(f"`{field}`={value!r} is not known; choose one of {', '.join(map(str, choices))}")

    @classmethod
    def named(cls, name: str, **changes: Any) -> RiemannianObjective:
        """The objective of a name, "bound" or "released", with other values for some fields."""
        if name not in cls.NAMES:
            raise unknown_name_error("objective", name, cls.NAMES, "choose 'bound' or 'released'")
        return cls(**({} if name == "bound" else _RELEASED) | changes)

    @property
    def is_bound(self) -> bool:
        """Whether its expectation bounds log p(x) from below, up to the error of the fixed points."""
        return self.momentum_density and self.position == "implicit"

    def leapfrog(
        self,
        target_log_prob_fn: Callable[[tf.Tensor], tf.Tensor],
        manifold: HasCometric,
        step_size: Any,
        num_steps: int,
        num_fixed_point_steps: int,
        gradient_limit: Any,
    ) -> RiemannianLeapfrog:
        """The integrator of a training step, with the arguments of `RiemannianLeapfrog`."""
        arguments = (target_log_prob_fn, manifold, step_size, num_steps, num_fixed_point_steps, gradient_limit)
        explicit, detached = self.position == "explicit", self.gradient == "last_kick"
        if explicit or detached:
            return SimplifiedLeapfrog(*arguments, explicit, detached)
        return RiemannianLeapfrog(*arguments)

    def momenta(self, factors: tf.Tensor) -> Momenta:
        """Momenta and their log density from an integrator, a position and standard normal numbers `[n, d]`.

        Args:
          factors: `[n, d, d]`, L_psi of the samples.
        """

        def draw(leapfrog: Leapfrog, position: Position, noise: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            if self.momentum == "factor":
                rho = tf.linalg.matvec(factors, noise)
                log_prob = _log_density(factors, noise)
            else:
                rho = leapfrog.momentum(position, noise)
                log_prob = leapfrog.momentum_log_prob(position, rho)
            return rho, log_prob if self.momentum_density else tf.zeros_like(log_prob)

        return draw


_RELEASED: dict[str, Any] = {
    "momentum": "factor",
    "momentum_density": False,
    "gradient": "last_kick",
    "position": "explicit",
}


def _log_density(factors: tf.Tensor, noise: tf.Tensor) -> tf.Tensor:
    """`log N(L gamma; 0, L L^T)` of triangular factors `[n, d, d]` and standard normal numbers `[n, d]`: `[n]`."""
    log_volume = tf.reduce_sum(tf.math.log(tf.linalg.diag_part(factors)), axis=-1)
    squares = tf.reduce_sum(tf.square(noise), axis=-1)
    return -log_volume - 0.5 * squares - 0.5 * noise.shape[-1] * math.log(2.0 * math.pi)
