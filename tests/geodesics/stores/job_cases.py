"""One small job that the tests of stores and schedulers share."""

import numpy as np
import tensorflow as tf

from tests.cases import paraboloid, random_points
from tfgeo.geodesics import LevenbergMarquardt
from tfgeo.manifolds import Pullback


def decode(z):
    """A decoder of one dtype, as a network has it."""
    return paraboloid(tf.cast(z, tf.float32))


MANIFOLD = Pullback(decode)
# Three squares on a side.
POINTS = random_points(48, 2, low=-1.2, high=1.2, dtype=np.float32)
NUM_BLOCKS, NUM_PAIRS = 6, 1128
# So few steps that some pairs do not converge.
SETTINGS = {"num_points": 4, "solver": LevenbergMarquardt(max_iterations=2), "warn": False, "progress": False}
# One shape of a block of pairs, so that it is compiled once; an exported model has its own.
LOCAL = {**SETTINGS, "block_size": 32}
