"""K-medoids by landmarks: with all samples it is k-medoids; with some no exchange of a medoid lowers the cost."""

import numpy as np
import pytest

from tfgeo.clustering import K_MEDOIDS_METHODS, euclidean_distances, k_medoids, landmark_k_medoids
from tfgeo.errors import UserError
from tfgeo.estimators import FlatGeometry


def points(num, seed=0):
    """`[num, 2]`: three blobs of different density."""
    random = np.random.default_rng(seed)
    centers = np.array([[0.0, 0.0], [3.0, 0.0], [0.0, 4.0]])
    return centers[random.choice(3, num, p=[0.6, 0.3, 0.1])] + random.normal(size=[num, 2])


def cost(distances, medoids):
    return distances[:, medoids].min(axis=1).sum()


@pytest.mark.parametrize("method", K_MEDOIDS_METHODS)
@pytest.mark.parametrize("num_clusters", [1, 2, 5, 60])
def test_with_all_samples_as_landmarks_it_is_k_medoids(method, num_clusters):
    for seed in range(3):
        distances = euclidean_distances(points(60, seed))
        labels, medoids = k_medoids(distances, num_clusters, method, seed)
        found = landmark_k_medoids(distances, np.arange(60), num_clusters, method, seed)
        np.testing.assert_array_equal(found[0], labels)
        np.testing.assert_array_equal(found[1], medoids)


@pytest.mark.parametrize("num_clusters", [1, 3, 7])
def test_no_exchange_of_a_medoid_for_a_landmark_lowers_the_cost(num_clusters):
    x = points(80)
    landmarks, distances = FlatGeometry().to_landmarks(x, 20)
    labels, medoids = landmark_k_medoids(distances, landmarks, num_clusters)
    assert len(set(medoids)) == num_clusters and set(medoids) <= set(landmarks)
    np.testing.assert_array_equal(labels[medoids], np.arange(num_clusters))
    matrix = euclidean_distances(x)
    np.testing.assert_allclose(matrix[np.arange(80), medoids[labels]], matrix[:, medoids].min(axis=1))
    for cluster in range(num_clusters):
        for landmark in landmarks:
            other = np.where(np.arange(num_clusters) == cluster, landmark, medoids)
            assert cost(matrix, other) > (1.0 - 1e-9) * cost(matrix, medoids)


@pytest.mark.parametrize("num_clusters", [3, 10])
def test_its_cost_is_near_that_of_all_pairs_and_below_that_of_the_landmarks_own_medoids(num_clusters):
    x = points(1000)
    matrix = euclidean_distances(x)
    least = cost(matrix, k_medoids(matrix, num_clusters, "fasterpam")[1])
    landmarks, distances = FlatGeometry().to_landmarks(x, 300)
    among = k_medoids(matrix[np.ix_(landmarks, landmarks)], num_clusters, "fasterpam")[1]
    found = cost(matrix, landmark_k_medoids(distances, landmarks, num_clusters)[1])
    # 0.5 and 1.3 % above it; medoids of the landmarks alone, which are as dense at the rim, 1.3 and 17 %.
    assert found < 1.02 * least and found < 0.995 * cost(matrix, landmarks[among])


def test_samples_at_one_place_have_medoids_of_their_own():
    distances = np.zeros([6, 3])
    labels, medoids = landmark_k_medoids(distances, np.array([1, 3, 5]), 3)
    assert sorted(medoids) == [1, 3, 5]
    np.testing.assert_array_equal(labels[medoids], np.arange(3))


@pytest.mark.parametrize(
    ("distances", "landmarks", "num_clusters", "said"),
    [
        (np.zeros([5, 2]), [0, 1], 3, "2 landmarks cannot form `num_clusters`=3"),
        (np.zeros([5, 2]), [0, 1, 2], 2, r"`distances` \(5, 2\) and `landmarks` \(3,\) must be \[n, L\] and \[L\]"),
        (np.zeros([5, 2]), [0, 5], 2, "different rows of the 5 samples, but 5 is none"),
        (np.zeros([5, 2]), [3, 3], 2, "but 3 is there twice"),
        (np.zeros([5, 2]), [0.0, 1.0], 2, "float64 and float64; give real numbers and rows"),
        (np.full([5, 2], np.nan), [0, 1], 2, "10 values .*, the first nan from sample 0 to landmark 0"),
        (np.full([5, 2], -1.0), [0, 1], 2, "10 values that are negative"),
    ],
)
def test_mistakes_are_one_line(distances, landmarks, num_clusters, said):
    with pytest.raises(UserError, match=said):
        landmark_k_medoids(distances, np.array(landmarks), num_clusters)
