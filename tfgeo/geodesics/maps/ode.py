"""Batches of ordinary differential equations by TFP's Dormand-Prince solver."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

__all__ = ["DEFAULT_TOLERANCE", "MAX_NUM_STEPS", "solve_by_halves", "solve_ode"]

# Error per step, relative and absolute, that the maps allow by default.
DEFAULT_TOLERANCE = {np.dtype(np.float32): 1e-7, np.dtype(np.float64): 1e-9}
# Steps after which a pair counts as running into a singular point. Smooth decoders take some tens.
MAX_NUM_STEPS = 500
# Stands for a derivative that is not finite: a step that meets it is rejected and tried again shorter,
# while NaN would make every later step NaN.
LARGE = 1e8
# Batches are filled up to this size or 4, 16, .. times it: static sizes, which second derivatives of many layers
# need (with dynamic ones they call `tf.shape`; see `differentiate_metric`), and few of them to compile.
SMALLEST_BATCH = 32
# Smallest tolerance, in units of the dtype's rounding: below it a step's error estimate is noise, which is that of
# the derivatives times the step.
MIN_TOLERANCE_ROUNDINGS = 0.1


def solve_ode(
    ode_fn: Callable[[tf.Tensor, tf.Tensor], tf.Tensor], state: tf.Tensor, times: tf.Tensor, tolerance: tf.Tensor
) -> tf.Tensor:
    """Solutions at given times, all rows with the same steps.

    Args:
      ode_fn: `(t, [B, state_size])` to `[B, state_size]`; traced once. A step that meets a derivative that is not
        finite is tried again shorter.
      state: `[B, state_size]` at t = 0.
      times: `[T]`, increasing, greater than 0.
      tolerance: scalar; error per step, relative and absolute.

    Returns:
      `[T, B, state_size]`, NaN for rows whose derivative is not finite at the start or where they are at a time.

    Raises:
      tf.errors.InvalidArgumentError: after `MAX_NUM_STEPS` steps.
    """
    dtype = state.dtype
    # The solver bounds the root mean square over the batch: divided by sqrt(B), so that no row hides in it.
    size = tf.cast(tf.maximum(tf.shape(state)[0], 1), tf.float64)
    floor = MIN_TOLERANCE_ROUNDINGS * np.finfo(dtype.as_numpy_dtype).eps
    tolerance = tf.maximum(tf.cast(tolerance, tf.float64) / tf.sqrt(size), tf.cast(floor, tf.float64))
    solver = tfp.math.ode.DormandPrince(rtol=tolerance, atol=tolerance, max_num_steps=MAX_NUM_STEPS)

    # Derivatives have the dtype of the state, but they are summed in float64: the solver reads solutions off
    # between its steps, where float32 would lose two more digits.
    def derivative(t: tf.Tensor, state: tf.Tensor) -> tf.Tensor:
        slope = ode_fn(tf.cast(t, dtype), tf.cast(state, dtype))
        return tf.cast(tf.where(tf.math.is_finite(slope), slope, tf.cast(LARGE, dtype)), tf.float64)

    # One trace and one graph for the seven places of a step that call it: the solver's loop forgets shapes, and
    # a decoder that is copied into each of them takes longer to compile.
    signature = [tf.TensorSpec([], tf.float64), tf.TensorSpec(state.shape, tf.float64)]
    compiled = tf.function(
        derivative, input_signature=signature, autograph=False, experimental_attributes={"_noinline": True}
    )
    start, state, times = tf.zeros([], tf.float64), tf.cast(state, tf.float64), tf.cast(times, tf.float64)
    states = solver.solve(compiled, start, state, times).states
    # Where the metric is singular all along, as that of a decoder that ignores a coordinate, nothing but large
    # derivatives were met, and no step was tried again.
    slopes = tf.map_fn(lambda pair: compiled(*pair), (times, states), fn_output_signature=tf.float64)
    slopes = tf.concat([compiled(start, state)[None], slopes], axis=0)
    singular = tf.reduce_any(tf.equal(slopes, LARGE), axis=[0, 2])
    return tf.cast(tf.where(singular[:, None], tf.constant(float("nan"), tf.float64), states), dtype)


def solve_by_halves(
    solve: Callable[..., tf.Tensor], num_times: int, state_size: int, *arrays: np.ndarray
) -> np.ndarray:
    """`solve(*arrays)`, with NaN for rows that are not finite or take too many steps.

    Rows share their steps, so that one that runs into a singular point fails all: the halves of a batch that
    failed are tried on their own.

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
    pending = [np.flatnonzero(usable)]
    while pending:
        rows = pending.pop()
        if not len(rows):
            continue
        padded = np.concatenate([rows, np.full(_batch_size(len(usable)) - len(rows), rows[0])])
        try:
            states[:, rows] = solve(*(array[padded] for array in arrays)).numpy()[:, : len(rows)]
        except tf.errors.InvalidArgumentError as error:
            if "max_num_steps" not in str(error):
                raise
            if len(rows) > 1:
                pending += np.array_split(rows, 2)
    return states


def _batch_size(num_rows: int) -> int:
    size = SMALLEST_BATCH
    while size < num_rows:
        size *= 4
    return size
