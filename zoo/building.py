"""Models from configurations."""

from __future__ import annotations

import keras

from tfgeo.layers import (
    MLP,
    Convolutions,
    GMMPrecision,
    Precision,
    RBFPrecision,
    ResidualMLP,
    TransposedConvolutions,
)
from tfgeo.manifolds import CentroidVariant
from tfgeo.models import (
    HVAE,
    IWAE,
    RHVAE,
    VAE,
    BernoulliDecoder,
    CountEncoder,
    GaussianDecoder,
    GaussianEncoder,
    MetricNetwork,
    NegativeBinomialDecoder,
    PoissonDecoder,
    RiemannianObjective,
)
from tfgeo.randomness import derive_integer
from zoo.config import COUNTS, EntryConfig, NetworkConfig, VarianceConfig

__all__ = ["build_model"]


def build_model(config: EntryConfig, seed: int = 0) -> VAE:
    """The entry's model with fresh weights, which depend on the seed alone."""
    network, flow, metric = config.network, config.flow, config.metric
    keras.utils.set_random_seed(derive_integer(seed, "initialization"))
    encoder_class = CountEncoder if network.likelihood in COUNTS else GaussianEncoder
    encoder = encoder_class(
        network.latent_dim,
        network.encoder_units,
        network.activation,
        network.stddev_activation,
        network.posterior_variance,
        Convolutions(network.image_shape, network.filters, network.activation) if network.filters else None,
    )
    decoder = _build_decoder(network, config.variance)
    model: VAE
    if config.kind == "iwae":
        model = IWAE(encoder, decoder, config.training.importance_samples, seed)
    elif flow is None:
        model = VAE(encoder, decoder, seed)
    elif metric is None:
        model = HVAE(
            encoder,
            decoder,
            num_steps=flow.num_steps,
            step_size=flow.step_size,
            learn_step_size=flow.learn_step_size,
            sqrt_beta_zero=flow.sqrt_beta_zero,
            learn_beta_zero=flow.learn_beta_zero,
            gradient_limit=flow.gradient_limit or None,
            seed=seed,
        )
    else:
        metric_network = MetricNetwork(network.latent_dim, metric.hidden_units, metric.activation)
        model = RHVAE(
            encoder,
            decoder,
            metric_network,
            num_centroids=metric.num_centroids,
            num_steps=flow.num_steps,
            step_size=flow.step_size,
            # An adaptive one is the variant's, and that of the weights, if there are any, stays unused.
            temperature=1.0 if isinstance(metric.temperature, str) else metric.temperature,
            regularization=metric.regularization,
            sqrt_beta_zero=flow.sqrt_beta_zero,
            learn_step_size=flow.learn_step_size,
            learn_temperature=metric.learn_temperature,
            learn_regularization=metric.learn_regularization,
            learn_beta_zero=flow.learn_beta_zero,
            gradient_limit=flow.gradient_limit or None,
            num_fixed_point_steps=flow.num_fixed_point_steps,
            seed=seed,
            variant=CentroidVariant(
                metric.factors, metric.weights, metric.neighbour if metric.is_adaptive else None
            ),
            objective=RiemannianObjective.named(flow.objective, **flow.objective_changes),
        )
    model.build((None, network.data_dim))
    return model


def _build_decoder(
    network: NetworkConfig, variance: VarianceConfig | None
) -> BernoulliDecoder | GaussianDecoder | PoissonDecoder:
    if network.likelihood == "bernoulli":
        return BernoulliDecoder(_build_layers(network, None, "logits"))
    if network.likelihood in COUNTS:
        counts = {"poisson": PoissonDecoder, "negative_binomial": NegativeBinomialDecoder}[network.likelihood]
        return counts(_build_layers(network, None, "log_mean"))
    mean_network = _build_layers(network, network.mean_activation, "mean")
    precision = None if variance is None else _build_precision(network, variance)
    return GaussianDecoder(
        mean_network, network.output_variance, precision, learn_variance=network.learn_output_variance
    )


def _build_layers(network: NetworkConfig, output_activation: str | None, name: str) -> keras.layers.Layer:
    """The decoder's network, `[..., d]` to `[..., D]`."""
    activation = network.decoder_activation or network.activation
    if network.filters:
        return TransposedConvolutions(
            network.image_shape,
            network.decoder_units,
            network.filters[::-1],
            activation,
            output_activation,
            name=name,
        )
    layers = ResidualMLP if network.residual_decoder else MLP
    return layers(network.decoder_units, activation, network.data_dim, output_activation, name=name)


def _build_precision(network: NetworkConfig, variance: VarianceConfig) -> Precision:
    sizes = (variance.num_components, network.data_dim, network.latent_dim, variance.max_variance)
    if variance.kind == "gmm":
        return GMMPrecision(*sizes)
    return RBFPrecision(*sizes, bandwidth_factor=variance.bandwidth_factor)
