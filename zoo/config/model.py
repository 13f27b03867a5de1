"""The model: networks, and what a flow, a learned metric or a fitted variance adds to them."""

from __future__ import annotations

import dataclasses
import math

from tfgeo.errors import UserError, check_at_least, check_count, check_positive
from zoo.config.checks import check_choice
from zoo.config.likelihoods import LIKELIHOODS, MEAN_ACTIVATIONS

__all__ = ["FlowConfig", "MetricConfig", "NetworkConfig", "VarianceConfig"]

# Keras activations that the networks may have: smooth or piecewise linear, elementwise.
_ACTIVATIONS = ("linear", "relu", "softplus", "tanh", "sigmoid", "elu", "gelu", "silu", "exponential")
_POSITIVE_ACTIVATIONS = ("softplus", "sigmoid", "exponential")

# Parts of an RHVAE's objective, with what they may be: those of `tfgeo.models.RiemannianObjective`, which cannot be
# imported here, since configurations are read before TensorFlow is.
OBJECTIVE_FIELDS: dict[str, tuple[str | bool, ...]] = {
    "momentum": ("metric", "factor"),
    "momentum_density": (True, False),
    "gradient": ("flow", "last_kick"),
    "position": ("implicit", "explicit"),
}


@dataclasses.dataclass(frozen=True)
class NetworkConfig:
    """Encoder and decoder.

    Attributes:
      data_dim: data dimension D; the user's own data replace it by theirs.
      latent_dim: latent dimension d.
      encoder_units: widths of H-enc.
      decoder_units: widths of H-dec.
      activation: activation of the encoder, and of the decoder unless it has its own.
      stddev_activation: activation of S-enc.
      mean_activation: activation of M-dec; a Bernoulli decoder's is the sigmoid, that of counts the exponential.
      output_variance: constant sigma^2 of a Gaussian decoder while the networks are trained, in squared data units.
      likelihood: "gaussian", "bernoulli", "poisson" or "negative_binomial" p(x | z); grey values in [0, 1] give
        Bernoulli's cross-entropy, the last two are of counts, of which the encoder sees log(1 + x).
      decoder_activation: activation of the decoder, "" for that of the encoder.
      posterior_variance: whether S-enc gives the variance of the posterior instead of its standard deviation.
      learn_output_variance: whether a Gaussian decoder's sigma^2 is learned with the networks; it starts at
        `output_variance`.
      residual_decoder: whether each hidden layer of the decoder but the first adds to what it is given.
      filters: filters of convolutions of stride 2 before H-enc, and after H-dec in the opposite order; empty for
        none.
      image_shape: height and width of the images that these are of; the user's own data replace it by theirs.
    """

    data_dim: int
    latent_dim: int
    encoder_units: tuple[int, ...]
    decoder_units: tuple[int, ...]
    activation: str
    stddev_activation: str
    mean_activation: str
    output_variance: float = 1.0
    likelihood: str = "gaussian"
    decoder_activation: str = ""
    posterior_variance: bool = False
    learn_output_variance: bool = False
    residual_decoder: bool = False
    filters: tuple[int, ...] = ()
    image_shape: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        check_count("network.data_dim", self.data_dim)
        check_count("network.latent_dim", self.latent_dim)
        for field in ("encoder_units", "decoder_units"):
            for units in getattr(self, field):
                check_count(f"network.{field}", units)
        for field in ("activation", "stddev_activation", "mean_activation"):
            check_choice(f"network.{field}", getattr(self, field), _ACTIVATIONS)
        check_choice("network.decoder_activation", self.decoder_activation, ("", *_ACTIVATIONS))
        check_choice("network.stddev_activation", self.stddev_activation, _POSITIVE_ACTIVATIONS)
        check_positive("network.output_variance", self.output_variance)
        check_choice("network.likelihood", self.likelihood, LIKELIHOODS)
        if self.residual_decoder and len(set(self.decoder_units)) != 1:
            raise UserError(
                f"residual layers have one width, but `network.decoder_units` is {self.decoder_units}; "
                "set --config.network.residual_decoder=False"
            )
        for filters in self.filters:
            check_count("network.filters", filters)
        if self.filters and (len(self.image_shape) != 2 or math.prod(self.image_shape) != self.data_dim):
            raise UserError(
                f"`network.filters`={self.filters} are of images, but `network.image_shape`={self.image_shape} is "
                f"no height and width of {self.data_dim} values; give one, or leave the filters out"
            )
        if self.filters and self.residual_decoder:
            raise UserError(
                "convolutions have no residual layers; set --config.network.residual_decoder=False, or leave "
                "`network.filters` out"
            )
        if self.learn_output_variance and self.likelihood != "gaussian":
            raise UserError(
                f"a {self.likelihood} decoder has no variance to learn; "
                "set --config.network.learn_output_variance=False"
            )
        needed = MEAN_ACTIVATIONS.get(self.likelihood, self.mean_activation)
        if self.mean_activation != needed:
            raise UserError(
                f"`network.mean_activation`={self.mean_activation!r} does not fit a {self.likelihood} decoder; "
                f"set --config.network.mean_activation={needed}"
            )


