"""Metrics of an entry's model by name."""

import dataclasses

import numpy as np
import pytest

import zoo
from tfgeo.errors import UserError
from tfgeo.manifolds import CentroidVariant, ExpectedPullback, FisherRao, Pullback
from zoo import cards
from zoo.building import build_model
from zoo.config import CENTROID_METRICS, METRICS, NetworkConfig
from zoo.config.likelihoods import LIKELIHOODS, MEAN_ACTIVATIONS
from zoo.entry import Entry
from zoo.loading import load_weights
from zoo.metrics import is_own_metric, metric_by_name

VARIANTS = {
    "learned": CentroidVariant(),
    "identity": CentroidVariant("identity"),
    "density": CentroidVariant("density"),
    "saturated": CentroidVariant(weights="saturated"),
    "adaptive": CentroidVariant(weights="saturated", neighbour=3),
}
DECODED = {"pullback": Pullback, "expected": ExpectedPullback, "fisher_rao": FisherRao}
SHIPPED = "chadebec2020/rhvae_circles_rings"


@pytest.fixture(scope="module")
def trained():
    return zoo.load(SHIPPED)


def with_metric(entry, **changes):
    """The entry with another metric section, and the same weights."""
    config = dataclasses.replace(entry.config, metric=dataclasses.replace(entry.config.metric, **changes))
    model = build_model(config)
    load_weights(model, cards.weights_path(SHIPPED))
    return Entry(config, None, model)


def test_every_name_is_known():
    assert set(METRICS) == set(VARIANTS) | set(DECODED) and set(CENTROID_METRICS) == set(VARIANTS)


@pytest.mark.parametrize("name", METRICS)
def test_metrics_of_an_rhvae_are_those_of_their_names(name, trained):
    z = np.asarray(trained.model.centroids)[::20]
    manifold = metric_by_name(trained, name)
    if name in VARIANTS:
        expected = trained.model.manifold(VARIANTS[name])
        assert type(manifold) is type(expected)
    else:
        expected = DECODED[name](trained.model.decode)
    metric = manifold.metric_tensor(z).numpy()
    np.testing.assert_allclose(metric, expected.metric_tensor(z), rtol=1e-5)
    assert (np.linalg.eigvalsh(metric) > 0.0).all()
    assert is_own_metric(trained, name) == (name == "learned")


def test_an_adaptive_metric_has_the_neighbour_of_the_configuration(trained):
    entry = with_metric(trained, neighbour=7)
    expected = trained.model.manifold(CentroidVariant(weights="saturated", neighbour=7)).temperature
    np.testing.assert_array_equal(metric_by_name(entry, "adaptive").temperature, expected)
    third = metric_by_name(trained, "adaptive").temperature
    assert (expected >= third).numpy().all() and np.mean(expected) > 1.2 * np.mean(third)


def test_an_entry_with_another_variant_has_that_as_its_own(trained):
    for changes, own in (
        ({"factors": "density"}, {"density"}),
        ({"weights": "saturated"}, {"saturated"}),
        ({"weights": "saturated", "temperature": "adaptive", "neighbour": 5}, {"adaptive"}),
        ({"factors": "identity", "weights": "saturated"}, set()),
    ):
        entry = with_metric(trained, **changes)
        assert {name for name in METRICS if is_own_metric(entry, name)} == own


def test_learned_factors_of_a_model_without_are_refused(trained):
    with pytest.raises(UserError, match="was trained with `factors`='identity' and has none"):
        metric_by_name(with_metric(trained, factors="identity"), "saturated")


def test_a_model_without_centroids_has_none_of_their_metrics():
    config = zoo.config("yang2018/two_moons")
    entry = Entry(config, None, build_model(config))
    for name in CENTROID_METRICS:
        with pytest.raises(UserError, match=f"two_moons has no centroids, which the metric '{name}' is made of"):
            metric_by_name(entry, name)
        assert not is_own_metric(entry, name)


# Why names of decoded metrics need no check before the training.
@pytest.mark.parametrize("likelihood", LIKELIHOODS)
@pytest.mark.parametrize("name", DECODED)
def test_decoders_of_every_likelihood_have_every_decoded_metric(likelihood, name):
    mean = MEAN_ACTIVATIONS.get(likelihood, "linear")
    network = NetworkConfig(5, 2, (4,), (4,), "tanh", "softplus", mean, likelihood=likelihood)
    config = dataclasses.replace(zoo.config("yang2018/two_moons"), network=network, variance=None, geodesics=None)
    entry = Entry(config, None, build_model(config))
    metric = metric_by_name(entry, name).metric_tensor(np.array([[0.3, -0.2]], np.float32)).numpy()
    assert (np.linalg.eigvalsh(metric) > 0.0).all()
