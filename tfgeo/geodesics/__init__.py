"""Geodesics: shortest curves between many pairs of points at once."""

from tfgeo.geodesics.connect import connect
from tfgeo.geodesics.distance_maps import DistanceMap, distance_map
from tfgeo.geodesics.georce import Georce
from tfgeo.geodesics.gradient_solvers import Adam, GradientDescent
from tfgeo.geodesics.graph import KNNGraph
from tfgeo.geodesics.graph_path import GraphPath, GraphPaths
from tfgeo.geodesics.levenberg_marquardt import LevenbergMarquardt
from tfgeo.geodesics.pairwise import pairwise
from tfgeo.geodesics.result import Geodesics
from tfgeo.geodesics.solver import Solver
from tfgeo.geodesics.warm_start import CrossEntropy, RidgeClimb, WarmStart

__all__ = [
    "Adam",
    "CrossEntropy",
    "DistanceMap",
    "Geodesics",
    "Georce",
    "GradientDescent",
    "GraphPath",
    "GraphPaths",
    "KNNGraph",
    "LevenbergMarquardt",
    "RidgeClimb",
    "Solver",
    "WarmStart",
    "connect",
    "distance_map",
    "pairwise",
]
