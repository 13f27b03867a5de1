"""An experiment's whole configuration, and its form as plain values."""

from __future__ import annotations

import dataclasses
import types
import typing
from typing import Any

from tfgeo.errors import UserError
from zoo.config.data import DataConfig
from zoo.config.experiments import (
    CENTROID_METRICS,
    ClusteringConfig,
    FiguresConfig,
    GenerationConfig,
    GeodesicsConfig,
    InterpolationConfig,
)
from zoo.config.model import FlowConfig, MetricConfig, NetworkConfig, VarianceConfig
from zoo.config.paths import GraphConfig, NeuralConfig
from zoo.config.reported import Reported
from zoo.config.training import EvaluationConfig, TrainingConfig

__all__ = ["EntryConfig", "from_dict", "open_fields", "to_dict"]


@dataclasses.dataclass(frozen=True)
class EntryConfig:
    """One published experiment, or a recipe for data of one's own. Sections that it does not need are None.

    Attributes:
      name: PAPER/NAME.
      summary: one line.
      paper: short citation; empty for a recipe that reproduces none.
      url: where the paper is.
      program: the launch program that runs it.
      flow: of an HVAE's or RHVAE's posterior; None for a plain VAE.
      metric: an RHVAE's learned metric; an HVAE has none.
      variance: a decoder's fitted variance.
      neural: the neural curves that launch.interpolate fits beside the entry's own.
      graph: the graph of samples on which it finds paths beside them.
      model_of: another entry of the same data and training, whose weights serve this one too; empty for its own.
      notes: which settings the paper leaves free or contradicts itself in, and what was chosen.
    """

    name: str
    summary: str
    paper: str
    url: str
    program: str
    data: DataConfig
    network: NetworkConfig
    training: TrainingConfig
    flow: FlowConfig | None = None
    metric: MetricConfig | None = None
    variance: VarianceConfig | None = None
    evaluation: EvaluationConfig = dataclasses.field(default_factory=EvaluationConfig)
    geodesics: GeodesicsConfig | None = None
    clustering: ClusteringConfig | None = None
    neural: NeuralConfig | None = None
    graph: GraphConfig | None = None
    interpolation: InterpolationConfig = dataclasses.field(default_factory=InterpolationConfig)
    generation: GenerationConfig = dataclasses.field(default_factory=GenerationConfig)
    figures: FiguresConfig = dataclasses.field(default_factory=FiguresConfig)
    reported: Reported = dataclasses.field(default_factory=Reported)
    model_of: str = ""
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.metric is not None and self.flow is None:
            raise UserError(f"{self.name} has a `metric` but no `flow`; give the flow that follows the metric")
        if self.flow is not None and self.metric is None and not self.flow.trains_on_algorithm_1:
            raise UserError(
                f"{self.name} has no `metric`, which is what other objectives than the bound are about; "
                "set --config.flow.objective=bound and leave its parts out"
            )
        if self.flow is not None and self.training.importance_samples:
            raise UserError(
                f"the flow of {self.name} has a bound of its own; set --config.training.importance_samples=0"
            )
        metric, batch_size = self.metric, self.training.batch_size
        if metric is not None and metric.is_adaptive and batch_size <= metric.neighbour:
            raise UserError(
                f"`metric.temperature`='adaptive' is the distance to neighbour {metric.neighbour} of each centroid,"
                f" and in training these are the {batch_size} samples of a step; raise "
                "--config.training.batch_size, or lower --config.metric.neighbour"
            )
        if self.variance is not None and self.network.learn_output_variance:
            raise UserError(
                f"the decoder of {self.name} either learns one variance or has one fitted by `variance`; "
                "set --config.network.learn_output_variance=False"
            )
        if self.variance is not None and self.network.likelihood != "gaussian":
            raise UserError(
                f"a {self.network.likelihood} decoder of {self.name} has no `variance` to fit; "
                "set --config.network.likelihood=gaussian"
            )
        planes = {
            "clustering.grid_resolution": self.clustering.grid_resolution if self.clustering else 0,
            "geodesics.table_resolution": self.geodesics.table_resolution if self.geodesics else 0,
        }
        for field, resolution in planes.items():
            if resolution and self.network.latent_dim != 2:
                raise UserError(
                    f"`{field}`={resolution} needs a latent plane, but `network.latent_dim` is "
                    f"{self.network.latent_dim}; set --config.{field}=0"
                )
        self._check_metrics("clustering.metrics", self.clustering.metrics if self.clustering else ())
        self._check_metrics("interpolation.metrics", self.interpolation.metrics)
        if self.geodesics is None:
            for field in ("neural", "graph"):
                if getattr(self, field) is not None:
                    raise UserError(f"{self.name} has a section `{field}` but no `geodesics` to compare with")
            return
        if self.neural is not None:
            self._check_smooth_decoder()
        if self.geodesics.smoothing and self.geodesics.energy != "pullback":
            raise UserError(
                f"`geodesics.smoothing` is of the metric of the decoder's mean, but `geodesics.energy` is "
                f"{self.geodesics.energy!r}; set --config.geodesics.smoothing=0"
            )
        if self.geodesics.energy == "learned" and self.metric is None:
            raise UserError(
                f"`geodesics.energy`='learned' needs a `metric`, which {self.name} does not have; "
                "set --config.geodesics.energy=pullback"
            )
        if self.geodesics.warm_start in ("cross_entropy", "ridge_climb") and self.variance is None:
            raise UserError(
                f"`geodesics.warm_start`={self.geodesics.warm_start!r} climbs the decoder's precision, which "
                f"{self.name} does not have; set --config.geodesics.warm_start=none"
            )

    def _check_metrics(self, field: str, names: tuple[str, ...]) -> None:
        """Metrics of centroids need an RHVAE's, those of learned factors an RHVAE that learns them.

        That there are enough centroids to adapt to is known here too: after the training it would be too late.
        """
        of_centroids = [name for name in names if name in CENTROID_METRICS]
        if of_centroids and self.metric is None:
            raise UserError(
                f"{', '.join(of_centroids)} of `{field}` are metrics of an RHVAE's centroids, which {self.name} "
                "does not have; leave them out, or run a chadebec2020 entry"
            )
        for name in of_centroids:
            if name not in ("identity", "density") and self.metric and self.metric.factors != "learned":
                raise UserError(
                    f"{name!r} of `{field}` takes learned factors, but `metric.factors` is "
                    f"{self.metric.factors!r}; leave it out"
                )
        fixed = [name for name in of_centroids if name != "adaptive"]
        if fixed and self.metric and self.metric.is_adaptive:
            raise UserError(
                f"{', '.join(fixed)} of `{field}` have one temperature, but `metric.temperature` is 'adaptive'; "
                "give a number, or leave them out"
            )
        if "adaptive" in of_centroids and self.metric and not self.metric.has_neighbours:
            raise UserError(
                f"'adaptive' of `{field}` is the distance to neighbour {self.metric.neighbour} of each centroid, "
                f"but there are {self.metric.num_centroids} centroids; give more, lower --config.metric.neighbour, "
                "or leave it out"
            )

    def _check_smooth_decoder(self) -> None:
        """Neural geodesics differentiate the decoder twice (Chen et al. 2018, Appendix B)."""
        layers = {"hidden": self.network.decoder_activation or self.network.activation}
        layers["output"] = self.network.mean_activation
        for name, activation in layers.items():
            if activation == "relu":
                field = "mean_activation" if name == "output" else "decoder_activation"
                raise UserError(
                    f"neural geodesics need second derivatives, which the decoder's {name} layers do not have: "
                    f"their activation is {activation!r}; set --config.network.{field}=softplus, or tanh or sigmoid"
                )

    @property
    def reference(self) -> str:
        """Paper and address, or that there is none."""
        return f"{self.paper}, {self.url}" if self.paper else "A recipe of no paper"

    @property
    def kind(self) -> str:
        """The kind of model: "vae", "iwae", "hvae" or "rhvae"."""
        if self.flow is None:
            return "iwae" if self.training.importance_samples else "vae"
        return "hvae" if self.metric is None else "rhvae"

    @property
    def energy(self) -> str:
        """The energy of curves in this entry's latent space, for the names see `GeodesicsConfig`."""
        if self.geodesics is not None:
            return self.geodesics.energy
        return "pullback" if self.metric is None else "learned"


def to_dict(config: EntryConfig) -> dict[str, Any]:
    """The configuration as nested dictionaries of plain values."""
    return dataclasses.asdict(config)


def from_dict(values: dict[str, Any]) -> EntryConfig:
    """The configuration that `to_dict` made `values` of; lists become tuples, what is left out its default."""
    return EntryConfig(**{name: _section(name, value) for name, value in values.items()})


def open_fields(section: str) -> frozenset[str]:
    """The fields of a section that may hold values of several types, or None."""
    hints = typing.get_type_hints(_SECTIONS[section])
    return frozenset(name for name, hint in hints.items() if isinstance(hint, types.UnionType))


def _section(name: str, value: Any) -> Any:
    if isinstance(value, dict):
        return _SECTIONS[name](**{key: _plain(part) for key, part in value.items()})
    return _plain(value)


def _plain(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _find_sections() -> dict[str, type]:
    """The dataclass of each section, from the annotations of `EntryConfig`."""
    found = {}
    for name, annotation in typing.get_type_hints(EntryConfig).items():
        for kind in (annotation, *typing.get_args(annotation)):
            if dataclasses.is_dataclass(kind):
                found[name] = typing.cast(type, kind)
    return found


_SECTIONS = _find_sections()
