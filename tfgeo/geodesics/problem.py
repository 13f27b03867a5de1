"""The graph side of `connect`: what is computed for a block of pairs, whatever its size."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from tfgeo.curves import Curve
from tfgeo.geodesics.solvers.objective import Objective
from tfgeo.geodesics.solvers.saddle import Curvature, find_way_out, lowest_curvature
from tfgeo.geodesics.solvers.sealed import call_sealed
from tfgeo.geodesics.solvers.shared_objective import SharedObjective, equal_steps
from tfgeo.geodesics.solvers.solver import Progress, Reason, Solver, advance, begin, choose_pairs, one_step
from tfgeo.geodesics.solvers.tiny import is_resolved
from tfgeo.geodesics.starts.random_bezier import random_curves
from tfgeo.geodesics.starts.warm_start import WarmStart
from tfgeo.manifolds import Manifold

__all__ = ["Finished", "Problem", "Run", "solve_batch"]

# Saddles that a pair leaves, each for a curve of lower energy, before it gives up.
MAX_SADDLES = 4


class Run(NamedTuple):
    """A block on its way.

    Attributes:
      progress: how far each pair has come.
      straight_energy: `[B]` energy of the curves without a warm start, by default straight lines.
      straight_length: `[B]` their length.
      straight_deviation: `[B]` the deviation of their speed.
      earlier_iterations: `[B]` int32, steps that were taken to the saddles that were left.
      num_saddles: `[B]` int32, how many these are.
      settled: `[B]` bool: no curve beside that of a pair that has converged is lower, or it has given up.
    """

    progress: Progress
    straight_energy: tf.Tensor
    straight_length: tf.Tensor
    straight_deviation: tf.Tensor
    earlier_iterations: tf.Tensor
    num_saddles: tf.Tensor
    settled: tf.Tensor


class Finished(NamedTuple):
    """What is returned for a block, unless a pair turns out to be at a saddle.

    Attributes:
      parameters: `[B, P]`.
      length: `[B]`.
      energy: `[B]`.
      speed_deviation: `[B]`.
      reason: `[B]` int32 values of `Reason`.
      curvature: of the energy at the solver's curve; `suspect` for pairs alone that are to leave it.
    """

    parameters: tf.Tensor
    length: tf.Tensor
    energy: tf.Tensor
    speed_deviation: tf.Tensor
    reason: tf.Tensor
    curvature: Curvature


class Problem(NamedTuple):
    """The functions of one (manifold, curve, solver, warm start, T), free of any batch size.

    Starts are `[B, d + C]`: with `condition_dim` C above 0 their last coordinates are what the decoder of a
    conditional one is conditioned on along the curve.
    """

    manifold: Manifold
    curve: Curve
    solver: Solver
    warm_start: WarmStart | None
    num_points: int
    condition_dim: int = 0

    def objective(self, start: tf.Tensor, end: tf.Tensor) -> Objective:
        t = tf.constant(equal_steps(self.num_points, start.dtype))
        if not self.condition_dim:
            return SharedObjective(self.manifold, self.curve, start, end, t)
        # A manifold of its own for each condition: no graph can be shared.
        start, condition = start[:, : -self.condition_dim], start[:, -self.condition_dim :]
        return Objective(self.manifold.given(condition[:, None]), self.curve, start, end, t)

    def begin(self, start: tf.Tensor, end: tf.Tensor) -> Run:
        """Before the first step, from the straight line or the warm start, whichever has the lower energy."""
        ends = self.objective(start, end)
        warm = None if self.warm_start is None else self.warm_start.parameters(self.curve, ends.start, end)
        return self._begin(start, end, warm)

    def begin_at(self, start: tf.Tensor, end: tf.Tensor, parameters: tf.Tensor) -> Run:
        """Before the first step, from the straight line or the given parameters, as `begin`."""
        return self._begin(start, end, parameters)

    def begin_random(self, start: tf.Tensor, end: tf.Tensor, draws: tf.Tensor) -> Run:
        """Before the first step, from the random curves of some draws, whatever their energy."""
        ends = self.objective(start, end)
        return self._begin(start, end, random_curves(self.curve, ends.start, end, draws, self.num_points), True)

    def _begin(self, start: tf.Tensor, end: tf.Tensor, warm: tf.Tensor | None, always_warm: bool = False) -> Run:
        objective = self.objective(start, end)
        straight = self.curve.initial_parameters(objective.start, end)
        energy, length, deviation = objective.measure(straight)
        parameters = straight
        if warm is not None:
            warm_energy = objective.energy(warm)
            # A straight line through a hole in the metric has no energy; a path around it has.
            better = (warm_energy < energy) | ~tf.math.is_finite(energy) | always_warm
            better &= tf.math.is_finite(warm_energy)
            parameters = tf.where(better[:, None], warm, straight)
        inside = objective.manifold.contains(objective.start) & objective.manifold.contains(end)
        progress = begin(self.solver, objective, parameters, inside)
        none = tf.zeros_like(progress.num_iterations)
        return Run(progress, energy, length, deviation, none, none, tf.zeros_like(inside))

    def step(self, start: tf.Tensor, end: tf.Tensor, progress: Progress) -> Progress:
        return one_step(self.solver, self.objective(start, end), progress)

    def advance(
        self, start: tf.Tensor, end: tf.Tensor, progress: Progress, num_steps: tf.Tensor, num_left: tf.Tensor
    ) -> Progress:
        """Up to `num_steps` further steps, fewer where no more than `num_left` pairs run any more."""
        return advance(lambda progress: call_sealed(self.step, start, end, progress), progress, num_steps, num_left)

    def finish(self, start: tf.Tensor, end: tf.Tensor, run: Run) -> Finished:
        """What was found, or the straight line where that is better; and whether it may be a saddle."""
        objective = self.objective(start, end)
        state, reason = run.progress.state, run.progress.reason
        curvature = lowest_curvature(objective, state.parameters, self.solver.model(state))
        converged = tf.equal(reason, int(Reason.CONVERGED)) | tf.equal(reason, int(Reason.NO_DECREASE))
        curvature = curvature._replace(suspect=curvature.suspect & converged & ~run.settled)
        # The manifold's own energy: a solver may measure it in another way, as GEORCE does on an embedding.
        energy, length, deviation = objective.measure(state.parameters)
        if self.manifold.has_potential:
            # Such an energy is no square of a length: what has the least energy need not be shortest.
            better = run.straight_energy < energy
        else:
            better = run.straight_length < length
        # Within the tolerance the straight line has the least energy too.
        higher = run.straight_energy > (1.0 + self.solver.tolerance) * energy
        reason = tf.where(better & higher & converged, int(Reason.STRAIGHT), reason)
        straight = self.curve.initial_parameters(objective.start, end)
        length = tf.where(better, run.straight_length, length)
        energy = tf.where(better, run.straight_energy, energy)
        deviation = tf.where(better, run.straight_deviation, deviation)
        equal = tf.equal(reason, int(Reason.EQUAL_ENDS))
        failed = tf.equal(reason, int(Reason.NOT_FINITE)) | tf.equal(reason, int(Reason.OUTSIDE))
        length, energy, deviation = (
            tf.where(failed, tf.cast(float("nan"), part.dtype), tf.where(equal, tf.zeros_like(part), part))
            for part in (length, energy, deviation)
        )
        # Different ends, between which there is an energy that the precision cannot hold.
        counts = ~equal & ~failed
        reason = tf.where(counts & ~is_resolved(energy), int(Reason.UNRESOLVED), reason)
        reason = tf.where(counts & tf.equal(energy, 0.0), int(Reason.NO_ENERGY), reason)
        parameters = tf.where(better[:, None], straight, state.parameters)
        return Finished(parameters, length, energy, deviation, reason, curvature)

    def leave(self, start: tf.Tensor, end: tf.Tensor, run: Run, curvature: Curvature) -> Run:
        """Where suspect pairs go on from: the lowest curve to either side of a saddle, if one is lower."""
        objective = self.objective(start, end)
        parameters = run.progress.state.parameters
        energy = objective.energy(parameters)
        beside, found = find_way_out(objective, parameters, energy, curvature, self.solver.tolerance)
        goes_on = found & (run.num_saddles < MAX_SADDLES)

        def start_again() -> Progress:
            # Pairs outside of the manifold are none of the suspects.
            fresh = begin(self.solver, objective, beside, tf.ones_like(found))
            return choose_pairs(goes_on, fresh, run.progress)

        # Most suspects are minima after all, and a fresh start costs more than the look around.
        progress = tf.cond(tf.reduce_any(goes_on), start_again, lambda: run.progress)
        reason = tf.where(found & ~goes_on, int(Reason.SADDLE), progress.reason)
        iterations = tf.where(goes_on, run.progress.num_iterations, 0)
        return run._replace(
            progress=progress._replace(reason=reason),
            earlier_iterations=run.earlier_iterations + iterations,
            num_saddles=run.num_saddles + tf.cast(goes_on, tf.int32),
            settled=run.settled | (curvature.suspect & ~goes_on),
        )


def solve_batch(
    problem: Problem, start: tf.Tensor, end: tf.Tensor, block_size: int
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]:
    """Any number of pairs in one graph, for export.

    Blocks have the same sizes as those of `connect`, so that both do the same arithmetic to the last bit; the
    one difference is that a block runs until its last pair has stopped.

    Returns:
      Parameters `[B, P]`, length `[B]`, energy `[B]`, and the reason code of each pair `[B]`.
    """
    num_pairs, latent_dim = tf.shape(start)[0], start.shape[-1]
    size = tf.constant(min(MIN_BLOCK_SIZE, block_size))
    for candidate in _sizes(block_size):
        size = tf.where(num_pairs > size, tf.minimum(candidate, block_size), size)
    num_blocks = tf.maximum((num_pairs + size - 1) // size, 1)
    rows = tf.range(num_blocks * size)
    # Filled up with the first pair of the last block, as `connect` does.
    rows = tf.where(rows < num_pairs, rows, (num_blocks - 1) * size)
    rows = tf.minimum(rows, tf.maximum(num_pairs - 1, 0))
    # A row to gather where there is no pair at all; nothing of it is returned.
    start, end = (tf.pad(part, [[0, tf.cast(num_pairs < 1, tf.int32)], [0, 0]]) for part in (start, end))

    def solve_block(block: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]:
        ends = tf.ensure_shape(tf.gather(tf.stack([start, end]), block, axis=1), [2, None, latent_dim])
        first, last = ends[0], ends[1]
        num_steps = tf.constant(problem.solver.max_iterations)

        def solve(run: Run) -> tuple[Run, Finished]:
            progress = problem.advance(first, last, run.progress, num_steps, tf.constant(0))
            run = run._replace(progress=progress)
            return run, call_sealed(problem.finish, first, last, run)

        def leave(run: Run, finished: Finished) -> tuple[Run, Finished]:
            left = call_sealed(problem.leave, first, last, run, finished.curvature)
            # Branches lose the number of pairs, which a loop must know.
            return solve(tf.nest.map_structure(lambda new, old: tf.ensure_shape(new, old.shape), left, run))

        def is_suspect(run: Run, finished: Finished) -> tf.Tensor:
            del run
            return tf.reduce_any(finished.curvature.suspect)

        first_try = solve(call_sealed(problem.begin, first, last))
        _, finished = tf.while_loop(is_suspect, leave, first_try, parallel_iterations=1)
        return finished.parameters, finished.length, finished.energy, finished.reason

    dtypes = (start.dtype, start.dtype, start.dtype, tf.int32)
    solved = tf.map_fn(
        solve_block, tf.reshape(rows, [num_blocks, size]), parallel_iterations=1, fn_output_signature=dtypes
    )
    parameters, *rest = solved
    parameters = tf.reshape(parameters, [-1, problem.curve.num_parameters(latent_dim)])[:num_pairs]
    length, energy, reason = (tf.reshape(part, [-1])[:num_pairs] for part in rest)
    return parameters, length, energy, reason


# Smallest block: a few pairs cost as much as one.
MIN_BLOCK_SIZE = 8


def _sizes(block_size: int) -> list[int]:
    """Block sizes above the smallest one, each twice the one before, up to `block_size`."""
    sizes = []
    size = MIN_BLOCK_SIZE
    while size < block_size:
        size *= 2
        sizes.append(size)
    return sizes
