"""How each kind of decoder is called: Keras models, functions of TensorFlow, signatures of a SavedModel."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from tfgeo.errors import UserError

__all__ = ["Call", "call_of"]


class Call(NamedTuple):
    """A decoder that takes rows.

    Attributes:
      function: rows `[n, d]` and a condition `[n, C]`, or None where there is none, to what the decoder returns.
      source: the decoder itself.
      latent_dim: d where the decoder says it, else None.
      dtype: dtype of the rows where the decoder says it, else None.
      name: what it is called in messages.
    """

    function: Callable[[tf.Tensor, tf.Tensor | None], Any]
    source: Any
    latent_dim: int | None
    dtype: tf.DType | None
    name: str


def call_of(decoder: Any) -> Call:
    """How `decoder` is called.

    Raises:
      UserError: if it cannot be called, or is of a library whose tensors TensorFlow cannot differentiate.
    """
    kind = type(decoder)
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
        return Call(_plain(decoder.distribution), decoder.distribution, None, dtype, kind.__name__)
    if isinstance(decoder, keras.layers.Layer) or "tf_keras" in libraries:
        return _call_of_layer(decoder)
    arguments, keywords = getattr(decoder, "structured_input_signature", None) or ((), {})
    if keywords and not arguments:
        return _call_of_signature(decoder, keywords)
    signature = getattr(decoder, "input_signature", None) or arguments
    name = getattr(decoder, "__name__", kind.__name__)
    if signature and isinstance(signature[0], tf.TensorSpec):
        return Call(_plain(decoder), decoder, *_check_specification(signature[0], name), name)
    return Call(_plain(decoder), decoder, None, None, name)


def _plain(decoder: Callable[..., Any]) -> Callable[[tf.Tensor, tf.Tensor | None], Any]:
    return lambda rows, condition: decoder(rows) if condition is None else decoder(rows, condition)


def _call_of_layer(layer: Any) -> Call:
    """Keras models and layers, in inference mode: batch normalization is fixed, dropout off."""
    inputs = getattr(layer, "inputs", None) or []
    latent_dim = inputs[0].shape[-1] if inputs and len(inputs[0].shape) > 1 else None

    def function(rows: tf.Tensor, condition: tf.Tensor | None) -> Any:
        if not layer.built and isinstance(layer, keras.Sequential):
            # By its first call it would be built for the number of rows of that call.
            layer.build((None, rows.shape[-1]))
        return layer(rows if condition is None else [rows, condition], training=False)

    return Call(
        function, layer, latent_dim, tf.as_dtype(layer.compute_dtype), f"{type(layer).__name__} {layer.name!r}"
    )


def _call_of_signature(signature: Any, keywords: dict[str, tf.TensorSpec]) -> Call:
    """A signature of a loaded SavedModel, which takes its one or two arguments by their names."""
    names = list(keywords)
    name = f"signature ({', '.join(names)})"
    if len(names) > 2:
        raise UserError(
            f"the decoder is a {name}, but latent points and a condition are two; wrap it in a function"
        )
    first = names[0] if "z" not in names else "z"
    others = [other for other in names if other != first]

    def function(rows: tf.Tensor, condition: tf.Tensor | None) -> Any:
        if len(others) != (condition is not None):
            given = "no condition" if condition is None else "a condition"
            raise UserError(f"the decoder is a {name} and got {given}; set `condition` to fit it")
        return signature(**{first: rows}, **{other: condition for other in others})

    return Call(function, signature, *_check_specification(keywords[first], name), name)


def _check_specification(specification: tf.TensorSpec, name: str) -> tuple[int | None, tf.DType]:
    """Latent dimension and dtype of a function that is traced for one shape."""
    shape = specification.shape
    if shape.rank is not None and (shape.rank < 1 or (shape[0] is not None and shape.rank == 2)):
        raise UserError(
            f"the decoder {name} is traced for latent points of shape {shape} alone; trace it for [None, d], any "
            "number of rows"
        )
    return (None if shape.rank is None else shape[-1]), specification.dtype


def _instead_of(decoder: Any) -> str:
    """What to give in place of an object that cannot be called."""
    if isinstance(decoder, (str, os.PathLike)):
        return "load the file first, by keras.models.load_model or tf.saved_model.load"
    signatures = getattr(decoder, "signatures", None)
    if signatures:
        return f"give one of its signatures, {' or '.join(f'loaded.signatures[{name!r}]' for name in signatures)}"
    return "give a Keras model, or a function from [n, d] latent points to their decoded values or distribution"
