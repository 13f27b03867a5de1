"""Clustering by distances, and scores of a clustering against labels."""

from __future__ import annotations

import numpy as np

from tfgeo.errors import UserError, check_count
from tfgeo.randomness import derive_integer

__all__ = ["K_MEDOIDS_METHODS", "accuracy", "euclidean_distances", "f1", "k_medoids", "spectral"]

# "pam" is scikit-learn-extra's; "fasterpam" is the `kmedoids` package's, with the better of several starts.
K_MEDOIDS_METHODS = ("pam", "fasterpam")
NUM_STARTS = 10


def k_medoids(
    distances: np.ndarray, num_clusters: int, method: str = "pam", seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """K-medoids on a distance matrix: the clusters' centres are samples.

    Args:
      distances: `[n, n]` symmetric, finite, not negative.
      num_clusters: number of clusters.
      method: "pam" (Kaufman and Rousseeuw 1987, scikit-learn-extra, greedy start) or "fasterpam" (Schubert
        and Rousseeuw 2021, arXiv:2008.05171, `kmedoids`, the best of 10 random starts). Where
        scikit-learn-extra is not installed, "pam" is done by "fasterpam".
      seed: seed of the random starts.

    Returns:
      Labels `[n]` and the medoids' indices `[num_clusters]`.

    Raises:
      UserError: if there are fewer samples than clusters, or the matrix is no distance matrix.
    """
    distances = _check_distances(distances)
    _check_num_clusters(num_clusters, len(distances))
    if method not in K_MEDOIDS_METHODS:
        raise UserError(f"`method`={method!r} is not known; choose one of {', '.join(K_MEDOIDS_METHODS)}")
    if method == "pam" and _has_scikit_learn_extra():
        from sklearn_extra.cluster import KMedoids

        fitted = KMedoids(num_clusters, metric="precomputed", method="pam", init="build").fit(distances)
        return fitted.labels_, fitted.medoid_indices_
    import kmedoids

    starts = [derive_integer(seed, "k_medoids", start) for start in range(NUM_STARTS)]
    results = [kmedoids.fasterpam(distances, num_clusters, init="random", random_state=start) for start in starts]
    best = min(results, key=lambda result: result.loss)
    return np.asarray(best.labels, np.int64), np.asarray(best.medoids, np.int64)


def spectral(inputs: np.ndarray, num_clusters: int, gamma: float = 1.0, seed: int = 0) -> np.ndarray:
    """Spectral clustering of the data themselves with a Gaussian affinity, `exp(-gamma |x - y|^2)`.

    Args:
      inputs: `[n, D]` data.
      num_clusters: number of clusters.
      gamma: inverse squared width; 1 is scikit-learn's default.
      seed: seed of the assignment's k-means.

    Returns:
      Labels `[n]`.

    Raises:
      UserError: if there are fewer samples than clusters.
    """
    import warnings

    from sklearn.cluster import SpectralClustering

    _check_num_clusters(num_clusters, len(inputs))
    with warnings.catch_warnings():
        # Images are so far apart at gamma = 1 that the graph falls apart; the baseline is meant to show that.
        warnings.filterwarnings("ignore", message="Graph is not fully connected")
        model = SpectralClustering(num_clusters, gamma=gamma, random_state=seed % 2**32)
        return model.fit_predict(np.asarray(inputs, np.float64))


def euclidean_distances(points: np.ndarray) -> np.ndarray:
    """`[n, d]` points to their `[n, n]` Euclidean distances."""
    from scipy.spatial.distance import pdist, squareform

    return squareform(pdist(np.asarray(points, np.float64)))


def accuracy(labels: np.ndarray, clusters: np.ndarray) -> float:
    """Share of samples whose cluster is that of their class, clusters matched by the Hungarian algorithm."""
    counts, rows, columns = _match(labels, clusters)
    return float(counts[rows, columns].sum() / counts.sum())


def f1(labels: np.ndarray, clusters: np.ndarray) -> float:
    """Mean over the classes of F1 after matching clusters to classes; a class without a cluster counts 0."""
    counts, rows, columns = _match(labels, clusters)
    matched = counts[rows, columns]
    # F1 = 2 TP / (class size + cluster size); every class has at least one sample, so none is 0 / 0.
    scores = 2.0 * matched / (counts.sum(axis=1)[rows] + counts.sum(axis=0)[columns])
    return float(scores.sum() / counts.shape[0])


def _match(labels: np.ndarray, clusters: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Counts `[classes, clusters]`, and the matched rows and columns with the most samples in all."""
    from scipy.optimize import linear_sum_assignment
    from sklearn.metrics.cluster import contingency_matrix

    if len(labels) != len(clusters):
        raise UserError(f"{len(labels)} `labels` and {len(clusters)} `clusters` must be as many; pass one each")
    counts = contingency_matrix(labels, clusters)
    return counts, *linear_sum_assignment(counts, maximize=True)


def _check_distances(distances: np.ndarray) -> np.ndarray:
    distances = np.asarray(distances, np.float64)
    if distances.ndim != 2 or distances.shape[0] != distances.shape[1]:
        raise UserError(f"`distances` must be [n, n], got {distances.shape}; tfgeo.geodesics.pairwise makes one")
    if not np.isfinite(distances).all():
        count = np.sum(~np.isfinite(distances))
        raise UserError(
            f"`distances` has {count} values that are not finite; drop the samples whose geodesics failed"
        )
    if (distances < 0.0).any() or not np.allclose(distances, distances.T):
        raise UserError("`distances` must be symmetric and not negative; average it with its transpose")
    return distances


def _check_num_clusters(num_clusters: int, num_samples: int) -> None:
    check_count("num_clusters", num_clusters)
    if num_samples < num_clusters:
        raise UserError(
            f"{num_samples} samples cannot form `num_clusters`={num_clusters} clusters; "
            "give more samples or lower --config.clustering.num_clusters"
        )


def _has_scikit_learn_extra() -> bool:
    """False where it is not installed: it needs NumPy 1, which Python 3.13 does not have."""
    import importlib.util

    return importlib.util.find_spec("sklearn_extra") is not None
