"""What is done with a trained model: geodesics, clusters, interpolations, samples, figures."""

from __future__ import annotations

import dataclasses

from tfgeo.errors import UserError, check_at_least, check_count, check_positive
from zoo.config.checks import check_choice

__all__ = [
    "CENTROID_METRICS",
    "METRICS",
    "ClusteringConfig",
    "FiguresConfig",
    "GenerationConfig",
    "GeodesicsConfig",
    "InterpolationConfig",
]

_ENERGIES = ("independent_noise", "expected", "pullback", "fisher_rao", "learned")
# Of an RHVAE: as trained, and other variants of its centroids.
CENTROID_METRICS = ("learned", "identity", "density", "saturated", "adaptive")
_SOLVERS = ("levenberg_marquardt", "bfgs", "gradient_descent", "adam", "georce")
# All that `zoo.metrics` knows by name: of centroids, and of what every likelihood's decoder gives.
METRICS = (*CENTROID_METRICS, "fisher_rao", "pullback", "expected")
_METHODS = ("solver", "grid", "graph", "landmarks")
_WARM_STARTS = ("cross_entropy", "ridge_climb", "graph", "random_bezier", "none")


def _check_metrics(field: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """Names of metrics; on a command line "a,b" is shorter than a tuple of quoted ones."""
    names = tuple(part.strip() for several in names for part in several.split(",") if part.strip())
    for name in names:
        check_choice(field, name, METRICS)
    return names


@dataclasses.dataclass(frozen=True)
class GeodesicsConfig:
    """How shortest curves are found.

    Attributes:
      energy: "independent_noise" (Yang et al. 2018, Eq. 18), "expected" (the expected metric's), "pullback" (that
        of the decoder's mean alone), "fisher_rao" (the Fisher-Rao metric's) or "learned" (the RHVAE's metric).
      curve: curve family.
      num_segments: pieces of a "cubic_spline"; 0 is its default, 4.
      solver: "levenberg_marquardt", "bfgs", "gradient_descent", "adam" or "georce".
      warm_start: "cross_entropy" (Algorithm 1 of Yang et al.), "ridge_climb" (GiMLi), "graph" (the shortest path
        through the nearest neighbours of the samples), "random_bezier" (Chen et al. 2018, Appendix A) or "none".
      num_points: points on each curve. With "independent_noise" it weighs the variance against the mean.
      distance: what clustering compares: "length" (Eq. 11, under the expected metric), "energy" (the one that
        is minimized) or "root_energy".
      method: how launch.cluster finds it for all pairs: "solver", by geodesics, or for many samples without them by
        "grid" (d = 2), "graph" or "landmarks", as `tfgeo.geodesics.pairwise` says, with its default settings. All
        other programs find curves, and refuse what is not "solver".
      max_iterations: steps after which a pair stops unconverged.
      tolerance: relative decrease of the energy at which a pair may stop.
      gradient_tolerance: scale-free gradient at which a pair may stop; ReLU decoders have kinks where it stays.
      table_resolution: nodes per side of a table of splines that stands for the metric, for many pairs in a latent
        plane; 0 measures the metric itself.
      table_margin: how much wider the table is than what is connected, at each side, in units of its sides. Beyond
        it the metric is constant, and curves that go there are wrong: where a metric vanishes away from the data
        they go far.
      smoothing: lambda_s of Chen et al. (2018), Eq. 17, in the unit of the squared metric; 0 smooths nothing.
      smoothing_rank: eigenvalues of the metric that smoothing keeps; 0 keeps all.
    """

    energy: str = "independent_noise"
    curve: str = "quadratic"
    num_segments: int = 0
    solver: str = "levenberg_marquardt"
    warm_start: str = "cross_entropy"
    num_points: int = 20
    distance: str = "length"
    method: str = "solver"
    max_iterations: int = 100
    tolerance: float = 1e-6
    gradient_tolerance: float = 1e-2
    table_resolution: int = 0
    table_margin: float = 0.2
    smoothing: float = 0.0
    smoothing_rank: int = 0

    def __post_init__(self) -> None:
        check_choice("geodesics.energy", self.energy, _ENERGIES)
        check_choice("geodesics.curve", self.curve, ("quadratic", "cubic_spline", "bezier", "polyline", "neural"))
        segments = check_count("geodesics.num_segments", self.num_segments, 2 if self.num_segments else 0)
        if segments and self.curve != "cubic_spline":
            raise UserError(
                f"`geodesics.num_segments`={self.num_segments} is of cubic splines, but `geodesics.curve` is "
                f"{self.curve!r}; set --config.geodesics.curve=cubic_spline, or leave it out"
            )
        check_choice("geodesics.solver", self.solver, _SOLVERS)
        check_choice("geodesics.warm_start", self.warm_start, _WARM_STARTS)
        check_count("geodesics.num_points", self.num_points, 3)
        check_choice("geodesics.distance", self.distance, ("length", "energy", "root_energy"))
        check_choice("geodesics.method", self.method, _METHODS)
        check_count("geodesics.max_iterations", self.max_iterations)
        check_positive("geodesics.tolerance", self.tolerance)
        check_positive("geodesics.gradient_tolerance", self.gradient_tolerance)
        check_count("geodesics.table_resolution", self.table_resolution, 0)
        check_at_least("geodesics.table_margin", self.table_margin, 0.0)
        check_at_least("geodesics.smoothing", self.smoothing, 0.0)
        check_count("geodesics.smoothing_rank", self.smoothing_rank, 0)


@dataclasses.dataclass(frozen=True)
class ClusteringConfig:
    """How samples are clustered.

    Attributes:
      num_clusters: number of clusters.
      method: k-medoids method, "pam" or "fasterpam".
      num_starts: random starts of FasterPAM, of which the one of least cost is taken, whatever `method` says; 0
        leaves it to `method`.
      spectral_gamma: inverse squared width of the spectral baseline's affinity; 0 takes it from the distances of
        neighbours, see `tfgeo.clustering.spectral`.
      grid_resolution: nodes per side of the latent grid on which Dijkstra's algorithm measures distances too; 0
        for none. Needs two latent dimensions.
      metrics: metrics under which the same latent points are clustered beside that of the entry, all measured on
        the grid: those of the decoder, as in `GeodesicsConfig`, and of the RHVAE's centroids, see `zoo.metrics`.
      num_subsamples: subsamples of four fifths that are clustered under each of them, for the spread of scores.
    """

    num_clusters: int
    method: str = "pam"
    spectral_gamma: float = 0.0
    grid_resolution: int = 0
    num_starts: int = 0
    metrics: tuple[str, ...] = ()
    num_subsamples: int = 20

    def __post_init__(self) -> None:
        check_count("clustering.num_clusters", self.num_clusters)
        check_count("clustering.num_starts", self.num_starts, 0)
        check_choice("clustering.method", self.method, ("pam", "fasterpam"))
        check_at_least("clustering.spectral_gamma", self.spectral_gamma, 0.0)
        check_count("clustering.grid_resolution", self.grid_resolution, 0)
        check_count("clustering.num_subsamples", self.num_subsamples, 2)
        object.__setattr__(self, "metrics", _check_metrics("clustering.metrics", self.metrics))
        if self.metrics and not self.grid_resolution:
            raise UserError(
                f"`clustering.metrics`={self.metrics} are measured on a grid, but there is none; "
                "set --config.clustering.grid_resolution=100"
            )


@dataclasses.dataclass(frozen=True)
class InterpolationConfig:
    """What interpolations are compared and drawn.

    Attributes:
      beside: entries whose models are trained on the same samples and interpolate between the same ones.
      metrics: further metrics of the entry's own model along which it interpolates too, see `zoo.metrics`.
      num_curves: pairs whose curves are drawn and decoded.
      num_frames: decoded images along each curve.
      num_draws: draws of --num_pairs pairs each, where several methods find paths between the same ones; means
        and deviations are over them.
    """

    beside: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    num_curves: int = 3
    num_frames: int = 20
    num_draws: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "metrics", _check_metrics("interpolation.metrics", self.metrics))
        check_count("interpolation.num_curves", self.num_curves)
        check_count("interpolation.num_frames", self.num_frames, 2)
        check_count("interpolation.num_draws", self.num_draws)


