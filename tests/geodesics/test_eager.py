"""`tf.config.run_functions_eagerly(True)`, as users set it to debug a decoder: the same answers, more slowly."""

import numpy as np
import pytest
import tensorflow as tf

from tests.cases import random_ends
from tfgeo.curves import Polyline
from tfgeo.geodesics import Adam, connect, exponential_map, logarithm_map, parallel_transport
from tfgeo.manifolds import Pullback, Smoothed

MATRIX = np.array([[1.0, 0.5, -0.3], [0.2, -0.7, 1.1]], np.float32)
START, END = random_ends(2, seed=3)
# Of a plane: its geodesics are straight.
PLANE = Pullback(lambda z: z @ MATRIX)


@pytest.fixture(autouse=True)
def eagerly():
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.mark.parametrize(
    "settings",
    [{"starts": 2}, {"solver": Adam(max_iterations=3)}, {"curve": Polyline(3), "solver": "georce"}],
    ids=["levenberg_marquardt", "adam", "georce"],
)
def test_geodesics(settings):
    found = connect(PLANE, START, END, **{"num_points": 5} | settings, warn=False)
    np.testing.assert_allclose(found.length, np.linalg.norm((END - START) @ MATRIX, axis=-1), rtol=1e-5)


def test_geodesics_of_a_metric():
    metric = MATRIX @ MATRIX.T
    smooth = metric @ metric @ metric @ np.linalg.inv(metric @ metric + 0.1 * np.eye(2))
    found = connect(Smoothed(PLANE, 0.1), START, END, num_points=4)
    np.testing.assert_allclose(found.length**2, np.sum((END - START) @ smooth * (END - START), axis=-1), rtol=1e-4)


def test_maps():
    v = 0.3 * (END - START)
    np.testing.assert_allclose(exponential_map(PLANE, START, v), START + v, atol=1e-5)
    np.testing.assert_allclose(logarithm_map(PLANE, START, START + v).velocity, v, atol=1e-4)
    moved = parallel_transport(PLANE, np.stack([START, END], axis=1), v)
    np.testing.assert_allclose(moved, v, atol=1e-5)
