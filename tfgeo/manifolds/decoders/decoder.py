"""The one door through which a user's decoder enters: any callable, as functions of `[..., d]` latent points."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from tfgeo.errors import UserError
from tfgeo.manifolds.calculus.points import as_points
from tfgeo.manifolds.decoders.calling import call_of
from tfgeo.manifolds.decoders.outputs import Outputs, check_outputs, interpret
from tfgeo.manifolds.decoders.readers import (
    Reader,
    read_mean,
    read_mean_and_stddev,
    read_mean_and_variance,
    read_values,
)
from tfgeo.manifolds.decoders.trial import TRIAL_ROWS, Facts, try_decoder, warn_of_half_precision

__all__ = ["Decoder"]


class Decoder:
    """A decoder of any kind as functions of latent points `[..., d]`, flattened, of known width and dtype.

    What a user has is called with rows `[n, d]` alone, n any number, in inference mode and in its own dtype; what
    it returns, of whatever rank, is flattened to `[..., M]` in the dtype of the latent points. It is tried with
    three rows when it is first used, so that what cannot be taken is refused then.

    Args:
      decoder: a Keras model or layer, a function of TensorFlow operations, a `tf.function`, a TFP bijector, a
        signature of a loaded SavedModel, or a `Decoder`. It returns decoded values `[n, ...]`, several such, or a
        TFP distribution.
      outputs: what the returned tensors are: "mean", ("mean", "stddev"), ("mean", "variance"),
        ("mean", "log_variance") of a Gaussian decoder, "logits" or "probs" of a Bernoulli decoder; for a dictionary
        a mapping such as `{"mean": "dense_3"}`. Not needed for distributions and for single values.
      condition: `[C]` for a conditional decoder, which is then called with rows and conditions `[n, C]`: what it is
        conditioned on, the same for all points, a number where C is 1; `given` sets it anew.

    Raises:
      UserError: if it cannot be called, or `outputs` is none of these; when it is first used, if what it gives is
        no differentiable function of the latent points, or the condition is missing, too much or of another width.
    """

    def __init__(self, decoder: Any, outputs: Outputs | None = None, condition: Any = None) -> None:
        check_outputs(outputs)
        self._decoder = decoder
        self._outputs = outputs
        self._call = call_of(decoder)
        self._condition = None if condition is None else _as_condition(condition)
        self._facts: dict[tuple, Facts] = {}
        self._warnings: set[str] = set()
        self._floats: dict[tuple, int] = {}

    @classmethod
    def of(cls, decoder: Any, outputs: Outputs | None = None, condition: Any = None) -> Decoder:
        """`decoder` itself where it is a `Decoder` already, else one of it."""
        if not isinstance(decoder, Decoder):
            return cls(decoder, outputs, condition)
        if outputs is not None:
            raise UserError("`outputs` belongs to the `Decoder` that is given; set it there")
        return decoder if condition is None else decoder.given(condition)

    def __str__(self) -> str:
        outputs = "" if self._outputs is None else f", outputs={self._outputs!r}"
        condition = "" if self._condition is None else f", condition {self._condition.shape}"
        return f"{self._call.name}{outputs}{condition}"

    def __repr__(self) -> str:
        return f"Decoder({self})"

    def __reduce__(self) -> Any:
        # How it is called are closures, which no pickle holds; they follow from these.
        return Decoder, (self._decoder, self._outputs, self._condition)

    def given(self, condition: Any) -> Decoder:
        """This conditional decoder with another condition `[..., C]`, broadcast against the latent points."""
        other = object.__new__(Decoder)
        other.__dict__.update(self.__dict__)  # with what the trial showed, which a copy by `__reduce__` would lose
        other._condition = _as_condition(condition)
        return other

    def values(self, z: tf.Tensor) -> tf.Tensor:
        """Decoded values, or the mean of the decoder's distribution: `[..., d]` to `[..., M]`."""
        return self.read(z, read_values)[0]

    def mean(self, z: tf.Tensor) -> tf.Tensor:
        """Mean of p(x | z): `[..., d]` to `[..., D]`."""
        return self.read(z, read_mean)[0]

    def mean_and_stddev(self, z: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Mean and standard deviation of p(x | z): `[..., d]` to `[..., D]` each."""
        mean, stddev = self.read(z, read_mean_and_stddev)
        return mean, stddev

    def variance(self, z: tf.Tensor) -> tf.Tensor:
        """Variance of p(x | z): `[..., d]` to `[..., D]`."""
        # With the mean: alone, one that is the same everywhere would be a decoder that does not move.
        return self.read(z, read_mean_and_variance)[1]

    def read(self, z: tf.Tensor, reader: Reader) -> list[tf.Tensor]:
        """What `reader` makes of the decoder's return value at `z`: `[..., d]` to tensors `[..., M]`."""
        z = as_points(z)
        facts = self._known(z.shape[-1], z.dtype, reader)
        rows = z if z.shape.rank == 2 else tf.reshape(z, [-1, z.shape[-1]])
        condition = self._condition_of_rows(z, facts.dtype)
        parts = reader(self._decode(tf.cast(rows, facts.dtype), condition))
        return [
            _shape_like(tf.cast(part, z.dtype), z, width) for part, width in zip(parts, facts.widths, strict=True)
        ]

    def widths(self, latent_dim: int, dtype: tf.DType, reader: Reader) -> tuple[int, ...]:
        """Widths M of the tensors that `read` gives."""
        return self._known(latent_dim, dtype, reader).widths

    def moves(self, latent_dim: int, dtype: tf.DType, reader: Reader) -> tuple[bool, ...]:
        """Which of the tensors that `read` gives depend on the latent point at all."""
        return self._known(latent_dim, dtype, reader).moves

    def working_dtype(self, latent_dim: int, dtype: tf.DType, reader: Reader) -> tf.DType:
        """The dtype to compute geometry in for points of `dtype`: the decoder's, but no narrower than float32."""
        own = self._known(latent_dim, dtype, reader).dtype
        return own if own == tf.float64 else tf.float32

    def floats_per_row(self, latent_dim: int, dtype: tf.DType, reader: Reader) -> int:
        """Numbers that decoding one latent point makes on the way, as its graph shows."""
        key = latent_dim, dtype, reader
        if key not in self._floats:
            rows = tf.TensorSpec([TRIAL_ROWS, latent_dim], dtype)
            traced = tf.function(lambda z: self.read(z, reader), autograph=False).get_concrete_function(rows)
            # What is a function of TensorFlow already is one operation of that graph.
            own = [self._call.source.graph] if hasattr(self._call.source, "graph") else []
            self._floats[key] = sum(map(_count_floats, [traced.graph, *own]))
        return self._floats[key]

    def _decode(
        self, rows: tf.Tensor, condition: tf.Tensor | None, warn: Callable[[str], None] | None = None
    ) -> Any:
        # A tensor that it has not seen: bijectors keep what they gave for one, of which no tape knows a derivative.
        raw = self._call.function(tf.identity(rows), condition)
        return interpret(raw, self._outputs, self._call.name, warn)

    def _condition_of_rows(self, z: tf.Tensor, dtype: tf.DType) -> tf.Tensor | None:
        """The condition of each row, `[n, C]`."""
        if self._condition is None:
            return None
        width = self._condition.shape[-1]
        _check_leading_shape(self._condition.shape[:-1], z.shape)
        shape = tf.concat([tf.shape(z)[:-1], [width]], axis=0)
        return tf.reshape(tf.broadcast_to(tf.cast(self._condition, dtype), shape), [-1, width])

    def _known(self, latent_dim: int | None, dtype: tf.DType, reader: Reader) -> Facts:
        """Facts of the decoder for latent points of this width and dtype, by a trial the first time."""
        condition_width = None if self._condition is None else self._condition.shape[-1]
        key = latent_dim, dtype, reader, condition_width
        if key not in self._facts:
            expected, name = self._call.latent_dim, self._call.name
            if latent_dim is None:
                raise UserError("latent points have an unknown width; give [..., d] with d known")
            if expected is not None and expected != latent_dim:
                raise UserError(
                    f"latent points have {latent_dim} coordinates, but the decoder {name} takes {expected}; give "
                    f"[..., {expected}]"
                )
            self._check_condition(condition_width)
            own = self._call.dtype
            dtypes = [own] if own else list(dict.fromkeys([dtype, tf.float32, tf.float64]))
            self._facts[key] = try_decoder(
                lambda rows, condition: reader(self._decode(rows, condition, self._warn_once)),
                name,
                latent_dim,
                dtypes,
                condition_width,
                self._warn_once,
            )
            if self._call.half is not None:
                warn_of_half_precision(name, self._call.half, self._warn_once)
        return self._facts[key]

    def _check_condition(self, width: int | None) -> None:
        """Refuses a condition of this width, None for none, that is not what the decoder says it takes."""
        takes, expected, name = self._call.takes_condition, self._call.condition_width, self._call.name
        if takes is False and width is not None:
            raise UserError(f"the decoder {name} takes latent points alone; leave `condition` out")
        shape = "[C]" if expected is None else f"[{expected}]"
        if takes and width is None:
            raise UserError(f"the decoder {name} takes a condition beside latent points; give `condition` {shape}")
        if None not in (width, expected) and width != expected:
            raise UserError(
                f"`condition` has {width} values, but the decoder {name} takes {expected}; give {shape}, or "
                f"[..., {expected}] for each point"
            )

    def _warn_once(self, message: str) -> None:
        """A warning that the trials of several readers would repeat."""
        if message not in self._warnings:
            self._warnings.add(message)
            warnings.warn(message, stacklevel=2)


def _as_condition(condition: Any) -> tf.Tensor:
    """What a decoder is conditioned on as `[..., C]`."""
    condition = as_points(condition, name="`condition`", shape="[C] or [..., C]")
    if condition.shape.rank == 0:
        condition = condition[tf.newaxis]
    if not condition.shape[-1]:
        raise UserError(f"`condition` has shape {condition.shape}; give [C] or [..., C], C known and at least 1")
    return condition


def _check_leading_shape(given: tf.TensorShape, points: tf.TensorShape) -> None:
    """Refuses conditions that are not broadcast against points `[..., d]`, as far as shapes are known."""
    try:
        if tf.broadcast_static_shape(given, points[:-1]).is_compatible_with(points[:-1]):
            return
    except ValueError:  # they have no common shape
        pass
    raise UserError(
        f"`condition` [{', '.join(map(str, given))}, C] does not fit the latent points {points}; give [C], or one "
        "for each point"
    )


def _shape_like(part: tf.Tensor, z: tf.Tensor, width: int) -> tf.Tensor:
    """`[n, ...]` to `[..., width]`, with the leading dimensions of points `[..., d]`."""
    if z.shape.rank != 2 or part.shape.rank != 2:
        part = tf.reshape(part, tf.concat([tf.shape(z)[:-1], [width]], axis=0))
    part.set_shape([*z.shape[:-1], width])
    return part


def _count_floats(graph: tf.Graph) -> int:
    """Numbers that the operations of a graph give for each row, where their shapes say it."""
    shapes = [output.shape for operation in graph.get_operations() for output in operation.outputs]
    of_rows = [shape[1:] for shape in shapes if shape.rank and shape[0] in (None, TRIAL_ROWS)]
    return sum(shape.num_elements() or 0 for shape in of_rows)