@dataclasses.dataclass(frozen=True)
class FlowConfig:
    """Hamiltonian flow of the posterior: with a `MetricConfig` a Riemannian one, else an Euclidean one.

    Attributes:
      num_steps: leapfrog steps n_lf.
      step_size: step size epsilon_lf, where training starts if it is learned.
      learn_step_size: whether it is learned.
      sqrt_beta_zero: root of the first tempering temperature beta_0, in (0, 1].
      learn_beta_zero: whether it is learned.
      num_fixed_point_steps: fixed-point iterations of the generalized leapfrog.
      gradient_limit: longest gradient of a sample's bound, in nats per unit, that flows back through a point of
        its trajectory; 0 sets no limit.
      objective: what training maximizes where there is a metric: "bound", Algorithm 1 of Chadebec et al. (2020), or
        "released", what the authors' code runs, which is no bound; see `tfgeo.models.RiemannianObjective`. What
        follows is its parts, each None where it is as the objective has it.
      momentum: "metric" draws the momentum that a training step starts with from N(0, G(z_0)), "factor" takes
        L_psi(x) gamma with normal gamma.
      momentum_density: whether the log density of that momentum is subtracted.
      gradient: "flow" differentiates whole trajectories, "last_kick" of each step the last half-kick.
      position: "implicit" or "explicit" position step.
    """

    num_steps: int
    step_size: float
    learn_step_size: bool = False
    sqrt_beta_zero: float = 0.3
    learn_beta_zero: bool = False
    num_fixed_point_steps: int = 3
    gradient_limit: float = 0.0
    objective: str = "bound"
    momentum: str | None = None
    momentum_density: bool | None = None
    gradient: str | None = None
    position: str | None = None

    def __post_init__(self) -> None:
        check_count("flow.num_steps", self.num_steps)
        check_positive("flow.step_size", self.step_size)
        if check_positive("flow.sqrt_beta_zero", self.sqrt_beta_zero) > 1.0:
            raise UserError(
                f"`flow.sqrt_beta_zero` must be at most 1, but is {self.sqrt_beta_zero}; 1 is no tempering"
            )
        check_count("flow.num_fixed_point_steps", self.num_fixed_point_steps)
        check_at_least("flow.gradient_limit", self.gradient_limit, 0.0)
        check_choice("flow.objective", self.objective, ("bound", "released"))
        for field, choices in OBJECTIVE_FIELDS.items():
            value = getattr(self, field)
            if value is not None and value not in choices:
                raise UserError(
                    f"`flow.{field}`={value!r} is not known; choose one of {', '.join(map(str, choices))}"
                )

    @property
    def objective_changes(self) -> dict[str, str | bool]:
        """The fields that differ from what the objective has, by name."""
        given = {field: getattr(self, field) for field in OBJECTIVE_FIELDS}
        return {field: value for field, value in given.items() if value is not None}

    @property
    def trains_on_algorithm_1(self) -> bool:
        """Whether nothing says otherwise."""
        return self == self.without_objective()

    def without_objective(self) -> FlowConfig:
        """The same flow, trained on Algorithm 1's bound."""
        return dataclasses.replace(
            self, objective="bound", momentum=None, momentum_density=None, gradient=None, position=None
        )


