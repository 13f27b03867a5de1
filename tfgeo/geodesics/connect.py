"""Geodesics between many pairs of points at once."""

from __future__ import annotations

import contextlib
import functools
import warnings
from collections.abc import Callable, Iterator

import numpy as np
import tensorflow as tf
from tqdm import tqdm

from tfgeo import curves
from tfgeo.curves import Curve, Polyline
from tfgeo.errors import UserError, check_count, unknown_name_error
from tfgeo.geodesics.latents import as_pairs, check_manifold, working_dtype
from tfgeo.geodesics.problem import MIN_BLOCK_SIZE, Problem, call_sealed
from tfgeo.geodesics.result import Geodesics
from tfgeo.geodesics.solvers.georce import Georce
from tfgeo.geodesics.solvers.gradient_solvers import Adam, GradientDescent
from tfgeo.geodesics.solvers.levenberg_marquardt import LevenbergMarquardt
from tfgeo.geodesics.solvers.solver import Reason, Solver
from tfgeo.geodesics.starts.warm_start import WarmStart
from tfgeo.manifolds import Manifold

__all__ = ["SOLVERS", "connect", "default_block_size", "default_num_points", "fitting_block_size"]

SOLVERS: dict[str, Callable[..., Solver]] = {
    "levenberg_marquardt": LevenbergMarquardt,
    "gradient_descent": GradientDescent,
    "adam": Adam,
    "georce": Georce,
}

# Numbers that a block of curves holds at once, 12 MB in float32: measured, larger blocks leave the cache, where
# everything but matrix products halves in speed, and in smaller ones these do not reach theirs.
BLOCK_FLOATS = 3_000_000
MAX_BLOCK_SIZE = 1024
# Numbers that a block of curves makes on its way at most, 400 MB in float32; most of them live at once.
PEAK_FLOATS = 100_000_000
# Blocks whose pairs are held at once and make room for one another; beyond them memory does not grow with B.
BLOCKS_PER_POOL = 64
DEFAULT_NUM_POINTS = 20
# Steps that a block takes before pairs that have stopped make room for others, and where none waits for room.
STEPS_PER_ROUND = 2
LAST_STEPS_PER_ROUND = 10
# The last pairs run in blocks smaller by this.
TAIL_SHARE = 4


def connect(
    manifold: Manifold,
    start: np.ndarray,
    end: np.ndarray,
    curve: str | Curve = "quadratic",
    solver: str | Solver = "levenberg_marquardt",
    warm_start: WarmStart | Geodesics | np.ndarray | None = None,
    num_points: int | None = None,
    block_size: int | None = None,
    xla: bool = False,
    progress: bool | tqdm = False,
    warn: bool = True,
) -> Geodesics:
    """Geodesics between `start` and `end`, all pairs at once.

    Pairs are solved in blocks of one shape, compiled once; a pair that has stopped makes room for one that
    still runs, so that it costs no more time. Each pair starts from the straight line, or from the warm
    start where that has the lower energy. The straight line is returned where no curve found is shorter (or,
    for a manifold whose energy has a potential, lower in energy).

    Args:
      manifold: the manifold. What its decoder does must not change afterwards, but for its weights.
      start: `[B, d]`: an array, a list, a tensor, a data frame, of any dtype of real numbers. Geodesics are
        computed in the decoder's dtype and returned as float64 where the ends are, else as float32.
      end: `[B, d]`.
      curve: one of `tfgeo.curves.names()`, such as "quadratic" or "cubic_spline", or a `Curve`. "neural" has
        thousands of parameters and needs solver="adam" or "gradient_descent".
      solver: "levenberg_marquardt", "gradient_descent", "adam", "georce", or a `Solver` with settings of your own.
      warm_start: where to start from beside the straight line: a `WarmStart`; the geodesics of the same pairs on
        another manifold or of another curve; or paths `[B, S, d]` at equal steps, such as those of a graph. Fine
        polylines are found sooner from the geodesics of few parameters: see `connect_coarse_to_fine`.
      num_points: T, points on each curve at which energy and length are evaluated, the ends included. By default
        20, for a polyline its nodes.
      block_size: pairs that are solved together, by default as many as fit the processor's cache; memory is
        proportional to it, not to B, but for what is returned.
      xla: whether steps are compiled with XLA, which takes seconds, and pays for manifolds that are cheap to
        evaluate, such as `Interpolated`.
      progress: whether to show a progress bar, or one that counts more than these pairs.
      warn: whether to warn when pairs did not converge.

    Returns:
      `Geodesics`, with NaN length and energy for pairs whose ends are not finite or outside of the manifold.

    Raises:
      UserError: if the shapes do not match, a name is not known, or the solver cannot take the curve or the
        manifold.
    """
    check_manifold(manifold)
    start, end = as_pairs(start, end)
    latent_dtype, dtype = start.dtype, working_dtype(manifold, start)
    start, end = start.astype(dtype, copy=False), end.astype(dtype, copy=False)
    curve, solver = _curve_and_solver(curve, solver)
    solver.check(curve, start.shape[1])
    solver.check_manifold(manifold, start, end)
    num_points = default_num_points(curve) if num_points is None else check_count("num_points", num_points, 3)
    num_pairs = len(start)
    block_size = fitting_block_size(block_size, manifold, start, num_points)
    given = None if isinstance(warm_start, WarmStart) else _given_parameters(warm_start, curve, start)
    search = warm_start if isinstance(warm_start, WarmStart) else None
    compiled = _compile(Problem(manifold, curve, solver, search, num_points), xla)

    parts = [_empty_results(curve, start)]
    with _progress_bar(progress, num_pairs) as bar:
        for first in range(0, num_pairs, BLOCKS_PER_POOL * block_size):
            rows = slice(first, first + BLOCKS_PER_POOL * block_size)
            starts = None if given is None else given[rows]
            parts.append(_solve_pool(compiled, start[rows], end[rows], starts, block_size, bar))
    parameters, length, energy, speed_deviation, num_iterations, reason = map(
        np.concatenate, zip(*parts, strict=True)
    )
    # A metric that is none along the curve that was found.
    reason[~np.isfinite(length) & (reason != Reason.OUTSIDE)] = Reason.NOT_FINITE
    converged = np.isin(reason, [one for one in Reason if one.is_converged])
    if warn and not converged.all():
        worst = Reason(reason[~converged].max()).message
        warnings.warn(f"{np.sum(~converged)} of {num_pairs} pairs did not converge; {worst}", stacklevel=2)
    parameters, start, end, length, energy, speed_deviation = (
        part.astype(latent_dtype, copy=False) for part in (parameters, start, end, length, energy, speed_deviation)
    )
    return Geodesics(
        curve, parameters, start, end, length, energy, speed_deviation, converged, num_iterations, reason
    )


