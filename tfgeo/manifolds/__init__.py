"""Riemannian manifolds: what turns a latent space into a space with lengths."""

from tfgeo.manifolds.calculus.centroid_reach import neighbour_distances
from tfgeo.manifolds.centroid_metric import CentroidMetric
from tfgeo.manifolds.centroid_variant import CentroidVariant
from tfgeo.manifolds.checks import check_metric
from tfgeo.manifolds.curvature import gaussian_curvature, riemann_tensor, sectional_curvature
from tfgeo.manifolds.decoders import Decoder
from tfgeo.manifolds.distilled import Distilled
from tfgeo.manifolds.ensemble import Ensemble
from tfgeo.manifolds.expected_pullback import ExpectedPullback
from tfgeo.manifolds.fisher_rao import FisherRao
from tfgeo.manifolds.independent_noise import IndependentNoise
from tfgeo.manifolds.interpolated import Interpolated
from tfgeo.manifolds.manifold import Manifold
from tfgeo.manifolds.metric_field import MetricField, TensorField
from tfgeo.manifolds.preconditioned import Preconditioned
from tfgeo.manifolds.pullback import Pullback
from tfgeo.manifolds.saturated_metric import SaturatedCentroidMetric
from tfgeo.manifolds.smoothed import Smoothed
from tfgeo.manifolds.volume import expected_volume

__all__ = [
    "CentroidMetric",
    "CentroidVariant",
    "Decoder",
    "Distilled",
    "Ensemble",
    "ExpectedPullback",
    "FisherRao",
    "IndependentNoise",
    "Interpolated",
    "Manifold",
    "MetricField",
    "Preconditioned",
    "Pullback",
    "SaturatedCentroidMetric",
    "Smoothed",
    "TensorField",
    "check_metric",
    "expected_volume",
    "gaussian_curvature",
    "neighbour_distances",
    "riemann_tensor",
    "sectional_curvature",
]
