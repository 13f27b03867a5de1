"""RHVAEs whose metric is another variant of the same centroids, trained with it or given it afterwards."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.models.tiny import DATA_DIM, LATENT_DIM, make_data, make_flow_model
from tfgeo.errors import UserError
from tfgeo.manifolds import CentroidVariant, neighbour_distances
from tfgeo.models import RiemannianObjective

NUM = 20
X = make_data(NUM)
OTHERS = [
    CentroidVariant("identity"),
    CentroidVariant("density"),
    CentroidVariant(weights="saturated"),
    CentroidVariant(neighbour=3),
    CentroidVariant("density", "saturated", 3),
]


def name_of(variant):
    return f"{variant.factors}-{variant.weights}-{variant.neighbour}"


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A model of Eq. 14 with factors that differ, and the file of its weights."""
    model = make_flow_model("rhvae", regularization=0.1)
    model.metric_network.diagonal_head.kernel.assign(keras.initializers.GlorotUniform(0)((4, LATENT_DIM)))
    model.update_metric(X)
    path = tmp_path_factory.mktemp("variants") / "model.weights.h5"
    model.save_weights(path)
    return model, path


@pytest.mark.parametrize("variant", OTHERS, ids=name_of)
def test_a_variant_takes_the_weights_that_another_was_trained_with(trained, variant):
    model, path = trained
    other = make_flow_model("rhvae", regularization=0.1, seed=1, variant=variant)
    other.load_weights(path)
    np.testing.assert_array_equal(other.encoder(X)[0], model.encoder(X)[0])
    expected = variant.metric(model.centroids.value, model.centroid_factors.value, model.temperature, 0.1)
    z = model.encoder(X)[0]
    np.testing.assert_allclose(other.manifold().metric_tensor(z), expected.metric_tensor(z), rtol=1e-5)
    assert np.abs(np.subtract(*(each.manifold().metric_tensor(z) for each in (other, model)))).max() > 1e-2
    assert np.isfinite(other.elbo(X)).all()


@pytest.mark.parametrize("variant", OTHERS, ids=name_of)
def test_variants_train_and_keep_their_own_metric(variant):
    model = make_flow_model("rhvae", variant=variant)
    model.compile("adam")
    for objective in RiemannianObjective.NAMES:
        model.objective = RiemannianObjective.named(objective)
        _, gradients = model._terms_and_gradients(tf.constant(X), tf.constant([1, 2]))
        assert all(np.isfinite(gradient).all() for gradient in gradients)
    model.update_metric(X)
    is_learned = variant.factors == "learned"
    assert bool(model.metric_network.trainable_variables) == is_learned
    manifold = model.manifold()
    np.testing.assert_array_equal(manifold.centroids, model.encoder(X)[0])
    if variant.neighbour:
        np.testing.assert_allclose(manifold.temperature, neighbour_distances(manifold.centroids, 3), rtol=1e-5)
    if variant.factors == "identity":
        identity = np.broadcast_to(np.eye(LATENT_DIM), manifold.cholesky_factors.shape)
        np.testing.assert_array_equal(manifold.cholesky_factors, identity)


def test_density_factors_are_momenta_of_the_released_objective():
    model = make_flow_model("rhvae", variant=CentroidVariant("density"), objective="released")
    model.compile("adam")
    means = model.encoder(X)[0]
    manifold = model.variant.metric(means, None, model.temperature, model.regularization)
    noise = tf.ones([NUM, LATENT_DIM])
    rho, _ = model.objective.momenta(manifold.cholesky_factors)(None, None, noise)
    np.testing.assert_allclose(rho, manifold.cholesky_factors.numpy()[:, [0, 1], [0, 1]], rtol=1e-6)
    _, gradients = model._terms_and_gradients(tf.constant(X), tf.constant([1, 2]))
    assert all(np.isfinite(gradient).all() for gradient in gradients)


def test_a_variant_is_saved_with_the_model(tmp_path):
    model = make_flow_model("rhvae", variant=OTHERS[-1])
    model.update_metric(X)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert again.variant == OTHERS[-1]
    z = np.zeros([3, LATENT_DIM], np.float32)
    np.testing.assert_array_equal(again.manifold().metric_tensor(z), model.manifold().metric_tensor(z))
    assert again.data_dim == DATA_DIM


def test_too_few_centroids_to_adapt_to_are_refused():
    with pytest.raises(UserError, match="`num_centroids`=3 leaves centroids without neighbour 3"):
        make_flow_model("rhvae", num_centroids=3, variant=CentroidVariant(neighbour=3))
