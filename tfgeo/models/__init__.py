"""Deep generative models: Keras models whose methods give TFP distributions."""

from tfgeo.layers import MetricNetwork
from tfgeo.models.callbacks import METRIC_NAMES
from tfgeo.models.counts import CountEncoder, NegativeBinomialDecoder, PoissonDecoder
from tfgeo.models.decoders import BernoulliDecoder, GaussianDecoder
from tfgeo.models.encoders import GaussianEncoder
from tfgeo.models.hvae import HVAE
from tfgeo.models.iwae import IWAE
from tfgeo.models.rhvae import RHVAE, UpdateMetric
from tfgeo.models.riemannian_objective import RiemannianObjective
from tfgeo.models.training import fit, fit_variance
from tfgeo.models.vae import VAE

__all__ = [
    "METRIC_NAMES",
    "HVAE",
    "IWAE",
    "RHVAE",
    "VAE",
    "BernoulliDecoder",
    "CountEncoder",
    "GaussianDecoder",
    "GaussianEncoder",
    "MetricNetwork",
    "NegativeBinomialDecoder",
    "PoissonDecoder",
    "RiemannianObjective",
    "UpdateMetric",
    "fit",
    "fit_variance",
]
