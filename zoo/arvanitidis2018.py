"""Arvanitidis, Hansen and Hauberg (2018), as re-run by Chadebec et al. (2020): the expected metric of an N-VAE."""

from __future__ import annotations

import dataclasses

from zoo.chadebec2020.common import FREE_TRAINING, network
from zoo.chadebec2020.geometry import INTERPOLATIONS, PULLBACK_GEODESICS, Interpolation
from zoo.config import EntryConfig, Reported, VarianceConfig

__all__ = ["ENTRIES"]

# Sec. 4.3.4 of Chadebec et al.: three quarters of the epochs fit all but the variance, the rest the variance.
_MEAN_SHARE = 0.75

_NOTES = (
    "Table 6 of Chadebec et al. lists a tanh network for the variance, their text the basis functions of Eq. 13 "
    "with K = 32 and a = 1: the latter.",
    FREE_TRAINING,
    "Free: sigma^2 = 0.1 while the mean is trained, Adam's 1e-2 while the variance is, and the ceiling of the "
    "variance, 1/4, the largest that a value in [0, 1] can have.",
)


def _entry(one: Interpolation) -> EntryConfig:
    """The N-VAE on the samples of Chadebec et al.'s models, with as many epochs in all."""
    epochs = one.training.epochs
    mean_epochs = round(_MEAN_SHARE * epochs)
    return EntryConfig(
        name=f"arvanitidis2018/{one.others}",
        summary=f"VAE of {one.title} with a fitted variance and the expected metric",
        paper="Arvanitidis et al. 2018, as re-run in Chadebec et al. 2020",
        url="https://arxiv.org/abs/1710.11379",
        program="interpolate",
        data=one.data,
        # Table 6, top: a softplus decoder, so that the metric is smooth.
        network=dataclasses.replace(
            network(one.data_dim, decoder_activation="softplus"), likelihood="gaussian", output_variance=0.1
        ),
        training=dataclasses.replace(one.training, epochs=mean_epochs),
        variance=VarianceConfig(
            kind="rbf",
            num_components=32,
            max_variance=0.25,
            epochs=epochs - mean_epochs,
            batch_size=one.training.batch_size,
        ),
        geodesics=dataclasses.replace(PULLBACK_GEODESICS, energy="expected"),
        reported=Reported(source=one.source),
        notes=(*one.notes, *_NOTES),
    )


ENTRIES = tuple(_entry(one) for one in INTERPOLATIONS)
