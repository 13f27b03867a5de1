"""Training a small network whose differences have the lengths of those of a costly embedding."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

import keras
import numpy as np
import tensorflow as tf
from sklearn.utils.extmath import randomized_svd
from tqdm import tqdm

from tfgeo.errors import UserError
from tfgeo.manifolds.calculus.jacobian import pushforward
from tfgeo.randomness import derive_integer, draw_pairs, generator

__all__ = ["Embedded", "Projection", "draw_samples", "find_projection", "push", "small_network", "train"]


class Embedded(Protocol):
    """A manifold whose energies are differences of embedded points."""

    def embedding(self, z: tf.Tensor) -> tf.Tensor: ...

    def peak_floats_per_point(self, latent_dim: int, dtype: tf.DType) -> int: ...


# Points that are decoded together; those by which the principal components are found, whose pushed vectors are held
# as they are; and, by default, those of the training, of which scores are.
BLOCK_SIZE, NUM_PILOTS, NUM_TRAINING_POINTS = 1024, 4096, 32768
# Numbers that a block makes on its way at most, or pushed vectors hold, 400 MB in float32; least points of a block.
MOST_FLOATS, MIN_BLOCK_SIZE = 100_000_000, 8

# How far curves between two latents leave the line, as a share of its length, and points around it in deviations.
BOW, JITTER = 0.25, 0.1
# Deviation of a coordinate, at least, as a share of that of another.
LEAST_SPREAD = 0.1
# How far directions are turned from that of the line.
TURN = 0.3

BATCH_SIZE, WARMUP_STEPS, STEPS_PER_CALL = 512, 50, 50
# Measured for decoders of d = 10, over three seeds: two thousand steps of it end where three thousand of 2e-2 do,
# and at 4e-2 lengths are worse by a tenth.
LEARNING_RATE = 3e-2
# What errors of pushed vectors are relative to is their own length, but no less than this share of the mean one.
FLOOR = 0.3
# Weights of the errors of lengths and of values beside that of pushed vectors.
LENGTH_WEIGHT, VALUE_WEIGHT = 5.0, 0.05
TINY = 1e-12


class Projection(NamedTuple):
    """Principal components of an embedding's pushed vectors.

    Attributes:
      mean: `[M]` embedded points are measured from it.
      components: `[M, m]`, orthonormal columns.
      share: of the squared lengths of pushed vectors that the components hold.
    """

    mean: np.ndarray
    components: np.ndarray
    share: float


class Samples(NamedTuple):
    """Points of curves between latents, and what an embedding makes of them.

    Attributes:
      z: `[n, d]` points.
      v: `[n, d]` unit vectors.
      scores: `[n, m]` scores of the embedded points.
      pushed: `[n, m]` scores of the pushed vectors J v.
      lengths: `[n]` lengths of the pushed vectors, of which the scores are a part.
    """

    z: np.ndarray
    v: np.ndarray
    scores: np.ndarray
    pushed: np.ndarray
    lengths: np.ndarray


def spread_of(latents: np.ndarray) -> np.ndarray:
    """Standard deviation `[d]` of latents `[n, d]`; curves may also leave a plane in which all of them lie."""
    spread = latents.std(axis=0, dtype=np.float64)
    return np.maximum(spread, LEAST_SPREAD * spread.max())


def draw_samples(latents: np.ndarray, num: int, seed: int, purpose: str) -> tuple[np.ndarray, np.ndarray]:
    """Points near curves between pairs of latents `[n, d]`, all different, and unit vectors near their directions.

    Returns:
      `[num, d]` float32 each.
    """
    rng = generator(seed, "distillation", purpose)
    start, end = (latents[rows].astype(np.float64) for rows in draw_pairs(rng, len(latents), num))
    t = rng.uniform(size=(num, 1))
    line = end - start
    spread = spread_of(latents)
    size = np.linalg.norm(line, axis=1, keepdims=True)
    # Of the latents' shape, of length 1 in the mean square.
    jitter, turn, bow = rng.normal(size=(3, *line.shape)) * spread / np.linalg.norm(spread)
    z = start + t * line + JITTER * np.linalg.norm(spread) * jitter + 4.0 * t * (1.0 - t) * BOW * size * bow
    v = line + TURN * size * turn
    return z.astype(np.float32), (v / np.linalg.norm(v, axis=1, keepdims=True)).astype(np.float32)


def push(
    manifold: Embedded, z: np.ndarray, v: np.ndarray, bar: tqdm | None = None
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Embedded points and pushed vectors J v, `[n, M]` each, for points and vectors `[n, d]`, in blocks of them.

    Raises:
      UserError: if one of them is not finite; names the latent point.
    """
    # A partial of its own: TensorFlow warns of many tracings of one function, even for different manifolds.
    push_block = tf.function(functools.partial(_push_block, manifold), autograph=False)
    # Convolutional decoders make hundreds of times the numbers that they return.
    size = MOST_FLOATS // manifold.peak_floats_per_point(z.shape[1], tf.as_dtype(z.dtype))
    size = min(max(size, MIN_BLOCK_SIZE), BLOCK_SIZE)
    for first in range(0, len(z), size):
        rows = slice(first, first + size)
        values, pushed = (part.numpy() for part in push_block(tf.constant(z[rows]), tf.constant(v[rows])))
        finite = np.isfinite(values).all(axis=1) & np.isfinite(pushed).all(axis=1)
        if not finite.all():
            raise UserError(
                f"the decoder or its derivative is not finite at z = {z[rows][np.argmin(finite)].tolist()}, near a "
                "line between latents; leave out those around there, or use the manifold itself"
            )
        yield values, pushed
        if bar is not None:
            bar.update(len(values))


