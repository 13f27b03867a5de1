"""Geodesics have constant speed, which no solver aims at: a check of convergence on its own."""

import numpy as np
import pytest

from tests.cases import random_points
from tests.manifolds.test_manifold_laws import MANIFOLDS
from tfgeo.curves import Polyline
from tfgeo.geodesics import GradientDescent, connect
from tfgeo.manifolds import TensorField

# First order: its graphs are small, and it needs nothing of a manifold but its energy.
SOLVER = GradientDescent(max_iterations=1000, tolerance=1e-10)


def solve(manifold, num_points):
    start, end = random_points(2, 3, 2, seed=11)
    curve = Polyline(num_points - 2)
    geodesics = connect(manifold, start, end, curve=curve, solver=SOLVER, num_points=num_points)
    assert geodesics.converged.all()
    line = np.linspace(start, end, num_points, axis=1)
    speeds = np.sqrt(manifold.segment_energies(line).numpy())
    return geodesics.speed_deviation, np.std(speeds, axis=-1) / np.mean(speeds, axis=-1)


METRICS = [manifold for manifold in MANIFOLDS if not manifold.has_potential]


# What a solver aims at is the same for all: every other metric is a slow one.
@pytest.mark.parametrize(
    "manifold",
    [pytest.param(one, marks=pytest.mark.slow if index % 2 else ()) for index, one in enumerate(METRICS)],
    ids=[type(manifold).__name__ for manifold in METRICS],
)
def test_converged_polylines_have_constant_speed(manifold):
    deviation, line = solve(manifold, 33)
    # What is left is the difference of chords and arcs, of order 1 / 32^2.
    assert (deviation < 3e-3).all() and (deviation < 0.05 * line.max()).all(), (deviation, line)


def test_the_deviation_vanishes_as_the_polyline_gets_finer():
    manifold = next(manifold for manifold in MANIFOLDS if isinstance(manifold, TensorField))
    (coarse, _), (fine, _) = solve(manifold, 5), solve(manifold, 33)
    # Eight times finer, of order two.
    assert (fine < 0.1 * coarse).all(), (coarse, fine)
