"""The protocol of a solver and the one loop that runs them all."""

from __future__ import annotations

import abc
import enum
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from tfgeo.curves import Curve
from tfgeo.errors import check_at_least, check_count
from tfgeo.geodesics.solvers.objective import Objective, ParameterModel
from tfgeo.geodesics.solvers.tiny import safe_norm
from tfgeo.manifolds import Manifold

__all__ = ["Progress", "Reason", "Solver", "State", "advance", "begin", "choose_pairs", "one_step"]


class Reason(enum.IntEnum):
    """Why a pair stopped; `message` is what a user reads, `is_converged` whether there is nothing left to do."""

    MAX_ITERATIONS = 0, "the maximum number of iterations was reached: raise max_iterations"
    CONVERGED = 1, "converged: no step can lower the energy by more than the tolerance"
    NO_DECREASE = 2, "converged to rounding: no step of any size lowers the energy"
    EQUAL_ENDS = 3, "start and end are equal: the length is 0"
    NOT_FINITE = 4, "the energy is not finite along the straight line: check the end points and the decoder"
    OUTSIDE = (
        5,
        "an end point is outside of what the table or the network knows: make it with wider bounds or more latents",
    )
    SADDLE = 6, "a saddle of the energy, left several times for lower curves that are saddles too: give `starts`"
    STRAIGHT = 7, "converged, and the straight line is returned, which is shorter than the curve of least energy"
    NO_ENERGY = 8, "the energy between different ends is 0: the decoder does not move, or by less than it resolves"
    UNRESOLVED = 9, "the energy is too small or too large for its precision: scale the decoder's values"

    def __new__(cls, value: int, message: str = "") -> Reason:
        member = int.__new__(cls, value)
        member._value_ = value
        member.message = message
        return member

    message: str

    @property
    def is_converged(self) -> bool:
        return self in (
            Reason.CONVERGED, Reason.NO_DECREASE, Reason.EQUAL_ENDS, Reason.STRAIGHT, Reason.NO_ENERGY
        )  # fmt: skip


class State(NamedTuple):
    """What a solver carries from step to step, for each pair of the batch.

    Attributes:
      parameters: `[B, P]` curve parameters, the best so far.
      energy: `[B]` their energy.
      gradient: `[B, P]` gradient of the energy there.
      predicted_decrease: `[B]` what the solver's model says that a step lowers the energy by: the next one, or, of
        solvers that make their model in the step, the one that was tried last.
      stuck: `[B]` bool: no step of any size can lower the energy.
      memory: the solver's own tensors, each with leading dimension B.
    """

    parameters: tf.Tensor
    energy: tf.Tensor
    gradient: tf.Tensor
    predicted_decrease: tf.Tensor
    stuck: tf.Tensor
    memory: Any


class Progress(NamedTuple):
    """A solver's state together with how far each pair has come.

    Attributes:
      state: the solver's state.
      num_iterations: `[B]` int32.
      reason: `[B]` int32 values of `Reason`.
      running: `[B]` bool.
    """

    state: State
    num_iterations: tf.Tensor
    reason: tf.Tensor
    running: tf.Tensor


class Solver(abc.ABC):
    """Minimizes the energies of a batch of curves. Subclasses are frozen dataclasses that hold settings only.

    A pair has converged when the solver's predicted decrease and the decrease of its last step (if there was
    one) are both at most `tolerance` times the energy, and its scale-free gradient `|dE/da| |end - start|` is
    at most `gradient_tolerance` times the energy. What it has converged to is a minimum or a saddle, which
    `Problem.finish` tells apart.
    """

    max_iterations: int
    tolerance: float
    gradient_tolerance: float

    def __post_init__(self) -> None:
        check_count("max_iterations", self.max_iterations)
        check_at_least("tolerance", self.tolerance, 0.0)
        check_at_least("gradient_tolerance", self.gradient_tolerance, 0.0)

    def check(self, curve: Curve, latent_dim: int) -> None:
        """Raises UserError where this solver cannot take the curve; by default it can take any."""
        del curve, latent_dim

    def check_manifold(self, manifold: Manifold, start: np.ndarray, end: np.ndarray) -> None:
        """Raises UserError where this solver cannot take the manifold between ends `[B, d]`; by default it can."""
        del manifold, start, end

    def floats_per_curve(self, manifold: Manifold, latent_dim: int, dtype: tf.DType, num_points: int) -> int:
        """Numbers that a step holds for a curve of T points; blocks are sized by it."""
        return num_points * manifold.floats_per_point(latent_dim, dtype)

    def peak_floats_per_curve(self, manifold: Manifold, latent_dim: int, dtype: tf.DType, num_points: int) -> int:
        """Numbers that a step makes on its way for a curve, which bound how many fit the memory."""
        return num_points * manifold.peak_floats_per_point(latent_dim, dtype)

    @abc.abstractmethod
    def init(self, objective: Objective, parameters: tf.Tensor) -> State:
        """The state at `parameters` `[B, P]`."""

    @abc.abstractmethod
    def step(self, objective: Objective, state: State) -> State:
        """The state after one step; pairs never wait for or depend on each other."""

    def model(self, state: State) -> ParameterModel | None:
        """The quadratic model at the state's parameters with a matrix `[B, P, P]`, where the solver has one."""
        del state
        return None


