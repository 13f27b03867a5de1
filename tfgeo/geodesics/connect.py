"""Geodesics between many pairs of points at once."""

from __future__ import annotations

import contextlib
import sys
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf
from tqdm import tqdm

from tfgeo.curves import Curve, LinearCurve
from tfgeo.errors import UserError, check_count
from tfgeo.geodesics.acceleration import check_accelerate, stand_in, starts_on
from tfgeo.geodesics.defaults import curve_and_solver, default_num_points, fitting_block_size
from tfgeo.geodesics.latents import as_latents, as_pairs, check_manifold, working_dtype
from tfgeo.geodesics.pool import Pool, compile_problem
from tfgeo.geodesics.problem import Problem
from tfgeo.geodesics.resolution import describe_short_lengths
from tfgeo.geodesics.result import Geodesics
from tfgeo.geodesics.solvers.solver import Reason, Solver
from tfgeo.geodesics.starts.learned_curves import LearnedCurves, are_near
from tfgeo.geodesics.starts.random_bezier import DEFAULT_DEGREE, draw_curves
from tfgeo.geodesics.starts.warm_start import WarmStart
from tfgeo.manifolds import Manifold, Preconditioned
from tfgeo.randomness import generator

__all__ = ["BLOCKS_PER_POOL", "PAIRS_PER_CALL", "connect"]

# Blocks whose pairs are held at once and make room for one another; beyond them memory does not grow with B.
BLOCKS_PER_POOL = 64
# Geodesics of one call that callers of very many hold at once, some tens of MB.
PAIRS_PER_CALL = 65536
# Pairs from which on a part of them is solved first, and the others start where its geodesics tell; one in how many
# that are, and how many at the least and at the most.
MIN_LEARNING_PAIRS = 2000
LEARNED_SHARE, LEARNED_FROM = 5, (500, 4096)
# A further start counts where it is shorter by more than this share: mirrored curves differ by rounding.
TIE = 1e-5