@dataclasses.dataclass(frozen=True)
class FiguresConfig:
    """What figures cost.

    Attributes:
      resolution: points per side of the grid on which variance and volume are drawn.
      volume_samples: samples of the decoder's noise per grid point, for E[sqrt det J^T J].
      num_curves: geodesics drawn.
      distance_map_resolution: nodes per side of the grid of a distance map.
      tissot: ellipses per side that show the metric in latent planes with curves (Tissot's indicatrices), or 0.
    """

    resolution: int = 60
    volume_samples: int = 20
    num_curves: int = 30
    distance_map_resolution: int = 200
    tissot: int = 0

    def __post_init__(self) -> None:
        check_count("figures.resolution", self.resolution, 2)
        check_count("figures.volume_samples", self.volume_samples)
        check_count("figures.num_curves", self.num_curves)
        check_count("figures.distance_map_resolution", self.distance_map_resolution, 2)
        check_count("figures.tissot", self.tissot, 0)


@dataclasses.dataclass(frozen=True)
class GenerationConfig:
    """How samples are generated: from the prior, and by a Markov chain along the learned metric.

    Attributes:
      beside: entries whose models are trained on the same samples and generate beside this one.
      num_samples: samples of each way of generating.
      weight: what makes the metric's density finite, "ball" or "normal"; see `tfgeo.sampling`.
      num_steps: steps of each chain.
      num_leapfrog_steps: mean number of leapfrog steps of each of them.
      step_size: leapfrog step size, where its adaptation begins; in latent units with Euclidean momenta.
      momentum: distribution of the momenta, "euclidean" or "riemannian"; see `tfgeo.sampling`.
    """

    beside: tuple[str, ...] = ()
    num_samples: int = 300
    weight: str = "ball"
    num_steps: int = 200
    num_leapfrog_steps: int = 10
    step_size: float = 0.1
    momentum: str = "euclidean"

    def __post_init__(self) -> None:
        check_count("generation.num_samples", self.num_samples, 2)
        check_choice("generation.weight", self.weight, ("ball", "normal"))
        check_count("generation.num_steps", self.num_steps, 20)
        check_count("generation.num_leapfrog_steps", self.num_leapfrog_steps)
        check_positive("generation.step_size", self.step_size)
        check_choice("generation.momentum", self.momentum, ("euclidean", "riemannian"))
