"""Geodesics between many pairs of points at once."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Iterator

import numpy as np
import tensorflow as tf
from tqdm import tqdm

from tfgeo import curves
from tfgeo.curves import Curve, Polyline
from tfgeo.errors import UserError, check_count, unknown_name_error
from tfgeo.geodesics.georce import Georce
from tfgeo.geodesics.gradient_solvers import Adam, GradientDescent
from tfgeo.geodesics.levenberg_marquardt import LevenbergMarquardt
from tfgeo.geodesics.problem import MIN_BLOCK_SIZE, Problem, Run, call_sealed
from tfgeo.geodesics.result import Geodesics
from tfgeo.geodesics.solver import Reason, Solver
from tfgeo.geodesics.warm_start import WarmStart
from tfgeo.manifolds import Manifold

__all__ = ["SOLVERS", "connect", "default_block_size"]

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
DEFAULT_NUM_POINTS = 20


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
      curve: "quadratic", "cubic_spline", "bezier", "neural", "polyline" or a `Curve`.
      solver: "levenberg_marquardt", "gradient_descent", "adam", "georce", or a `Solver` with settings of your own.
      warm_start: where to start from beside the straight line: a `WarmStart`; the geodesics of the same pairs on
        another manifold or of another curve; or paths `[B, S, d]` at equal steps, such as those of a graph. Fine
        polylines are found sooner from the geodesics of few parameters: see `connect_coarse_to_fine`.
      num_points: T, points on each curve at which energy and length are evaluated, the ends included. By default
        20, for a polyline its nodes.
      block_size: pairs that are solved together, by default as many as fit the processor's cache; memory is
        proportional to it, not to B.
      xla: whether steps are compiled with XLA, which takes seconds, and pays for manifolds that are cheap to
        evaluate, such as `Interpolated`.
      progress: whether to show a progress bar.
      warn: whether to warn when pairs did not converge.

    Returns:
      `Geodesics`, with NaN length and energy for pairs whose ends are not finite or outside of the manifold.

    Raises:
      UserError: if the shapes do not match, a name is not known, or the solver cannot take the curve or the
        manifold.
    """
    start, end = _check_ends(start, end)
    curve = curves.from_name(curve) if isinstance(curve, str) else curve
    if isinstance(solver, str):
        if solver not in SOLVERS:
            raise unknown_name_error("solver", solver, list(SOLVERS), "or pass a `tfgeo.geodesics.Solver`")
        solver = SOLVERS[solver]()
    solver.check(curve, start.shape[1])
    solver.check_manifold(manifold, start, end)
    if num_points is None:
        num_points = curve.num_nodes + 2 if isinstance(curve, Polyline) else DEFAULT_NUM_POINTS
    if num_points < 3:
        raise UserError(f"`num_points`={num_points} leaves no point between the ends; give at least 3")
    if block_size is None:
        block_size = default_block_size(manifold, start.shape[1], start.dtype, num_points)
    check_count("block_size", block_size)
    num_pairs = len(start)
    block_size = max(1, min(block_size, 2 ** int(np.ceil(np.log2(max(num_pairs, MIN_BLOCK_SIZE))))))
    given = None if isinstance(warm_start, WarmStart) else _given_parameters(warm_start, curve, start)
    search = warm_start if isinstance(warm_start, WarmStart) else None
    compiled = _compile(Problem(manifold, curve, solver, search, num_points), xla)
    if num_pairs == 0:
        return _empty(curve, start, end)

    pool: list[np.ndarray] = []
    structure = None
    with tqdm(total=num_pairs, desc="geodesics", unit="pair", disable=not progress) as bar:
        for rows in _blocks(np.arange(num_pairs), block_size):
            bar.set_postfix_str(f"warm start of {rows[0]}" if search else "", refresh=True)
            if given is None:
                structure = compiled.begin(start[rows], end[rows])
            else:
                structure = compiled.begin_at(start[rows], end[rows], given[rows])
            _store(pool, rows, structure, num_pairs)

        def view() -> Run:
            return tf.nest.pack_sequence_as(structure, pool)

        def take(nest: object, rows: np.ndarray) -> object:
            return tf.nest.map_structure(lambda whole: whole[rows], nest)

        bar.set_postfix_str("")
        running = np.flatnonzero(view().progress.running)
        bar.update(num_pairs - len(running))
        while len(running):
            rows = _pad(running[:block_size], block_size)
            block = compiled.advance(start[rows], end[rows], take(view().progress, rows))
            for whole, part in zip(tf.nest.flatten(view().progress), tf.nest.flatten(block), strict=True):
                whole[rows] = part.numpy()
            # Those that were advanced go to the back: every pair gets its turn.
            running = np.concatenate([running[block_size:], running[:block_size]])
            running = running[view().progress.running[running]]
            bar.update(num_pairs - len(running) - bar.n)

        results: list[np.ndarray] = []
        for rows in _blocks(np.arange(num_pairs), block_size):
            _store(results, rows, compiled.finish(start[rows], end[rows], take(view(), rows)), num_pairs)

    reason, num_iterations = view().progress.reason, view().progress.num_iterations
    converged = ~np.isin(reason, (Reason.MAX_ITERATIONS, Reason.NOT_FINITE, Reason.OUTSIDE))
    if warn and not converged.all():
        worst = Reason(reason[~converged].max()).message
        warnings.warn(f"{np.sum(~converged)} of {num_pairs} pairs did not converge; {worst}", stacklevel=2)
    parameters, length, energy, speed_deviation = results
    return Geodesics(
        curve, parameters, start, end, length, energy, speed_deviation, converged, num_iterations, reason
    )


def default_block_size(manifold: Manifold, latent_dim: int, dtype: np.dtype | tf.DType, num_points: int) -> int:
    """Pairs that are solved together: a power of two whose intermediate values fit the processor's cache."""
    floats = num_points * manifold.floats_per_point(latent_dim, tf.as_dtype(dtype))
    fitting = max(BLOCK_FLOATS // floats, MIN_BLOCK_SIZE)
    return min(MAX_BLOCK_SIZE, 2 ** int(np.log2(fitting)))


class _Compiled:
    """A problem's functions, each compiled once per shape."""

    def __init__(self, problem: Problem, xla: bool) -> None:
        self.begin = tf.function(functools.partial(call_sealed, problem.begin), autograph=False)
        self.begin_at = tf.function(functools.partial(call_sealed, problem.begin_at), autograph=False)
        # Steps are where the time goes; the rest would only compile longer.
        self.advance = tf.function(problem.advance, autograph=False, jit_compile=xla)
        self.finish = tf.function(functools.partial(call_sealed, problem.finish), autograph=False)


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


def _empty(curve: Curve, start: np.ndarray, end: np.ndarray) -> Geodesics:
    none = np.zeros(0, start.dtype)
    parameters = np.zeros([0, curve.num_parameters(start.shape[1])], start.dtype)
    integers = np.zeros(0, np.int32)
    return Geodesics(curve, parameters, start, end, none, none, none, np.zeros(0, bool), integers, integers)
