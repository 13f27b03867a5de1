"""A linear model, of which log p(x) and the posterior are known."""

import numpy as np
from scipy import stats

from tests.models.tiny import DATA_DIM, LATENT_DIM
from tfgeo.layers import MLP
from tfgeo.models import VAE, GaussianDecoder, GaussianEncoder
from tfgeo.models.encoders import MIN_STDDEV

VARIANCE = 0.3


def make_linear_vae(widening=1.0, shift=0.0, make_model=VAE):
    """x = W^T z + b + noise with orthogonal rows of W: the exact posterior has a diagonal covariance.

    The encoder is that posterior with its standard deviation multiplied by `widening`, its mean moved by `shift`.
    """
    orthogonal = np.linalg.qr(np.random.default_rng(0).normal(size=(DATA_DIM, DATA_DIM)))[0]
    kernel = np.array([[1.5], [0.4]]) * orthogonal[:LATENT_DIM]
    bias = np.array([0.5, -1.0, 2.0])
    posterior_variance = 1.0 / (1.0 + np.sum(kernel**2, axis=1) / VARIANCE)
    to_mean = (kernel * posterior_variance[:, None] / VARIANCE).T
    model = make_model(
        GaussianEncoder(LATENT_DIM, [], stddev_activation="exponential"),
        GaussianDecoder(MLP([], output_units=DATA_DIM), VARIANCE),
    )
    model.build((None, DATA_DIM))
    model.encoder.mean.set_weights([to_mean, -bias @ to_mean + shift])
    log_stddev = np.log(widening * np.sqrt(posterior_variance) - MIN_STDDEV)
    model.encoder.stddev.set_weights([np.zeros([DATA_DIM, LATENT_DIM]), log_stddev])
    model.decoder.mean_network.set_weights([kernel, bias])
    marginal = stats.multivariate_normal(bias, kernel.T @ kernel + VARIANCE * np.eye(DATA_DIM))
    return model, marginal, np.sqrt(posterior_variance)


def linear_data(marginal, num=12):
    return marginal.rvs(num, random_state=1).astype(np.float32)


def repeated(method, x, num):
    """`[num, n]` independent estimates: rows of one batch have noise of their own."""
    return np.reshape(method(np.tile(x, (num, 1))), (num, len(x)))
