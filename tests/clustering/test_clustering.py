"""Clusterings of separated blobs, and scores against brute force and scikit-learn."""

import itertools
import sys
import warnings

import numpy as np
import pytest
from sklearn.metrics import f1_score

from tfgeo.clustering import (
    K_MEDOIDS_METHODS,
    accuracy,
    euclidean_distances,
    f1,
    k_medoids,
    match,
    medoids,
    spectral,
)
from tfgeo.errors import UserError


def blobs(num_per_blob=15, num_blobs=3, seed=0):
    """`[n, 2]` points around centres at distance 10 with standard deviation 0.5, shuffled; and their blob."""
    generator = np.random.default_rng(seed)
    labels = generator.permutation(np.repeat(np.arange(num_blobs), num_per_blob))
    angles = 2.0 * np.pi * labels / num_blobs
    centers = 10.0 / np.sqrt(3.0) * np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    return centers + 0.5 * generator.normal(size=centers.shape), labels


@pytest.fixture(params=["installed", "missing"])
def scikit_learn_extra(request, monkeypatch):
    """Both states of a package that only exists for NumPy 1; where it is not there, both are the second."""
    if request.param == "missing":
        monkeypatch.setattr(medoids, "_has_scikit_learn_extra", lambda: False)


@pytest.mark.parametrize("method", K_MEDOIDS_METHODS)
@pytest.mark.usefixtures("scikit_learn_extra")
def test_k_medoids_recovers_blobs(method):
    points, labels = blobs()
    distances = euclidean_distances(points)
    clusters, medoids = k_medoids(distances, 3, method)
    assert accuracy(labels, clusters) == 1.0
    assert sorted(clusters[medoids]) == [0, 1, 2]
    np.testing.assert_array_equal(clusters[medoids], np.arange(3))
    for cluster, medoid in enumerate(medoids):
        members = np.flatnonzero(clusters == cluster)
        costs = distances[np.ix_(members, members)].sum(axis=1)
        assert medoid == members[np.argmin(costs)]


@pytest.mark.parametrize("method", K_MEDOIDS_METHODS)
def test_samples_belong_to_the_nearest_medoid(method):
    points = np.random.default_rng(3).normal(size=[40, 2])
    distances = euclidean_distances(points)
    clusters, medoids = k_medoids(distances, 4, method)
    assert len(set(medoids)) == 4
    np.testing.assert_allclose(distances[np.arange(40), medoids[clusters]], distances[:, medoids].min(axis=1))


@pytest.mark.parametrize("method", K_MEDOIDS_METHODS)
def test_as_many_clusters_as_samples(method):
    distances = euclidean_distances(blobs(num_per_blob=2)[0])
    clusters, medoids = k_medoids(distances, 6, method)
    assert sorted(clusters) == sorted(medoids) == list(range(6))


@pytest.mark.parametrize("num_distinct", [1, 3, 12])
@pytest.mark.parametrize("method", K_MEDOIDS_METHODS)
@pytest.mark.usefixtures("scikit_learn_extra")
def test_no_cluster_is_empty_and_every_medoid_is_in_its_own(method, num_distinct):
    points = np.random.default_rng(num_distinct).normal(size=[num_distinct, 2])[np.arange(24) % num_distinct]
    distances = euclidean_distances(points)
    for num_clusters in range(1, 25):
        clusters, medoids = k_medoids(distances, num_clusters, method)
        np.testing.assert_array_equal(clusters[medoids], np.arange(num_clusters))
        nearest = distances[:, medoids].min(axis=1)
        np.testing.assert_array_equal(distances[np.arange(24), medoids[clusters]], nearest)
        # Every distinct point has its medoid once there are enough.
        assert num_clusters < num_distinct or nearest.max() == 0.0


@pytest.mark.parametrize("method", K_MEDOIDS_METHODS)
def test_one_cluster_has_the_most_central_sample_and_no_warning(method):
    points = np.random.default_rng(4).normal(size=[15, 2])
    distances = euclidean_distances(points)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        clusters, medoids = k_medoids(distances, 1, method)
    assert clusters.tolist() == [0] * 15 and medoids == [np.argmin(distances.sum(axis=0))]


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
@pytest.mark.parametrize("method", K_MEDOIDS_METHODS)
def test_what_float32_leaves_of_symmetry_is_no_mistake(method, scale):
    points, labels = blobs()
    distances = scale * euclidean_distances(points)
    noise = 1e-6 * distances.max() * np.random.default_rng(0).uniform(size=distances.shape)
    assert accuracy(labels, k_medoids(distances + noise, 3, method)[0]) == 1.0


