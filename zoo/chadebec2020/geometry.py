"""Sec. 4.3: the learned metric (Fig. 2, 3); interpolation beside others (Fig. 4-10, 20-23)."""

from __future__ import annotations

import dataclasses

from zoo.chadebec2020.common import FREE_TRAINING, MNIST_012, entry, factors_study, flow, metric, network, training
from zoo.config import (
    DataConfig,
    EntryConfig,
    FlowConfig,
    GeodesicsConfig,
    InterpolationConfig,
    MetricConfig,
    Reported,
    TrainingConfig,
)

__all__ = ["ENTRIES", "INTERPOLATIONS", "LEARNED_GEODESICS", "PULLBACK_GEODESICS", "STUDIES", "Interpolation"]

# The fast solver for smooth metrics; launch.interpolate adds the paper's neural curve to compare with.
_SMOOTH_GEODESICS = GeodesicsConfig(curve="cubic_spline", warm_start="none", num_points=20, gradient_tolerance=1e-3)
PULLBACK_GEODESICS = dataclasses.replace(_SMOOTH_GEODESICS, energy="pullback")
# A table of the metric, 35 times as fast: lengths differ by less than a hundredth.
LEARNED_GEODESICS = dataclasses.replace(
    _SMOOTH_GEODESICS, energy="learned", warm_start="graph", num_points=50, table_resolution=128
)

_NOTES = (FREE_TRAINING, "Batches of 60 as in Sec. 4.2.1; Sec. 4.3 gives none.")
_FACTORS_NOTE = (
    "Training makes the metric's factors small, since with tempering the bound falls as they grow; where geodesics "
    "come out straight, metric.factors=identity keeps L_i = I, and they follow the data."
)


def _metric_entry(temperature: float) -> EntryConfig:
    """Sec. 4.3.1."""
    return entry(
        f"rhvae_metric_T{10 * temperature:02.0f}",
        f"The metric that an RHVAE of 0, 1 and 2 learns at temperature {temperature}",
        "evaluate",
        data=MNIST_012,
        network=network(),
        training=training(300),
        flow=flow(5, 1e-2),
        metric=metric(temperature, 1e-2, 150),
        geodesics=LEARNED_GEODESICS,
        reported=Reported(source="Figures 2, 3"),
        notes=(*_NOTES, "Sec. 4.3.1 gives no beta_0: sqrt(beta_0) = 0.3, as in Table 7.", _FACTORS_NOTE),
    )


@dataclasses.dataclass(frozen=True)
class Interpolation:
    """One data set of Sec. 4.3.3 and 4.3.4, a row of Table 7; `arvanitidis2018` has a model on it too.

    Attributes:
      name: what the names of its entries end in.
      others: the name of its entry in `arvanitidis2018`.
      title: what the data are.
    """

    name: str
    others: str
    title: str
    data: DataConfig
    data_dim: int
    num_samples: int
    training: TrainingConfig
    flow: FlowConfig
    metric: MetricConfig
    source: str
    notes: tuple[str, ...] = ()


INTERPOLATIONS = (
    Interpolation(
        "circles_rings",
        "circles_rings",
        "100 circles and 100 rings",
        DataConfig("circles_rings", num_samples=200),
        28 * 28,
        200,
        dataclasses.replace(training(1000), drop_remainder=True),
        flow(5, 1e-2),
        metric(1.0, 1e-3, 200),
        "Figure 4",
        (
            "The paper gives no number of epochs here: 1000.",
            "Each pass leaves 40 of the 160 images out, others each time: the weights were trained so.",
        ),
    ),
    Interpolation(
        "mnist_interpolation",
        "mnist_012",
        "50 digits each of 0, 1 and 2",
        MNIST_012,
        784,
        150,
        training(300),
        flow(10, 1e-2),
        metric(1.0, 1e-2, 150),
        "Figures 5 to 8",
    ),
    Interpolation(
        "fashion_sandal",
        "fashion_sandal",
        "200 sandals",
        DataConfig("fashion_mnist", classes=(5,), training_per_class=200),
        784,
        200,
        training(1000),
        flow(3, 1e-2),
        metric(0.5, 1e-1, 200),
        "Figures 9, 20 to 22",
    ),
    Interpolation(
        "olivetti",
        "olivetti",
        "400 faces of 64 x 64 pixels",
        DataConfig("olivetti", size=64),
        64 * 64,
        400,
        training(3000, data_dim=64 * 64),
        flow(10, 1e-2, data_dim=64 * 64),
        metric(0.8, 1e-3, 400),
        "Figure 23",
        (
            "The paper does not give the size of the faces here: 64, the original. It draws 80 % of all faces; "
            "here it is 8 of the 10 of each person.",
        ),
    ),
    Interpolation(
        "oasis",
        "oasis",
        "sagittal brain slices of 100 x 100 pixels",
        DataConfig("oasis", size=100),
        100 * 100,
        418,
        training(1000, data_dim=100 * 100),
        flow(5, 1e-3, data_dim=100 * 100),
        metric(0.8, 1e-3, 418),
        "Figure 10",
        (
            "The paper gives neither a number of epochs nor a share to train on here: 1000, 80 %.",
            "The paper has 418 scans without saying which; here it is the first of each subject, 416.",
        ),
    ),
)


def _twins(one: Interpolation) -> tuple[EntryConfig, ...]:
    """The RHVAE, and on the same samples the VAE and the VAE whose decoder is smooth, for Chen et al.'s metric."""
    vae = entry(
        f"vae_{one.name}",
        f"VAE of {one.title}: straight interpolations",
        "interpolate",
        data=one.data,
        network=network(one.data_dim),
        training=one.training,
        reported=Reported(source=one.source),
        notes=(*_NOTES, *one.notes),
    )
    chen = dataclasses.replace(
        vae,
        name=f"chadebec2020/chen_vae_{one.name}",
        summary=f"VAE of {one.title} with the metric of Chen et al. (2018): J^T J of the decoder's mean",
        network=network(one.data_dim, decoder_activation="softplus"),
        geodesics=PULLBACK_GEODESICS,
    )
    rhvae = dataclasses.replace(
        vae,
        name=f"chadebec2020/rhvae_{one.name}",
        summary=f"RHVAE of {one.title}: interpolation under its learned and Fisher-Rao metrics, beside 3 others",
        flow=one.flow,
        metric=one.metric,
        geodesics=LEARNED_GEODESICS,
        interpolation=InterpolationConfig(
            (vae.name, f"arvanitidis2018/{one.others}", chen.name), metrics=("fisher_rao",)
        ),
        notes=(*vae.notes, _FACTORS_NOTE),
    )
    return rhvae, vae, chen


ENTRIES = (
    *(_metric_entry(temperature) for temperature in (0.6, 0.8, 1.0)),
    *(model for one in INTERPOLATIONS for model in _twins(one)),
)

STUDIES = (
    factors_study(
        "chadebec2020/rhvae_fashion_sandal",
        "geodesics",
        "No: they become so small that geodesics are straight. With L_i = I they bend along the data, as in "
        "Fig. 9.",
    ),
)
