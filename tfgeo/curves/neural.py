"""A small neural network per curve (Chen et al. 2018)."""

from __future__ import annotations

import dataclasses
import functools
import itertools

import numpy as np
import tensorflow as tf

from tfgeo.curves.curve import Curve, straight_line
from tfgeo.errors import UserError, check_count
from tfgeo.randomness import generator

__all__ = ["Neural"]

BOUNDARIES = ("additive", "paper")
# Below this |zhat(0) - zhat(1)|, in latent units, Eq. 14 divides by what float32 cannot tell from 0.
MIN_SPREAD = 1e-6
# Singular values that count in a fit, relative to the largest: smaller ones need weights that float32 cannot sum.
RELATIVE_RIDGE = 1e-5
# Standard deviation of the first layer's weights: its tanh units turn within [0, 1], around centres all over it.
INPUT_STDDEV = 3.0
# Points at which the straight line is fitted to start the paper's form.
NUM_LINE_POINTS = 33


@dataclasses.dataclass(frozen=True)
class Neural(Curve):
    """The network g of Sec. 3 of Chen et al. (2018), arXiv:1711.01204: t to zhat(t) in R^d, tanh hidden layers.

    Each curve has its own weights: parameters hold, layer by layer, the kernel `[inputs, units]` row by row and
    the bias `[units]`. The end points are met in one of two ways:

    - "additive": `z(t) = line(t) + zhat(t) - (1 - t) zhat(0) - t zhat(1)`, regular everywhere.
    - "paper": `z(t) = A zhat(t) - B` per coordinate with `A = (z0 - z1) / (zhat(0) - zhat(1))` and
      `B = (z0 zhat(1) - z1 zhat(0)) / (zhat(0) - zhat(1))`, Eq. 13-14. It is singular where zhat(0) = zhat(1),
      and a coordinate that the end points share could never move: the additive form is used for coordinates
      with z0 = z1 or with |zhat(0) - zhat(1)| of at most 1e-6.

    With all parameters zero zhat is 0, and both forms are the straight line; but there every derivative except
    the output bias's vanishes, so that solvers start from `initial_parameters`.

    Args:
      hidden_units: units of each hidden layer; Table 1 of the paper has two of 150.
      boundary: "additive" or "paper".
      seed: seed of the hidden weights that curves start from, the same for all curves.

    Raises:
      UserError: if a setting is not one of these.
    """

    hidden_units: tuple[int, ...] = (150, 150)
    boundary: str = "additive"
    seed: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "hidden_units", tuple(self.hidden_units))  # a list would not be hashable
        if not self.hidden_units:
            raise UserError("`hidden_units` is empty; give the units of at least one hidden layer")
        for units in self.hidden_units:
            check_count("hidden_units", units)
        if self.boundary not in BOUNDARIES:
            raise UserError(f"`boundary`={self.boundary!r} is not known; choose one of {', '.join(BOUNDARIES)}")

    def num_parameters(self, latent_dim: int) -> int:
        return sum((inputs + 1) * units for inputs, units in self._layer_shapes(latent_dim))

    def initial_parameters(self, start: tf.Tensor, end: tf.Tensor) -> tf.Tensor:
        """Seeded hidden weights, the same for all curves.

        "additive": zero output weights, exactly the straight line. "paper": output weights that fit zhat to the
        straight line, which is followed to 1e-3 of the distance of the ends.
        """
        t = tf.linspace(tf.constant(0.0, start.dtype), 1.0, NUM_LINE_POINTS)
        line = straight_line(start, end, t)
        return self.fit(line if self.boundary == "paper" else tf.zeros_like(line))

    def fit(self, points: tf.Tensor) -> tf.Tensor:
        """Seeded hidden weights, and output weights by least squares with a small ridge; see `Curve.fit`."""
        points = tf.convert_to_tensor(points)
        num_points = points.shape[-2]
        if num_points is None or num_points < 2:
            raise UserError(f"`points` has shape {points.shape}; give [..., S, d] with a known S of at least 2")
        targets = points
        if self.boundary == "additive":
            t = tf.linspace(tf.constant(0.0, points.dtype), 1.0, num_points)
            # The straight line itself has to give zeros: only what the line does not explain is fitted.
            targets = points - straight_line(points[..., 0, :], points[..., -1, :], t)
        output = tf.matmul(tf.constant(_build_fit_matrix(self, num_points), points.dtype), targets)
        batch = tf.shape(points)[:-2]
        hidden = np.concatenate([part.ravel() for layer in _draw_hidden(self) for part in layer])
        hidden = tf.broadcast_to(tf.constant(hidden, points.dtype), tf.concat([batch, [len(hidden)]], axis=0))
        output = tf.reshape(output, tf.concat([batch, [(self.hidden_units[-1] + 1) * points.shape[-1]]], axis=0))
        return tf.concat([hidden, output], axis=-1)

    def points(self, parameters: tf.Tensor, start: tf.Tensor, end: tf.Tensor, t: tf.Tensor) -> tf.Tensor:
        t = tf.convert_to_tensor(t, start.dtype)
        points = self._unpinned_points(parameters, start, end, t)
        # Rounding may differ between the rows of a matrix product: the ends are put in as they are.
        points = tf.where(tf.equal(t, 0.0)[:, None], start[..., None, :], points)
        return tf.where(tf.equal(t, 1.0)[:, None], end[..., None, :], points)

    def derivative(self, parameters: tf.Tensor, start: tf.Tensor, end: tf.Tensor, t: tf.Tensor) -> tf.Tensor:
        t = tf.convert_to_tensor(t, start.dtype)
        # Not of `points`, whose ends are constants to autodiff.
        with tf.autodiff.ForwardAccumulator(t, tf.ones_like(t)) as accumulator:
            points = self._unpinned_points(parameters, start, end, t)
        return accumulator.jvp(points)

    def jacobian(self, parameters: tf.Tensor, start: tf.Tensor, end: tf.Tensor, t: tf.Tensor) -> tf.Tensor:
        t = tf.convert_to_tensor(t, start.dtype)
        zhat, columns = self._network_and_jacobian(parameters, start.shape[-1], _append_ends(t))
        first, last = columns[..., -2:-1, :, :], columns[..., -1:, :, :]
        weight = t[:, None, None]
        additive = columns[..., :-2, :, :] - (1.0 - weight) * first - weight * last
        if self.boundary == "additive":
            return additive
        usable, spread = _usable_spread(zhat, start, end)
        # z = z0 + (z0 - z1) share with share = (zhat(t) - zhat(0)) / (zhat(0) - zhat(1)).
        share = ((zhat[..., :-2, :] - zhat[..., -2:-1, :]) / spread)[..., None]
        scale = ((start - end)[..., None, :] / spread)[..., None]
        paper = scale * (columns[..., :-2, :, :] - first - share * (first - last))
        return tf.where(usable[..., None], paper, additive)

    def network(self, parameters: tf.Tensor, latent_dim: int, t: tf.Tensor) -> tf.Tensor:
        """zhat(t) before the boundary correction: `[..., P]` and `[T]` to `[..., T, d]`."""
        return self._activations(parameters, latent_dim, t)[-1]

    def _unpinned_points(self, parameters: tf.Tensor, start: tf.Tensor, end: tf.Tensor, t: tf.Tensor) -> tf.Tensor:
        zhat = self.network(parameters, start.shape[-1], _append_ends(t))
        inner, first, last = zhat[..., :-2, :], zhat[..., -2:-1, :], zhat[..., -1:, :]
        weight = t[:, None]
        additive = straight_line(start, end, t) + inner - (1.0 - weight) * first - weight * last
        if self.boundary == "additive":
            return additive
        usable, spread = _usable_spread(zhat, start, end)
        # A zhat(t) - B, with B = A zhat(0) - z0 put in: z0 does not cancel.
        paper = start[..., None, :] + (start - end)[..., None, :] / spread * (inner - first)
        return tf.where(usable, paper, additive)

    def _layer_shapes(self, latent_dim: int) -> list[tuple[int, int]]:
        return list(itertools.pairwise([1, *self.hidden_units, latent_dim]))

    def _layers(self, parameters: tf.Tensor, latent_dim: int) -> list[tuple[tf.Tensor, tf.Tensor]]:
        """Kernel `[..., inputs, units]` and bias `[..., 1, units]` of each layer."""
        batch = tf.shape(parameters)[:-1]
        layers, first = [], 0
        for inputs, units in self._layer_shapes(latent_dim):
            last = first + inputs * units
            kernel = tf.reshape(parameters[..., first:last], tf.concat([batch, [inputs, units]], axis=0))
            layers.append((kernel, parameters[..., None, last : last + units]))
            first = last + units
        return layers

    def _activations(self, parameters: tf.Tensor, latent_dim: int, t: tf.Tensor) -> list[tf.Tensor]:
        """`[T, 1]` input, `[..., T, units]` of each hidden layer, and the `[..., T, d]` output."""
        *hidden, (kernel, bias) = self._layers(parameters, latent_dim)
        activations = [t[:, None]]
        for hidden_kernel, hidden_bias in hidden:
            activations.append(tf.tanh(tf.matmul(activations[-1], hidden_kernel) + hidden_bias))
        return [*activations, tf.matmul(activations[-1], kernel) + bias]

    def _network_and_jacobian(
        self, parameters: tf.Tensor, latent_dim: int, t: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """The output `[..., T, d]` and its derivative in the parameters `[..., T, d, P]`, by back-propagation.

        One backward sweep carries the derivatives of all d outputs.
        """
        *inputs, output = self._activations(parameters, latent_dim, t)
        layers = self._layers(parameters, latent_dim)
        eye = tf.eye(latent_dim, dtype=output.dtype)
        shape = tf.concat([tf.shape(output), [latent_dim]], axis=0)
        slopes = tf.broadcast_to(eye, shape)  # [..., T, d, units]: of the outputs in what the layer puts out
        columns: list[tf.Tensor] = []
        for index in reversed(range(len(layers))):
            values = tf.broadcast_to(inputs[index], tf.concat([shape[:-2], [inputs[index].shape[-1]]], axis=0))
            outer = tf.einsum("...i,...dj->...dij", values, slopes)
            flat = tf.concat([shape[:-1], [outer.shape[-2] * outer.shape[-1]]], axis=0)
            columns = [tf.reshape(outer, flat), slopes, *columns]
            if index:
                kernel = layers[index][0][..., None, :, :]
                slopes = tf.matmul(slopes, kernel, transpose_b=True) * (1.0 - tf.square(values))[..., None, :]
        return output, tf.concat(columns, axis=-1)


def _append_ends(t: tf.Tensor) -> tf.Tensor:
    return tf.concat([t, tf.constant([0.0, 1.0], t.dtype)], axis=0)


def _usable_spread(zhat: tf.Tensor, start: tf.Tensor, end: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Where Eq. 14 holds, and `zhat(0) - zhat(1)` with 1 where it does not: both `[..., 1, d]`."""
    spread = zhat[..., -2:-1, :] - zhat[..., -1:, :]
    usable = (tf.abs(spread) > MIN_SPREAD) & tf.not_equal(start, end)[..., None, :]
    return usable, tf.where(usable, spread, tf.ones_like(spread))


@functools.lru_cache(maxsize=16)
def _draw_hidden(curve: Neural) -> list[tuple[np.ndarray, np.ndarray]]:
    """Kernel and bias of each hidden layer, in float64."""
    random = generator(curve.seed, "neural_curve")
    layers: list[tuple[np.ndarray, np.ndarray]] = []
    for inputs, units in itertools.pairwise([1, *curve.hidden_units]):
        kernel = random.standard_normal([inputs, units]) / np.sqrt(inputs)
        bias = np.zeros(units)
        if not layers:
            kernel = INPUT_STDDEV * kernel
            bias = -kernel[0] * random.uniform(size=units)
        layers.append((kernel, bias))
    return layers


@functools.lru_cache(maxsize=16)
def _build_fit_matrix(curve: Neural, num_points: int) -> np.ndarray:
    """`[units + 1, S]` matrix from targets at S equal steps to output kernel and bias, in float64."""
    t = np.linspace(0.0, 1.0, num_points)[:, None]
    values = t
    for kernel, bias in _draw_hidden(curve):
        values = np.tanh(values @ kernel + bias)
    features = np.concatenate([values, np.ones_like(t)], axis=-1)
    if curve.boundary == "additive":
        features = features - (1.0 - t) * features[:1] - t * features[-1:]
    left, sizes, right = np.linalg.svd(features, full_matrices=False)
    inverse = sizes / (sizes**2 + (RELATIVE_RIDGE * sizes[0]) ** 2)
    return (right.T * inverse) @ left.T