def _progress_bar(progress: bool | tqdm, num_pairs: int) -> contextlib.AbstractContextManager[tqdm]:
    if isinstance(progress, tqdm):
        return contextlib.nullcontext(progress)
    return tqdm(total=num_pairs, desc="geodesics", unit="pair", disable=not progress)


def _solve_pool(
    compiled: _Compiled,
    start: np.ndarray,
    end: np.ndarray,
    given: np.ndarray | None,
    block_size: int,
    bar: tqdm,
) -> tuple[np.ndarray, ...]:
    """Parameters, length, energy, deviation of speed, iterations and reasons of pairs that share blocks."""
    num_pairs = len(start)
    pool: list[np.ndarray] = []
    structure = None
    for rows in _blocks(np.arange(num_pairs), block_size):
        bar.set_postfix_str("warm starts")
        if given is None:
            structure = compiled.begin(start[rows], end[rows])
        else:
            structure = compiled.begin_at(start[rows], end[rows], given[rows])
        _store(pool, rows, structure, num_pairs)
    bar.set_postfix_str("")
    run = tf.nest.pack_sequence_as(structure, pool)  # views of the pool

    def take(nest: object, rows: np.ndarray) -> object:
        return tf.nest.map_structure(lambda whole: whole[rows], nest)

    running = np.flatnonzero(run.progress.running)
    bar.update(num_pairs - len(running))
    while len(running):
        size, num_steps, num_left = _plan_round(len(running), block_size, compiled.xla)
        rows = _pad(running[:size], size)
        limits = tf.constant(num_steps), tf.constant(num_left)
        block = compiled.advance(start[rows], end[rows], take(run.progress, rows), *limits)
        for whole, part in zip(tf.nest.flatten(run.progress), tf.nest.flatten(block), strict=True):
            whole[rows] = part.numpy()
        # Those that were advanced go to the back: every pair gets its turn.
        waiting = np.concatenate([running[size:], running[:size]])
        waiting = waiting[run.progress.running[waiting]]
        bar.update(len(running) - len(waiting))
        running = waiting

    results: list[np.ndarray] = []
    for rows in _blocks(np.arange(num_pairs), block_size):
        _store(results, rows, compiled.finish(start[rows], end[rows], take(run, rows)), num_pairs)
    return *results, run.progress.num_iterations, run.progress.reason


