"""The dense layers of a decoder, so that a page can decode without Python."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from tfgeo.explorer.plane import Plane
from tfgeo.layers import MLP, ResidualMLP
from tfgeo.models import BernoulliDecoder, GaussianDecoder, PoissonDecoder

__all__ = ["DenseLayer", "dense_layers"]

# Activations that the page knows too, under the same names.
ACTIVATIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "linear": lambda x: x,
    "relu": lambda x: np.maximum(x, 0.0),
    "leaky_relu": lambda x: np.where(x > 0.0, x, 0.2 * x),
    "elu": lambda x: np.where(x > 0.0, x, np.expm1(np.minimum(x, 0.0))),
    "gelu": lambda x: 0.5 * x * (1.0 + np.tanh(np.sqrt(2.0 / np.pi) * (x + 0.044715 * x**3))),
    "silu": lambda x: x / (1.0 + np.exp(-x)),
    "sigmoid": lambda x: 1.0 / (1.0 + np.exp(-x)),
    "softplus": lambda x: np.logaddexp(x, 0.0),
    "tanh": np.tanh,
    "exponential": np.exp,
    "bounded_exponential": lambda x: np.exp(20.0 * np.tanh(x / 20.0)),
}
# Layers of a network that change nothing when they decode, or only the shape.
_PASSED = (keras.layers.InputLayer, keras.layers.Dropout, keras.layers.Flatten, keras.layers.Reshape)
# Largest deviation of what the layers give from what the decoder gives, relative to its range.
TOLERANCE = 1e-2


@dataclasses.dataclass(frozen=True, eq=False)
class DenseLayer:
    """`activation(x @ kernel + bias)`, to which x is added where the layer is residual.

    Attributes:
      kernel: `[m, D]`.
      bias: `[D]`.
      activation: one of `ACTIVATIONS`.
      residual: whether x is added.
    """

    kernel: np.ndarray
    bias: np.ndarray
    activation: str
    residual: bool = False

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """`[n, m]` to `[n, D]`, in the precision of x."""
        values = ACTIVATIONS[self.activation](x @ self.kernel.astype(x.dtype) + self.bias.astype(x.dtype))
        return values + x if self.residual else values


def dense_layers(
    decoder: Any, points: np.ndarray, decoded: np.ndarray, plane: Plane | None = None
) -> tuple[DenseLayer, ...] | None:
    """The layers that decode as `decoder` does, or None where it has others.

    Weights are rounded to half precision, then tried: only what gives `decoded` is returned.

    Args:
      decoder: a decoder of `tfgeo.models`, a `tfgeo.layers.MLP`, or a Keras model of dense layers in a row.
      points: `[n, 2]` points of the plane.
      decoded: `[n, D]` what they decode to.
      plane: where the latent space has more dimensions, the plane in it.
    """
    layers = _read(decoder)
    if not layers:
        return None
    if plane is not None:
        first = layers[0]
        if first.residual:
            return None
        bias = plane.origin @ first.kernel + first.bias
        layers = [dataclasses.replace(first, kernel=plane.directions @ first.kernel, bias=bias), *layers[1:]]
    rounded = [dataclasses.replace(layer, kernel=layer.kernel.astype(np.float16)) for layer in layers]
    if rounded[0].kernel.shape[0] != points.shape[1]:
        return None
    values = points.astype(np.float32)
    with np.errstate(all="ignore"):
        for layer in rounded:
            values = layer(values)
    if values.shape != decoded.shape:
        return None
    worst = np.abs(values - decoded).max() / max(float(np.ptp(decoded)), np.finfo(np.float32).tiny)
    return tuple(rounded) if worst <= TOLERANCE else None


def _read(decoder: Any) -> list[DenseLayer] | None:
    """Layers in single precision; None where there is one that no page knows."""
    if isinstance(decoder, GaussianDecoder):
        return _read(decoder.mean_network)
    if isinstance(decoder, BernoulliDecoder):
        return _with_last(_read(decoder.logits_network), "sigmoid")
    if isinstance(decoder, PoissonDecoder):
        return _with_last(_read(decoder.network), "bounded_exponential")
    if isinstance(decoder, MLP):
        count = len(decoder.hidden_units)
        inner = range(1, count) if isinstance(decoder, ResidualMLP) else ()
        return _join(_dense(layer, index in inner) for index, layer in enumerate(decoder.dense_layers))
    if isinstance(decoder, keras.Sequential):
        rows = [layer for layer in decoder.layers if not isinstance(layer, _PASSED)]
        return _join(_dense(layer, False) for layer in rows)
    return None


def _dense(layer: Any, residual: bool) -> list[DenseLayer] | None:
    if isinstance(layer, (MLP, keras.Sequential)):
        return None if residual else _read(layer)
    if not isinstance(layer, keras.layers.Dense):
        return None
    activation = keras.activations.serialize(layer.activation)
    if activation not in ACTIVATIONS:
        return None
    kernel = np.asarray(layer.kernel, np.float32)
    bias = np.asarray(layer.bias, np.float32) if layer.use_bias else np.zeros(kernel.shape[1], np.float32)
    return [DenseLayer(kernel, bias, activation, residual)]


def _join(parts: Any) -> list[DenseLayer] | None:
    layers: list[DenseLayer] = []
    for part in parts:
        if part is None:
            return None
        layers += part
    return layers


def _with_last(layers: Sequence[DenseLayer] | None, activation: str) -> list[DenseLayer] | None:
    """A distribution's own map after the last layer, which is linear."""
    if not layers or layers[-1].activation != "linear":
        return None
    return [*layers[:-1], dataclasses.replace(layers[-1], activation=activation)]
