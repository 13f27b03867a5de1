"""Typed, frozen configurations: all that an experiment needs, and nothing that needs TensorFlow."""

from __future__ import annotations

import dataclasses
from typing import Any

from tfgeo.errors import UserError, check_at_least, check_count, check_positive

__all__ = [
    "ClusteringConfig",
    "DataConfig",
    "EntryConfig",
    "FiguresConfig",
    "GeodesicsConfig",
    "NetworkConfig",
    "Reported",
    "TrainingConfig",
    "VarianceConfig",
    "from_dict",
    "to_dict",
]

# The fields of DataConfig that each data set's loader takes.
_RECIPES = {
    "two_moons": ("num_samples", "noise", "standardize"),
    "anisotropic": ("num_samples", "num_clusters", "standardize"),
    "digits": ("classes",),
    "mnist": ("classes",),
    "fashion_mnist": ("classes",),
    "emnist_byclass": ("classes",),
    "npz": ("path",),
}


# Keras activations that the networks may have: smooth or piecewise linear, elementwise.
_ACTIVATIONS = ("linear", "relu", "softplus", "tanh", "sigmoid", "elu", "gelu", "silu", "exponential")
_POSITIVE_ACTIVATIONS = ("softplus", "sigmoid", "exponential")


def _check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise UserError(f"`{name}`={value!r} is not known; choose one of {', '.join(choices)}")


@dataclasses.dataclass(frozen=True)
class DataConfig:
    """Which data.

    Attributes:
      name: name in `tfgeo.datasets`.
      classes: classes to keep, names or numbers; empty keeps all.
      training_per_class: how many samples of each class the model is trained on, drawn by the seed; 0 takes all.
      samples_per_class: how many samples of each class are compared with each other, drawn by the seed from
        those that the model is trained on; 0 takes all. Without labels both are numbers of samples in all.
      num_samples: size of a synthetic data set.
      num_clusters: clusters of a synthetic data set.
      noise: standard deviation of a synthetic data set's noise.
      standardize: whether a synthetic data set is brought to zero mean and unit scale.
      path: file of the user's own data.
    """

    name: str
    classes: tuple[int | str, ...] = ()
    training_per_class: int = 0
    samples_per_class: int = 0
    num_samples: int = 100
    num_clusters: int = 3
    noise: float = 0.05
    standardize: bool = False
    path: str = ""

    def __post_init__(self) -> None:
        check_count("data.training_per_class", self.training_per_class, 0)
        check_count("data.samples_per_class", self.samples_per_class, 0)
        check_at_least("data.noise", self.noise, 0.0)

    def recipe(self) -> dict[str, Any]:
        """The keyword arguments of `tfgeo.datasets.load` beside name, folder and seed."""
        recipe = {field: getattr(self, field) for field in _RECIPES.get(self.name, ())}
        if recipe.get("classes") == ():
            del recipe["classes"]
        return recipe


@dataclasses.dataclass(frozen=True)
class NetworkConfig:
    """The VAE's networks.

    Attributes:
      data_dim: data dimension D; the user's own data replace it by theirs.
      latent_dim: latent dimension d.
      encoder_units: widths of H-enc.
      decoder_units: widths of H-dec.
      activation: activation of both.
      stddev_activation: activation of S-enc.
      mean_activation: activation of M-dec.
      output_variance: constant sigma^2 of the decoder while the networks are trained, in squared data units.
    """

    data_dim: int
    latent_dim: int
    encoder_units: tuple[int, ...]
    decoder_units: tuple[int, ...]
    activation: str
    stddev_activation: str
    mean_activation: str
    output_variance: float

    def __post_init__(self) -> None:
        check_count("network.data_dim", self.data_dim)
        check_count("network.latent_dim", self.latent_dim)
        for field in ("encoder_units", "decoder_units"):
            for units in getattr(self, field):
                check_count(f"network.{field}", units)
        for field in ("activation", "stddev_activation", "mean_activation"):
            _check_choice(f"network.{field}", getattr(self, field), _ACTIVATIONS)
        _check_choice("network.stddev_activation", self.stddev_activation, _POSITIVE_ACTIVATIONS)
        check_positive("network.output_variance", self.output_variance)


@dataclasses.dataclass(frozen=True)
class TrainingConfig:
    """Training of the networks: Adam on the evidence lower bound.

    Attributes:
      epochs: passes over the data.
      batch_size: samples of a step.
      learning_rate: Adam's step size.
    """

    epochs: int
    batch_size: int
    learning_rate: float = 1e-3

    def __post_init__(self) -> None:
        check_count("training.epochs", self.epochs)
        check_count("training.batch_size", self.batch_size)
        check_positive("training.learning_rate", self.learning_rate)


@dataclasses.dataclass(frozen=True)
class VarianceConfig:
    """The decoder's variance, fitted once the networks are trained.

    Attributes:
      kind: "gmm" (Yang et al. 2018, Eq. 20) or "rbf" (Yang and Hauberg 2018, Eq. 6).
      num_components: mixture components or basis functions K.
      max_variance: ceiling of sigma^2 away from data, in squared data units.
      epochs: passes over the data.
      batch_size: samples of a step.
      learning_rate: Adam's step size.
    """

    kind: str = "gmm"
    num_components: int = 10
    max_variance: float = 1e2
    epochs: int = 20
    batch_size: int = 128
    learning_rate: float = 1e-2

    def __post_init__(self) -> None:
        _check_choice("variance.kind", self.kind, ("gmm", "rbf"))
        check_count("variance.num_components", self.num_components)
        check_positive("variance.max_variance", self.max_variance)
        check_count("variance.epochs", self.epochs)
        check_count("variance.batch_size", self.batch_size)
        check_positive("variance.learning_rate", self.learning_rate)