def begin(solver: Solver, objective: Objective, parameters: tf.Tensor, inside: tf.Tensor) -> Progress:
    """Progress before the first step at `parameters` `[B, P]`.

    Pairs with equal ends, an energy that is not finite, or an end outside (`inside` `[B]` bool) do not run.
    """
    state = solver.init(objective, parameters)
    # inf equals inf, but no curve connects them.
    equal = tf.reduce_all(tf.equal(objective.start, objective.end) & tf.math.is_finite(objective.start), axis=-1)
    finite = tf.math.is_finite(state.energy) & tf.reduce_all(tf.math.is_finite(state.gradient), axis=-1)
    # A warm start can be the geodesic already.
    converged = finite & _is_small(solver, objective, state)
    reason = tf.where(finite, int(Reason.MAX_ITERATIONS), int(Reason.NOT_FINITE))
    reason = tf.where(converged, int(Reason.CONVERGED), reason)
    reason = tf.where(finite & ~inside, int(Reason.OUTSIDE), reason)
    reason = tf.where(equal & inside, int(Reason.EQUAL_ENDS), reason)
    return Progress(state, tf.zeros_like(reason), reason, finite & ~converged & inside & ~equal)


def advance(
    step_fn: Callable[[Progress], Progress], progress: Progress, num_steps: tf.Tensor, num_left: tf.Tensor
) -> Progress:
    """Up to `num_steps` further steps; it ends sooner where no more than `num_left` pairs run any more.

    Args:
      step_fn: `one_step` of a solver and an objective.
      progress: where to go on from.
      num_steps: how far.
      num_left: how many pairs are not worth a step of the whole batch.
    """

    def enough_running(step: tf.Tensor, progress: Progress) -> tf.Tensor:
        return (step < num_steps) & (tf.reduce_sum(tf.cast(progress.running, tf.int32)) > num_left)

    def next_step(step: tf.Tensor, progress: Progress) -> tuple[tf.Tensor, Progress]:
        return step + 1, step_fn(progress)

    return tf.while_loop(enough_running, next_step, (tf.constant(0), progress))[1]


def one_step(solver: Solver, objective: Objective, progress: Progress) -> Progress:
    """One step of the pairs that run."""
    state, running = progress.state, progress.running
    new = choose_pairs(running, solver.step(objective, state), state)
    decrease = tf.abs(state.energy - new.energy)
    converged = _is_small(solver, objective, new) & (decrease <= solver.tolerance * new.energy)
    stopped = running & (converged | new.stuck)
    reason = tf.where(converged, int(Reason.CONVERGED), int(Reason.NO_DECREASE))
    num_iterations = progress.num_iterations + tf.cast(running, tf.int32)
    return Progress(
        new,
        num_iterations,
        tf.where(stopped, reason, progress.reason),
        running & ~stopped & (num_iterations < solver.max_iterations),
    )


def _is_small(solver: Solver, objective: Objective, state: State) -> tf.Tensor:
    """Whether the predicted decrease and the gradient are within the solver's tolerances, `[B]` bool."""
    scale = tf.norm(objective.end - objective.start, axis=-1)
    small = state.predicted_decrease <= solver.tolerance * state.energy
    # The squares of gradients of tiny or huge energies are outside of the precision.
    return small & (safe_norm(state.gradient) * scale <= solver.gradient_tolerance * state.energy)


def choose_pairs(which: tf.Tensor, new: Any, old: Any) -> Any:
    """The parts of `new` for the pairs that are chosen, `[B]` bool, and those of `old` for the others."""

    def choose(new_part: tf.Tensor, old_part: tf.Tensor) -> tf.Tensor:
        return tf.where(tf.reshape(which, [-1] + [1] * (new_part.shape.rank - 1)), new_part, old_part)

    return tf.nest.map_structure(choose, new, old)
