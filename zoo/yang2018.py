"""Yang, Arvanitidis, Fu, Li and Hauberg (2018): geodesic clustering in deep generative models."""

from __future__ import annotations

import dataclasses
from typing import Any

from zoo.config import (
    ClusteringConfig,
    DataConfig,
    EntryConfig,
    GeodesicsConfig,
    NetworkConfig,
    Reported,
    TrainingConfig,
    VarianceConfig,
)

__all__ = ["ENTRIES"]

_PAPER = "Yang et al. 2018"
_URL = "https://arxiv.org/abs/1809.04747"

# Sec. V-C.1: two softplus layers each way, S-enc softplus; widths, data noise and training are not given.
_TOY_NETWORK = NetworkConfig(
    data_dim=2,
    latent_dim=2,
    encoder_units=(50, 50),
    decoder_units=(50, 50),
    activation="softplus",
    stddev_activation="softplus",
    mean_activation="linear",
    output_variance=0.01,
)

# Sec. V-C.3, footnote 1: 784-500-2 and 2-500-784 with ReLU; S-enc sigmoid; M-enc and M-dec identity.
_MNIST_NETWORK = NetworkConfig(
    data_dim=784,
    latent_dim=2,
    encoder_units=(500,),
    decoder_units=(500,),
    activation="relu",
    stddev_activation="sigmoid",
    mean_activation="linear",
    output_variance=0.1,
)

# Sec. V-C.4, footnote 2: 784-500-200-100 and 100-200-500-784 with ReLU; S-enc and M-dec sigmoid.
_FASHION_NETWORK = NetworkConfig(
    data_dim=784,
    latent_dim=2,
    encoder_units=(500, 200, 100),
    decoder_units=(100, 200, 500),
    activation="relu",
    stddev_activation="sigmoid",
    mean_activation="sigmoid",
    output_variance=0.1,
)

# A ceiling of 1/4 is the largest variance that a value in [0, 1] can have.
_IMAGE_VARIANCE = VarianceConfig(num_components=50, max_variance=0.25, epochs=2)
_IMAGE_GEODESICS = GeodesicsConfig(num_points=10, distance="length")
# Where a class falls into several groups, curves that keep to the densest parts make detours between them; a low
# ceiling of the variance keeps them close to the decoded mean's own geodesics.
_LOW_CEILING = dataclasses.replace(_IMAGE_VARIANCE, max_variance=0.004)


# What the paper does not say, by kind of data; chosen on seeds that are not reported.
_FREE = (
    "Free: learning rate, epochs, batch size, the components K of the precision and the ceiling of the variance, "
    "which the paper's Eq. 20 does not have; the points on a curve, which weigh variance against mean in Eq. 18.",
)
_TOY_NOTES = (
    *_FREE,
    "Free: 50 units in each hidden layer and the noise of the data. Clusters compare the energy of curves, where "
    "the paper has their length (Eq. 11): metrics.json has both.",
)
_IMAGE_NOTES = (
    *_FREE,
    "Free: the constant output variance while the networks are trained, which decides how far classes lie apart. "
    "The last, incomplete batch of a pass is left out: other images each time.",
    "Footnotes 1 and 2 name the decoder's layers as '2-500-784' and '100-200-500-784': the last number is read as "
    "its output here. It can be read as a further hidden layer of 784 units.",
)
_EMNIST_NOTES = (
    *_IMAGE_NOTES,
    "The paper says EMNIST letters, which merge upper and lower case of many letters; 'D' and 'd' are told apart "
    "in EMNIST byclass, whose test file is taken. Networks are those of Fashion-MNIST, but for a linear mean in "
    "place of the sigmoid.",
)


def _entry(name: str, summary: str, **sections: Any) -> EntryConfig:
    return EntryConfig(
        name=f"yang2018/{name}", summary=summary, paper=_PAPER, url=_URL, program="cluster", **sections
    )


