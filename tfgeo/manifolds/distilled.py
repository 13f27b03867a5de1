"""A small network in place of a costly decoder, for bulk geodesics in any number of dimensions."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfgeo.errors import UserError, check_count, check_positive
from tfgeo.manifolds.calculus.arrays import as_array
from tfgeo.manifolds.calculus.points import as_points
from tfgeo.manifolds.decoders.decoder import Decoder
from tfgeo.manifolds.distillation import (
    LEAST_SPREAD,
    NUM_TRAINING_POINTS,
    draw_samples,
    find_projection,
    push,
    small_network,
    train,
)
from tfgeo.manifolds.manifold import Manifold, check_points
from tfgeo.manifolds.pullback import Pullback, differences
from tfgeo.manifolds.tanh_network import TanhNetwork
from tfgeo.randomness import derive_integer, draw_pairs, generator

__all__ = ["Distilled"]

# Lines between latents whose lengths are compared, points of each, and how many are decoded at once.
NUM_LINES, LINE_POINTS, LINES_AT_ONCE = 512, 21, 64
# Points at which tangent vectors and metric tensors are compared.
NUM_POINTS = 512
# Latents below which they do not show where curves will lead: for each dimension, and in all.
MIN_LATENTS_PER_DIM, MIN_LATENTS = 5, 20
# Latents are held out once in so many, but at least a few.
HELD_OUT_EVERY, MIN_HELD_OUT = 10, 5
# What rounding may add to a distance from the centre of the latents, by which it is told what is inside.
MARGIN = 1e-3


class Distilled(Pullback):
    """The metric of a pull-back manifold by a small network, for any number of latent dimensions.

    The network f~: R^d -> R^m is trained so that its differences have the lengths of those of the embedding f that
    `manifold` pulls back: on values f(z) and Jacobian-vector products J(z) v at points of curves between the
    latents, as scores of the principal components of J v. Curves of a decoder of any kind and cost then cost what
    those of two layers of about a hundred units do. It is a manifold as any other: alone for bulk distances, by
    its geodesics as `warm_start` of exact ones, or as the approximation of `Preconditioned`.

    How far it is off is measured when it is made, between latents that it has not seen; `describe` says it.

    Args:
      manifold: whose metric comes from an embedding: `Pullback`, `ExpectedPullback`, or another subclass.
      latents: `[n, d]` between which curves will be asked for, such as the encoded data; at least 5 d and 20
        different ones. A tenth of them, drawn at random, is held out to measure the error.
      num_steps: of the training, each of 512 points.
      hidden_units: widths of the tanh layers.
      share: of the squared lengths of J v that the principal components hold, as far as `max_features` goes.
      max_features: m, at most.
      num_samples: points at which the decoder is pushed forward.
      max_length_error: largest 99th percentile of relative errors of the lengths of lines between latents.
      seed: of samples, first weights and batches.
      dtype: of the network, whose precision the metric has; points may be of another one.
      progress: whether to show progress bars.

    Attributes:
      share: of the squared lengths of J v that the principal components hold.
      num_features: m.
      length_error: relative error of the lengths of lines between held-out latents, of 20 segments each: median and
        99th percentile.
      norm_error: of the lengths of tangent vectors at points of curves between held-out latents, likewise.
      metric_error: of metric tensors at held-out latents, in the Frobenius norm, likewise.

    Raises:
      UserError: if `manifold` has no embedding, latents are too few, not finite or all alike, or the error stays
        above `max_length_error`; says what was reached.
    """

    def __init__(
        self,
        manifold: Manifold,
        latents: Any,
        *,
        num_steps: int = 2000,
        hidden_units: Sequence[int] = (96, 128),
        share: float = 0.97,
        max_features: int = 128,
        num_samples: int = NUM_TRAINING_POINTS,
        max_length_error: float = 0.05,
        seed: int = 0,
        dtype: tf.DType = tf.float32,
        progress: bool = False,
    ) -> None:
        if not isinstance(manifold, Pullback) or manifold.has_potential:
            raise UserError(
                f"{type(manifold).__name__} does not come from an embedding alone, whose differences a network "
                "could have; give a Pullback or an ExpectedPullback, or use the manifold itself"
            )
        self.manifold = manifold
        self.max_length_error = check_positive("max_length_error", max_length_error)
        self._num_samples = check_count("num_samples", num_samples)
        share, max_features = _check_share(share), check_count("max_features", max_features)
        num_steps = check_count("num_steps", num_steps)
        self._units = _check_units(hidden_units)
        self._dtype = _check_dtype(dtype)
        self._latents, self._held_out = _split(latents, seed)
        self._seed, self._round = seed, 0
        self._projection = find_projection(manifold, self._latents, share, max_features, seed)
        self.share, self.num_features = self._projection.share, self._projection.components.shape[1]
        self.network = self._new_network()
        super().__init__(self.network)
        self._fit(num_steps, progress)

    def __getstate__(self) -> dict[str, Any]:
        # Of the network its weights: what Keras keeps of it loses its precision.
        state = self.__dict__ | {"network": self.network.get_weights()}
        del state["decoder"]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.network = self._new_network()
        self.network.set_weights(state["network"])
        self.decoder = Decoder.of(self.network)

    def __repr__(self) -> str:
        return f"Distilled({self.manifold!r}, {self.num_features} features)"

    def describe(self) -> str:
        """One line: what stands for what, and its measured errors."""
        errors = (
            f"{name} {median:.1%} in the median, {high:.1%} at the 99th percentile"
            for name, (median, high) in (
                ("of lengths of lines between them", self.length_error),
                ("of tangent vectors", self.norm_error),
                ("of metric tensors", self.metric_error),
            )
        )
        return (
            f"a network of {self.num_features} outputs for {self.manifold!r}: relative errors at latents not seen, "
            f"{'; '.join(errors)}"
        )

    def refine(self, num_steps: int = 2000, progress: bool = False) -> Distilled:
        """The same after further training, on new samples: a new `Distilled`; this one stays as it is.

        Raises:
          UserError: as when it was made.
        """
        other = copy.copy(self)  # with a network of its own
        other._round += 1
        other._fit(check_count("num_steps", num_steps), progress)
        return other

    def given(self, condition: Any) -> Manifold:
        raise UserError(
            "a Distilled is of the condition that its manifold had; distil `manifold.given(condition)` for another"
        )

    def jacobian_products(self, z: tf.Tensor) -> tf.Tensor:
        z = as_points(z)
        count, latent_dim = z.shape[1:]
        rows = self._in_closed_form().jacobian(self._as_input(z))
        rows = tf.reshape(rows, [-1, count * latent_dim, self.num_features])
        return tf.cast(tf.matmul(rows, rows, transpose_b=True), z.dtype)

    def omitted_curvature(
        self, points: tf.Tensor, slopes: tf.Tensor | None, step: tf.Tensor | None = None
    ) -> tf.Tensor:
        del slopes, step  # of differences, of which these are none
        points = check_points(points)
        count, latent_dim = points.shape[1:]
        steps = differences(differences(self.embedding(points)))
        forces = -2.0 * self.energy_scale(count) * tf.reshape(steps, [-1, self.num_features])
        inner = self._as_input(points[:, 1:-1])
        blocks = self._in_closed_form().second_derivative(inner, tf.cast(forces, inner.dtype))
        shape = [tf.shape(points)[0], count - 2, latent_dim, latent_dim]
        return tf.cast(tf.reshape(blocks, shape), points.dtype)

    def contains(self, z: tf.Tensor) -> tf.Tensor:
        """Whether `z` is no farther out than latents and points that were trained on: `[..., d]` to `[...]` bool.

        From their centre, in deviations of the latents along their principal axes.
        """
        z = as_points(z)
        places = tf.tensordot(z - tf.constant(self._centre, z.dtype), tf.constant(self._whiten, z.dtype), 1)
        return tf.norm(places, axis=-1) <= tf.constant(self._radius, z.dtype)

    def _in_closed_form(self) -> TanhNetwork:
        return TanhNetwork(self.network)

    def _as_input(self, z: tf.Tensor) -> tf.Tensor:
        """`[..., d]` to rows `[n, d]` of the network's precision."""
        return tf.cast(tf.reshape(z, [-1, z.shape[-1]]), self._dtype)

    def _new_network(self) -> keras.Sequential:
        return small_network(self._latents, self._units, self.num_features, self._dtype, self._seed)

    def _fit(self, num_steps: int, progress: bool) -> None:
        """Trains the network, and measures it."""
        seed = derive_integer(self._seed, "distillation", "round", self._round)
        points = train(
            self.network,
            self.manifold,
            self._projection,
            self._latents,
            self._num_samples,
            num_steps,
            seed,
            progress,
        )
        self._centre = self._latents.mean(axis=0)
        variances, axes = np.linalg.eigh(np.cov(self._latents, rowvar=False).reshape(len(self._centre), -1))
        self._whiten = axes / np.sqrt(np.maximum(variances, LEAST_SPREAD**2 * variances[-1]))
        seen = np.concatenate([points, self._latents, self._held_out])
        self._radius = (1.0 + MARGIN) * np.linalg.norm((seen - self._centre) @ self._whiten, axis=1).max()
        lengths, exact = (_line_lengths(manifold, self._held_out, seed) for manifold in (self, self.manifold))
        self.length_error = _relative(np.abs(lengths - exact), exact)
        z, v = draw_samples(self._held_out, NUM_POINTS, seed, "held out")
        lengths, exact = (_pushed_lengths(manifold, z, v) for manifold in (self, self.manifold))
        self.norm_error = _relative(np.abs(lengths - exact), exact)
        self.metric_error = _metric_errors(self, self.manifold, self._held_out[:NUM_POINTS])
        if not self.length_error[1] <= self.max_length_error:
            raise UserError(
                f"{self.describe()}; the 99th percentile of lengths is above max_length_error="
                f"{self.max_length_error:g}: give more num_steps, wider hidden_units or more max_features, allow "
                "more, or use the manifold itself"
            )


