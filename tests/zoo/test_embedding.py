"""An entry's recipe as a scikit-learn transformer: the programs' bits, pipelines, pickles, bad input."""

import dataclasses
import pickle
import random

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import zoo
from launch.running import training
from launch.running.geodesics import connect_samples
from launch.running.run import run_from_config
from tfgeo.clustering import euclidean_distances, k_medoids
from tfgeo.errors import UserError
from tfgeo.estimators import GeodesicDistances, GeodesicKMedoids, LatentPoints
from tfgeo.geodesics import pairwise
from tfgeo.geodesics.pairwise import distance_matrix
from tfgeo.manifolds import CentroidMetric, IndependentNoise
from zoo import VAEEmbedding
from zoo.samples import load_dataset

ENTRY = "yang2018/two_moons"
# A network and a curve small enough for a test; the recipe is the entry's.
CONFIG = zoo.config(ENTRY)
SMALL = dataclasses.replace(
    CONFIG,
    data=dataclasses.replace(CONFIG.data, num_samples=24),
    network=dataclasses.replace(CONFIG.network, encoder_units=(8,), decoder_units=(8,)),
    geodesics=dataclasses.replace(CONFIG.geodesics, num_points=6),
)
BOUNDED = dataclasses.replace(SMALL, network=dataclasses.replace(SMALL.network, mean_activation="sigmoid"))
BY_GRAPH = dataclasses.replace(SMALL, geodesics=dataclasses.replace(SMALL.geodesics, method="graph"))
COUNTED = dataclasses.replace(
    SMALL,
    network=dataclasses.replace(SMALL.network, likelihood="poisson", mean_activation="exponential"),
    variance=None,
    geodesics=None,
)
SETTINGS = {"epochs": 60, "num_components": 4, "random_state": 3}
X = load_dataset(SMALL, seed=3).inputs


@pytest.fixture(scope="module")
def pipeline():
    return make_pipeline(VAEEmbedding(SMALL, **SETTINGS), GeodesicKMedoids(2, method="pam")).fit(X)


def test_the_pipeline_gives_the_bits_of_the_program(pipeline, tmp_path):
    config = dataclasses.replace(
        SMALL,
        training=dataclasses.replace(CONFIG.training, epochs=60),
        # 9 passes: as large a share of 300 as 60 are of 2000.
        variance=dataclasses.replace(CONFIG.variance, num_components=4, epochs=9),
    )
    run = run_from_config(config, 3, tmp_path)
    training.train(run)
    z, embedding, clusters = run.latents(), pipeline[0], pipeline[1]
    assert embedding.entry_.config == config
    np.testing.assert_array_equal(embedding.transform(X), z)
    matrix = distance_matrix(connect_samples(run, z), 24, "energy")
    np.testing.assert_array_equal(embedding.geometry_.pairwise(z), matrix)
    labels, medoids = k_medoids(matrix, 2, "pam")
    np.testing.assert_array_equal(clusters.labels_, labels)
    np.testing.assert_array_equal(clusters.medoid_indices_, medoids)


def test_clusters_are_along_the_geodesics_of_the_entry(pipeline):
    embedding, clusters = pipeline[0], pipeline[1]
    assert isinstance(clusters.manifold_, IndependentNoise) and clusters.geometry_ is embedding.geometry_
    z, entry = embedding.transform(X), embedding.entry_
    matrix = pairwise(
        entry.manifold(), z, "energy", False, curve=entry.curve(), solver=entry.solver(), num_points=6,
        warm_start=entry.warm_start(3),
    )  # fmt: skip
    np.testing.assert_array_equal(GeodesicDistances().fit_transform(z), matrix)
    np.testing.assert_allclose(clusters.inertia_, matrix[clusters.medoid_indices_].min(axis=0).sum(), rtol=1e-5)
    # New points go to the medoid that is nearest along these geodesics.
    np.testing.assert_array_equal(pipeline.predict(X), clusters.labels_)
    # What the user says goes before what the entry says.
    lengths = GeodesicDistances(distance="root_energy").fit_transform(z)
    np.testing.assert_allclose(lengths, np.sqrt(matrix), rtol=1e-6)
    np.testing.assert_allclose(
        GeodesicDistances("flat").fit_transform(z), euclidean_distances(z), rtol=1e-6, atol=1e-6
    )


def test_a_step_between_that_changes_points_leaves_no_geometry():
    changed = make_pipeline(
        VAEEmbedding(SMALL, **SETTINGS | {"epochs": 1}), StandardScaler(), GeodesicKMedoids(2, manifold="embedding")
    )
    with pytest.raises(UserError, match="put the estimator directly after an embedding"):
        changed.fit(X)


def test_a_clone_of_the_pipeline_learns_anew_and_a_pickle_has_learned(pipeline):
    copied = clone(pipeline)
    assert not hasattr(copied[0], "model_") and copied[0].entry == SMALL
    np.testing.assert_array_equal(copied[0].fit_transform(X), pipeline[0].transform(X))
    content = pickle.dumps(pipeline)
    weights = 4 * sum(np.size(weight) for weight in pipeline[0].model_.weights)
    # One copy of the model, without its optimizer: what is beside the weights does not grow with them.
    assert len(content) < weights + 70_000
    loaded = pickle.loads(content)
    np.testing.assert_array_equal(loaded.transform(X), pipeline.transform(X))
    assert loaded[0].model_ is loaded[1].geometry_.entry.model


