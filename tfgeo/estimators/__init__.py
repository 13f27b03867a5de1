"""Estimators: clusters and distances along geodesics, after scikit-learn's conventions."""

from tfgeo.estimators.geodesic_distances import GeodesicDistances
from tfgeo.estimators.geodesic_k_medoids import GeodesicKMedoids
from tfgeo.estimators.geometry import FlatGeometry, Geometry, ManifoldGeometry
from tfgeo.estimators.latent_points import LatentPoints

__all__ = [
    "FlatGeometry",
    "GeodesicDistances",
    "GeodesicKMedoids",
    "Geometry",
    "LatentPoints",
    "ManifoldGeometry",
]
