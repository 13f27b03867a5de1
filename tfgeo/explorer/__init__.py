"""Explorer: a latent plane in which geodesics follow the pointer, as one HTML file or served by Bokeh."""

from tfgeo.explorer.network import DenseLayer, dense_layers
from tfgeo.explorer.page import write_page
from tfgeo.explorer.plane import Plane
from tfgeo.explorer.scene import Scene, SceneMetric

__all__ = ["DenseLayer", "Plane", "Scene", "SceneMetric", "dense_layers", "write_page"]