def test_a_package_that_is_installed_but_cannot_be_imported_is_replaced_with_one_warning(tmp_path, monkeypatch):
    (tmp_path / "sklearn_extra").mkdir()
    (tmp_path / "sklearn_extra" / "__init__.py").write_text("raise ValueError('numpy.dtype size changed')")
    monkeypatch.syspath_prepend(tmp_path)
    for name in [name for name in sys.modules if name.split(".")[0] == "sklearn_extra"]:
        monkeypatch.delitem(sys.modules, name)
    medoids._has_scikit_learn_extra.cache_clear()
    distances = euclidean_distances(blobs()[0])
    try:
        with pytest.warns(UserWarning, match=r"cannot be imported \(numpy.dtype size changed\)") as caught:
            found = [k_medoids(distances, 3) for _ in range(2)]
    finally:
        medoids._has_scikit_learn_extra.cache_clear()
    assert len(caught) == 1
    np.testing.assert_array_equal(found[0][1], k_medoids(distances, 3, "fasterpam")[1])


def test_fasterpam_is_decided_by_its_seed_and_near_the_best_medoids():
    points = np.random.default_rng(6).normal(size=[25, 2])
    distances = euclidean_distances(points)
    first, again = (k_medoids(distances, 3, "fasterpam", seed=1) for _ in range(2))
    np.testing.assert_array_equal(first[0], again[0])
    best = min(distances[:, list(medoids)].min(axis=1).sum() for medoids in itertools.combinations(range(25), 3))
    assert distances[:, first[1]].min(axis=1).sum() <= 1.01 * best


def test_more_starts_of_fasterpam_cost_no_more():
    distances = euclidean_distances(np.random.default_rng(7).normal(size=[60, 2]))

    def cost(num_starts, seed):
        medoids = k_medoids(distances, 6, "fasterpam", seed, num_starts)[1]
        return distances[:, medoids].min(axis=1).sum()

    costs = np.array([[cost(num_starts, seed) for num_starts in (1, 5, 20)] for seed in range(10)])
    assert (np.diff(costs, axis=1) <= 0.0).all() and np.ptp(costs[:, 0]) > 0.0
    with pytest.raises(UserError, match="num_starts"):
        k_medoids(distances, 6, "fasterpam", num_starts=0)


def test_spectral_clustering_of_two_blobs():
    points, labels = blobs(num_blobs=2)
    assert accuracy(labels, spectral(points, 2)) == 1.0


def test_spectral_clustering_does_not_depend_on_the_unit():
    points, labels = blobs(num_blobs=3)
    clusters = spectral(points, 3)
    assert accuracy(labels, clusters) == 1.0
    for scale in (1e-3, 1e3):
        assert accuracy(clusters, spectral(scale * points, 3)) == 1.0
    # scikit-learn's default width holds for one unit only.
    assert accuracy(labels, spectral(1e3 * points, 3, gamma=1.0)) < 1.0


def test_spectral_clustering_of_repeated_samples():
    points = np.repeat(np.eye(3)[:2], [20, 4], axis=0)
    assert accuracy(np.repeat([0, 1], [20, 4]), spectral(points, 2)) == 1.0


def test_euclidean_distances_are_norms():
    points = np.random.default_rng(0).normal(size=[7, 3])
    expected = np.linalg.norm(points[:, None] - points[None], axis=-1)
    np.testing.assert_allclose(euclidean_distances(points), expected, atol=1e-12)


@pytest.mark.parametrize("num_clusters", [2, 4, 5])
def test_accuracy_is_the_best_over_all_matchings(num_clusters):
    for seed in range(5):
        generator = np.random.default_rng(seed)
        labels, clusters = generator.integers(0, 4, size=60), generator.integers(0, num_clusters, size=60)
        # Unmatched clusters get names of no class.
        names = [*range(4), *range(-1, -num_clusters - 1, -1)]
        best = max(
            np.mean(np.array(matching)[clusters] == labels)
            for matching in itertools.permutations(names[: max(4, num_clusters)], num_clusters)
        )
        assert accuracy(labels, clusters) == pytest.approx(best, abs=1e-12)


def test_scores_do_not_depend_on_names_or_order():
    generator = np.random.default_rng(1)
    labels = generator.integers(0, 3, size=50)
    clusters = np.where(generator.uniform(size=50) < 0.7, labels, generator.integers(0, 3, size=50))
    order = generator.permutation(50)
    for score in (accuracy, f1):
        value = score(labels, clusters)
        assert 0.5 < value < 1.0
        for names in itertools.permutations([0, 1, 2]):
            assert score(labels, np.array(names)[clusters]) == pytest.approx(value, abs=1e-12)
            assert score(np.array(["x", "y", "z"])[labels], clusters + 7) == pytest.approx(value, abs=1e-12)
        assert score(labels[order], clusters[order]) == pytest.approx(value, abs=1e-12)
        assert score(labels, labels) == 1.0


