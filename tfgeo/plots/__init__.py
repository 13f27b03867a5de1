"""Figures: latent spaces with their fields and curves, distance matrices, images, training."""

from tfgeo.plots.along import curves_in_plane, strip, velocity
from tfgeo.plots.animation import save_animation
from tfgeo.plots.bodies import stick_figures
from tfgeo.plots.curves import moving_average, training_curves
from tfgeo.plots.ellipses import tissot
from tfgeo.plots.fields import VOLUME_LABEL, distance_map, field, logarithm, on_grid, volume
from tfgeo.plots.images import grid_size, image_grid
from tfgeo.plots.latent import Panel, equidistance_lines, latent_panels, latent_points
from tfgeo.plots.lines import bands, lines, plane_lines, scatter_lines
from tfgeo.plots.matrices import distance_matrices, distance_matrix
from tfgeo.plots.metric_panels import metric_panels
from tfgeo.plots.planes import grid_points
from tfgeo.plots.style import CLASS_COLORS, new_figure, save

__all__ = [
    "CLASS_COLORS",
    "VOLUME_LABEL",
    "Panel",
    "bands",
    "curves_in_plane",
    "distance_map",
    "distance_matrices",
    "distance_matrix",
    "equidistance_lines",
    "field",
    "grid_points",
    "grid_size",
    "image_grid",
    "latent_panels",
    "latent_points",
    "lines",
    "logarithm",
    "metric_panels",
    "moving_average",
    "new_figure",
    "on_grid",
    "plane_lines",
    "save",
    "save_animation",
    "scatter_lines",
    "stick_figures",
    "strip",
    "tissot",
    "training_curves",
    "velocity",
    "volume",
]
