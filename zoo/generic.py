"""Recipes for data of one's own, of no paper: tables, counts and images."""

from __future__ import annotations

import dataclasses

from zoo.config import (
    ClusteringConfig,
    DataConfig,
    EntryConfig,
    GeodesicsConfig,
    NetworkConfig,
    TrainingConfig,
    VarianceConfig,
)

__all__ = ["ENTRIES"]

_NOTES = (
    "A recipe, not an experiment: it ships no data and no weights. Settings are the same for all data; training "
    "stops by the bound of the tenth of the samples that is held out.",
)

# Few samples make few steps a pass, and the bound of few held-out ones is coarse: patience is long.
_TRAINING = TrainingConfig(epochs=1000, batch_size=64, learning_rate=1e-3, validation_fraction=0.1, patience=100)

_NETWORK = NetworkConfig(
    data_dim=2,
    latent_dim=2,
    encoder_units=(64, 64),
    decoder_units=(64, 64),
    activation="softplus",
    stddev_activation="softplus",
    mean_activation="linear",
)

# Columns of mean 0 and standard deviation 1, of which a tenth of the variance is left to noise.
_TABULAR = EntryConfig(
    name="generic/tabular",
    summary="a table of your own, --data=FILE; columns are brought to one scale",
    paper="",
    url="",
    program="cluster",
    data=DataConfig("csv", standardize=True, size=0),
    network=dataclasses.replace(_NETWORK, output_variance=0.1),
    training=_TRAINING,
    variance=VarianceConfig(num_components=16, max_variance=1.0, epochs=100, batch_size=64),
    geodesics=GeodesicsConfig(energy="expected", num_points=20, distance="length"),
    clustering=ClusteringConfig(num_clusters=2),
    notes=_NOTES,
)

# Bernoulli's cross-entropy takes grey values as well.
_IMAGES = dataclasses.replace(
    _TABULAR,
    name="generic/images",
    summary="grey images of your own, --data=FOLDER or FILE, values in [0, 1] or bytes",
    data=DataConfig("image_folder", size=0),
    network=dataclasses.replace(
        _NETWORK,
        data_dim=784,
        encoder_units=(256, 128),
        decoder_units=(128, 256),
        mean_activation="sigmoid",
        likelihood="bernoulli",
    ),
    training=dataclasses.replace(_TRAINING, patience=50),
    variance=None,
    geodesics=GeodesicsConfig(energy="pullback", warm_start="none", num_points=20, distance="length"),
)

ENTRIES = (
    _TABULAR,
    dataclasses.replace(
        _TABULAR,
        name="generic/counts",
        summary="counts of your own, --data=FILE, whole numbers from 0 on, raw",
        data=DataConfig("csv", size=0),
        network=dataclasses.replace(_NETWORK, mean_activation="exponential", likelihood="negative_binomial"),
        variance=None,
        geodesics=GeodesicsConfig(energy="fisher_rao", warm_start="none", num_points=20, distance="length"),
    ),
    _IMAGES,
    dataclasses.replace(
        _IMAGES,
        name="generic/images_conv",
        summary="grey images of your own by convolutions, --data=FOLDER or FILE, values in [0, 1] or bytes",
        network=dataclasses.replace(
            _IMAGES.network,
            encoder_units=(128,),
            decoder_units=(128,),
            activation="elu",
            filters=(16, 32),
            image_shape=(28, 28),
        ),
        training=dataclasses.replace(_IMAGES.training, learning_rate=2e-3),
    ),
)