@pytest.mark.parametrize("num_clusters", [2, 3, 5])
def test_f1_is_that_of_scikit_learn_on_matched_labels(num_clusters):
    generator = np.random.default_rng(2)
    labels = generator.integers(0, 3, size=80)
    noise = generator.uniform(size=80)
    clusters = np.where(noise < 0.8, labels % num_clusters, generator.integers(0, num_clusters, size=80))

    def renamed(matching):
        return np.array(matching)[clusters]

    names = [0, 1, 2, -1, -2]
    matchings = list(itertools.permutations(names[: max(3, num_clusters)], num_clusters))
    best = max(matchings, key=lambda matching: np.mean(renamed(matching) == labels))
    expected = f1_score(labels, renamed(best), labels=[0, 1, 2], average="macro", zero_division=0)
    assert f1(labels, clusters) == pytest.approx(expected, abs=1e-12)


def test_scores_need_a_cluster_for_each_label():
    for score in (accuracy, f1):
        with pytest.raises(UserError, match="3 `labels` and 2 `clusters`"):
            score(np.zeros(3), np.zeros(2))


def with_value(value, row=0, column=1, both=True):
    distances = euclidean_distances(blobs(num_per_blob=2)[0])
    distances[row, column] = value
    if both:
        distances[column, row] = value
    return distances


@pytest.mark.parametrize(
    ("distances", "num_clusters", "message"),
    [
        (np.zeros([3, 3]), 4, "3 samples.*`num_clusters`=4"),
        (np.zeros([3, 3]), 0, "`num_clusters`"),
        (np.zeros([3, 4]), 2, r"\[n, n\].*\(3, 4\)"),
        (np.zeros(3), 2, r"\[n, n\]"),
        (with_value(np.nan), 2, "2 values that are not finite, the first nan between samples 0 and 1"),
        (with_value(np.inf, 2, 4), 2, "2 values that are not finite, the first inf between samples 2 and 4"),
        (with_value(30.0, 1, 3, both=False), 2, "symmetric, but is 30 between samples 1 and 3 and .* back"),
        (1e-9 * with_value(30.0, both=False), 2, "symmetric, but is 3e-08 between samples 0 and 1"),
        (with_value(-1.0), 2, "not be negative, but is -1 between samples 0 and 1"),
        (with_value(0.5, 3, 3), 2, "0 on the diagonal, but is 0.5 between samples 3 and 3"),
        (np.exp(-euclidean_distances(blobs()[0])), 2, "0 on the diagonal.* similarities"),
        (np.corrcoef(blobs()[0]), 2, "not be negative"),
        ([["a", "b"], ["c", "d"]], 1, "not real numbers"),
        ([[0.0, 1.0], [1.0]], 1, "not an array"),
    ],
    ids=[
        "few", "none", "oblong", "vector", "nan", "inf", "asymmetric", "asymmetric and tiny", "negative",
        "diagonal", "kernel", "correlations", "words", "ragged",
    ],
)  # fmt: skip
@pytest.mark.parametrize("method", K_MEDOIDS_METHODS)
def test_k_medoids_names_what_it_cannot_use(method, distances, num_clusters, message):
    with pytest.raises(UserError, match=message):
        k_medoids(distances, num_clusters, method)


def test_k_medoids_names_an_unknown_method():
    with pytest.raises(UserError, match=r"'pamm'.*pam, fasterpam"):
        k_medoids(np.zeros([3, 3]), 2, "pamm")


def test_spectral_needs_a_sample_for_each_cluster():
    with pytest.raises(UserError, match="3 samples"):
        spectral(np.zeros([3, 2]), 4)


def test_matched_clusters_have_the_numbers_of_their_classes():
    labels = np.array([7, 7, 7, 3, 3, 5, 5, 5])
    clusters = np.array([20, 20, 10, 30, 30, 10, 10, 40])
    # Cluster 40 has no class.
    np.testing.assert_array_equal(match(labels, clusters), [7, 7, 5, 3, 3, 5, 5, 8])
    words = np.array(["three", "five", "seven"])[(labels - 3) // 2]  # sorted: five, seven, three
    # A label may be below 0, too.
    below = np.where(labels == 3, -1, labels)
    np.testing.assert_array_equal(match(below, clusters), [7, 7, 5, -1, -1, 5, 5, 8])
    np.testing.assert_array_equal(match(words, clusters), [1, 1, 0, 2, 2, 0, 0, 3])
    for seed in range(5):
        clusters = np.random.default_rng(seed).integers(0, 4, size=8)
        share = np.mean(match(labels, clusters) == labels)
        assert share == accuracy(labels, clusters)
