"""K-medoids along geodesics: closed forms in flat space, a ridge that geodesics see, and scikit-learn's ways."""

import pickle

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.spatial.distance import cdist
from sklearn.base import clone
from sklearn.metrics import adjusted_rand_score
from sklearn.model_selection import GridSearchCV

from tests.estimators.strips import LABELS, SETTINGS, ridge, strips
from tfgeo.clustering import k_medoids
from tfgeo.errors import UserError
from tfgeo.estimators import FlatGeometry, GeodesicKMedoids, LatentPoints, ManifoldGeometry
from tfgeo.geodesics import distances, pairwise
from tfgeo.manifolds import ExpectedPullback, Interpolated, Pullback


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("method", ["fasterpam", "pam"])
def test_in_flat_space_it_is_k_medoids_of_euclidean_distances(dtype, method):
    X = strips(dtype=dtype)
    fitted = GeodesicKMedoids(3, method=method, random_state=0).fit(X)
    to_medoids = cdist(X, X[fitted.medoid_indices_])
    np.testing.assert_array_equal(fitted.cluster_centers_, X[fitted.medoid_indices_])
    np.testing.assert_array_equal(fitted.labels_, np.argmin(to_medoids, axis=1))
    np.testing.assert_allclose(fitted.inertia_, to_medoids.min(axis=1).sum(), rtol=1e-6)
    np.testing.assert_allclose(fitted.transform(X), to_medoids, rtol=1e-6)
    assert fitted.manifold_ is None and fitted.transform(X).dtype == fitted.cluster_centers_.dtype == dtype


def test_flat_space_and_a_manifold_without_curvature_agree():
    X = strips()
    flat = GeodesicKMedoids(4, random_state=0).fit(X)
    curved = GeodesicKMedoids(4, manifold=Pullback(lambda z: 1.0 * z), num_points=4, random_state=0).fit(X)
    np.testing.assert_array_equal(flat.labels_, curved.labels_)
    np.testing.assert_allclose(flat.inertia_, curved.inertia_, rtol=1e-6)


@pytest.mark.parametrize(("distance", "power"), [("energy", 2.0), ("root_energy", 1.0)])
def test_energy_in_flat_space_is_the_square_of_the_distance(distance, power):
    X, fitted = strips(), GeodesicKMedoids(2, distance=distance, random_state=0).fit(strips())
    np.testing.assert_allclose(fitted.transform(X), cdist(X, fitted.cluster_centers_) ** power, rtol=1e-12)


def test_geodesics_keep_apart_what_a_ridge_divides():
    X, new, manifold = strips(), strips(seed=1), ridge()
    fitted = GeodesicKMedoids(2, manifold=manifold, random_state=0, **SETTINGS).fit(X)
    assert adjusted_rand_score(LABELS, fitted.labels_) == 1.0
    assert adjusted_rand_score(LABELS, GeodesicKMedoids(2, random_state=0).fit_predict(X)) < 0.2
    # Clusters keep their names for new points, and for those that they are of.
    np.testing.assert_array_equal(fitted.predict(X), fitted.labels_)
    np.testing.assert_array_equal(fitted.predict(new), fitted.labels_[LABELS * 15])
    expected = distances(manifold, new, fitted.cluster_centers_, progress=False, **SETTINGS)
    np.testing.assert_array_equal(fitted.transform(new), expected)


def test_its_labels_are_those_of_k_medoids_of_pairwise_distances():
    X, manifold = strips(), ridge()
    fitted = GeodesicKMedoids(3, manifold=manifold, method="pam", random_state=5, **SETTINGS).fit(X)
    labels, medoids = k_medoids(pairwise(manifold, X, progress=False, **SETTINGS), 3, "pam")
    np.testing.assert_array_equal(fitted.labels_, labels)
    np.testing.assert_array_equal(fitted.medoid_indices_, medoids)


def test_with_all_samples_as_landmarks_it_is_that_without_any():
    X, manifold = strips(), ridge()
    for given in ({}, {"distance": "energy"}, {"method": "pam"}):
        one, other = (GeodesicKMedoids(3, num_landmarks=num, random_state=0, **given).fit(X) for num in (None, 40))
        np.testing.assert_array_equal(one.labels_, other.labels_)
        np.testing.assert_array_equal(one.medoid_indices_, other.medoid_indices_)
        assert one.inertia_ == other.inertia_
    fitted = GeodesicKMedoids(3, manifold=manifold, num_landmarks=30, method="pam").fit(X)
    labels, medoids = k_medoids(pairwise(manifold, X, progress=False, method="graph"), 3, "pam")
    np.testing.assert_array_equal(fitted.labels_, labels)
    np.testing.assert_array_equal(fitted.medoid_indices_, medoids)


def test_few_landmarks_keep_apart_what_a_ridge_divides():
    X = strips()
    for points in (X, LatentPoints(X, ManifoldGeometry(ridge(), **SETTINGS))):
        given = {"manifold": ridge()} if points is X else {}
        fitted = GeodesicKMedoids(2, num_landmarks=12, random_state=0, **given).fit(points)
        assert adjusted_rand_score(LABELS, fitted.labels_) == 1.0
        np.testing.assert_array_equal(fitted.cluster_centers_, X[fitted.medoid_indices_])


