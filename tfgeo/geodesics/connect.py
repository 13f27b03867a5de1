"""Geodesics between many pairs of points at once."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Iterator

import numpy as np
import tensorflow as tf
from tqdm import tqdm

from tfgeo import curves
from tfgeo.curves import Curve
from tfgeo.errors import UserError, unknown_name_error
from tfgeo.geodesics.gradient_solvers import Adam, GradientDescent
from tfgeo.geodesics.levenberg_marquardt import LevenbergMarquardt
from tfgeo.geodesics.objective import Objective
from tfgeo.geodesics.result import Geodesics
from tfgeo.geodesics.solver import Progress, Reason, Solver, advance, begin
from tfgeo.geodesics.warm_start import WarmStart
from tfgeo.manifolds import Manifold

__all__ = ["SOLVERS", "connect", "solve_batch"]

SOLVERS: dict[str, Callable[..., Solver]] = {
    "levenberg_marquardt": LevenbergMarquardt,
    "gradient_descent": GradientDescent,
    "adam": Adam,
}

# Steps that a block takes before pairs that have stopped make room for others.
STEPS_PER_ROUND = 2


def connect(
    manifold: Manifold,
    start: np.ndarray,
    end: np.ndarray,
    curve: str | Curve = "quadratic",
    solver: str | Solver = "levenberg_marquardt",
    warm_start: WarmStart | None = None,
    num_points: int = 20,
    block_size: int = 512,
    xla: bool = False,
    progress: bool = False,
    warn: bool = True,
) -> Geodesics:
    """Geodesics between `start` and `end`, all pairs at once.

    Pairs are solved in blocks of one shape, compiled once; a pair that has stopped makes room for one that
    still runs, so that it costs no more time. Each pair starts from the straight line, or from the warm
    start where that has the lower energy. The straight line is returned where no curve found is shorter (or,
    for a manifold whose energy has a potential, lower in energy).

    Args:
      manifold: the manifold. What its decoder does must not change afterwards, but for its weights.
      start: `[B, d]`.
      end: `[B, d]`.
      curve: "quadratic" or a `Curve`.
      solver: "levenberg_marquardt", "gradient_descent", "adam", or a `Solver` with settings of your own.
      warm_start: where to start from beside the straight line.
      num_points: T, points on each curve at which energy and length are evaluated, the ends included.
      block_size: pairs that are solved together; memory is proportional to it, not to B.
      xla: whether steps are compiled with XLA: twice as fast for image decoders, some seconds more to compile.
      progress: whether to show a progress bar.
      warn: whether to warn when pairs did not converge.

    Returns:
      `Geodesics`, with NaN length and energy for pairs whose ends are not finite.

    Raises:
      UserError: if the shapes do not match or a name is not known.
    """
    start, end = _check_ends(start, end)
    curve = curves.from_name(curve) if isinstance(curve, str) else curve
    if isinstance(solver, str):
        if solver not in SOLVERS:
            raise unknown_name_error("solver", solver, list(SOLVERS), "or pass a `tfgeo.geodesics.Solver`")
        solver = SOLVERS[solver]()
    if num_points < 3:
        raise UserError(f"`num_points`={num_points} leaves no point between the ends; give at least 3")
    num_pairs = len(start)
    block_size = max(1, min(block_size, 2 ** int(np.ceil(np.log2(max(num_pairs, 8))))))
    compiled = _compile(manifold, curve, solver, warm_start, num_points, xla)

    pool: list[np.ndarray] | None = None
    structure = None
    with tqdm(total=num_pairs, desc="geodesics", unit="pair", disable=not progress) as bar:
        for rows in _blocks(np.arange(num_pairs), block_size):
            block = compiled.begin(start[rows], end[rows])
            structure = block
            arrays = [part.numpy() for part in tf.nest.flatten(block)]
            if pool is None:
                pool = [np.zeros((num_pairs, *array.shape[1:]), array.dtype) for array in arrays]
            for whole, array in zip(pool, arrays, strict=True):
                whole[rows] = array
        if pool is None:
            return _empty(curve, start, end)

        def view() -> Progress:
            return tf.nest.pack_sequence_as(structure, pool)

        running = np.flatnonzero(view().running)
        bar.update(num_pairs - len(running))
        while len(running):
            rows = _pad(running[:block_size], block_size)
            block = compiled.advance(
                start[rows], end[rows], tf.nest.map_structure(lambda whole, rows=rows: whole[rows], view())
            )
            for whole, part in zip(pool, tf.nest.flatten(block), strict=True):
                whole[rows] = part.numpy()
            # Those that were advanced go to the back: every pair gets its turn.
            running = np.concatenate([running[block_size:], running[:block_size]])
            running = running[view().running[running]]
            bar.update(num_pairs - len(running) - bar.n)

        parameters = view().state.parameters
        length, energy = np.zeros(num_pairs, start.dtype), np.zeros(num_pairs, start.dtype)
        for rows in _blocks(np.arange(num_pairs), block_size):
            finished = compiled.finish(start[rows], end[rows], parameters[rows])
            parameters[rows], length[rows], energy[rows] = (part.numpy() for part in finished)

    reason = view().reason
    equal = reason == Reason.EQUAL_ENDS
    length[equal] = energy[equal] = 0.0
    failed = reason == Reason.NOT_FINITE
    length[failed] = energy[failed] = np.nan
    converged = ~np.isin(reason, (Reason.MAX_ITERATIONS, Reason.NOT_FINITE))
    if warn and not converged.all():
        worst = Reason(reason[~converged].max()).message
        warnings.warn(f"{np.sum(~converged)} of {num_pairs} pairs did not converge; {worst}", stacklevel=2)
    return Geodesics(curve, parameters, start, end, length, energy, converged, view().num_iterations, reason)


def solve_batch(
    manifold: Manifold,
    curve: Curve,
    solver: Solver,
    warm_start: WarmStart | None,
    num_points: int,
    start: tf.Tensor,
    end: tf.Tensor,
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]:
    """A whole batch in one graph, for export: no blocks, no host.

    Returns:
      Parameters `[B, P]`, length `[B]`, energy `[B]`, and the reason code of each pair `[B]`.
    """
    problem = _Problem(manifold, curve, solver, warm_start, num_points)
    progress = advance(solver, problem.objective(start, end), problem.begin(start, end), solver.max_iterations)
    parameters, length, energy = problem.finish(start, end, progress.state.parameters)
    equal = tf.equal(progress.reason, int(Reason.EQUAL_ENDS))
    length, energy = (tf.where(equal, tf.zeros_like(part), part) for part in (length, energy))
    return parameters, length, energy, progress.reason


class _Problem:
    """The functions of one (manifold, curve, solver, warm start, T), free of any batch size."""

    def __init__(
        self,
        manifold: Manifold,
        curve: Curve,
        solver: Solver,
        warm_start: WarmStart | None,
        num_points: int,
    ) -> None:
        self.manifold = manifold
        self.curve = curve
        self.solver = solver
        self.warm_start = warm_start
        self.num_points = num_points

    def objective(self, start: tf.Tensor, end: tf.Tensor) -> Objective:
        t = tf.linspace(tf.constant(0.0, start.dtype), 1.0, self.num_points)
        t = tf.ensure_shape(t, [self.num_points])
        return Objective(self.manifold, self.curve, start, end, t)

    def begin(self, start: tf.Tensor, end: tf.Tensor) -> Progress:
        objective = self.objective(start, end)
        straight = self.straight_line(start)
        if self.warm_start is None:
            return begin(self.solver, objective, straight)
        warm = self.warm_start.parameters(self.curve, start, end)
        better = objective.energy(warm) < objective.energy(straight)
        return begin(self.solver, objective, tf.where(better[:, None], warm, straight))

    def advance(self, start: tf.Tensor, end: tf.Tensor, progress: Progress) -> Progress:
        return advance(self.solver, self.objective(start, end), progress, STEPS_PER_ROUND)

    def finish(
        self, start: tf.Tensor, end: tf.Tensor, parameters: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Parameters, length and energy; those of the straight line where that is better."""
        objective = self.objective(start, end)
        straight = self.straight_line(start)
        length = self.manifold.length(objective.points(parameters))
        straight_length = self.manifold.length(objective.points(straight))
        if self.manifold.potential(objective.points(straight)) is None:
            shorter = straight_length < length
        else:
            # Such an energy is no square of a length: what has the least energy need not be shortest.
            shorter = objective.energy(straight) < objective.energy(parameters)
        length = tf.where(shorter, straight_length, length)
        parameters = tf.where(shorter[:, None], straight, parameters)
        return parameters, length, objective.energy(parameters)

    def straight_line(self, start: tf.Tensor) -> tf.Tensor:
        shape = [tf.shape(start)[0], self.curve.num_parameters(start.shape[-1])]
        return tf.zeros(shape, start.dtype)


