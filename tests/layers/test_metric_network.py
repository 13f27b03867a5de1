"""Tests of the metric network."""

import keras
import numpy as np
import pytest

from tfgeo.errors import UserError
from tfgeo.layers import MetricNetwork


@pytest.mark.parametrize("dim", [1, 2, 5])
@pytest.mark.parametrize("diagonal", ["exponential", "softplus"])
def test_factors_are_lower_triangular_with_a_positive_diagonal(dim, diagonal):
    keras.utils.set_random_seed(0)
    network = MetricNetwork(dim, [6], diagonal=diagonal)
    x = 3.0 * np.random.default_rng(0).normal(size=(20, 4)).astype(np.float32)
    start = {"exponential": 1.0, "softplus": np.log(2.0)}[diagonal]
    np.testing.assert_allclose(network(x), np.tile(start * np.eye(dim), (20, 1, 1)), rtol=1e-6)
    for head in (network.diagonal_head, network.lower_head):
        if head is not None:
            head.kernel.assign(keras.initializers.GlorotUniform(0)(head.kernel.shape))
    factors = np.array(network(x))
    assert factors.shape == (20, dim, dim)
    np.testing.assert_array_equal(factors, np.tril(factors))
    assert (np.diagonal(factors, axis1=1, axis2=2) > 0.0).all()
    # Every entry below the diagonal is an output of its own.
    rows, columns = np.tril_indices(dim, -1)
    below = factors[:, rows, columns]
    assert len(np.unique(below, axis=1).T) == dim * (dim - 1) // 2 == below.shape[1]
    hidden = network.hidden(x)
    slope = {"exponential": np.exp, "softplus": lambda v: np.log1p(np.exp(v))}[diagonal]
    kernel, bias = network.diagonal_head.get_weights()
    np.testing.assert_allclose(np.diagonal(factors, axis1=1, axis2=2), slope(hidden @ kernel + bias), rtol=1e-4)


def test_it_is_the_same_when_loaded():
    network = MetricNetwork(3, [6], "tanh", "softplus")
    x = np.ones([2, 4], np.float32)
    before = network(x)
    again = MetricNetwork.from_config(network.get_config())
    again.build((None, 4))
    again.set_weights(network.get_weights())
    np.testing.assert_array_equal(before, again(x))


def test_wrong_settings_are_refused():
    with pytest.raises(UserError, match="softplus"):
        MetricNetwork(2, diagonal="relu")
    with pytest.raises(UserError, match="latent_dim"):
        MetricNetwork(0)
