"""What clusters by geodesics are compared with: straight distances, and spectral clustering of the data."""

from __future__ import annotations

import warnings

import numpy as np

from tfgeo.clustering.medoids import check_num_clusters

__all__ = ["euclidean_distances", "spectral"]

# Whose distance is the width of spectral clustering.
NEIGHBOUR = 7


def spectral(inputs: np.ndarray, num_clusters: int, gamma: float | None = None, seed: int = 0) -> np.ndarray:
    """Spectral clustering of the data themselves with a Gaussian affinity, `exp(-gamma |x - y|^2)`.

    Unless the width is given, gamma = 1 / (2 sigma^2) with sigma the median distance of a sample to its seventh
    nearest neighbour: one width for all pairs in place of the local scaling of Zelnik-Manor and Perona (2004),
    whose neighbour it is. A fixed gamma measures the scale of the data more than their shape.

    Args:
      inputs: `[n, D]` data.
      num_clusters: number of clusters.
      gamma: inverse squared width; None for the rule above. scikit-learn's default is 1.
      seed: seed of the assignment's k-means.

    Returns:
      Labels `[n]`.

    Raises:
      UserError: if there are fewer samples than clusters.
    """
    from sklearn.cluster import SpectralClustering

    check_num_clusters(num_clusters, len(inputs))
    if gamma is None:
        gamma = _gamma_of_neighbours(inputs)
    with warnings.catch_warnings():
        # Images are so far apart at gamma = 1 that the graph falls apart; who asks for it is meant to see that.
        warnings.filterwarnings("ignore", message="Graph is not fully connected")
        model = SpectralClustering(num_clusters, gamma=gamma, random_state=seed % 2**32)
        return model.fit_predict(np.asarray(inputs, np.float64))


def _gamma_of_neighbours(inputs: np.ndarray) -> float:
    """1 / (2 sigma^2), sigma the median distance of a sample to its `NEIGHBOUR`-th other."""
    distances = np.sort(euclidean_distances(inputs), axis=1)  # each row begins with the sample itself
    sigma = np.median(distances[:, min(NEIGHBOUR, len(distances) - 1)])
    # Where most samples are repeated, any width that tells the others apart.
    sigma = sigma or np.mean(distances)
    return float(0.5 / sigma**2) if sigma > 0.0 else 1.0


def euclidean_distances(points: np.ndarray) -> np.ndarray:
    """`[n, d]` points to their `[n, n]` Euclidean distances."""
    from scipy.spatial.distance import pdist, squareform

    return squareform(pdist(np.asarray(points, np.float64)))