@dataclasses.dataclass(frozen=True)
class GeodesicsConfig:
    """How shortest curves are found.

    Attributes:
      energy: "independent_noise" (Yang et al. 2018, Eq. 18) or "expected" (the expected metric's).
      curve: curve family.
      solver: "levenberg_marquardt", "gradient_descent" or "adam".
      warm_start: "cross_entropy" (Algorithm 1 of Yang et al.), "ridge_climb" (GiMLi) or "none".
      num_points: points on each curve. With "independent_noise" it weighs the variance against the mean.
      distance: what clustering compares: "length" (Eq. 11, under the expected metric), "energy" (the one that
        is minimized) or "root_energy".
      max_iterations: steps after which a pair stops unconverged.
      tolerance: relative decrease of the energy at which a pair may stop.
      gradient_tolerance: scale-free gradient at which a pair may stop; ReLU decoders have kinks where it stays.
    """

    energy: str = "independent_noise"
    curve: str = "quadratic"
    solver: str = "levenberg_marquardt"
    warm_start: str = "cross_entropy"
    num_points: int = 20
    distance: str = "length"
    max_iterations: int = 100
    tolerance: float = 1e-6
    gradient_tolerance: float = 1e-2

    def __post_init__(self) -> None:
        _check_choice("geodesics.energy", self.energy, ("independent_noise", "expected"))
        _check_choice("geodesics.curve", self.curve, ("quadratic", "cubic_spline", "bezier", "polyline"))
        _check_choice("geodesics.solver", self.solver, ("levenberg_marquardt", "gradient_descent", "adam"))
        _check_choice("geodesics.warm_start", self.warm_start, ("cross_entropy", "ridge_climb", "none"))
        check_count("geodesics.num_points", self.num_points, 3)
        _check_choice("geodesics.distance", self.distance, ("length", "energy", "root_energy"))
        check_count("geodesics.max_iterations", self.max_iterations)
        check_positive("geodesics.tolerance", self.tolerance)
        check_positive("geodesics.gradient_tolerance", self.gradient_tolerance)


@dataclasses.dataclass(frozen=True)
class ClusteringConfig:
    """How samples are clustered.

    Attributes:
      num_clusters: number of clusters.
      method: k-medoids method, "pam" or "fasterpam".
      spectral_gamma: inverse squared width of the spectral baseline's affinity.
    """

    num_clusters: int
    method: str = "pam"
    spectral_gamma: float = 1.0

    def __post_init__(self) -> None:
        check_count("clustering.num_clusters", self.num_clusters)
        _check_choice("clustering.method", self.method, ("pam", "fasterpam"))
        check_positive("clustering.spectral_gamma", self.spectral_gamma)


@dataclasses.dataclass(frozen=True)
class FiguresConfig:
    """What figures cost.

    Attributes:
      resolution: points per side of the grid on which variance and volume are drawn.
      volume_samples: samples of the decoder's noise per grid point, for E[sqrt det J^T J].
      num_curves: geodesics drawn.
    """

    resolution: int = 60
    volume_samples: int = 20
    num_curves: int = 30

    def __post_init__(self) -> None:
        check_count("figures.resolution", self.resolution, 2)
        check_count("figures.volume_samples", self.volume_samples)
        check_count("figures.num_curves", self.num_curves)


@dataclasses.dataclass(frozen=True)
class Reported:
    """Accuracies that the paper prints; None where it prints none.

    Attributes:
      geodesic: k-medoids on geodesic distance.
      euclidean: k-medoids on Euclidean latent distance.
      spectral: spectral clustering of the data.
      source: table or figure.
    """

    geodesic: float | None = None
    euclidean: float | None = None
    spectral: float | None = None
    source: str = ""


@dataclasses.dataclass(frozen=True)
class EntryConfig:
    """One published experiment.

    Attributes:
      name: PAPER/NAME.
      summary: one line.
      paper: short citation.
      url: where the paper is.
      program: the launch program that runs it.
    """

    name: str
    summary: str
    paper: str
    url: str
    program: str
    data: DataConfig
    network: NetworkConfig
    training: TrainingConfig
    variance: VarianceConfig
    geodesics: GeodesicsConfig
    clustering: ClusteringConfig
    figures: FiguresConfig = FiguresConfig()
    reported: Reported = Reported()


_SECTIONS = {
    "data": DataConfig,
    "network": NetworkConfig,
    "training": TrainingConfig,
    "variance": VarianceConfig,
    "geodesics": GeodesicsConfig,
    "clustering": ClusteringConfig,
    "figures": FiguresConfig,
    "reported": Reported,
}


def to_dict(config: EntryConfig) -> dict[str, Any]:
    """The configuration as nested dictionaries of plain values."""
    return dataclasses.asdict(config)


def from_dict(values: dict[str, Any]) -> EntryConfig:
    """The configuration that `to_dict` made `values` of; lists are taken as tuples."""

    def plain(value: Any) -> Any:
        return tuple(value) if isinstance(value, list) else value

    def section(name: str, value: Any) -> Any:
        kind = _SECTIONS.get(name)
        return plain(value) if kind is None else kind(**{key: plain(part) for key, part in value.items()})

    return EntryConfig(**{name: section(name, value) for name, value in values.items()})