class _Compiled:
    """`_Problem` with each function compiled once per shape."""

    def __init__(self, problem: _Problem, xla: bool) -> None:
        self.begin = tf.function(problem.begin, autograph=False)
        # Steps are where the time goes; the rest would only compile longer.
        self.advance = tf.function(problem.advance, autograph=False, jit_compile=xla)
        self.finish = tf.function(problem.finish, autograph=False)


@functools.lru_cache(maxsize=16)
def _compile(
    manifold: Manifold, curve: Curve, solver: Solver, warm_start: WarmStart | None, num_points: int, xla: bool
) -> _Compiled:
    return _Compiled(_Problem(manifold, curve, solver, warm_start, num_points), xla)


def _check_ends(start: np.ndarray, end: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    start, end = (np.asarray(part) for part in (start, end))
    if start.dtype.kind not in "biuf" or end.dtype.kind not in "biuf":
        raise UserError(f"`start` {start.dtype} and `end` {end.dtype} must be real numbers; give [B, d] floats")
    start, end = (part if part.dtype == np.float64 else part.astype(np.float32) for part in (start, end))
    if start.ndim != 2 or start.shape != end.shape:
        raise UserError(
            f"`start` {start.shape} and `end` {end.shape} must both be [B, d]; "
            "repeat the one point that all pairs share with np.broadcast_to"
        )
    return start, end.astype(start.dtype)


def _blocks(rows: np.ndarray, block_size: int) -> Iterator[np.ndarray]:
    for first in range(0, len(rows), block_size):
        yield _pad(rows[first : first + block_size], block_size)


def _pad(rows: np.ndarray, block_size: int) -> np.ndarray:
    """`rows` followed by its first row again and again: every block has the same shape."""
    return np.concatenate([rows, np.full(block_size - len(rows), rows[0])])


def _empty(curve: Curve, start: np.ndarray, end: np.ndarray) -> Geodesics:
    none = np.zeros(0, start.dtype)
    parameters = np.zeros([0, curve.num_parameters(start.shape[1])], start.dtype)
    integers = np.zeros(0, np.int32)
    return Geodesics(curve, parameters, start, end, none, none, np.zeros(0, bool), integers, integers)
