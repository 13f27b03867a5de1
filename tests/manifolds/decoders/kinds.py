"""Decoders of every kind that users bring, each with what it decodes to by a call of the decoder itself."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tests.cases import SmallDecoder, gaussian_fisher_distance

tfd, tfb = tfp.distributions, tfp.bijectors

LATENT_DIM, DATA_DIM = 2, 12


class Kind(NamedTuple):
    """One kind of decoder.

    Attributes:
      make: makes the decoder.
      outputs: what the user says that it returns.
      condition: what a conditional one is conditioned on.
      moments: the decoder and rows `[n, d]` to mean and standard deviation `[n, ...]`, as users compute
        them; None in place of what it does not have.
      fisher: mean and standard deviation `[T, D]` in float64 to the squared Fisher-Rao distances of neighbours
        `[T - 1]`, in closed form; None where the Fisher information is not known.
      rounding: relative error of lengths and derivatives that the decoder's own precision makes, 0 from float32 on.
    """

    make: Callable[[], Any]
    outputs: Any = None
    condition: Any = None
    moments: Callable[[Any, np.ndarray], tuple] = lambda decoder, rows: (np.asarray(decoder(rows)), None)
    fisher: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None
    rounding: float = 0.0


def squares(values):
    """Squared differences of neighbours `[T, D]`, summed: `[T - 1]`."""
    return np.sum(np.diff(values, axis=0) ** 2, axis=-1)


def normal(mean, stddev):
    """Distances in the half-plane of each output."""
    first, second = (np.stack([mean[rows], stddev[rows]], axis=-1) for rows in (slice(None, -1), slice(1, None)))
    return np.sum(gaussian_fisher_distance(first, second) ** 2, axis=-1)


def normal_of_constant_stddev(mean, stddev):
    return squares(mean / stddev)


def bernoulli(mean, stddev):
    return squares(2.0 * np.arcsin(np.sqrt(mean)))


def roots(mean, stddev):
    """Poisson rates and probabilities of classes."""
    return squares(2.0 * np.sqrt(mean))


def joint(mean, stddev):
    half = mean.shape[-1] // 2
    return squares(mean[:, :half] / stddev[:, :half]) + bernoulli(mean[:, half:], None)


def weights(*shape, seed=0, dtype=tf.float32):
    return tf.constant(np.random.default_rng(seed).normal(size=shape) * 0.7, dtype)


def hidden(z, seed=0):
    """`[n, 2]` to `[n, 12]`, smooth."""
    return tf.tanh(z @ weights(2, DATA_DIM, seed=seed, dtype=z.dtype) + 0.3)


def layers(*units, activation="tanh", last=None):
    return [keras.layers.Dense(size, activation) for size in units] + [keras.layers.Dense(DATA_DIM, last)]


def functional(*heads):
    z = keras.Input([LATENT_DIM])
    middle = keras.layers.Dense(8, "tanh")(z)
    made = [keras.layers.Dense(DATA_DIM, activation)(middle) for activation in heads]
    return keras.Model(z, made if len(made) > 1 else made[0])


def dictionary():
    z = keras.Input([LATENT_DIM])
    middle = keras.layers.Dense(8, "tanh")(z)
    return keras.Model(
        z,
        {
            "centre": keras.layers.Dense(DATA_DIM)(middle),
            "spread": keras.layers.Dense(DATA_DIM, "softplus")(middle),
        },
    )


class Subclassed(keras.Model):
    """A model whose layers behave in another way in training."""

    def __init__(self):
        super().__init__()
        self.first, self.drop = keras.layers.Dense(8, "tanh"), keras.layers.Dropout(0.5)
        self.norm, self.last = keras.layers.BatchNormalization(), keras.layers.Dense(DATA_DIM)

    def call(self, z, training=None):
        return self.last(self.drop(self.norm(self.first(z), training=training), training=training))


def normalized():
    model = keras.Sequential(
        [keras.Input([LATENT_DIM]), keras.layers.Dense(8, "tanh"), keras.layers.BatchNormalization()]
    )
    model.add(keras.layers.Dense(DATA_DIM))
    # Statistics that are not those of the rows that it is given.
    model.layers[1].moving_mean.assign(np.linspace(-0.5, 0.5, 8))
    model.layers[1].moving_variance.assign(np.linspace(0.5, 2.0, 8))
    return model


def convolutional(bilinear=False):
    """With transposed convolution, or one after enlarging."""
    middle = [keras.layers.UpSampling2D(2, interpolation="bilinear")] if bilinear else []
    strides = 1 if bilinear else 2
    return keras.Sequential(
        [
            keras.Input([LATENT_DIM]),
            keras.layers.Dense(3 * 3 * 2, "tanh"),
            keras.layers.Reshape([3, 3, 2]),
            *middle,
            keras.layers.Conv2DTranspose(2, 3, strides, padding="same", activation="tanh"),
            keras.layers.Conv2D(1, 3, padding="same"),
        ]
    )


def conditional():
    z, c = keras.Input([LATENT_DIM]), keras.Input([3])
    middle = keras.layers.Dense(8, "tanh")(keras.layers.Concatenate()([z, c]))
    return keras.Model([z, c], keras.layers.Dense(DATA_DIM)(middle))


CONDITION = np.array([0.2, -0.4, 0.9], np.float32)


# What is loaded owns the variables of its signatures.
LOADED = []


def saved_signature():
    """A signature of a SavedModel, as it is loaded from a folder."""
    module = tf.Module()
    module.kernel = tf.Variable(weights(2, DATA_DIM))

    @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.float32, name="z")])
    def decode(z):
        return {"decoded": tf.tanh(z @ module.kernel)}

    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(module, folder, {"decode": decode})
        LOADED.append(tf.saved_model.load(folder))
    return LOADED[-1].signatures["decode"]


def exported_model():
    """What Keras exports of a model for serving."""
    model = keras.Sequential([keras.Input([LATENT_DIM]), *layers(8)])
    with tempfile.TemporaryDirectory() as folder:
        model.export(folder, verbose=False)
        LOADED.append(tf.saved_model.load(folder))
    return LOADED[-1].serve


def traced():
    kernel = weights(2, DATA_DIM)
    return tf.function(lambda z: tf.tanh(z @ kernel), input_signature=[tf.TensorSpec([None, 2], tf.float32)])


def of_network(model, *parts):
    """Moments from the outputs of a model with several, by a function of them each."""
    return lambda decoder, rows: tuple(part(decoder(rows)) for part in parts)


def of_distribution(decoder, rows):
    """As TFP gives them."""
    distribution = decoder(tf.constant(rows))
    return np.asarray(distribution.mean()), np.asarray(distribution.stddev())


def of_mean(decoder, rows):
    return np.asarray(decoder(tf.constant(rows)).mean()), None


def of_nothing(decoder, rows):
    return None, None


def of_bernoulli(decoder, rows):
    p = 1.0 / (1.0 + np.exp(-np.asarray(decoder(rows), np.float64)))
    return p, np.sqrt(p * (1.0 - p))


def of_probs(decoder, rows):
    p = np.asarray(decoder(rows), np.float64)
    return p, np.sqrt(p * (1.0 - p))


def of_joint(decoder, rows):
    distribution = decoder(tf.constant(rows))
    moments = (distribution.mean(), distribution.stddev())
    return tuple(np.concatenate([part["a"], part["b"]], axis=-1) for part in moments)


def image(values):
    return tf.reshape(values, tf.concat([tf.shape(values)[:-1], [4, 3, 1]], axis=0))


def flat_of_unknown_width(z):
    return tf.reshape(image(hidden(z)), tf.concat([tf.shape(z)[:-1], [-1]], axis=0))


def mixture(z):
    weight, place = (tf.reshape(hidden(z, seed), [-1, 4, 3]) for seed in (0, 1))
    return tfd.MixtureSameFamily(tfd.Categorical(logits=weight), tfd.Normal(place, 1.0))


def saturated(z):
    """One pixel is always off, one always on."""
    logits = hidden(z)
    return tfd.Bernoulli(logits=tf.concat([logits, 0.0 * logits[:, :1] - 110.0, 0.0 * logits[:, :1] + 110.0], -1))


def continuous_bernoulli_moments(decoder, rows):
    distribution = decoder(tf.constant(rows, tf.float64))
    return np.asarray(distribution.mean()), np.sqrt(np.asarray(distribution.variance()))


def half_precision():
    """A model that computes in float16 with weights in float32."""
    policy = "mixed_float16"
    return keras.Sequential(
        [
            keras.Input([LATENT_DIM]),
            keras.layers.Dense(8, "tanh", dtype=policy),
            keras.layers.Dense(DATA_DIM, dtype=policy),
        ]
    )


def of_dense_layers(decoder, rows):
    """What two dense layers are in float64, from their weights."""
    first, offset, second, last = (np.asarray(weight, np.float64) for weight in decoder.get_weights())
    return np.tanh(rows @ first + offset) @ second + last, None


def bijector():
    """A flow that bends and mixes both coordinates."""
    return tfb.Chain([tfb.Softplus(), tfb.ScaleMatvecTriL([[1.0, 0.0], [0.6, 0.8]]), tfb.Shift([0.3, -0.2])])


KINDS: dict[str, Kind] = {
    "sequential": Kind(lambda: keras.Sequential([keras.Input([LATENT_DIM]), *layers(8)])),
    "sequential_not_built": Kind(lambda: keras.Sequential(layers(8))),
    "functional": Kind(lambda: functional(None)),
    "subclassed": Kind(Subclassed, moments=lambda decoder, rows: (np.asarray(decoder(rows, training=False)), None)),
    "batch_normalization": Kind(normalized),
    "convolutional": Kind(convolutional),
    "convolutional_logits": Kind(convolutional, "logits", moments=of_bernoulli, fisher=bernoulli),
    "upsampling": Kind(functools.partial(convolutional, bilinear=True)),
    "layer": Kind(lambda: keras.layers.Dense(DATA_DIM, "tanh")),
    "float64_model": Kind(
        lambda: keras.Sequential(
            [keras.Input([2], dtype="float64"), keras.layers.Dense(DATA_DIM, "tanh", dtype="float64")]
        )
    ),
    "mean_and_stddev": Kind(
        lambda: functional(None, "softplus"),
        ("mean", "stddev"),
        moments=of_network(None, lambda out: np.asarray(out[0]), lambda out: np.asarray(out[1])),
        fisher=normal,
    ),
    "mean_and_variance": Kind(
        lambda: functional(None, "softplus"),
        ("mean", "variance"),
        moments=of_network(None, lambda out: np.asarray(out[0]), lambda out: np.sqrt(np.asarray(out[1]))),
        fisher=normal,
    ),
    "mean_and_log_variance": Kind(
        lambda: functional("tanh", None),
        ("mean", "log_variance"),
        moments=of_network(None, lambda out: np.asarray(out[0]), lambda out: np.exp(0.5 * np.asarray(out[1]))),
        fisher=normal,
    ),
    "dictionary": Kind(
        dictionary,
        {"mean": "centre", "stddev": "spread"},
        moments=of_network(None, lambda out: np.asarray(out["centre"]), lambda out: np.asarray(out["spread"])),
        fisher=normal,
    ),
    "logits": Kind(lambda: functional(None), "logits", moments=of_bernoulli, fisher=bernoulli),
    "probs": Kind(lambda: functional("sigmoid"), "probs", moments=of_probs, fisher=bernoulli),
    "conditional": Kind(
        conditional,
        condition=CONDITION,
        moments=lambda decoder, rows: (np.asarray(decoder([rows, np.tile(CONDITION, (len(rows), 1))])), None),
    ),
    "function_of_rows": Kind(lambda: lambda z: hidden(tf.ensure_shape(z, [None, LATENT_DIM]))),
    "function_of_any_shape": Kind(
        lambda: lambda z: tf.tanh(tf.einsum("...i,ij->...j", z, weights(2, DATA_DIM, dtype=z.dtype)))
    ),
    "function_in_float32": Kind(lambda: lambda z: tf.tanh(z @ weights(2, DATA_DIM))),
    "function_with_signature": Kind(traced),
    "saved_signature": Kind(
        saved_signature, moments=lambda decoder, rows: (np.asarray(decoder(z=tf.constant(rows))["decoded"]), None)
    ),
    "exported_model": Kind(
        exported_model, moments=lambda decoder, rows: (np.asarray(decoder(tf.constant(rows))), None)
    ),
    "image_function": Kind(lambda: lambda z: image(hidden(z))),
    "unknown_width": Kind(
        lambda: lambda z: tfd.Normal(flat_of_unknown_width(z), 1.0),
        moments=of_distribution,
        fisher=normal_of_constant_stddev,
    ),
    "scalar": Kind(
        lambda: lambda z: tfd.Normal(tf.reduce_sum(z**2 + z, axis=-1) + z[:, 0], 0.5 + tf.nn.softplus(z[:, 1])),
        moments=of_distribution,
        fisher=normal,
    ),
    "independent_image": Kind(
        lambda: lambda z: tfd.Independent(tfd.Normal(image(hidden(z)), 0.2 + image(tf.square(hidden(z, 1)))), 3),
        moments=of_distribution,
        fisher=normal,
    ),
    "multivariate_normal": Kind(
        lambda: lambda z: tfd.MultivariateNormalDiag(hidden(z), tf.exp(hidden(z, 1))),
        moments=of_distribution,
        fisher=normal,
    ),
    "joint": Kind(
        lambda: (
            lambda z: tfd.JointDistributionNamed(
                {"a": tfd.Normal(hidden(z), 0.5), "b": tfd.Bernoulli(logits=hidden(z, 1))}
            )
        ),
        moments=of_joint,
        fisher=joint,
    ),
    "mixture": Kind(lambda: mixture, moments=of_distribution),
    "transformed": Kind(
        lambda: lambda z: tfd.TransformedDistribution(tfd.Normal(hidden(z), tf.exp(hidden(z, 1))), tfb.Shift(1.0)),
        moments=of_distribution,
    ),
    "transformed_without_mean": Kind(
        lambda: lambda z: tfd.TransformedDistribution(tfd.Normal(hidden(z), 1.0), tfb.Exp()), moments=of_nothing
    ),
    "without_deviation": Kind(lambda: lambda z: tfd.StudentT(1.5, hidden(z), 1.0), moments=of_mean),
    "poisson": Kind(lambda: lambda z: tfd.Poisson(log_rate=hidden(z)), moments=of_distribution, fisher=roots),
    "negative_binomial": Kind(
        lambda: lambda z: tfd.NegativeBinomial(5.0, logits=hidden(z)),
        moments=of_distribution,
        fisher=lambda mean, stddev: squares(2.0 * np.sqrt(5.0) * np.arcsinh(np.sqrt(mean / 5.0))),
    ),
    "continuous_bernoulli": Kind(
        lambda: lambda z: tfd.ContinuousBernoulli(logits=4.0 * hidden(z)), moments=continuous_bernoulli_moments
    ),
    "one_hot": Kind(
        lambda: lambda z: tfd.OneHotCategorical(logits=hidden(z)), moments=of_distribution, fisher=roots
    ),
    "saturated": Kind(lambda: saturated, moments=of_distribution, fisher=bernoulli),
    "bijector": Kind(
        bijector, moments=lambda decoder, rows: (np.asarray(decoder.forward(tf.constant(rows))), None)
    ),
    # Outputs of size 1 are rounded to 2^-11, and segments are a tenth long.
    "half_precision": Kind(half_precision, moments=of_dense_layers, rounding=5e-3),
    "small_decoder": Kind(SmallDecoder, moments=of_distribution, fisher=normal),
}


@functools.cache
def decoder_of(name):
    """The decoder of a kind: one for all tests, with the same weights in every process."""
    keras.utils.set_random_seed(0)
    return KINDS[name].make()


def moments_of(name, points):
    """Mean and standard deviation `[T, D]` in float64 of a kind at `[T, d]` points."""
    mean, stddev = KINDS[name].moments(decoder_of(name), np.asarray(points, np.float32))
    return tuple(
        None if part is None else np.asarray(part, np.float64).reshape(len(points), -1) for part in (mean, stddev)
    )
