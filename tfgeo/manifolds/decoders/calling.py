"""How each kind of decoder is called: Keras models, functions of TensorFlow, bijectors, SavedModels."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from tfgeo.errors import UserError

__all__ = ["Call", "call_of"]


class Call(NamedTuple):
    """A decoder that takes rows.

    Attributes:
      function: rows `[n, d]` and a condition `[n, C]`, or None where there is none, to what the decoder returns.
      source: the decoder itself.
      name: what it is called in messages.
      latent_dim: d where the decoder says it, else None.
      dtype: dtype of the rows where the decoder says it, else None.
      takes_condition: whether it takes a condition beside the rows, None where it may or does not say.
      condition_width: C where the decoder says it, else None.
      half: the half precision in which a layer of the decoder computes, where one does.
    """

    function: Callable[[tf.Tensor, tf.Tensor | None], Any]
    source: Any
    name: str
    latent_dim: int | None = None
    dtype: tf.DType | None = None
    takes_condition: bool | None = None
    condition_width: int | None = None
    half: tf.DType | None = None


def call_of(decoder: Any) -> Call:
    """How `decoder` is called.

    Raises:
      UserError: if it cannot be called, is of a library whose tensors TensorFlow cannot differentiate, or takes
        more than rows and a condition.
    """
    kind = type(decoder)
    if isinstance(decoder, type):
        name = decoder.__name__
        raise UserError(f"the decoder is the class {name} itself; give an instance of it, {name}(...)")
    libraries = {base.__module__.split(".")[0] for base in kind.__mro__}
    if "torch" in libraries:
        raise UserError(
            f"the decoder is {kind.__name__} of PyTorch, through which TensorFlow has no derivatives; convert it "
            "by ONNX to a SavedModel, as docs/how-to/own-decoder.md shows"
        )
    if not callable(decoder):
        raise UserError(f"the decoder is {kind.__name__}, which cannot be called; {_instead_of(decoder)}")
    if hasattr(decoder, "distribution") and isinstance(decoder, keras.layers.Layer):
        # Layers of `tfgeo.models` emit mean and deviation, and make the distribution of them.
        dtype = tf.as_dtype(decoder.compute_dtype)
        source = decoder.distribution
        return Call(_plain(source), source, kind.__name__, dtype=dtype, half=_half_precision_of(decoder))
    if isinstance(decoder, tfp.bijectors.Bijector):
        name = f"{kind.__name__} {decoder.name!r}"
        own = decoder.dtype if isinstance(decoder.dtype, tf.DType) else None
        return Call(lambda rows, _: decoder.forward(rows), decoder, name, dtype=own, takes_condition=False)
    if isinstance(decoder, keras.layers.Layer) or "tf_keras" in libraries:
        return _call_of_layer(decoder)
    arguments, keywords = getattr(decoder, "structured_input_signature", None) or ((), {})
    if keywords and not arguments:
        return _call_of_signature(decoder, keywords)
    name = getattr(decoder, "__name__", kind.__name__)
    signature = getattr(decoder, "input_signature", None) or arguments
    if signature and all(isinstance(one, tf.TensorSpec) for one in signature):
        return Call(_plain(decoder), decoder, name, *_check_specifications(signature, name))
    return Call(_plain(decoder), decoder, name, takes_condition=_takes_two(decoder, name))


def _plain(decoder: Callable[..., Any]) -> Callable[[tf.Tensor, tf.Tensor | None], Any]:
    return lambda rows, condition: decoder(rows) if condition is None else decoder(rows, condition)


def _takes_two(function: Callable[..., Any], name: str) -> bool | None:
    """Whether a function needs a second argument, False where it takes none, None where it may or does not say."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # some that are written in C
        return None
    if any(one.kind is one.VAR_POSITIONAL for one in parameters):
        return None
    positional = [one for one in parameters if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)]
    needed = sum(one.default is one.empty for one in positional)
    if needed > 2:
        raise _too_many(name, needed)
    return True if needed == 2 else False if len(positional) == 1 else None


def _too_many(name: str, number: int) -> UserError:
    return UserError(
        f"the decoder {name} takes {number} inputs, but latent points and a condition are two; wrap it in a "
        "function"
    )


def _check_rank(shape: Any, name: str) -> None:
    """Refuses what takes more than rows, by the shape of its input."""
    shape = tf.TensorShape(shape)
    if shape.rank is not None and shape.rank > 2:
        raise UserError(
            f"the decoder {name} takes inputs of shape {shape}, not rows [n, d] of latent points; is it an "
            "encoder? Give what maps latent points to decoded values"
        )


