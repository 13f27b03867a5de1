"""Figures: latent spaces with their fields and curves, distance matrices, images, training."""

from tfgeo.plots.animation import save_animation
from tfgeo.plots.bodies import stick_figures
from tfgeo.plots.curves import moving_average, training_curves
from tfgeo.plots.images import image_grid
from tfgeo.plots.latent import equidistance_lines, grid_points, latent_panels
from tfgeo.plots.lines import bands, lines, plane_lines, scatter_lines
from tfgeo.plots.matrices import distance_matrices
from tfgeo.plots.style import CLASS_COLORS, save

__all__ = [
    "CLASS_COLORS",
    "bands",
    "distance_matrices",
    "equidistance_lines",
    "grid_points",
    "image_grid",
    "latent_panels",
    "lines",
    "moving_average",
    "plane_lines",
    "save",
    "save_animation",
    "scatter_lines",
    "stick_figures",
    "training_curves",
]
