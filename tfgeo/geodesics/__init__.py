"""Geodesics: shortest curves between many pairs of points at once."""

from tfgeo.geodesics.connect import connect
from tfgeo.geodesics.gradient_solvers import Adam, GradientDescent
from tfgeo.geodesics.levenberg_marquardt import LevenbergMarquardt
from tfgeo.geodesics.pairwise import pairwise
from tfgeo.geodesics.result import Geodesics
from tfgeo.geodesics.solver import Solver
from tfgeo.geodesics.warm_start import CrossEntropy, RidgeClimb, WarmStart

__all__ = [
    "Adam",
    "CrossEntropy",
    "Geodesics",
    "GradientDescent",
    "LevenbergMarquardt",
    "RidgeClimb",
    "Solver",
    "WarmStart",
    "connect",
    "pairwise",
]
