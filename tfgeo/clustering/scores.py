"""Scores of a clustering against labels."""

from __future__ import annotations

import numpy as np

from tfgeo.errors import UserError

__all__ = ["accuracy", "f1", "match"]


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


def match(labels: np.ndarray, clusters: np.ndarray) -> np.ndarray:
    """Clusters under the numbers of their classes, so that both have the same colours in figures.

    Args:
      labels: `[n]` classes, or the clusters of another method.
      clusters: `[n]` clusters.

    Returns:
      `[n]` integers: the label of the matched class, or its place among the sorted classes where labels are no
      integers of 64 bits; clusters without a class have the numbers after these.
    """
    counts, rows, columns = _match(labels, clusters)
    classes = np.unique(labels)
    if classes.dtype.kind not in "biu" or not np.can_cast(np.min_scalar_type(classes[-1]), np.int64):
        classes = np.arange(len(classes))
    alone = np.ones(counts.shape[1], bool)
    alone[columns] = False
    numbers = np.zeros(counts.shape[1], np.int64)
    numbers[columns] = classes[rows]
    numbers[alone] = int(classes[-1]) + 1 + np.arange(np.count_nonzero(alone))
    return numbers[np.unique(clusters, return_inverse=True)[1]]


def _match(labels: np.ndarray, clusters: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Counts `[classes, clusters]`, and the matched rows and columns with the most samples in all."""
    from scipy.optimize import linear_sum_assignment
    from sklearn.metrics.cluster import contingency_matrix

    if len(labels) != len(clusters):
        raise UserError(f"{len(labels)} `labels` and {len(clusters)} `clusters` must be as many; pass one each")
    counts = contingency_matrix(labels, clusters)
    return counts, *linear_sum_assignment(counts, maximize=True)
