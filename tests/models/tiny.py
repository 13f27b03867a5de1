"""Networks and data small enough to train in a test."""

import keras
import numpy as np
import tensorflow as tf

from tfgeo.layers import MLP, GMMPrecision, MetricNetwork, RBFPrecision
from tfgeo.models import (
    HVAE,
    RHVAE,
    VAE,
    BernoulliDecoder,
    CountEncoder,
    GaussianDecoder,
    GaussianEncoder,
    NegativeBinomialDecoder,
    PoissonDecoder,
)

DATA_DIM, LATENT_DIM = 3, 2


def make_data(num: int, seed: int = 0) -> np.ndarray:
    """`[num, 3]` float32 points in [0, 1] around a curve."""
    generator = np.random.default_rng(seed)
    angle = generator.uniform(0.0, 3.0, num)
    curve = np.stack([np.sin(angle), 0.5 + 0.5 * np.cos(angle), angle / 3.0], axis=-1)
    return np.clip(curve + 0.02 * generator.normal(size=curve.shape), 0.0, 1.0).astype(np.float32)


def make_counts(num: int, seed: int = 0) -> np.ndarray:
    """`[num, 3]` float32 counts from 0 to hundreds, whose rates follow the curve of `make_data`."""
    return np.random.default_rng(seed).poisson(np.exp(6.0 * make_data(num, seed) - 1.0)).astype(np.float32)


def make_vae(precision: str | None = "gmm", seed: int = 0, model_class: type[VAE] = VAE) -> VAE:
    """A built model; `precision` is "gmm", "rbf", None for a constant variance or another likelihood."""
    keras.utils.set_random_seed(seed)
    network = MLP([5], "tanh", DATA_DIM, name="mean")
    likelihoods = {
        "bernoulli": BernoulliDecoder, "poisson": PoissonDecoder, "negative_binomial": NegativeBinomialDecoder
    }  # fmt: skip
    encoder_class = CountEncoder if precision in ("poisson", "negative_binomial") else GaussianEncoder
    if precision in likelihoods:
        decoder = likelihoods[precision](network)
    else:
        layers = {"gmm": GMMPrecision, "rbf": RBFPrecision, None: lambda *_: None}
        decoder = GaussianDecoder(network, 0.05, layers[precision](2, DATA_DIM, LATENT_DIM, 10.0))
    model = model_class(encoder_class(LATENT_DIM, [5], "tanh"), decoder, seed)
    model.build((None, DATA_DIM))
    return model


def make_flow_model(kind: str, seed: int = 0, num_centroids: int = 20, **settings) -> HVAE:
    """A built model with Bernoulli pixels; `kind` is "hvae" or "rhvae"."""
    keras.utils.set_random_seed(seed)
    parts = GaussianEncoder(LATENT_DIM, [5], "tanh"), BernoulliDecoder(MLP([5], "tanh", DATA_DIM))
    settings = {"num_steps": 2, "seed": seed} | settings
    if kind == "hvae":
        model = HVAE(*parts, **settings)
    else:
        model = RHVAE(*parts, MetricNetwork(LATENT_DIM, [4], "tanh"), num_centroids, **settings)
    model.build((None, DATA_DIM))
    return model


class StubVAE(VAE):
    """A model whose step only keeps its batch: shows what training feeds, without the cost of a gradient."""

    def train_step(self, data):
        if not hasattr(self, "batches"):
            self.batches = []

        def record(x):
            self.batches.append(x)
            return np.int32(0)

        recorded = tf.numpy_function(record, [data], tf.int32)
        with tf.control_dependencies([recorded]):
            self.optimizer.iterations.assign_add(1)
        return {"loss": tf.constant(0.0)}


def weights_of(model: keras.Model) -> dict[str, np.ndarray]:
    """The weights by their path, without the metrics' states."""
    return {weight.path: np.array(weight) for weight in model.weights}


def assert_same_bits(first: dict[str, np.ndarray], second: dict[str, np.ndarray]) -> None:
    """Fails unless both have the same names with the same values, bit by bit."""
    assert list(first) == list(second)
    for name in first:
        np.testing.assert_array_equal(first[name], second[name], err_msg=name)


def assert_same_values(*models: keras.Model) -> None:
    """Fails unless all models have the same weights, bit by bit; Keras numbers their names."""
    first, *others = [list(weights_of(model).values()) for model in models]
    for other in others:
        for one, same in zip(first, other, strict=True):
            np.testing.assert_array_equal(one, same)


class Interrupt(keras.callbacks.Callback):
    """Stops the process's training as Ctrl-C does, when a round begins."""

    def __init__(self, epoch):
        super().__init__()
        self.epoch = epoch

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.epoch:
            raise KeyboardInterrupt
