"""Latent points keep the geometry of their space where rows are taken, and lose it where anything is computed."""

import pickle

import numpy as np
import pytest
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from tfgeo.estimators import FlatGeometry, LatentPoints, ManifoldGeometry
from tfgeo.manifolds import CentroidMetric

Z = np.random.default_rng(0).normal(size=(12, 3)).astype(np.float32)
GEOMETRY = FlatGeometry()


@pytest.fixture
def points():
    return LatentPoints(Z, GEOMETRY)


@pytest.mark.parametrize(
    "key",
    [slice(2, 8), np.arange(5), [3, 1, 1], Z[:, 0] > 0, (slice(4), ...), (np.arange(3), slice(None)), (slice(2),)],
)
def test_rows_keep_it(points, key):
    part = points[key]
    assert isinstance(part, LatentPoints) and part.geometry is GEOMETRY
    np.testing.assert_array_equal(part, Z[key])


@pytest.mark.parametrize(
    "compute",
    [
        lambda z: z * 2.0,
        lambda z: z.T,
        lambda z: z.mean(axis=0),
        lambda z: z[:, ::-1],
        lambda z: z[:, [2, 0, 1]],
        lambda z: z[0],
        lambda z: z[z > 0],
        lambda z: z[None],
        lambda z: np.concatenate([z, 2.0 * z]),
        lambda z: z.reshape(-1, 3),
        lambda z: StandardScaler().fit_transform(z),
    ],
)
def test_what_is_computed_has_none(points, compute):
    result = compute(points)
    assert getattr(result, "geometry", None) is None
    np.testing.assert_array_equal(result, compute(Z))


def test_numbers_of_it_are_plain_numbers(points):
    assert isinstance(points.sum(), np.float32) and isinstance(points[0, 0], np.float32)
    assert type(points + 1.0) is np.ndarray


def test_they_cannot_be_moved_in_place(points):
    with pytest.raises(ValueError, match="read-only"):
        points *= 2.0
    Z_before = Z.copy()
    assert Z.flags.writeable
    np.testing.assert_array_equal(Z, Z_before)


def test_the_array_they_were_made_of_stays_another():
    z = Z.copy()
    points = LatentPoints(z, GEOMETRY)
    z[:] = 0.0
    np.testing.assert_array_equal(points, Z)


def test_splits_of_scikit_learn_keep_it(points):
    train, test, labels, _ = train_test_split(points, np.arange(12), random_state=0)
    assert train.geometry is test.geometry is GEOMETRY
    np.testing.assert_array_equal(train, Z[labels])


def test_pickles_keep_it():
    manifold = CentroidMetric(Z[:4], np.tile(np.eye(3, dtype=np.float32), (4, 1, 1)), 0.8, 0.01)
    loaded = pickle.loads(pickle.dumps(LatentPoints(Z, manifold)[2:]))
    assert isinstance(loaded.geometry, ManifoldGeometry) and not loaded.flags.writeable
    np.testing.assert_array_equal(loaded, Z[2:])
    np.testing.assert_array_equal(loaded.geometry.manifold.metric_tensor(Z), manifold.metric_tensor(Z))
