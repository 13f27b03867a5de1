"""Deep generative models: Keras models whose methods give TFP distributions."""

from tfgeo.models.decoders import BernoulliDecoder, GaussianDecoder
from tfgeo.models.encoders import GaussianEncoder
from tfgeo.models.training import fit, fit_variance
from tfgeo.models.vae import VAE

__all__ = ["VAE", "BernoulliDecoder", "GaussianDecoder", "GaussianEncoder", "fit", "fit_variance"]