def test_one_cluster_and_one_for_each_sample():
    X = strips()
    one, all_ = (GeodesicKMedoids(num, random_state=0).fit(X) for num in (1, 30))
    assert one.medoid_indices_.tolist() == [cdist(X, X).sum(axis=0).argmin()] and set(one.labels_) == {0}
    assert all_.inertia_ == 0.0 and sorted(all_.medoid_indices_) == list(range(30))


def test_points_that_carry_a_geometry_are_clustered_by_it():
    X, manifold = strips(), ridge()
    points = LatentPoints(X, ManifoldGeometry(manifold, **SETTINGS))
    fitted = GeodesicKMedoids(2, random_state=0).fit(points)
    assert fitted.manifold_ is manifold and adjusted_rand_score(LABELS, fitted.labels_) == 1.0
    strict = GeodesicKMedoids(2, manifold="embedding", random_state=0)
    np.testing.assert_array_equal(strict.fit_predict(points), fitted.labels_)
    assert GeodesicKMedoids(2, manifold="flat").fit(points).manifold_ is None
    assert GeodesicKMedoids(2, manifold=FlatGeometry()).fit(points).manifold_ is None
    with pytest.raises(UserError, match="without a geometry; put the estimator directly after an embedding"):
        strict.fit(2.0 * points)


def small_decoder():
    keras.utils.set_random_seed(0)
    layers = [keras.layers.Input([2]), keras.layers.Dense(6, "tanh"), keras.layers.Dense(5)]
    return keras.Sequential(layers)


def test_a_clone_has_the_manifold_itself_not_a_copy_of_its_model():
    estimator = GeodesicKMedoids(2, manifold=Pullback(small_decoder()), num_points=5)
    copied = clone(clone(estimator))
    assert copied is not estimator and copied.manifold is estimator.manifold
    assert copied.get_params() == estimator.get_params()


@pytest.mark.parametrize("kind", [Pullback, ExpectedPullback])
def test_a_pickle_predicts_the_same(kind):
    model = small_decoder()
    if kind is ExpectedPullback:
        inputs = keras.Input([2])
        model = keras.Model(inputs, [model(inputs), keras.layers.Dense(5, "softplus")(inputs)])
    manifold = kind(model) if kind is Pullback else kind(model, outputs=("mean", "stddev"))
    X = strips()[::4]
    fitted = GeodesicKMedoids(2, manifold=manifold, num_points=4, random_state=0).fit(X)
    loaded = pickle.loads(pickle.dumps(fitted))
    assert loaded.manifold_ is not manifold
    np.testing.assert_array_equal(loaded.transform(X), fitted.transform(X))
    np.testing.assert_array_equal(loaded.predict(X), fitted.labels_)


def test_settings_are_searched_on_a_grid():
    X = strips()

    def score(estimator, X, y=None):
        return -estimator.transform(X).min(axis=1).sum()

    estimator = GeodesicKMedoids(manifold=ridge(), random_state=0, **SETTINGS)
    search = GridSearchCV(estimator, {"n_clusters": [1, 4], "distance": ["length"]}, scoring=score, cv=2)
    search.fit(X[::-1])
    assert search.best_params_["n_clusters"] == 4 and search.best_estimator_.manifold is estimator.manifold


def test_fitting_does_not_follow_the_global_seed_but_its_own():
    X = np.random.default_rng(0).normal(size=(40, 2))
    first, second = (GeodesicKMedoids(6, random_state=np.random.RandomState(3)).fit_predict(X) for _ in range(2))
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (
            {"manifold": tf.identity},
            r"give a tfgeo.manifolds.Manifold, such as Pullback\(decoder\) or ExpectedPullback",
        ),
        ({"manifold": "sphere"}, "`manifold`='sphere' is not known; give a tfgeo.manifolds.Manifold, 'embedding'"),
        ({"manifold": "embedding"}, "X is ndarray without a geometry"),
        ({"n_clusters": 31}, "n_samples=30 are fewer than n_clusters=31"),
        ({"n_clusters": 2.5}, "`n_clusters` must be an integer of at least 1"),
        ({"num_landmarks": 1}, "`num_landmarks` must be an integer of at least 2"),
        ({"num_landmarks": 4, "method": "voronoi"}, "choose one of pam, fasterpam"),
        ({"method": "voronoi"}, "`method`='voronoi' is not known; choose one of pam, fasterpam"),
        ({"distance": "time"}, "`distance`='time' is not known; choose one of length, energy, root_energy"),
        ({"manifold": Pullback(tf.identity), "curve": "circle"}, "circle"),
        ({"manifold": Pullback(tf.identity), "solver": "newton"}, "unknown solver 'newton'"),
    ],
)
def test_mistakes_are_one_line(given, words):
    with pytest.raises(UserError, match=words) as caught:
        GeodesicKMedoids(**{"n_clusters": 2} | given).fit(strips())
    assert "\n" not in str(caught.value)


def test_points_outside_of_the_manifold_have_no_nearest_medoid():
    X = strips()
    fitted = GeodesicKMedoids(2, manifold=Interpolated.around(ridge(), X, 16), random_state=0).fit(X[::5])
    with (
        pytest.warns(UserWarning, match="did not converge"),
        pytest.raises(UserError, match="2 of 60 distances are not finite"),
    ):
        fitted.predict(np.where(np.arange(30)[:, None] == 3, 100.0, X))