def _push_block(manifold: Embedded, z: tf.Tensor, v: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    values, (pushed,) = pushforward(manifold.embedding, z, [v])
    return values, pushed


def find_projection(
    manifold: Embedded, latents: np.ndarray, share: float, max_features: int, seed: int
) -> Projection:
    """The components that hold `share` of the squared lengths of pushed vectors, or the first `max_features`."""
    z, v = draw_samples(latents, NUM_PILOTS, seed, "pilots")
    blocks, num_floats = [], 0
    mean = np.zeros([], np.float64)
    for values, pushed in push(manifold, z, v):
        mean = mean + values.sum(axis=0, dtype=np.float64)
        blocks.append(pushed)
        num_floats += pushed.size
        if num_floats >= MOST_FLOATS:  # of a wide embedding fewer vectors do
            break
    pushed = np.concatenate(blocks)
    num = min(max_features, *pushed.shape)
    _, singular_values, rows = randomized_svd(pushed, num, random_state=derive_integer(seed, "distillation", "svd"))
    # Of a decoder that stands still everything is held.
    shares = np.cumsum(singular_values**2) / max(float(np.sum(pushed**2, dtype=np.float64)), TINY)
    num = min(int(np.searchsorted(shares, share)) + 1, num)
    return Projection((mean / len(pushed)).astype(np.float32), rows[:num].T, float(shares[num - 1]))


def small_network(
    latents: np.ndarray, hidden_units: Sequence[int], num_outputs: int, dtype: str, seed: int
) -> keras.Sequential:
    """A network `[n, d]` to `[n, m]` of tanh layers that has not been trained, for latents of any scale."""
    widths = [latents.shape[1], *hidden_units, num_outputs]
    layers = [
        keras.layers.Dense(
            width,
            activation=None if index == len(widths) - 2 else "tanh",
            kernel_initializer=_normal(before**-0.5, seed, index, "kernel"),
            bias_initializer=_normal(0.3, seed, index, "bias"),
            dtype=dtype,
        )
        for index, (before, width) in enumerate(itertools.pairwise(widths))
    ]
    standardize = keras.layers.Normalization(
        mean=latents.mean(axis=0), variance=spread_of(latents) ** 2, dtype=dtype
    )
    network = keras.Sequential(
        [keras.Input([latents.shape[1]], dtype=dtype), standardize, *layers], name="distilled"
    )
    # It takes no dtype, and would round what it is given to the default one.
    network.dtype_policy = keras.DTypePolicy(dtype)
    return network


def train(
    network: keras.Sequential,
    manifold: Embedded,
    projection: Projection,
    latents: np.ndarray,
    num_samples: int,
    num_steps: int,
    seed: int,
    progress: bool = False,
) -> np.ndarray:
    """Fits a `small_network` to scores and pushed vectors of an embedding, in place, from where it is.

    Adam on the mean over vectors of `(|e|^2 + 5 (|J v| - |J~ v|)^2) / |J v|^2`, with e the errors of the scores of
    J v, and on a small share of the errors of the scores of values, of which lengths show the differences alone.
    What the scores leave out makes lengths too short; the last layer is scaled by the median of that.

    Returns:
      `[num_samples, d]` the points that it was trained on.
    """
    with tqdm(total=num_samples, desc="distillation: decoding", unit="point", disable=not progress) as bar:
        z, v = draw_samples(latents, num_samples, seed, "training")
        samples = _scores(projection, z, v, push(manifold, z, v, bar))
    standardize, *layers = network.layers
    unit = float(np.sqrt(np.mean(samples.lengths**2)))
    if unit == 0.0:  # the decoder stands still
        _scale(layers[-1], 0.0)
        return z
    _scale(layers[-1], 1.0 / unit)
    dtype = network.compute_dtype
    data = Samples(*(tf.constant(part, dtype) for part in (
        standardize(tf.cast(z, dtype)), v / np.sqrt(standardize.variance), samples.scores / unit,
        samples.pushed / unit, samples.lengths / unit)))  # fmt: skip
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0, max(num_steps - WARMUP_STEPS, 1), warmup_target=LEARNING_RATE, warmup_steps=WARMUP_STEPS
    )
    optimizer = keras.optimizers.Adam(schedule, beta_2=0.99)
    optimizer.build(network.trainable_variables)

    @tf.function(autograph=False, jit_compile=True)
    def take_steps(rows: tf.Tensor) -> tf.Tensor:
        def take_one(step: tf.Tensor, _: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            with tf.GradientTape() as tape:
                loss = _loss(layers, Samples(*(tf.gather(part, rows[step]) for part in data)))
            variables = network.trainable_variables
            optimizer.apply(tape.gradient(loss, variables), variables)
            return step + 1, loss

        state = tf.constant(0), tf.zeros([], dtype)
        return tf.while_loop(lambda step, _: step < rows.shape[0], take_one, state, parallel_iterations=1)[1]

    rng = generator(seed, "distillation", "batches")
    size = min(BATCH_SIZE, num_samples)
    with tqdm(total=num_steps, desc="distillation: training", unit="step", disable=not progress) as bar:
        for first in range(0, num_steps, STEPS_PER_CALL):
            count = min(STEPS_PER_CALL, num_steps - first)
            loss = take_steps(tf.constant(rng.integers(num_samples, size=[count, size], dtype=np.int32)))
            bar.update(count)
            bar.set_postfix_str(f"loss {float(loss):.3g}")
    if not np.isfinite(loss):
        raise UserError(
            f"the training of a network for the decoder ran away (its loss is {float(loss)}); give another `seed`, "
            "or use the manifold itself"
        )
    _, pushed = _push_through(layers, data.z, data.v)
    lengths = tf.norm(pushed, axis=-1).numpy()
    moves = lengths > 0.0
    ratio = np.median(np.asarray(data.lengths)[moves] / lengths[moves]) if moves.any() else 1.0
    _scale(layers[-1], unit * float(ratio))
    return z


def _scores(
    projection: Projection, z: np.ndarray, v: np.ndarray, blocks: Iterator[tuple[np.ndarray, np.ndarray]]
) -> Samples:
    parts = [
        (
            (values - projection.mean) @ projection.components,
            pushed @ projection.components,
            np.linalg.norm(pushed, axis=1),
        )
        for values, pushed in blocks
    ]
    return Samples(z, v, *(np.concatenate(part) for part in zip(*parts, strict=True)))


def _loss(layers: Sequence[keras.layers.Dense], samples: Samples) -> tf.Tensor:
    values, pushed = _push_through(layers, samples.z, samples.v)
    # The derivative of a norm is infinite at 0.
    lengths = tf.sqrt(tf.reduce_sum(tf.square(pushed), axis=-1) + TINY)
    errors = tf.reduce_sum(tf.square(pushed - samples.pushed), axis=-1)
    errors += LENGTH_WEIGHT * tf.square(lengths - samples.lengths)
    relative = errors / (tf.square(samples.lengths) + FLOOR**2)
    return tf.reduce_mean(relative + VALUE_WEIGHT * tf.reduce_sum(tf.square(values - samples.scores), axis=-1))


def _push_through(layers: Sequence[keras.layers.Dense], z: tf.Tensor, v: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Values `[n, m]` and pushed vectors `[n, m]` of tanh layers, the last of them linear."""
    for layer in layers[:-1]:
        z = layer(z)
        v = (1.0 - tf.square(z)) * tf.matmul(v, layer.kernel)
    return layers[-1](z), tf.matmul(v, layers[-1].kernel)


def _scale(layer: keras.layers.Dense, factor: float) -> None:
    layer.kernel.assign(factor * layer.kernel)
    layer.bias.assign(factor * layer.bias)


def _normal(stddev: float, seed: int, *purpose: str | int) -> keras.initializers.Initializer:
    return keras.initializers.RandomNormal(stddev=stddev, seed=derive_integer(seed, "distillation", *purpose))