def _plan_round(num_running: int, block_size: int, xla: bool) -> tuple[int, int, int]:
    """Pairs of the next block, its steps, and how many running pairs are too few for a further one.

    The last pairs run in small blocks where another shape may be compiled: without XLA all have one shape, so that
    an exported model, which has no host to come back to, rounds as the package does.
    """
    tail = max(block_size // TAIL_SHARE, MIN_BLOCK_SIZE) if xla else 0
    if num_running > block_size:
        return block_size, STEPS_PER_ROUND, 0
    # Where no pair waits for room there is nothing to come back for but the bar.
    if num_running > tail:
        return block_size, LAST_STEPS_PER_ROUND, tail
    return tail, LAST_STEPS_PER_ROUND, 0


def default_num_points(curve: Curve) -> int:
    """Points at which energies are evaluated: 20, for a polyline its nodes."""
    return curve.num_nodes + 2 if isinstance(curve, Polyline) else DEFAULT_NUM_POINTS


def fitting_block_size(given: int | None, manifold: Manifold, start: np.ndarray, num_points: int) -> int:
    """Pairs that `connect` solves together: those given or the default, and no more than few pairs need."""
    if given is None:
        given = default_block_size(manifold, start.shape[1], start.dtype, num_points)
    largest = 2 ** int(np.ceil(np.log2(max(len(start), MIN_BLOCK_SIZE))))
    return min(check_count("block_size", given), largest)


def default_block_size(manifold: Manifold, latent_dim: int, dtype: np.dtype | tf.DType, num_points: int) -> int:
    """Pairs that are solved together: a power of two whose values fit the cache, and what makes them the memory."""
    dtype = tf.as_dtype(dtype)
    fitting = max(BLOCK_FLOATS // (num_points * manifold.floats_per_point(latent_dim, dtype)), MIN_BLOCK_SIZE)
    # Convolutional decoders make hundreds of times the numbers that they return.
    in_memory = max(PEAK_FLOATS // (num_points * manifold.peak_floats_per_point(latent_dim, dtype)), 1)
    return min(MAX_BLOCK_SIZE, 2 ** int(np.log2(min(fitting, in_memory))))


class _Compiled:
    """A problem's functions, each compiled once per shape."""

    def __init__(self, problem: Problem, xla: bool) -> None:
        self.xla = xla

        def compiled(function: Callable[..., object]) -> tf.types.experimental.PolymorphicFunction:
            return tf.function(function, autograph=False, jit_compile=xla)

        # A partial of its own: TensorFlow warns of many tracings of one method, even for different problems.
        self.advance = compiled(functools.partial(problem.advance))
        self.begin, self.begin_at, self.finish = (
            compiled(functools.partial(call_sealed, function))
            for function in (problem.begin, problem.begin_at, problem.finish)
        )


@functools.lru_cache(maxsize=16)
def _compile(problem: Problem, xla: bool) -> _Compiled:
    return _Compiled(problem, xla)


def _store(pool: list[np.ndarray], rows: np.ndarray, block: object, num_pairs: int) -> None:
    """Writes a block's tensors into rows of the arrays of all pairs, which the first block makes."""
    parts = [part.numpy() for part in tf.nest.flatten(block)]
    if not pool:
        pool.extend(np.zeros((num_pairs, *part.shape[1:]), part.dtype) for part in parts)
    for whole, part in zip(pool, parts, strict=True):
        whole[rows] = part


def _curve_and_solver(curve: str | Curve, solver: str | Solver) -> tuple[Curve, Solver]:
    """The curve family and the solver that names stand for."""
    curve = curves.from_name(curve) if isinstance(curve, str) else curve
    if not isinstance(curve, Curve):
        raise UserError(f"`curve` is {curve!r}; give a name ({', '.join(curves.names())}) or a tfgeo.curves.Curve")
    if isinstance(solver, str):
        if solver not in SOLVERS:
            remedy = f"give one of {', '.join(SOLVERS)}, or a Solver with its settings"
            raise unknown_name_error("solver", solver, SOLVERS, remedy)
        solver = SOLVERS[solver]()
    if not isinstance(solver, Solver):
        raise UserError(f"`solver` is {solver!r}; give a name ({', '.join(SOLVERS)}) or a Solver with its settings")
    return curve, solver


def _given_parameters(
    warm_start: Geodesics | np.ndarray | None, curve: Curve, start: np.ndarray
) -> np.ndarray | None:
    """Parameters `[B, P]` of the curves that follow what was found otherwise."""
    if warm_start is None:
        return None
    if isinstance(warm_start, Geodesics):
        if warm_start.curve == curve and len(warm_start) == len(start):
            return warm_start.parameters.astype(start.dtype)
        warm_start = warm_start.points(FITTED_POINTS)
    paths = np.asarray(warm_start)
    if paths.ndim != 3 or len(paths) != len(start) or paths.shape[2] != start.shape[1]:
        raise UserError(
            f"`warm_start` {paths.shape} must be [B, S, d] with a path for each of the {len(start)} pairs of "
            f"{start.shape[1]} coordinates; leave it out to start from the straight lines"
        )
    if len(paths) == 0:
        return None
    return curve.fit(tf.constant(paths, start.dtype)).numpy()


# Points at which a curve of another family is read off.
FITTED_POINTS = 64


def _blocks(rows: np.ndarray, block_size: int) -> Iterator[np.ndarray]:
    for first in range(0, len(rows), block_size):
        yield _pad(rows[first : first + block_size], block_size)


def _pad(rows: np.ndarray, block_size: int) -> np.ndarray:
    """`rows` followed by its first row again and again: every block has the same shape."""
    return np.concatenate([rows, np.full(block_size - len(rows), rows[0])])


def _empty_results(curve: Curve, start: np.ndarray) -> tuple[np.ndarray, ...]:
    """What `_solve_pool` gives for no pair: its shapes and dtypes."""
    none, integers = np.zeros(0, start.dtype), np.zeros(0, np.int32)
    parameters = np.zeros([0, curve.num_parameters(start.shape[1])], start.dtype)
    return parameters, none, none, none, integers, integers