def connect(
    manifold: Manifold,
    start: np.ndarray,
    end: np.ndarray,
    curve: str | Curve = "quadratic",
    solver: str | Solver | None = None,
    warm_start: WarmStart | Geodesics | np.ndarray | None = None,
    num_points: int | None = None,
    block_size: int | None = None,
    xla: bool = False,
    progress: bool | tqdm = False,
    warn: bool = True,
    starts: int = 1,
    condition: Any = None,
    accelerate: bool | str = False,
) -> Geodesics:
    """Geodesics between `start` and `end`, all pairs at once.

    Pairs are solved in blocks of one shape, compiled once; a pair that has stopped makes room for one that
    still runs, so that it costs no more time. Each pair starts from the straight line, or from the warm
    start where that has the lower energy. The straight line is returned where no curve found is shorter (or,
    for a manifold whose energy has a potential, lower in energy); `reason` says so.

    A pair that has converged is at a local minimum of the energy within the curve family: where a symmetry
    leads to a saddle, such as the straight line over a mountain, the energy is lower to either side, and the
    solver goes on from there. Minima are told from saddles by the lowest second derivative in the curve's
    parameters. For the solvers other than Levenberg-Marquardt it is that of four points of the curve, for
    decoders from d = 4 on, or that along low frequencies, as for polylines and neural curves: a saddle whose
    way out is confined to a small part of the curve may pass for a minimum there. Of piecewise linear (ReLU)
    decoders second derivatives are differences over steps of 0.5 % of the distance of the ends. None of this
    says that no other curve is shorter: `starts` looks for more minima, and `warm_start` takes the paths of a
    graph through the data.

    Args:
      manifold: the manifold. What its decoder does must not change afterwards, but for its weights.
      start: `[B, d]`: an array, a list, a tensor, a data frame, of any dtype of real numbers. Geodesics are
        computed in the decoder's dtype and returned as float64 where the ends are, else as float32.
      end: `[B, d]`.
      curve: one of `tfgeo.curves.names()`, such as "quadratic" or "cubic_spline", or a `Curve`. "neural" has
        thousands of parameters and needs solver="adam" or "gradient_descent".
      solver: "levenberg_marquardt", "bfgs", "gradient_descent", "adam", "georce", or a `Solver` with settings of
        your own; by default "bfgs" for decoders and curves that are linear in few parameters, where a step of
        "levenberg_marquardt" takes 1 + d decoder passes in place of 2; the latter for tables, polylines, metrics
        that come from no decoder, energies with a potential, and d = 1. By default a pair stops where a step lowers
        the energy by less than 1e-6 of it; on an `Interpolated` or a `Distilled`, which are off by more, 1e-4, with
        a gradient of up to 3e-2 of it.
      warm_start: where to start from beside the straight line: a `WarmStart`; the geodesics of the same pairs on
        another manifold or of another curve; or paths `[B, S, d]` at equal steps, such as those of a graph. Fine
        polylines are found sooner from the geodesics of few parameters: see `connect_coarse_to_fine`.
      num_points: T, points on each curve at which energy and length are evaluated, the ends included. By default
        20, for a polyline its nodes.
      block_size: pairs that are solved together, by default as many as fit the processor's cache; memory is
        proportional to it, not to B, but for what is returned.
      xla: whether steps are compiled with XLA, which takes seconds, and pays for many pairs on manifolds that are
        cheap to evaluate, such as `Interpolated` and `Distilled`.
      progress: whether to show a progress bar, or one that counts more than these pairs.
      warn: whether to warn when pairs did not converge, or when some that are measured again on finer points show
        that lengths at `num_points` are more than 5 % too short.
      starts: how many starts each pair has: after the first, as said above, random Bezier curves around the
        straight line, the same ones every time (see `RandomBezier`). The shortest result of a pair is kept, for a
        manifold whose energy has a potential that of the least energy. Time grows in proportion.
      condition: `[B, C]` or `[C]`, what the decoder of a conditional one is conditioned on along the curve of each
        pair, a number where C is 1; by default that of the manifold.
      accelerate: "starts" solves a fifth of the pairs first, where they are 2000 or more, and learns from their
        geodesics where to start for the others; True also makes a table (d = 2) or a network (`Distilled`) that
        stands for the decoder, finds geodesics there, and those of the decoder from them, where the number of pairs
        pays for it; one line says whether it does, unless `warn` is off. Both give the decoder's own geodesics, but
        which pairs are given together decides from where each is found.

    Returns:
      `Geodesics`, with NaN length and energy for pairs whose ends are not finite or outside of the manifold.

    Raises:
      UserError: if the shapes do not match, a name is not known, or the solver cannot take the curve or the
        manifold.
    """
    check_manifold(manifold)
    start, end = as_pairs(start, end)
    conditions = _check_condition(condition, len(start))
    of_all = manifold  # with the condition of each pair, where there is one
    if condition is not None:
        # What does not depend on the condition is the same under that of any pair.
        manifold = manifold.given(conditions[0] if len(conditions) else np.zeros(conditions.shape[1], np.float32))
    latent_dtype, dtype = start.dtype, working_dtype(manifold, start)
    start, end = start.astype(dtype, copy=False), end.astype(dtype, copy=False)
    named = solver
    curve, solver = curve_and_solver(curve, solver, manifold, start.shape[1])
    solver.check(curve, start.shape[1])
    solver.check_manifold(manifold, start, end)
    num_points = default_num_points(curve) if num_points is None else check_count("num_points", num_points, 3)
    num_pairs = len(start)
    check_count("starts", starts)
    earlier_iterations: np.ndarray | int = 0
    learns = False
    accelerate = check_accelerate(accelerate)
    if accelerate:
        if warm_start is not None or condition is not None:
            raise UserError(
                "`accelerate` finds a start of its own, under the manifold's own condition; leave out "
                "`warm_start`, and give one condition as `manifold.given(condition)`"
            )
        near = None if accelerate == "starts" else _stand_in(manifold, start, end, _shows(progress), warn)
        learns = near is None and isinstance(curve, LinearCurve) and num_pairs >= MIN_LEARNING_PAIRS
        if near is not None:
            # A bar that counts more than these pairs counts each once.
            shown = progress if isinstance(progress, bool) else False
            warm_start = connect(
                near, start, end, curve, named, None, num_points, None, xla, shown,
                warn=False, starts=starts, accelerate=starts_on(near),
            )  # fmt: skip
            earlier_iterations = warm_start.num_iterations
            manifold = of_all = Preconditioned(manifold, near)
            starts = 1
    block_size = fitting_block_size(block_size, manifold, start, num_points, solver)
    given = None if isinstance(warm_start, WarmStart) else _given_parameters(warm_start, curve, start)
    search = warm_start if isinstance(warm_start, WarmStart) else None
    problem = Problem(of_all, curve, solver, search, num_points, conditions.shape[1])
    compiled = compile_problem(problem, start.shape[1], xla)
    packed = np.concatenate([start, conditions.astype(dtype)], axis=1)

    draws = draw_curves(0, starts - 1, DEFAULT_DEGREE, start.shape[1]).astype(start.dtype)
    parts = [_empty_results(curve, start)]
    order = generator(0, "learned starts").permutation(num_pairs) if learns else np.arange(num_pairs)
    learned: LearnedCurves | None = None
    with _progress_bar(progress, num_pairs * starts) as bar:
        for rows in _pools(order, block_size, learns):
            pool = Pool(compiled, packed[rows], end[rows], block_size, bar)
            if learned is not None:
                part = pool.solve(learned(start[rows], end[rows]))
            else:
                part = pool.solve(None if given is None else given[rows])
            for draw in draws:
                part = _choose_shorter(part, pool.solve_random(draw), manifold.has_potential)
            if learns and learned is None and len(rows) < num_pairs:
                learned = _learn(part, start[rows], end[rows])
            parts.append(part)
    back = np.argsort(order)
    parameters, length, energy, speed_deviation, reason, num_iterations = (
        np.concatenate(part)[back] for part in zip(*parts, strict=True)
    )
    # A metric that is none along the curve that was found.
    reason[~np.isfinite(length) & (reason != Reason.OUTSIDE)] = Reason.NOT_FINITE
    converged = np.isin(reason, [one for one in Reason if one.is_converged])
    if warn and not converged.all():
        worst = Reason(reason[~converged].max()).message
        warnings.warn(f"{np.sum(~converged)} of {num_pairs} pairs did not converge; {worst}", stacklevel=2)
    empty = np.sum(reason == Reason.NO_ENERGY)
    if warn and empty:
        warnings.warn(f"{empty} of {num_pairs} pairs have no length; {Reason.NO_ENERGY.message}", stacklevel=2)
    parameters, start, end, length, energy, speed_deviation = (
        part.astype(latent_dtype, copy=False) for part in (parameters, start, end, length, energy, speed_deviation)
    )
    geodesics = Geodesics(
        curve,
        parameters,
        start,
        end,
        length,
        energy,
        speed_deviation,
        converged,
        num_iterations + earlier_iterations,
        reason,
    )
    # Of pairs with a condition each there is no one manifold to measure on.
    short = describe_short_lengths(manifold, geodesics, num_points) if warn and condition is None else ""
    if short:
        warnings.warn(short, stacklevel=2)
    return geodesics


