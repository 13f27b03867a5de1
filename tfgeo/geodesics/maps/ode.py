"""Batches of ordinary differential equations, each row with steps of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

__all__ = ["DEFAULT_TOLERANCE", "MAX_NUM_STEPS", "solve_in_batches", "solve_ode"]

# Error per step, relative and absolute, that the maps allow by default; in float32 the smallest that makes sense.
DEFAULT_TOLERANCE = {np.dtype(np.float32): 1.2e-8, np.dtype(np.float64): 1e-10}
# Steps after which a row counts as running into a singular point. Smooth decoders take some tens.
MAX_NUM_STEPS = 500
# Batches are filled up to this size or 4, 16, .. times it: static sizes, which second derivatives of many layers
# need (with dynamic ones they call `tf.shape`; see `differentiate_metric`), and few of them to compile.
SMALLEST_BATCH = 32
# Smallest tolerance, in units of the dtype's rounding, to which smaller ones are raised: derivatives have that
# rounding, and a step's error estimate has it times the step, of which a curve takes ten or more.
MIN_TOLERANCE_ROUNDINGS = 0.1
# Where even a step this small against the whole time is too long, the row has run into a singular point: time, a
# float64, would move by some tens of its roundings.
SMALLEST_STEP = 1e-14
# The next step is this share of the one that would just meet the tolerance, and changes within these factors.
SAFETY, SLOWEST_CHANGE, FASTEST_CHANGE = 0.9, 0.2, 10.0

# The pair of Dormand and Prince (1980), orders 5 and 4: nodes, rows of the tableau, and fifth less fourth order.
NODES = (1 / 5, 3 / 10, 4 / 5, 8 / 9, 1.0, 1.0)
TABLEAU = (
    (1 / 5,),
    (3 / 40, 9 / 40),
    (44 / 45, -56 / 15, 32 / 9),
    (19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729),
    (9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656),
    (35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84),
)
ERROR_WEIGHTS = (71 / 57600, 0.0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40)
ORDER = 5


class _Progress(NamedTuple):
    """Where the rows are: `[B]`, with `[B, state_size]` for the states.

    Attributes:
      t: time.
      state: there.
      slope: derivative there; the last stage of a step is the first of the next.
      size: of the step to try.
      reached: int32, how many of the times asked have been met.
      runs: bool, whether there are times left and the step is not too small.
      found: `[T, B, state_size]`, NaN where a time has not been met.
    """

    t: tf.Tensor
    state: tf.Tensor
    slope: tf.Tensor
    size: tf.Tensor
    reached: tf.Tensor
    runs: tf.Tensor
    found: tf.Tensor


def solve_ode(
    ode_fn: Callable[[tf.Tensor, tf.Tensor], tf.Tensor],
    state: tf.Tensor,
    times: tf.Tensor,
    tolerance: tf.Tensor,
    num_pieces: int = 1,
) -> tf.Tensor:
    """Solutions at given times, by the method of Dormand and Prince.

    Library solvers have one step for a whole batch: the hardest row makes all others wait, and one that runs into a
    singular point fails them all. Here each row has a time and a step of its own, so that a batch takes as many
    steps as its hardest row, and rows do not depend on their neighbours. `MAX_NUM_STEPS` are allowed for each piece
    between corners, and one more for each time.

    Args:
      ode_fn: `[B]` times and `[B, state_size]` states to derivatives `[B, state_size]`, row by row; traced once.
      state: `[B, state_size]` at t = 0.
      times: `[T]`, increasing, greater than 0.
      tolerance: scalar; error per step, relative and absolute; at least `MIN_TOLERANCE_ROUNDINGS` of the dtype's.
      num_pieces: between corners of the equation, each of which takes steps of its own.

    Returns:
      `[T, B, state_size]`; NaN for rows that need too many steps, or too small ones.
    """
    dtype = state.dtype
    floor = MIN_TOLERANCE_ROUNDINGS * np.finfo(dtype.as_numpy_dtype).eps
    tolerance = tf.maximum(tf.cast(tolerance, tf.float64), floor)
    times = tf.cast(times, tf.float64)

    # Derivatives have the dtype of the state, but they are summed in float64: the steps of float32 would lose two
    # more digits. One graph for the seven places that call it: a decoder in each of them takes longer to compile.
    signature = [tf.TensorSpec(state.shape[:1], tf.float64), tf.TensorSpec(state.shape, tf.float64)]

    @tf.function(input_signature=signature, autograph=False, experimental_attributes={"_noinline": True})
    def derivative(t: tf.Tensor, state: tf.Tensor) -> tf.Tensor:
        return tf.ensure_shape(tf.cast(ode_fn(tf.cast(t, dtype), tf.cast(state, dtype)), tf.float64), state.shape)

    def step(*progress: tf.Tensor) -> _Progress:
        return _step(derivative, _Progress(*progress), times, tolerance)

    start = _begin(derivative, tf.cast(state, tf.float64), times, tolerance)
    ended = tf.while_loop(
        lambda *progress: tf.reduce_any(_Progress(*progress).runs),
        step,
        start,
        # A step ends at each time asked, however short it is.
        maximum_iterations=num_pieces * MAX_NUM_STEPS + tf.shape(times)[0],
        parallel_iterations=1,
    )
    return tf.cast(ended.found, dtype)


def _begin(
    derivative: Callable[..., tf.Tensor], state: tf.Tensor, times: tf.Tensor, tolerance: tf.Tensor
) -> _Progress:
    """The first step's size is that of Hairer, Norsett and Wanner (1993), Sec. II.4."""
    t = tf.zeros_like(state[:, 0])
    slope = derivative(t, state)
    scale = tolerance * (1.0 + tf.abs(state))
    size = 0.01 * tf.math.divide_no_nan(_mean_square_root(state / scale), _mean_square_root(slope / scale))
    size = tf.clip_by_value(size, 1e-6 * times[-1], times[-1])
    change = derivative(size, state + size[:, None] * slope) - slope
    largest = tf.maximum(_mean_square_root(slope / scale), _mean_square_root(change / scale) / size)
    size = tf.minimum(100.0 * size, tf.pow(0.01 / tf.maximum(largest, 1e-15), 1.0 / ORDER))
    # Comparisons are False for NaN: such a row begins with the whole time and finds the size by itself.
    size = tf.where(size < times[-1], size, times[-1])
    runs = tf.reduce_all(tf.math.is_finite(slope), axis=-1)
    found = tf.fill(tf.concat([tf.shape(times), tf.shape(state)], axis=0), tf.constant(np.nan, tf.float64))
    found = tf.ensure_shape(found, [*times.shape, *state.shape])
    return _Progress(t, state, slope, size, tf.zeros_like(t, tf.int32), runs, found)


