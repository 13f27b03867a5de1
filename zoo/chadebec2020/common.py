"""What the entries of this paper share: networks of Table 1, data, flows and metrics."""

from __future__ import annotations

import math
from typing import Any

from zoo.config import DataConfig, EntryConfig, FlowConfig, MetricConfig, NetworkConfig, TrainingConfig
from zoo.study import Study, vary

__all__ = [
    "FASHION_TSB",
    "MNIST_012",
    "RELEASED",
    "ROOT_OF_BETA_ZERO",
    "SQRT_BETA_ZERO",
    "entry",
    "factors_study",
    "flow",
    "metric",
    "network",
    "training",
]

PAPER = "Chadebec et al. 2020"
URL = "https://arxiv.org/abs/2010.11518"

# 50 of each class, Sec. 4.2.1. Fashion-MNIST's classes are T-shirt, sandal and bag.
MNIST_012 = DataConfig("mnist", classes=(0, 1, 2), training_per_class=50)
FASHION_TSB = DataConfig("fashion_mnist", classes=(0, 5, 8), training_per_class=50)

# The paper writes sqrt(beta_0) = 0.3 in Tables 7 and 9, but beta_0 = 0.3 in Sec. 4.2.1 and Table 8.
SQRT_BETA_ZERO = 0.3
ROOT_OF_BETA_ZERO = math.sqrt(0.3)

# Samples that training leaves out, wherever the paper gives their share.
VALIDATION_FRACTION = 0.2

FREE_TRAINING = (
    "The paper gives no learning rate, and no activation of the posterior's spread or of the metric's diagonal: "
    "1e-3, exponential. Nor does it mention what is done here to gradients, which `flow.gradient_limit` and "
    "`training.gradient_norm` bound. The last, incomplete batch of an epoch is trained on, unless "
    "`training.drop_remainder` leaves it out."
)

# MNIST's images, and how large the gradients of log p(x) of so many pixels may be. Without bounds, one trajectory
# in a stiff metric has a gradient of 1e7 to 1e18, after which Adam stands still or nothing is finite; those of
# ordinary steps are 50 to 100 in norm.
_DATA_DIM = 784
_GRADIENT_LIMIT = 50.0
_GRADIENT_NORM = 100.0


# What the authors' public code does in training: the objective that is no bound, batches of all samples, and an end
# by the training loss, whose patience is 20 to 50 there.
RELEASED = (
    "--config.flow.objective=released",
    "--config.training.stop_on=training",
    "--config.training.batch_size=1000",
    "--config.training.patience=50",
)


def network(data_dim: int = _DATA_DIM, latent_dim: int = 2, decoder_activation: str = "") -> NetworkConfig:
    """Table 1: one hidden layer of 400 ReLU each way, Bernoulli pixels. S-enc gives the logarithm of the spread."""
    return NetworkConfig(
        data_dim=data_dim,
        latent_dim=latent_dim,
        encoder_units=(400,),
        decoder_units=(400,),
        activation="relu",
        stddev_activation="exponential",
        mean_activation="sigmoid",
        likelihood="bernoulli",
        decoder_activation=decoder_activation,
    )


def training(epochs: int, batch_size: int = 60, patience: int = 0, data_dim: int = _DATA_DIM) -> TrainingConfig:
    """80 % of each class is trained on. With a patience, `epochs` only bounds the time."""
    return TrainingConfig(
        epochs,
        batch_size,
        validation_fraction=VALIDATION_FRACTION,
        patience=patience,
        gradient_norm=round(_GRADIENT_NORM * data_dim / _DATA_DIM, 0),
    )


def flow(
    num_steps: int,
    step_size: float,
    sqrt_beta_zero: float = SQRT_BETA_ZERO,
    data_dim: int = _DATA_DIM,
    learn_step_size: bool = False,
    learn_beta_zero: bool = False,
) -> FlowConfig:
    """A flow with three fixed-point iterations (Sec. 3.1)."""
    return FlowConfig(
        num_steps,
        step_size,
        learn_step_size=learn_step_size,
        sqrt_beta_zero=sqrt_beta_zero,
        learn_beta_zero=learn_beta_zero,
        gradient_limit=round(_GRADIENT_LIMIT * data_dim / _DATA_DIM, 0),
    )


def metric(
    temperature: float,
    regularization: float,
    num_samples: int,
    hidden_units: int = 150,
    learn_temperature: bool = False,
) -> MetricConfig:
    """Eq. 14 with a centroid for each training sample; `num_samples` counts held-out ones too."""
    num_training = num_samples - round(VALIDATION_FRACTION * num_samples)
    return MetricConfig(
        temperature, regularization, num_training, (hidden_units,), learn_temperature=learn_temperature
    )


def entry(name: str, summary: str, program: str, **sections: Any) -> EntryConfig:
    """An entry of this paper."""
    return EntryConfig(
        name=f"chadebec2020/{name}", summary=summary, paper=PAPER, url=URL, program=program, **sections
    )


def factors_study(name: str, what: str, answer: str) -> Study:
    """What `what` along the metric gain or lose by the learned factors, which training makes small."""
    return Study(
        name,
        "factors",
        f"Do the factors that the bound learns help {what}, against L_i = I?",
        vary("metric.factors", "learned", "identity"),
        answer,
    )
