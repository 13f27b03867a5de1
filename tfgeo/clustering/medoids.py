"""K-medoids on a matrix of distances."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import warnings

import numpy as np

from tfgeo.errors import UserError, check_count
from tfgeo.randomness import derive_integer

__all__ = ["K_MEDOIDS_METHODS", "NUM_STARTS", "check_num_clusters", "k_medoids"]

# "pam" is scikit-learn-extra's; "fasterpam" is the `kmedoids` package's, with the better of several starts.
K_MEDOIDS_METHODS = ("pam", "fasterpam")
NUM_STARTS = 10
# Share of the largest distance by which a matrix may miss symmetry or a diagonal of 0: what float32 leaves.
TOLERANCE = 1e-5


def k_medoids(
    distances: np.ndarray, num_clusters: int, method: str = "pam", seed: int = 0, num_starts: int = NUM_STARTS
) -> tuple[np.ndarray, np.ndarray]:
    """K-medoids on a distance matrix: the clusters' centres are samples.

    No cluster is empty, and each medoid belongs to its own: of samples at distance 0 from each other several may be
    medoids, each of a cluster that holds it, which happens where there are fewer distinct samples than clusters.
    All others belong to the nearest medoid, of equally near ones to the first.

    Args:
      distances: `[n, n]` finite, not negative, symmetric and with a diagonal of 0, up to 1e-5 of the largest.
      num_clusters: number of clusters.
      method: "pam" (Kaufman and Rousseeuw 1987, scikit-learn-extra, greedy start) or "fasterpam" (Schubert
        and Rousseeuw 2021, arXiv:2008.05171, `kmedoids`, the random start that ends at the least cost). Where
        scikit-learn-extra is not installed, "pam" is done by "fasterpam"; where it is but cannot be imported, a
        warning says so.
      seed: seed of the random starts.
      num_starts: number of random starts.

    Returns:
      Labels `[n]`, 0 to `num_clusters` - 1, and the medoids' indices `[num_clusters]`, all different.

    Raises:
      UserError: if there are fewer samples than clusters, or the matrix is no distance matrix.
    """
    distances = _check_distances(distances)
    check_num_clusters(num_clusters, len(distances))
    if method not in K_MEDOIDS_METHODS:
        raise UserError(f"`method`={method!r} is not known; choose one of {', '.join(K_MEDOIDS_METHODS)}")
    check_count("num_starts", num_starts)
    if num_clusters == 1:
        medoids = np.argmin(distances.sum(axis=0), keepdims=True)
    elif method == "pam" and _has_scikit_learn_extra():
        medoids = _pam(distances, num_clusters)
    else:
        medoids = _fasterpam(distances, num_clusters, seed, num_starts)
    labels = np.argmin(distances[:, medoids], axis=1)
    labels[medoids] = np.arange(num_clusters)
    return labels, medoids


def _pam(distances: np.ndarray, num_clusters: int) -> np.ndarray:
    """Medoids by scikit-learn-extra."""
    from sklearn_extra.cluster import KMedoids

    fitted = KMedoids(num_clusters, metric="precomputed", method="pam", init="build").fit(distances)
    return np.asarray(fitted.medoid_indices_, np.int64)


def _fasterpam(distances: np.ndarray, num_clusters: int, seed: int, num_starts: int) -> np.ndarray:
    """Medoids by `kmedoids`."""
    import kmedoids

    starts = [derive_integer(seed, "k_medoids", start) for start in range(num_starts)]
    results = [kmedoids.fasterpam(distances, num_clusters, init="random", random_state=start) for start in starts]
    return np.asarray(min(results, key=lambda result: result.loss).medoids, np.int64)


def _check_distances(distances: np.ndarray) -> np.ndarray:
    """`[n, n]` float64, exactly symmetric and with a diagonal of 0."""
    try:
        distances = np.asarray(distances)
    except ValueError as error:  # rows of different lengths
        raise UserError(f"`distances` is not an array ({error}); give numbers of shape [n, n]") from error
    if distances.dtype.kind not in "biuf":
        raise UserError(f"`distances` holds {distances.dtype}, not real numbers; give numbers of shape [n, n]")
    if distances.ndim != 2 or distances.shape[0] != distances.shape[1]:
        raise UserError(f"`distances` must be [n, n], got {distances.shape}; tfgeo.geodesics.pairwise makes one")
    distances = distances.astype(np.float64)
    if not np.isfinite(distances).all():
        raise UserError(
            f"`distances` has {np.sum(~np.isfinite(distances))} values that are not finite, the first "
            f"{_locate(distances, ~np.isfinite(distances))}; drop the samples whose geodesics failed"
        )
    if (distances < 0.0).any():
        raise UserError(
            f"`distances` must not be negative, but is {_locate(distances, distances < 0.0)}; give distances, "
            "of correlations c for example 1 - c"
        )
    allowed = TOLERANCE * distances.max(initial=0.0)
    diagonal = np.eye(len(distances), dtype=bool) & (distances > allowed)
    if diagonal.any():
        raise UserError(
            f"`distances` must be 0 on the diagonal, but is {_locate(distances, diagonal)}; similarities K "
            "become distances by sqrt(K_ii + K_jj - 2 K_ij)"
        )
    asymmetric = np.abs(distances - distances.T) > allowed
    if asymmetric.any():
        row, column = np.argwhere(asymmetric)[0]
        raise UserError(
            f"`distances` must be symmetric, but is {_locate(distances, asymmetric)} and "
            f"{distances[column, row]:.6g} back; average it with its transpose"
        )
    distances = 0.5 * (distances + distances.T)
    np.fill_diagonal(distances, 0.0)
    return distances


def _locate(distances: np.ndarray, wrong: np.ndarray) -> str:
    """The first wrong value and its pair, in words."""
    row, column = np.argwhere(wrong)[0]
    return f"{distances[row, column]:.6g} between samples {row} and {column}"


def check_num_clusters(num_clusters: int, num_samples: int, what: str = "samples") -> None:
    """Refuses numbers that are no counts, and more clusters than samples, or what else medoids are chosen from."""
    check_count("num_clusters", num_clusters)
    if num_samples < num_clusters:
        raise UserError(
            f"{num_samples} {what} cannot form `num_clusters`={num_clusters} clusters; "
            f"give more {what} or lower --config.clustering.num_clusters, `n_clusters` of an estimator"
        )


@functools.cache
def _has_scikit_learn_extra() -> bool:
    """False where it is not installed: it needs NumPy 1, which Python 3.13 does not have."""
    if importlib.util.find_spec("sklearn_extra") is None:
        return False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what it deprecates is no concern of the user's
            importlib.import_module("sklearn_extra.cluster")
    except Exception as error:  # compiled for another NumPy, it fails in several ways
        warnings.warn(
            f"scikit-learn-extra is installed but cannot be imported ({' '.join(str(error).split())}); "
            "k-medoids are found by the kmedoids package",
            stacklevel=3,
        )
        return False
    return True
