"""Distances along geodesics in pipelines, before each estimator that takes them precomputed."""

import inspect

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.cluster import HDBSCAN
from sklearn.manifold import MDS, TSNE
from sklearn.metrics import adjusted_rand_score
from sklearn.model_selection import cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline

from tests.estimators.strips import LABELS, SETTINGS, ridge, strips
from tfgeo.errors import UserError
from tfgeo.estimators import GeodesicDistances, LatentPoints
from tfgeo.geodesics import distances, pairwise


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_it_gives_pairwise_and_rectangular_distances(dtype):
    X, new, manifold = strips(dtype=dtype), strips(seed=1, dtype=dtype)[:4], ridge()
    estimator = GeodesicDistances(manifold, **SETTINGS)
    matrix = estimator.fit_transform(X)
    np.testing.assert_array_equal(matrix, pairwise(manifold, X, progress=False, **SETTINGS))
    np.testing.assert_array_equal(matrix, matrix.T)
    assert not np.diagonal(matrix).any() and matrix.dtype == dtype
    np.testing.assert_array_equal(estimator.transform(new), distances(manifold, new, X, progress=False, **SETTINGS))
    # Pairs of the lower triangle are connected from the other end here, which may lead over the ridge elsewhere.
    np.testing.assert_allclose(np.triu(estimator.transform(X)), np.triu(matrix), rtol=1e-5)
    assert len(estimator.get_feature_names_out()) == 30 and estimator.manifold_ is manifold


def test_neighbours_are_those_along_geodesics():
    X, new = strips(), strips(seed=1)
    # Below the ridge none of the nearest in a straight line are of the same strip.
    X[15:, 1] = 0.3
    pipeline = make_pipeline(GeodesicDistances(ridge(), **SETTINGS), KNeighborsClassifier(3, metric="precomputed"))
    np.testing.assert_array_equal(pipeline.fit(X, LABELS).predict(new), LABELS)
    assert cross_val_score(clone(pipeline), X, LABELS, cv=3).tolist() == [1.0, 1.0, 1.0]


def test_density_clusters_are_the_strips():
    pipeline = make_pipeline(GeodesicDistances(ridge(), **SETTINGS), HDBSCAN(8, metric="precomputed", copy=True))
    assert adjusted_rand_score(LABELS, pipeline.fit_predict(strips())) == 1.0


def embeddings():
    # scikit-learn 1.8 renamed `dissimilarity` and `metric` of MDS.
    parameters = inspect.signature(MDS).parameters
    renamed = "metric_mds" in parameters
    word = {"metric": "precomputed"} if renamed else {"dissimilarity": "precomputed"}
    start = {"init": "random"} if "init" in parameters else {}
    yield MDS(2, n_init=1, random_state=0, **word, **start)
    yield TSNE(2, metric="precomputed", init="random", perplexity=5.0, random_state=0)


@pytest.mark.parametrize("embedding", list(embeddings()), ids=lambda one: type(one).__name__)
def test_embeddings_divide_the_strips(embedding):
    plane = make_pipeline(GeodesicDistances(ridge(), **SETTINGS), embedding).fit_transform(strips())
    nearest = KNeighborsClassifier(1).fit(plane, LABELS).kneighbors(return_distance=False)[:, 0]
    np.testing.assert_array_equal(LABELS[nearest], LABELS)


def test_points_that_carry_a_geometry_are_measured_by_it():
    X = strips()
    carried = GeodesicDistances(**SETTINGS).fit_transform(LatentPoints(X, ridge()))
    np.testing.assert_array_equal(carried, GeodesicDistances(ridge(), **SETTINGS).fit_transform(X))


def test_a_decoder_is_no_manifold():
    with pytest.raises(UserError, match=r"Pullback\(decoder\) or ExpectedPullback\(decoder\)"):
        GeodesicDistances(lambda z: z).fit(strips())