def _stand_in(manifold: Manifold, start: np.ndarray, end: np.ndarray, progress: bool, say: bool) -> Manifold | None:
    """What stands for the decoder, where that pays, said in one line."""
    ends = np.concatenate([start, end])
    near, why = stand_in(manifold, ends[np.isfinite(ends).all(axis=1)], len(start), progress)
    if say:
        tqdm.write(f"accelerate: {'not used; ' if near is None else ''}{why}", file=sys.stderr)
    return near


def _shows(progress: bool | tqdm) -> bool:
    """Whether there is someone to look at a bar; one that is disabled is true, too."""
    return not progress.disable if isinstance(progress, tqdm) else progress


def _progress_bar(progress: bool | tqdm, num_solutions: int) -> contextlib.AbstractContextManager[tqdm]:
    if isinstance(progress, tqdm):
        return contextlib.nullcontext(progress)
    return tqdm(total=num_solutions, desc="geodesics", unit="pair", disable=not progress)


def _check_condition(condition: Any, num_pairs: int) -> np.ndarray:
    """Conditions of the pairs `[B, C]`; C is 0 where there is none."""
    if condition is None:
        return np.zeros([num_pairs, 0], np.float32)
    conditions = np.atleast_1d(as_latents(condition, "condition", (0, 1, 2), "[C] or [B, C]"))
    if conditions.ndim == 2 and len(conditions) != num_pairs:
        raise UserError(f"`condition` {conditions.shape} must be [C] or have a row for each of {num_pairs} pairs")
    return np.broadcast_to(conditions, (num_pairs, conditions.shape[-1]))


def _pools(order: np.ndarray, block_size: int, learns: bool) -> Iterator[np.ndarray]:
    """Parts of the pairs that are solved one after the other, the first of them those that others learn from."""
    num_first = 0
    if learns:
        num_first = min(max(len(order) // LEARNED_SHARE, LEARNED_FROM[0]), LEARNED_FROM[1])
        num_first = -(-num_first // block_size) * block_size  # whole blocks
        yield order[:num_first]
    size = BLOCKS_PER_POOL * block_size
    for first in range(num_first, len(order), size):
        yield order[first : first + size]


def _learn(part: tuple[np.ndarray, ...], start: np.ndarray, end: np.ndarray) -> LearnedCurves | None:
    """What geodesics say of others; None where too few are known."""
    parameters, _, _, _, reason, _ = part
    known = np.isin(reason, [Reason.CONVERGED, Reason.NO_DECREASE]) & are_near(start, end)
    if np.sum(known) < LEARNED_FROM[0] // 2:
        return None
    return LearnedCurves(parameters[known], start[known], end[known])


def _choose_shorter(
    one: tuple[np.ndarray, ...], other: tuple[np.ndarray, ...], by_energy: bool
) -> tuple[np.ndarray, ...]:
    """The shorter results of two starts, for each pair; iterations are those of both."""
    value, other_value = (part[2 if by_energy else 1] for part in (one, other))
    better = (other_value < (1.0 - TIE) * value) | (np.isfinite(other_value) & ~np.isfinite(value))
    chosen = [
        np.where(better.reshape(-1, *[1] * (a.ndim - 1)), b, a) for a, b in zip(one[:-1], other[:-1], strict=True)
    ]
    return *chosen, one[-1] + other[-1]


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


def _empty_results(curve: Curve, start: np.ndarray) -> tuple[np.ndarray, ...]:
    """What a `Pool` gives for no pair: its shapes and dtypes."""
    none, integers = np.zeros(0, start.dtype), np.zeros(0, np.int32)
    parameters = np.zeros([0, curve.num_parameters(start.shape[1])], start.dtype)
    return parameters, none, none, none, integers, integers
