"""Riemannian manifolds: what turns a latent space into a space with lengths."""

from tfgeo.manifolds.expected_pullback import ExpectedPullback
from tfgeo.manifolds.independent_noise import IndependentNoise
from tfgeo.manifolds.manifold import Manifold
from tfgeo.manifolds.pullback import Pullback
from tfgeo.manifolds.volume import expected_volume

__all__ = ["ExpectedPullback", "IndependentNoise", "Manifold", "Pullback", "expected_volume"]
