"""Latent points drawn along a metric by Hamiltonian Monte Carlo, and how good generated samples are."""

from tfgeo.sampling.metric_density import LatentSamples, sample_latents
from tfgeo.sampling.quality import (
    PrecisionRecall,
    mean_pairwise_distance,
    nearest_distance,
    nearest_rows,
    precision_recall,
)
from tfgeo.sampling.riemannian_hmc import RiemannianHMC

__all__ = [
    "LatentSamples",
    "PrecisionRecall",
    "RiemannianHMC",
    "mean_pairwise_distance",
    "nearest_distance",
    "nearest_rows",
    "precision_recall",
    "sample_latents",
]