def _split(latents: Any, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Latents to train on and those held out, `[n, d]` float32 each, none of them twice."""
    latents = as_array(latents, "`latents`", "[n, d]")
    with np.errstate(over="ignore"):
        latents = latents.astype(np.float32)
    if latents.ndim != 2 or not latents.size or not np.isfinite(latents).all():
        raise UserError(
            f"`latents` {latents.shape} must be [n, d] and finite in float32; give those that curves will connect"
        )
    num, latents = len(latents), np.unique(latents, axis=0)
    least = max(MIN_LATENTS_PER_DIM * latents.shape[1], MIN_LATENTS)
    if len(latents) < least:
        raise UserError(
            f"{num} latents of {latents.shape[1]} dimensions, {len(latents)} of them different, do not show where "
            f"curves will lead; give at least {least}, or use the manifold itself"
        )
    order = generator(seed, "distillation", "held out").permutation(len(latents))
    num_held_out = max(len(latents) // HELD_OUT_EVERY, MIN_HELD_OUT)
    return latents[order[num_held_out:]], latents[order[:num_held_out]]


def _check_units(hidden_units: Any) -> tuple[int, ...]:
    if not isinstance(hidden_units, Sequence) or isinstance(hidden_units, str) or not hidden_units:
        raise UserError(f"`hidden_units` must be the widths of layers, such as (96, 128), but is {hidden_units!r}")
    return tuple(check_count("hidden_units", width) for width in hidden_units)


def _check_dtype(dtype: Any) -> str:
    if tf.as_dtype(dtype) not in (tf.float32, tf.float64):
        raise UserError(f"`dtype` is {dtype!r}, in which no network learns lengths; give tf.float32 or tf.float64")
    return tf.as_dtype(dtype).name


def _check_share(share: float) -> float:
    if not check_positive("share", share) <= 1.0:
        raise UserError(f"`share` must be in (0, 1], but is {share!r}; change it")
    return float(share)


def _line_lengths(manifold: Pullback, latents: np.ndarray, seed: int) -> np.ndarray:
    """Lengths `[n]` of lines between pairs of latents."""
    rng = generator(seed, "distillation", "lines")
    first, second = draw_pairs(rng, len(latents), NUM_LINES)
    lines = np.linspace(latents[first], latents[second], LINE_POINTS, axis=1).astype(np.float32)
    length = tf.function(manifold.length, autograph=False)
    return np.concatenate(
        [length(tf.constant(block)).numpy() for block in np.split(lines, NUM_LINES // LINES_AT_ONCE)]
    )


def _pushed_lengths(manifold: Pullback, z: np.ndarray, v: np.ndarray) -> np.ndarray:
    return np.concatenate([np.linalg.norm(pushed, axis=1) for _, pushed in push(manifold, z, v)])


def _metric_errors(ours: Manifold, exact: Manifold, z: np.ndarray) -> tuple[float, float]:
    """Median and 99th percentile of relative errors of metric tensors in the Frobenius norm."""
    tensors, expected = (
        np.concatenate([manifold.metric_tensor(tf.constant(z[i : i + 64])).numpy() for i in range(0, len(z), 64)])
        for manifold in (ours, exact)
    )
    return _relative(np.linalg.norm(tensors - expected, axis=(1, 2)), np.linalg.norm(expected, axis=(1, 2)))


def _relative(errors: np.ndarray, sizes: np.ndarray) -> tuple[float, float]:
    """Median and 99th percentile of `errors / sizes`; 0 where both are, NaN where an error is."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.where(errors == 0.0, 0.0, errors / sizes)
    return float(np.median(ratios)), float(np.quantile(ratios, 0.99))