def _step(
    derivative: Callable[..., tf.Tensor], progress: _Progress, times: tf.Tensor, tolerance: tf.Tensor
) -> _Progress:
    """One step of each row that runs, to the next time asked at most; it is kept where its error allows."""
    t, state = progress.t, progress.state
    target = tf.gather(times, tf.minimum(progress.reached, tf.shape(times)[0] - 1))
    arrives = progress.size >= target - t
    size = tf.where(arrives, target - t, progress.size)
    slopes = [progress.slope]
    for node, row in zip(NODES, TABLEAU, strict=True):
        trial = state + size[:, None] * _weigh(row, slopes)
        slopes.append(derivative(t + node * size, trial))
    scale = tolerance * (1.0 + tf.maximum(tf.abs(state), tf.abs(trial)))
    error = _mean_square_root(size[:, None] * _weigh(ERROR_WEIGHTS, slopes) / scale)
    # False where the error is not finite: such a step is tried again, as short as that allows.
    is_taken = progress.runs & (error <= 1.0)
    change = SAFETY * tf.pow(tf.maximum(error, 1e-10), -1.0 / ORDER)
    change = tf.where(tf.math.is_finite(error), change, SLOWEST_CHANGE)
    following = size * tf.clip_by_value(change, SLOWEST_CHANGE, FASTEST_CHANGE)
    # A step that was cut off at a time asked says nothing against the size before it.
    following = tf.where(is_taken & arrives, tf.maximum(following, progress.size), following)
    met = is_taken & arrives
    mark = met & (tf.range(tf.shape(times)[0])[:, None] == progress.reached)
    reached = progress.reached + tf.cast(met, tf.int32)
    is_left = reached < tf.shape(times)[0]
    return _Progress(
        t=tf.where(met, target, tf.where(is_taken, t + size, t)),
        state=tf.where(is_taken[:, None], trial, state),
        slope=tf.where(is_taken[:, None], slopes[-1], progress.slope),
        size=following,
        reached=reached,
        runs=progress.runs & is_left & (is_taken | (following > SMALLEST_STEP * times[-1])),
        found=tf.where(mark[..., None], trial, progress.found),
    )


def _weigh(weights: tuple[float, ...], slopes: list[tf.Tensor]) -> tf.Tensor:
    return tf.add_n([weight * slope for weight, slope in zip(weights, slopes, strict=True) if weight])


def _mean_square_root(values: tf.Tensor) -> tf.Tensor:
    """`[B, state_size]` to `[B]`."""
    return tf.sqrt(tf.reduce_mean(tf.square(values), axis=-1))


def solve_in_batches(
    solve: Callable[..., tf.Tensor], num_times: int, state_size: int, *arrays: np.ndarray
) -> np.ndarray:
    """`solve(*arrays)`, with NaN for rows that are not finite.

    Args:
      solve: takes arrays `[B, ...]` and returns `[T, B, state_size]`; it is called with few sizes B, see
        `SMALLEST_BATCH`.
      num_times: T.
      state_size: numbers of a row's state.
      *arrays: the arguments of `solve`.

    Returns:
      `[T, B, state_size]`.
    """
    usable = np.logical_and.reduce([np.isfinite(array).all(axis=tuple(range(1, array.ndim))) for array in arrays])
    states = np.full([num_times, len(usable), state_size], np.nan, arrays[0].dtype)
    rows = np.flatnonzero(usable)
    if len(rows):
        padded = np.concatenate([rows, np.full(_batch_size(len(rows)) - len(rows), rows[0])])
        states[:, rows] = solve(*(array[padded] for array in arrays)).numpy()[:, : len(rows)]
    return states


def _batch_size(num_rows: int) -> int:
    size = SMALLEST_BATCH
    while size < num_rows:
        size *= 4
    return size
