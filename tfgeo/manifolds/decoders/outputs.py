"""What a decoder's return value means: one tensor, several with a name each, or a distribution."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import tensorflow as tf
import tensorflow_probability as tfp

from tfgeo.errors import UserError
from tfgeo.manifolds.decoders.moments import safe_sqrt

__all__ = ["Outputs", "check_outputs", "interpret"]

tfd = tfp.distributions

Outputs: TypeAlias = "str | Sequence[str] | Mapping[str, str]"

# What the outputs of a network can be, each set as the distribution that it stands for.
MEANINGS = (
    ("mean",),
    ("mean", "stddev"),
    ("mean", "variance"),
    ("mean", "log_variance"),
    ("logits",),
    ("probs",),
)


# Outputs of a row that do not all lie in [0, 1] by chance, and how far a sum of probabilities may be from 1.
MIN_VALUES, SUM_ERROR = 8, 1e-3


def check_outputs(outputs: Outputs | None) -> None:
    """Refuses names of outputs that have no meaning here."""
    if outputs is None:
        return
    names = [outputs] if isinstance(outputs, str) else list(outputs)
    if not any(set(names) == set(meaning) for meaning in MEANINGS) or len(set(names)) < len(names):
        known = ", ".join(repr(meaning if len(meaning) > 1 else meaning[0]) for meaning in MEANINGS)
        raise UserError(f"`outputs` is {outputs!r}; name what the decoder returns by one of {known}")


def interpret(
    raw: Any, outputs: Outputs | None, name: str, warn: Callable[[str], None] | None = None
) -> tf.Tensor | tfd.Distribution:
    """A tensor of decoded values, or the distribution p(x | z).

    Args:
      raw: what the decoder returned.
      outputs: what the user says that its outputs are.
      name: what the decoder is called in messages.
      warn: takes what is to be said of values that may not be what they are said to be; None says nothing.

    Raises:
      UserError: if it is neither, or several tensors whose meaning was not said.
    """
    if isinstance(raw, tfd.Distribution):
        if outputs is not None:
            raise UserError(
                f"`outputs` is {outputs!r}, but the decoder {name} returns {type(raw).__name__}; leave it out"
            )
        # Layers of TFP wrap what they return, so that it is a tensor too.
        return getattr(raw, "tensor_distribution", raw)
    parts = _named_parts(raw, outputs, name)
    parts = {meaning: _check_tensor(part, meaning, name) for meaning, part in parts.items()}
    if tf.executing_eagerly():
        _check_signs(parts, name)
        if warn is not None:
            _doubt(parts, name, warn)
    if set(parts) == {"mean"}:
        return parts["mean"]
    if "logits" in parts:
        return tfd.Bernoulli(logits=parts["logits"])
    if "probs" in parts:
        return tfd.Bernoulli(probs=parts["probs"])
    mean = parts["mean"]
    if "log_variance" in parts:
        return tfd.Normal(mean, tf.exp(0.5 * parts["log_variance"]))
    if "variance" in parts:
        return tfd.Normal(mean, safe_sqrt(parts["variance"]))
    return tfd.Normal(mean, parts["stddev"])


def _named_parts(raw: Any, outputs: Outputs | None, name: str) -> dict[str, Any]:
    if isinstance(raw, Mapping):
        if isinstance(outputs, Mapping):
            missing = [key for key in outputs.values() if key not in raw]
            if missing:
                raise UserError(f"`outputs` asks for {missing[0]!r}, but the decoder {name} returns {sorted(raw)}")
            return {meaning: raw[key] for meaning, key in outputs.items()}
        if any(set(raw) == set(meaning) for meaning in MEANINGS) and outputs is None:
            return dict(raw)
        if len(raw) == 1:
            raw = next(iter(raw.values()))
        else:
            raise UserError(
                f"the decoder {name} returns the outputs {sorted(raw)}; say which are what, such as "
                f"outputs={{'mean': {sorted(raw)[0]!r}}}"
            )
    if not isinstance(raw, (list, tuple)) or hasattr(raw, "_fields"):
        raw = [raw]
    if isinstance(outputs, Mapping):
        meanings = tuple(outputs) if len(outputs) > 1 else repr(next(iter(outputs)))
        raise UserError(
            f"`outputs` is {outputs!r}, but the decoder {name} returns {len(raw)} outputs without names; say "
            f"what they are in their order, such as outputs={meanings}"
        )
    names = ["mean"] if outputs is None else [outputs] if isinstance(outputs, str) else list(outputs)
    if len(raw) == len(names):
        return dict(zip(names, raw, strict=True))
    if outputs is None:
        shapes = ", ".join(str(getattr(part, "shape", type(part).__name__)) for part in raw)
        raise UserError(
            f"the decoder {name} returns {len(raw)} outputs ({shapes}); say what they are, such as "
            "outputs=('mean', 'stddev'), ('mean', 'variance') or ('mean', 'log_variance')"
        )
    raise UserError(f"`outputs` names {len(names)} ({', '.join(names)}), but the decoder {name} returns {len(raw)}")


def _check_tensor(part: Any, meaning: str, name: str) -> tf.Tensor:
    if isinstance(part, (tf.RaggedTensor, tf.SparseTensor)):
        raise UserError(f"the decoder {name} returns a {type(part).__name__}; return a dense tensor [n, ...]")
    try:
        part = tf.convert_to_tensor(part)
    except (TypeError, ValueError) as error:
        raise UserError(
            f"the decoder {name} returns {type(part).__name__}, which is no tensor and no TFP distribution; return "
            "decoded values [n, ...] or a distribution with mean() and stddev()"
        ) from error
    if not part.dtype.is_floating:
        raise UserError(
            f"the decoder {name} returns {part.dtype.name} values ({meaning}); return real numbers, floats"
        )
    return part


def _check_signs(parts: dict[str, tf.Tensor], name: str) -> None:
    """Refuses values that what they are said to be cannot have."""
    for meaning in ("stddev", "variance"):
        if meaning in parts and tf.reduce_any(parts[meaning] < 0.0):
            least = float(tf.reduce_min(parts[meaning]))
            raise UserError(
                f"the {meaning} of the decoder {name} is negative ({least:.3g}); is it a log-variance? Then say "
                "outputs=('mean', 'log_variance'), else make it positive, by softplus or exp"
            )
    if "probs" in parts and tf.reduce_any((parts["probs"] < 0.0) | (parts["probs"] > 1.0)):
        low, high = (float(function(parts["probs"])) for function in (tf.reduce_min, tf.reduce_max))
        raise UserError(
            f"the probs of the decoder {name} run from {low:.3g} to {high:.3g}, outside of [0, 1]; are they "
            "logits? Then say outputs='logits'"
        )


def _doubt(parts: dict[str, tf.Tensor], name: str, warn: Callable[[str], None]) -> None:
    """Says so where values look like those of the other Bernoulli parameter, or of one class of many."""
    logits, probs = parts.get("logits"), parts.get("probs")
    if logits is not None and _width(logits) >= MIN_VALUES and _are_probabilities(logits):
        warn(
            f"the logits of the decoder {name} all lie in [0, 1]; are they probabilities? Then say "
            "outputs='probs': taken for logits, their distances are far too short"
        )
    if probs is not None and _width(probs) > 1 and _sum_to_one(probs):
        warn(
            f"the probs of the decoder {name} sum to 1, as those of one class of many do, but are taken for "
            f"those of {probs.shape[-1]} independent values; of classes return "
            "tfp.distributions.OneHotCategorical(probs=...), without outputs"
        )


def _width(values: tf.Tensor) -> int:
    """Values `[n, ..., K]` to K; 0 where there are no rows of some."""
    return values.shape[-1] if (values.shape.rank or 0) > 1 else 0


def _are_probabilities(values: tf.Tensor) -> tf.Tensor:
    return tf.reduce_all((values >= 0.0) & (values <= 1.0)) & tf.reduce_any(values > 0.0)


def _sum_to_one(values: tf.Tensor) -> tf.Tensor:
    return tf.reduce_all(tf.abs(tf.reduce_sum(values, axis=-1) - 1.0) < SUM_ERROR)
