"""Clustering by distances, between all samples or to landmarks, and scores of a clustering against labels."""

from tfgeo.clustering.baselines import euclidean_distances, spectral
from tfgeo.clustering.landmark_medoids import landmark_k_medoids
from tfgeo.clustering.medoids import K_MEDOIDS_METHODS, k_medoids
from tfgeo.clustering.scores import accuracy, f1, match

__all__ = [
    "K_MEDOIDS_METHODS",
    "accuracy",
    "euclidean_distances",
    "f1",
    "k_medoids",
    "landmark_k_medoids",
    "match",
    "spectral",
]