def test_it_encodes_to_posterior_means_and_decodes_to_means(pipeline):
    embedding = pipeline[0]
    z = embedding.transform(X.astype(np.float64))
    assert isinstance(z, LatentPoints) and z.dtype == np.float32 and z.shape == (24, 2)
    np.testing.assert_allclose(z, embedding.model_.encode(X).mean(), rtol=1e-6)
    np.testing.assert_allclose(
        embedding.inverse_transform(z), embedding.model_.decode(np.asarray(z)).mean(), rtol=1e-6
    )
    assert embedding.inverse_transform(z).shape == X.shape
    assert embedding.get_feature_names_out().tolist() == ["vaeembedding0", "vaeembedding1"]
    assert isinstance(embedding.manifold_, IndependentNoise)


def test_random_numbers_of_others_go_on_as_if_it_were_not_there():
    np.random.seed(5)
    random.seed(5)
    expected = np.random.rand(), random.random()
    np.random.seed(5)
    random.seed(5)
    VAEEmbedding(SMALL, **SETTINGS | {"epochs": 1}).fit(X)
    assert (np.random.rand(), random.random()) == expected


def test_networks_follow_the_data_and_the_user():
    wide = np.random.default_rng(0).uniform(size=(20, 7))
    embedding = VAEEmbedding(
        SMALL, latent_dim=3, epochs=1, batch_size=8, learning_rate=0.1, num_components=4, random_state=None
    ).fit(wide)
    config = embedding.entry_.config
    assert (config.network.data_dim, config.network.latent_dim) == (7, 3)
    assert (config.training.batch_size, config.training.learning_rate) == (8, 0.1)
    assert embedding.transform(wide).shape == (20, 3)


# An RHVAE of a table's distances from the graph of its samples: all that entries may ask of geodesics.
LEARNED = zoo.config("chadebec2020/rhvae_metric_T08")


@pytest.mark.slow  # a flow is compiled
def test_a_learned_metric_with_its_table_and_graph():
    config = dataclasses.replace(
        LEARNED,
        network=dataclasses.replace(LEARNED.network, latent_dim=2, encoder_units=(8,), decoder_units=(8,)),
        flow=dataclasses.replace(LEARNED.flow, num_steps=1),
        metric=dataclasses.replace(LEARNED.metric, hidden_units=(6,)),
        training=dataclasses.replace(LEARNED.training, validation_fraction=0.25, patience=2),
        geodesics=dataclasses.replace(LEARNED.geodesics, table_resolution=8, num_points=6),
    )
    x = np.random.default_rng(0).uniform(size=(16, 5))
    pipeline = make_pipeline(VAEEmbedding(config, epochs=2, batch_size=4), GeodesicKMedoids(2, random_state=0)).fit(
        x
    )
    embedding, clusters = pipeline[0], pipeline[1]
    # No more centroids than the three quarters that are trained on.
    assert isinstance(clusters.manifold_, CentroidMetric) and embedding.model_.num_centroids == 12
    exact = pairwise(
        embedding.manifold_, embedding.transform(x), progress=False, curve="cubic_spline", num_points=6
    )
    np.testing.assert_allclose(
        clusters.inertia_, exact[clusters.medoid_indices_].min(axis=0).sum(), rtol=0.05
    )  # as exact as a table of 8 nodes
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(pipeline)).predict(x), pipeline.predict(x))


def test_it_offers_no_data_frames():
    # They would lose the geometry without a word.
    with pytest.raises(ValueError, match="set_output"):
        make_pipeline(VAEEmbedding(SMALL, **SETTINGS), GeodesicKMedoids(2)).set_output(transform="pandas")


@pytest.mark.parametrize(
    ("given", "inputs", "words"),
    [
        ({"entry": "yang2018/two_moon"}, X, "unknown zoo entry 'yang2018/two_moon'; did you mean"),
        ({"entry": 3}, X, "`entry` is int; give one of zoo.names"),
        ({}, X[:3], "n_samples=3 are too few for the 4 components of the decoder's precision"),
        ({"epochs": 0}, X, "`training.epochs` must be an integer of at least 1"),
        ({"latent_dim": 0}, X, "`network.latent_dim` must be an integer of at least 1"),
        ({"entry": "chadebec2020/vae_mnist_012"}, X, "fits no precision; leave it out"),
        ({"entry": "chadebec2020/vae_mnist_012", "num_components": None}, X, r"a Bernoulli decoder takes \[0, 1\]"),
        ({"entry": BOUNDED}, X, r"of X run from -.* but the decoder's mean from 0 to 1 .*an EntryConfig with"),
        (
            {"entry": BY_GRAPH},
            X,
            "`geodesics.method`='graph' of `entry` is for launch.cluster alone; leave it 'solver'",
        ),
        ({"entry": COUNTED, "num_components": None}, X, "the values of X must be counts"),
    ],
)
def test_mistakes_are_one_line_and_before_training(given, inputs, words, monkeypatch):
    monkeypatch.setattr("keras.Model.fit", lambda *_, **__: pytest.fail("it trains"))
    with pytest.raises(UserError, match=words) as caught:
        VAEEmbedding(**{"entry": SMALL} | SETTINGS | given).fit(inputs)
    assert "\n" not in str(caught.value)


def test_data_that_do_not_fit_are_refused(pipeline):
    embedding = pipeline[0]
    with pytest.raises(ValueError, match="3 features, but VAEEmbedding is expecting 2 features"):
        embedding.transform(np.zeros([4, 3]))
    with pytest.raises(ValueError, match="infinity"):
        embedding.transform(np.full([4, 2], 1e300))
    with pytest.raises(UserError, match="X has 5 coordinates, but latent points have 2"):
        embedding.inverse_transform(np.zeros([4, 5]))
