"""Pairs that are solved in blocks of one shape, in which those that have stopped make room for others."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf
from tqdm import tqdm

from tfgeo.geodesics.problem import MIN_BLOCK_SIZE, Finished, Problem, Run
from tfgeo.geodesics.solvers.sealed import call_sealed
from tfgeo.geodesics.solvers.solver import Reason

__all__ = ["Compiled", "Pool", "compile_problem"]

# Steps that a block takes before pairs that have stopped make room for others, and where none waits for room.
STEPS_PER_ROUND = 2
LAST_STEPS_PER_ROUND = 10
# The last pairs run in blocks smaller by this.
TAIL_SHARE = 4
# Parameters of a curve up to which XLA decomposes their matrices, once before and once after all steps, about as
# fast as TensorFlow does: measured, of 12 and more it takes 13 times as long.
MAX_XLA_PARAMETERS = 8


class Compiled:
    """A problem's functions, each compiled once per shape; by XLA the steps, and what decomposes matrices."""

    def __init__(self, problem: Problem, xla: bool, xla_decomposes: bool) -> None:
        self.xla = xla

        def compiled(function: Callable[..., object], xla: bool) -> tf.types.experimental.PolymorphicFunction:
            return tf.function(function, autograph=False, jit_compile=xla)

        # A partial of its own: TensorFlow warns of many tracings of one method, even for different problems.
        self.advance = compiled(functools.partial(problem.advance), xla)
        self.begin, self.begin_at, self.begin_random, self.finish, self.leave = (
            compiled(functools.partial(call_sealed, function), xla_decomposes)
            for function in (problem.begin, problem.begin_at, problem.begin_random, problem.finish, problem.leave)
        )


@functools.lru_cache(maxsize=16)
def compile_problem(problem: Problem, latent_dim: int, xla: bool) -> Compiled:
    """The functions of a problem, the same ones when it is asked for again."""
    return Compiled(problem, xla, xla and problem.curve.num_parameters(latent_dim) <= MAX_XLA_PARAMETERS)


class Pool:
    """Pairs that share blocks. `start` is `[B, d + C]` where the decoder has conditions."""

    def __init__(self, compiled: Compiled, start: np.ndarray, end: np.ndarray, block_size: int, bar: tqdm) -> None:
        self._compiled, self._block_size, self._bar = compiled, block_size, bar
        self._start, self._end = start, end

    def solve(self, given: np.ndarray | None) -> tuple[np.ndarray, ...]:
        """Parameters, length, energy, deviation of speed, reasons and iterations, from the given parameters."""
        if given is None:
            return self._solve(self._compiled.begin, ())
        return self._solve(self._compiled.begin_at, (given,))

    def solve_random(self, draw: np.ndarray) -> tuple[np.ndarray, ...]:
        """As `solve`, from the random curves of a draw `[K - 1, d - 1]`."""
        draws = np.broadcast_to(draw, (len(self._start), *draw.shape))
        return self._solve(self._compiled.begin_random, (draws,))

    def _solve(self, begin: Callable[..., Run], arguments: tuple[np.ndarray, ...]) -> tuple[np.ndarray, ...]:
        self._bar.set_postfix_str("warm starts")
        everyone = np.arange(len(self._start))
        run: Run = self._map(begin, everyone, *arguments)
        self._bar.set_postfix_str("")
        self._bar.update(np.sum(~run.progress.running))
        finished: Finished | None = None
        rows = everyone
        while len(rows):
            self._advance(run, rows[run.progress.running[rows]])
            finished = self._map(self._compiled.finish, rows, run, into=finished)
            rows = rows[finished.curvature.suspect[rows]]
            self._map(self._compiled.leave, rows, run, finished.curvature, into=run)
            rows = rows[~run.settled[rows]]
            self._bar.update(-len(rows))
        assert finished is not None  # a pool has pairs
        iterations = run.earlier_iterations + run.progress.num_iterations
        # Those that gave up beside a saddle did so after they were finished.
        reason = np.where(run.progress.reason == Reason.SADDLE, run.progress.reason, finished.reason)
        return *finished[:4], reason, iterations

    def _advance(self, run: Run, running: np.ndarray) -> None:
        """Steps of pairs that run, until none does."""
        while len(running):
            size, num_steps, num_left = _plan_round(len(running), self._block_size, self._compiled.xla)
            limits = tf.constant(num_steps), tf.constant(num_left)
            rows = _pad(running[:size], size)
            block = self._compiled.advance(*_take((self._start, self._end, run.progress), rows), *limits)
            _put(run.progress, rows, block)
            # Those that were advanced go to the back: every pair gets its turn.
            waiting = np.concatenate([running[size:], running[:size]])
            waiting = waiting[run.progress.running[waiting]]
            self._bar.update(len(running) - len(waiting))
            running = waiting

    def _map(self, function: Callable[..., Any], rows: np.ndarray, *arguments: Any, into: Any = None) -> Any:
        """What a compiled function gives for rows, in arrays of all pairs, which the first block makes."""
        for block in _blocks(rows, self._block_size):
            result = function(*_take((self._start, self._end, *arguments), block))
            if into is None:
                into = tf.nest.map_structure(self._empty, result)
            _put(into, block, result)
        return into

    def _empty(self, part: tf.Tensor) -> np.ndarray:
        return np.zeros((len(self._start), *part.shape[1:]), part.dtype.as_numpy_dtype)


def _take(nest: Any, rows: np.ndarray) -> Any:
    """Rows of all arrays, as tensors, which what runs eagerly, for debugging, is not given otherwise."""
    return tf.nest.map_structure(lambda whole: tf.constant(whole[rows]), nest)


def _put(nest: Any, rows: np.ndarray, block: Any) -> None:
    """Writes a block's tensors into rows of the arrays of all pairs."""
    for whole, part in zip(tf.nest.flatten(nest), tf.nest.flatten(block), strict=True):
        whole[rows] = part.numpy()


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


def _blocks(rows: np.ndarray, block_size: int) -> Iterator[np.ndarray]:
    for first in range(0, len(rows), block_size):
        yield _pad(rows[first : first + block_size], block_size)


def _pad(rows: np.ndarray, block_size: int) -> np.ndarray:
    """`rows` followed by its first row again and again: every block has the same shape."""
    return np.concatenate([rows, np.full(block_size - len(rows), rows[0])])