@dataclasses.dataclass(frozen=True)
class MetricConfig:
    """The RHVAE's learned metric, Eq. 14 of Chadebec et al. (2020).

    Attributes:
      temperature: T, a length in latent space; where training starts if it is learned. "adaptive" gives each
        centroid its own, the distance to its k-th nearest neighbour among them.
      regularization: lambda, likewise.
      hidden_units: widths of the network of the factors L_psi.
      activation: its activation.
      num_centroids: centroids once trained; with more training samples they are chosen by k-medoids, with fewer
        all are taken.
      learn_temperature: whether T is learned.
      learn_regularization: whether lambda is learned.
      factors: L_i: "learned", the network's; "identity"; or "density", (2 W_i)^(-1/4) I, what the released
        objective leads to. Without learned ones the metric follows the centroids alone.
      weights: "sum", as in Eq. 14, or "saturated", a mean of what is near.
      neighbour: k of an adaptive temperature, and of the metric "adaptive" of `zoo.metrics`.

    Weights (--weights) of a model with learned factors and a number as temperature can be loaded with any `factors`
    and `weights`, and with an adaptive temperature: none of these needs training. Weights that were trained with
    factors that are not learned hold none, and cannot be loaded with learned ones.
    """

    temperature: float | str
    regularization: float
    num_centroids: int
    hidden_units: tuple[int, ...] = (150,)
    activation: str = "relu"
    learn_temperature: bool = False
    learn_regularization: bool = False
    factors: str = "learned"
    weights: str = "sum"
    neighbour: int = 3

    def __post_init__(self) -> None:
        check_choice("metric.factors", self.factors, ("learned", "identity", "density"))
        check_choice("metric.weights", self.weights, ("sum", "saturated"))
        check_count("metric.neighbour", self.neighbour)
        if self.is_adaptive:
            self._check_adaptive()
        elif isinstance(self.temperature, str):
            raise UserError(f"`metric.temperature`={self.temperature!r} is no number; give one, or 'adaptive'")
        else:
            check_positive("metric.temperature", self.temperature)
        check_positive("metric.regularization", self.regularization)
        for units in self.hidden_units:
            check_count("metric.hidden_units", units)
        check_choice("metric.activation", self.activation, _ACTIVATIONS)
        check_count("metric.num_centroids", self.num_centroids)

    def _check_adaptive(self) -> None:
        if self.learn_temperature:
            raise UserError(
                "an adaptive `metric.temperature` is not learned; set --config.metric.learn_temperature=False"
            )
        if not self.has_neighbours:
            raise UserError(
                f"`metric.temperature`='adaptive' is the distance to neighbour {self.neighbour} of each centroid, "
                f"but there are {self.num_centroids} centroids; give more, or lower --config.metric.neighbour"
            )

    @property
    def is_adaptive(self) -> bool:
        """Whether each centroid has its own temperature."""
        return self.temperature == "adaptive"

    @property
    def has_neighbours(self) -> bool:
        """Whether each centroid has a k-th nearest neighbour."""
        return self.num_centroids > self.neighbour

    def trained_like(self, other: MetricConfig) -> bool:
        """Whether weights that were trained with the other metric fit this one."""
        if self.factors == "learned" and other.factors != "learned":
            return False
        fields = ["regularization", "learn_regularization", "num_centroids", "hidden_units", "activation"]
        if not self.is_adaptive:
            fields += ["temperature", "learn_temperature"]
        return all(getattr(self, field) == getattr(other, field) for field in fields)


@dataclasses.dataclass(frozen=True)
class VarianceConfig:
    """The Gaussian decoder's variance, fitted once the networks are trained.

    Attributes:
      kind: "gmm" (Yang et al. 2018, Eq. 20) or "rbf" (Yang and Hauberg 2018, Eq. 6).
      num_components: mixture components or basis functions K.
      max_variance: ceiling of sigma^2 away from data, in squared data units.
      epochs: passes over the data.
      batch_size: samples of a step.
      learning_rate: Adam's step size.
      bandwidth_factor: a of the basis functions' widths (Chadebec et al. 2020, Eq. 13); no effect on a mixture.
    """

    kind: str = "gmm"
    num_components: int = 10
    max_variance: float = 1e2
    epochs: int = 20
    batch_size: int = 128
    learning_rate: float = 1e-2
    bandwidth_factor: float = 1.0

    def __post_init__(self) -> None:
        check_choice("variance.kind", self.kind, ("gmm", "rbf"))
        check_count("variance.num_components", self.num_components)
        check_positive("variance.max_variance", self.max_variance)
        check_count("variance.epochs", self.epochs)
        check_count("variance.batch_size", self.batch_size)
        check_positive("variance.learning_rate", self.learning_rate)
        check_positive("variance.bandwidth_factor", self.bandwidth_factor)
