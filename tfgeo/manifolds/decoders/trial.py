"""The trial of a decoder: three rows, once, to learn what it gives and to refuse what would make numbers wrong."""

from __future__ import annotations

import concurrent.futures
import functools
import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tfgeo.errors import UserError

__all__ = ["TRIAL_ROWS", "Facts", "try_decoder", "warn_of_half_precision"]

# More than one row, and no two alike.
TRIAL_ROWS = 3
# Largest difference of two answers to the same question, in units of the last digit of the largest value: asked
# twice, and asked in a batch of another size, whose sums may be rounded in another order.
TWICE, OTHER_BATCH = 64.0, 2048.0
# Largest difference of derivatives by forward and by reverse mode, relative to the sum of what they add up.
OTHER_MODE = 1e-2

# Rows `[n, d]` and conditions `[n, C]` or None to the tensors `[n, ...]` that are read off the decoder.
Read = Callable[["tf.Tensor", "tf.Tensor | None"], "Sequence[tf.Tensor]"]


class Facts(NamedTuple):
    """What a trial shows.

    Attributes:
      dtype: in which the decoder computes.
      widths: of each tensor that is read, the numbers M that it has for a row.
      moves: of each, whether it depends on the latent point at all.
    """

    dtype: tf.DType
    widths: tuple[int, ...]
    moves: tuple[bool, ...]


def try_decoder(
    read: Read,
    name: str,
    latent_dim: int,
    dtypes: Sequence[tf.DType],
    condition_width: int | None,
    warn: Callable[[str], None],
) -> Facts:
    """Calls a decoder, in each dtype that it may want until one is taken.

    Args:
      read: the decoder, with what is read off it.
      name: what it is called in messages.
      latent_dim: d.
      dtypes: which to try, in this order.
      condition_width: C of a conditional decoder, else None.
      warn: takes what is to be said of a decoder that is taken.

    Raises:
      UserError: if it takes none of them, or what it gives is no differentiable function of the latent points.
    """
    failure: Exception | None = None
    for dtype in dtypes:
        try:
            return _outside_of_graphs(
                functools.partial(_judge, read, name, latent_dim, dtype, condition_width, warn)
            )
        except UserError:
            raise
        except Exception as error:  # whatever a user's function raises
            failure = failure or error
    if not tf.executing_eagerly():
        # A function that was made inside of a graph may use tensors of that graph, which have no values yet.
        try:
            return _facts(read, name, *_trial_rows(latent_dim, dtypes[0], condition_width))[0]
        except UserError:
            raise
        except Exception as error:
            failure = error
    if "variables which have been deleted" in str(failure):
        raise UserError(
            f"the variables of the decoder {name} are gone; keep what tf.saved_model.load returned for "
            "as long as its functions are used"
        ) from failure
    names = " or ".join(dtype.name for dtype in dtypes)
    condition = "" if condition_width is None else f" and conditions [{TRIAL_ROWS}, {condition_width}]"
    arguments = "rows [n, d]" if condition_width is None else "rows [n, d] and conditions [n, C]"
    raise UserError(
        f"the decoder {name} cannot take latent points [{TRIAL_ROWS}, {latent_dim}]{condition} in {names} "
        f"({type(failure).__name__}: {_first_line(failure)}); give a function of {arguments}"
    ) from failure


def _outside_of_graphs(function: Callable[[], Facts]) -> Facts:
    """Calls `function` eagerly, where values can be looked at, also while a graph is traced."""
    if tf.executing_eagerly():
        return function()
    # A thread of its own has neither a graph nor tapes that have stopped recording, as `tf.init_scope` leaves them.
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        return pool.submit(function).result()


def _judge(
    read: Read,
    name: str,
    latent_dim: int,
    dtype: tf.DType,
    condition_width: int | None,
    warn: Callable[[str], None],
) -> Facts:
    """Facts from a trial with values."""
    rows, condition = _trial_rows(latent_dim, dtype, condition_width)
    facts, parts = _facts(read, name, rows, condition)
    narrowest = min((part.dtype for part in parts), key=lambda one: one.size)
    if narrowest.size < dtype.size:
        # It takes wider numbers than it computes in, such as a method that casts them to its model's dtype.
        return _judge(read, name, latent_dim, narrowest, condition_width, warn)
    warn_of_half_precision(name, dtype, warn)
    fewer = None if condition is None else condition[:-1]
    _warn_if_it_changes(name, parts, read(rows, condition), read(rows[:-1], fewer), warn)
    _check_finite(name, parts, warn)
    _check_derivatives(read, name, rows, condition)
    return facts


def _facts(
    read: Read, name: str, rows: tf.Tensor, condition: tf.Tensor | None
) -> tuple[Facts, Sequence[tf.Tensor]]:
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(rows)
        parts = read(rows, condition)
    moves = tuple(tape.gradient(part, rows) is not None for part in parts)
    if not any(moves):
        raise UserError(
            f"what the decoder {name} returns has no derivative in the latent points; use TensorFlow operations on "
            "them throughout, not NumPy, and no tf.stop_gradient"
        )
    return Facts(rows.dtype, tuple(_width(part, name) for part in parts), moves), parts


def _trial_rows(
    latent_dim: int, dtype: tf.DType, condition_width: int | None
) -> tuple[tf.Tensor, tf.Tensor | None]:
    """Rows and conditions to try a decoder with: always the same."""
    generator = np.random.default_rng(0)
    rows = tf.constant(generator.normal(size=[TRIAL_ROWS, latent_dim]), dtype)
    if condition_width is None:
        return rows, None
    return rows, tf.constant(generator.uniform(size=[TRIAL_ROWS, condition_width]), dtype)


