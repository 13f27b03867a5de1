"""Geodesics: shortest curves between many pairs of latent points at once, and the distances they give."""

from tfgeo.geodesics.coarse_to_fine import connect_coarse_to_fine
from tfgeo.geodesics.connect import connect
from tfgeo.geodesics.distance import distance
from tfgeo.geodesics.distance_error import DistanceError, distance_error
from tfgeo.geodesics.distance_spread import DistanceSpread, distance_spread
from tfgeo.geodesics.estimate import Estimate, estimate
from tfgeo.geodesics.graphs.distance_maps import DistanceMap, distance_map, grid_distances
from tfgeo.geodesics.graphs.graph import KNNGraph
from tfgeo.geodesics.graphs.graph_path import GraphPath, GraphPaths
from tfgeo.geodesics.landmarks import landmark_distances
from tfgeo.geodesics.maps.exponential_map import exponential_map, geodesic_flow
from tfgeo.geodesics.maps.frechet_mean import FrechetMean, frechet_mean
from tfgeo.geodesics.maps.logarithm_map import Logarithms, logarithm_map
from tfgeo.geodesics.maps.parallel_transport import parallel_transport
from tfgeo.geodesics.neighbours import geodesic_neighbours
from tfgeo.geodesics.pairwise import distances, pairwise
from tfgeo.geodesics.result import Geodesics
from tfgeo.geodesics.solvers.bfgs import Bfgs
from tfgeo.geodesics.solvers.georce import Georce
from tfgeo.geodesics.solvers.gradient_solvers import Adam, GradientDescent
from tfgeo.geodesics.solvers.length_descent import LengthDescent
from tfgeo.geodesics.solvers.levenberg_marquardt import LevenbergMarquardt
from tfgeo.geodesics.solvers.solver import Solver
from tfgeo.geodesics.starts.random_bezier import RandomBezier
from tfgeo.geodesics.starts.warm_start import CrossEntropy, RidgeClimb, WarmStart

__all__ = [
    "Adam",
    "Bfgs",
    "CrossEntropy",
    "DistanceError",
    "DistanceMap",
    "DistanceSpread",
    "Estimate",
    "FrechetMean",
    "Geodesics",
    "Georce",
    "GradientDescent",
    "GraphPath",
    "GraphPaths",
    "KNNGraph",
    "LengthDescent",
    "LevenbergMarquardt",
    "Logarithms",
    "RandomBezier",
    "RidgeClimb",
    "Solver",
    "WarmStart",
    "connect",
    "connect_coarse_to_fine",
    "distance_map",
    "distance",
    "distance_error",
    "distance_spread",
    "distances",
    "estimate",
    "exponential_map",
    "frechet_mean",
    "geodesic_flow",
    "geodesic_neighbours",
    "grid_distances",
    "landmark_distances",
    "logarithm_map",
    "pairwise",
    "parallel_transport",
]