_TWO_MOONS = _entry(
    "two_moons",
    "two half moons, 50 points each, told apart by geodesic distance",
    data=DataConfig("two_moons", num_samples=100, noise=0.05),
    network=_TOY_NETWORK,
    training=TrainingConfig(epochs=2000, batch_size=100),
    variance=VarianceConfig(num_components=24, epochs=300, batch_size=100),
    geodesics=GeodesicsConfig(num_points=16, distance="energy"),
    clustering=ClusteringConfig(num_clusters=2),
    reported=Reported(1.0, 0.86, 0.92, "Table I"),
    notes=_TOY_NOTES,
)

_MNIST_01 = _entry(
    "mnist_01",
    "MNIST digits 0 and 1, 50 of each",
    data=DataConfig("mnist", classes=(0, 1), samples_per_class=50),
    network=_MNIST_NETWORK,
    training=TrainingConfig(epochs=16, batch_size=256, drop_remainder=True),
    variance=_IMAGE_VARIANCE,
    geodesics=_IMAGE_GEODESICS,
    clustering=ClusteringConfig(num_clusters=2),
    reported=Reported(1.0, 0.93, 0.69, "Table III"),
    notes=_IMAGE_NOTES,
)

_FASHION = dataclasses.replace(
    _MNIST_01,
    training=TrainingConfig(epochs=14, batch_size=256, drop_remainder=True),
    name="yang2018/fashion_tshirt_sandal",
    summary="Fashion-MNIST T-shirts and sandals, 50 of each",
    data=DataConfig("fashion_mnist", classes=(0, 5), samples_per_class=50),
    network=_FASHION_NETWORK,
    reported=Reported(1.0, 0.98, 0.48, "Table IV"),
)

ENTRIES = (
    _TWO_MOONS,
    dataclasses.replace(
        _TWO_MOONS,
        name="yang2018/anisotropic",
        summary="three clusters with anisotropic distributions, 100 points",
        data=DataConfig("anisotropic", num_samples=100, num_clusters=3),
        variance=VarianceConfig(num_components=16, epochs=300, batch_size=100),
        geodesics=GeodesicsConfig(num_points=12, distance="energy"),
        clustering=ClusteringConfig(num_clusters=3),
        reported=Reported(1.0, 0.80, 0.96, "Table II"),
    ),
    _MNIST_01,
    dataclasses.replace(
        _MNIST_01,
        name="yang2018/mnist_012",
        summary="MNIST digits 0, 1 and 2, 30 of each",
        training=TrainingConfig(epochs=50, batch_size=256, learning_rate=2e-3, drop_remainder=True),
        data=DataConfig("mnist", classes=(0, 1, 2), samples_per_class=30),
        clustering=ClusteringConfig(num_clusters=3),
        reported=Reported(1.0, 0.80, 0.36, "Table III"),
    ),
    _FASHION,
    dataclasses.replace(
        _FASHION,
        name="yang2018/fashion_tshirt_sandal_bag",
        summary="Fashion-MNIST T-shirts, sandals and bags, 30 of each",
        network=dataclasses.replace(_FASHION_NETWORK, output_variance=0.02),
        training=TrainingConfig(epochs=30, batch_size=256, learning_rate=2e-3, drop_remainder=True),
        variance=_LOW_CEILING,
        data=DataConfig("fashion_mnist", classes=(0, 5, 8), samples_per_class=30),
        clustering=ClusteringConfig(num_clusters=3),
        reported=Reported(1.0, 0.93, 0.28, "Table IV"),
    ),
    dataclasses.replace(
        _FASHION,
        name="yang2018/emnist_D_d",
        summary="EMNIST letters 'D' and 'd', 50 of each",
        network=dataclasses.replace(_FASHION_NETWORK, mean_activation="linear", output_variance=0.02),
        training=TrainingConfig(epochs=120, batch_size=128, learning_rate=2e-3, drop_remainder=True),
        variance=_LOW_CEILING,
        data=DataConfig("emnist_byclass", classes=("D", "d"), samples_per_class=50),
        reported=Reported(1.0, 0.76, 0.48, "Table V"),
        notes=_EMNIST_NOTES,
    ),
)
