"""K-medoids of very many samples, whose medoids are among a few of them."""

from __future__ import annotations

import numpy as np

from tfgeo.clustering.medoids import NUM_STARTS, check_num_clusters, k_medoids
from tfgeo.errors import UserError

__all__ = ["landmark_k_medoids"]

# Rows of samples that are looked at together: what is computed of them stays in the processor's cache.
ROWS_TOGETHER = 1024
# A swap must lower the cost by this share of it: sums of many distances round.
LEAST_GAIN = 1e-9


def landmark_k_medoids(
    distances: np.ndarray,
    landmarks: np.ndarray,
    num_clusters: int,
    method: str = "fasterpam",
    seed: int = 0,
    num_starts: int = NUM_STARTS,
) -> tuple[np.ndarray, np.ndarray]:
    """K-medoids of n samples by their distances to L of them, the landmarks, among which medoids are chosen.

    K-medoids of the landmarks alone begin. As landmarks are not as dense as samples are, medoids are then exchanged
    for other landmarks, the best exchange first, for as long as one lowers the sum of the distances of all samples
    to their medoids (the swaps of PAM, Kaufman and Rousseeuw 1987, with the bookkeeping of Schubert and Rousseeuw
    2021, https://arxiv.org/abs/2008.05171). Memory and time of an exchange are n L; with all samples as landmarks
    it is `k_medoids`.

    Args:
      distances: `[n, L]` finite, not negative, from each sample to each landmark.
      landmarks: `[L]` rows of the samples that are landmarks, all different.
      num_clusters: number of clusters, at most L.
      method: as for `k_medoids`, of the landmarks.
      seed: likewise.
      num_starts: likewise.

    Returns:
      Labels `[n]`, 0 to `num_clusters` - 1, and the medoids' rows `[num_clusters]`, all different landmarks.

    Raises:
      UserError: if there are fewer landmarks than clusters, or distances are none.
    """
    distances, landmarks = _check(np.asarray(distances), np.asarray(landmarks))
    check_num_clusters(num_clusters, len(landmarks), "landmarks")
    # Distances there and back, found apart, differ by what solvers leave.
    between = distances[landmarks]
    between = 0.5 * (between + between.T)
    np.fill_diagonal(between, 0.0)
    chosen = k_medoids(between, num_clusters, method, seed, num_starts)[1]
    while (swap := _best_swap(distances, chosen)) is not None:
        chosen = chosen.copy()
        chosen[swap[0]] = swap[1]
    labels = np.argmin(distances[:, chosen], axis=1)
    labels[landmarks[chosen]] = np.arange(num_clusters)
    return labels, landmarks[chosen]


def _best_swap(distances: np.ndarray, chosen: np.ndarray) -> tuple[int, int] | None:
    """The cluster whose medoid should be another landmark, and which; None where no exchange lowers the cost.

    For a sample at `near` from its own medoid and `second` from the next one, a new medoid at x costs
    `min(x, near)` where another medoid leaves, and `min(x, second)` where its own does. The difference,
    `clip(x, near, second) - near`, is summed over the samples of each cluster.
    """
    num_landmarks = distances.shape[1]
    gained, left, cost = np.zeros(num_landmarks), np.zeros([len(chosen), num_landmarks]), 0.0
    for first in range(0, len(distances), ROWS_TOGETHER):
        part = distances[first : first + ROWS_TOGETHER]
        to_medoids = part[:, chosen]
        owner = np.argmin(to_medoids, axis=1)
        near = np.take_along_axis(to_medoids, owner[:, None], axis=1)
        np.put_along_axis(to_medoids, owner[:, None], np.inf, axis=1)
        second = np.min(to_medoids, axis=1, keepdims=True)
        cost += float(near.sum())
        gained += np.minimum(part - near, 0.0).sum(axis=0)
        members = (owner == np.arange(len(chosen))[:, None]).astype(part.dtype)
        left += members @ (np.clip(part, near, second) - near)
    change = gained + left
    cluster, landmark = np.unravel_index(np.argmin(change), change.shape)
    return (int(cluster), int(landmark)) if change[cluster, landmark] < -LEAST_GAIN * cost else None


def _check(distances: np.ndarray, landmarks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`[n, L]` float64 and `[L]` rows of it."""
    if distances.ndim != 2 or landmarks.ndim != 1 or distances.shape[1] != len(landmarks):
        raise UserError(
            f"`distances` {distances.shape} and `landmarks` {landmarks.shape} must be [n, L] and [L]; "
            "tfgeo.geodesics.landmark_distances makes both"
        )
    if distances.dtype.kind not in "biuf" or landmarks.dtype.kind not in "iu":
        raise UserError(
            f"`distances` and `landmarks` hold {distances.dtype} and {landmarks.dtype}; give real numbers and rows"
        )
    within = (landmarks >= 0) & (landmarks < len(distances))
    if not within.all() or len(np.unique(landmarks)) < len(landmarks):
        raise UserError(
            f"`landmarks` must be different rows of the {len(distances)} samples, but "
            f"{_first_wrong(landmarks, within)}"
        )
    wrong = ~(np.isfinite(distances) & (distances >= 0.0))
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        raise UserError(
            f"`distances` has {np.sum(wrong)} values that are negative or not finite, the first "
            f"{distances[row, column]:.6g} from sample {row} to landmark {column}; drop the samples whose "
            "geodesics failed"
        )
    return distances.astype(np.float64, copy=False), landmarks.astype(np.int64, copy=False)


def _first_wrong(landmarks: np.ndarray, within: np.ndarray) -> str:
    """What is wrong with the first landmark that is, as a clause."""
    if not within.all():
        return f"{landmarks[np.argmin(within)]} is none; take it out"
    rows, counts = np.unique(landmarks, return_counts=True)
    return f"{rows[np.argmax(counts > 1)]} is there twice; take one out"