def _call_of_layer(layer: Any) -> Call:
    """Keras models and layers, in inference mode: batch normalization is fixed, dropout off."""
    name = f"{type(layer).__name__} {layer.name!r}"
    inputs = getattr(layer, "inputs", None) or []
    if len(inputs) > 2:
        raise _too_many(name, len(inputs))
    keys = _input_keys(layer)
    if len(keys) > 1:
        latent, other = sorted(keys, key=lambda key: key != "z")[:2]
        raise UserError(
            f"the decoder {name} takes a dictionary of {sorted(keys)}, which does not say what is latent; wrap it, "
            f"such as lambda z, condition: decoder({{{latent!r}: z, {other!r}: condition}})"
        )
    if inputs:
        _check_rank(inputs[0].shape, name)
    widths = [one.shape[-1] if len(one.shape) > 1 else None for one in inputs]
    latent_dim, condition_width = (widths + [None, None])[:2]

    def function(rows: tf.Tensor, condition: tf.Tensor | None) -> Any:
        if not layer.built and isinstance(layer, keras.Sequential):
            # By its first call it would be built for the number of rows of that call.
            layer.build((None, rows.shape[-1]))
        given = {keys[0]: rows} if keys else rows
        return layer(given if condition is None else [rows, condition], training=False)

    takes_condition = len(inputs) == 2 if inputs else None
    dtype, half = _dtype_of(layer, inputs), _half_precision_of(layer)
    return Call(function, layer, name, latent_dim, dtype, takes_condition, condition_width, half)


def _input_keys(layer: Any) -> list[str]:
    """The keys of a model's dictionary of inputs; none where it takes tensors."""
    try:
        struct = layer.input
    except (AttributeError, ValueError):  # not called yet
        return []
    return list(struct) if isinstance(struct, dict) else []


def _dtype_of(layer: Any, inputs: Sequence[Any]) -> tf.DType:
    """The dtype in which a layer computes; of a model, whose own is the global policy's, that of what it holds."""
    inner = [one for one in layer._flatten_layers() if len(list(one._flatten_layers())) == 1]
    # Layers for inputs compute nothing.
    dtypes = {str(one.compute_dtype) for one in inner if type(one).__name__ != "InputLayer"}
    dtypes |= {tf.as_dtype(one.dtype).name for one in inputs}
    return tf.float64 if dtypes == {"float64"} else tf.as_dtype(layer.compute_dtype)


def _half_precision_of(layer: Any) -> tf.DType | None:
    """That of a layer inside, also where the last one gives float32, as a policy of mixed precision asks for."""
    for inner in layer._flatten_layers():
        if str(inner.compute_dtype) in ("float16", "bfloat16"):
            return tf.as_dtype(inner.compute_dtype)
    return None


def _call_of_signature(signature: Any, keywords: dict[str, tf.TensorSpec]) -> Call:
    """A signature of a loaded SavedModel, which takes its one or two arguments by their names."""
    names = list(keywords)
    name = f"signature ({', '.join(names)})"
    first = names[0] if "z" not in names else "z"
    others = [other for other in names if other != first]

    def function(rows: tf.Tensor, condition: tf.Tensor | None) -> Any:
        return signature(**{first: rows}, **{other: condition for other in others})

    specifications = [keywords[one] for one in [first, *others]]
    return Call(function, signature, name, *_check_specifications(specifications, name))


def _check_specifications(
    specifications: Sequence[tf.TensorSpec], name: str
) -> tuple[int | None, tf.DType, bool, int | None]:
    """Latent dimension, dtype, and condition with its width, of a function that is traced for given shapes."""
    if len(specifications) > 2:
        raise _too_many(name, len(specifications))
    shape, *others = (one.shape for one in specifications)
    if shape.rank is not None and (shape.rank < 1 or (shape[0] is not None and shape.rank == 2)):
        raise UserError(
            f"the decoder {name} is traced for latent points of shape {shape} alone; trace it for [None, d], any "
            "number of rows"
        )
    _check_rank(shape, name)
    shapes = [shape, *others, tf.TensorShape(None)][:2]
    latent_dim, condition_width = (one[-1] if one.rank else None for one in shapes)
    return latent_dim, specifications[0].dtype, bool(others), condition_width


def _instead_of(decoder: Any) -> str:
    """What to give in place of an object that cannot be called."""
    if isinstance(decoder, (str, os.PathLike)):
        return "load the file first, by keras.models.load_model or tf.saved_model.load"
    signatures = getattr(decoder, "signatures", None)
    if signatures:
        return f"give one of its signatures, {' or '.join(f'loaded.signatures[{name!r}]' for name in signatures)}"
    return "give a Keras model, or a function from [n, d] latent points to their decoded values or distribution"