def _width(part: tf.Tensor, name: str) -> int:
    """Numbers that a tensor `[n, ...]` has for one row."""
    shape = part.shape
    if not shape.rank or shape[0] != TRIAL_ROWS or not shape[1:].is_fully_defined():
        raise UserError(
            f"the decoder {name} returns values of shape {shape} for {TRIAL_ROWS} latent points; return one row "
            "[n, ...] for each"
        )
    width = shape[1:].num_elements()
    if width == 0:
        raise UserError(f"the decoder {name} returns no values (shape {shape}); return at least one")
    return width


def _warn_if_it_changes(
    name: str,
    parts: Sequence[tf.Tensor],
    again: Sequence[tf.Tensor],
    fewer: Sequence[tf.Tensor],
    warn: Callable[[str], None],
) -> None:
    if not _are_same(parts, again, TWICE):
        warn(
            f"the decoder {name} returns other values when it is called again: is it in training mode, with "
            "dropout, or does it draw samples? Distances are then noise; make it deterministic"
        )
    elif not _are_same([part[:-1] for part in parts], fewer, OTHER_BATCH):
        warn(
            f"the decoder {name} returns other values for a latent point when others are decoded beside it: is "
            "batch normalization in training mode? Call it in inference mode"
        )


def _are_same(parts: Sequence[tf.Tensor], others: Sequence[tf.Tensor], digits: float) -> bool:
    for part, other in zip(parts, others, strict=True):
        tolerance = digits * _rounding(part.dtype)
        first, second = (np.asarray(tf.cast(values, tf.float64)) for values in (part, other))
        both = np.isfinite(first) & np.isfinite(second)
        first, second = first[both], second[both]
        if len(first) and np.abs(first - second).max() > tolerance * np.abs(first).max():
            return False
    return True


def _rounding(dtype: tf.DType) -> float:
    """The last digit of 1."""
    return 2.0**-7 if dtype == tf.bfloat16 else float(np.finfo(dtype.as_numpy_dtype).eps)


def warn_of_half_precision(name: str, dtype: tf.DType, warn: Callable[[str], None]) -> None:
    """Says so where a decoder, called `name`, computes in a dtype of few digits.

    Measured: 1 % off between points far apart in bfloat16, and twice the length between near ones in any.
    """
    if dtype.size < tf.float32.size:
        digits = round(-math.log10(_rounding(dtype)))
        warn(
            f"the decoder {name} computes in {dtype.name}, to {digits} digits, which leave none of the difference "
            "of near points: lengths between them are noise; build it in float32"
        )


def _check_finite(name: str, parts: Sequence[tf.Tensor], warn: Callable[[str], None]) -> None:
    """Refuses a deviation that is nowhere finite, for there is none; warns of other values that are not."""
    finite = [np.isfinite(tf.reshape(tf.cast(part, tf.float64), [TRIAL_ROWS, -1])) for part in parts]
    if finite[0].any() and not all(one.any() for one in finite):
        raise UserError(
            f"the standard deviation of the decoder {name} is not finite; use `Pullback`, of its mean alone"
        )
    if not all(one.all() for one in finite):
        warn(
            f"the decoder {name} returns values that are not finite at some of {TRIAL_ROWS} standard normal latent "
            "points; at such points metric and distances are NaN"
        )


def _check_derivatives(read: Read, name: str, rows: tf.Tensor, condition: tf.Tensor | None) -> None:
    """Refuses operations that TensorFlow cannot differentiate in forward mode, or takes for constants there.

    `u^T (J v)` by forward mode is `(J^T u)^T v` by reverse mode, for all rows together.
    """
    try:
        with tf.GradientTape(persistent=True) as transpose:
            with tf.GradientTape() as tape:
                tape.watch(rows)
                values = tf.concat([tf.reshape(part, [TRIAL_ROWS, -1]) for part in read(rows, condition)], axis=-1)
            vector = tf.ones_like(values) + 0.5 * tf.sin(tf.range(values.shape[-1], dtype=values.dtype))
            transpose.watch(vector)
            product = tf.convert_to_tensor(tape.gradient(values, rows, output_gradients=vector))
        axes = tf.unstack(tf.eye(rows.shape[-1], dtype=rows.dtype))
        columns = [transpose.gradient(product, vector, tf.broadcast_to(axis, rows.shape)) for axis in axes]
    except (LookupError, TypeError) as error:  # of TensorFlow's own gradient functions
        raise UserError(
            f"the decoder {name} has an operation whose derivative TensorFlow cannot differentiate "
            f"({_first_line(error)}); use another"
        ) from error
    for column, reverse in zip(columns, np.asarray(tf.cast(product, tf.float64)).sum(axis=0), strict=True):
        terms = np.asarray(tf.cast(vector * (tf.zeros_like(vector) if column is None else column), tf.float64))
        forward, size = terms.sum(), np.abs(terms).sum()
        if abs(forward - reverse) > OTHER_MODE * max(size, abs(reverse)):  # False where one is not finite
            raise UserError(
                f"a derivative of the decoder {name} is {forward:.3g} in forward mode and {reverse:.3g} in reverse "
                "mode: TensorFlow takes the gradient of one of its operations for a constant; find it by leaving "
                "layers out, and use another"
            )


def _first_line(error: BaseException | None) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0][:200].rstrip(".") if lines else "no message"
