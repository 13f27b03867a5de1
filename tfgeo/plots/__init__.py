"""Figures: latent spaces with their fields and curves, distance matrices, images, training."""

from tfgeo.plots.curves import moving_average, training_curves
from tfgeo.plots.images import image_grid
from tfgeo.plots.latent import grid_points, latent_panels
from tfgeo.plots.matrices import distance_matrices
from tfgeo.plots.style import CLASS_COLORS, save

__all__ = [
    "CLASS_COLORS",
    "distance_matrices",
    "grid_points",
    "image_grid",
    "latent_panels",
    "moving_average",
    "save",
    "training_curves",
]
