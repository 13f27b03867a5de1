"""What `connect` takes where nothing is said: a solver, points, and how many pairs are solved together."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from tfgeo import curves
from tfgeo.curves import Curve, LinearCurve, Polyline
from tfgeo.errors import UserError, check_count, unknown_name_error
from tfgeo.geodesics.problem import MIN_BLOCK_SIZE
from tfgeo.geodesics.solvers.bfgs import MAX_DENSE_PARAMETERS, Bfgs
from tfgeo.geodesics.solvers.georce import Georce
from tfgeo.geodesics.solvers.gradient_solvers import Adam, GradientDescent
from tfgeo.geodesics.solvers.levenberg_marquardt import LevenbergMarquardt
from tfgeo.geodesics.solvers.solver import Solver
from tfgeo.manifolds import Distilled, Interpolated, Manifold

__all__ = [
    "DEFAULT_NUM_POINTS",
    "SOLVERS",
    "curve_and_solver",
    "default_block_size",
    "default_num_points",
    "fitting_block_size",
]

SOLVERS: dict[str, Callable[..., Solver]] = {
    "levenberg_marquardt": LevenbergMarquardt,
    "bfgs": Bfgs,
    "gradient_descent": GradientDescent,
    "adam": Adam,
    "georce": Georce,
}

DEFAULT_NUM_POINTS = 20
# From as many dimensions on gradients cost less than Jacobians. Measured in the plane, 200 pairs of a decoder of
# 784 outputs: splines by BFGS are found 1.8 times as fast as by Levenberg-Marquardt, and all converge, where two of
# the others do not within 50 steps; quadratic curves 1.3 to 2 times as fast.
MIN_GRADIENT_DIM = 2
# Of tables and networks that stand for a decoder, and miss its lengths by a thousandth to a hundredth: measured, to
# go on to the usual tolerances changes lengths by 1e-6 in the median and 5e-5 at the 99th percentile, and takes a
# fifth longer.
STAND_IN_TOLERANCES = {"tolerance": 1e-4, "gradient_tolerance": 3e-2}
# Numbers that a block of curves holds at once, 12 MB in float32: measured, larger blocks leave the cache, where
# everything but matrix products halves in speed, and in smaller ones these do not reach theirs.
BLOCK_FLOATS = 3_000_000
MAX_BLOCK_SIZE = 1024
# Numbers that a block of curves makes on its way at most, 400 MB in float32; most of them live at once.
PEAK_FLOATS = 100_000_000


def curve_and_solver(
    curve: str | Curve, solver: str | Solver | None, manifold: Manifold, latent_dim: int
) -> tuple[Curve, Solver]:
    """The curve family and the solver that names stand for; without one, the solver that costs least.

    A solver that is named keeps its own tolerances; one that is chosen here gets those that suit the manifold.

    Raises:
      UserError: if there is no such name, or one is neither a name nor such an object.
    """
    curve = curves.from_name(curve) if isinstance(curve, str) else curve
    if not isinstance(curve, Curve):
        raise UserError(f"`curve` is {curve!r}; give a name ({', '.join(curves.names())}) or a tfgeo.curves.Curve")
    tolerances: dict[str, float] = {}
    if solver is None:
        tolerances = STAND_IN_TOLERANCES if isinstance(manifold, Interpolated | Distilled) else {}
        costly = latent_dim >= MIN_GRADIENT_DIM and manifold.model_takes_jacobians and not manifold.has_potential
        smooth = isinstance(curve, LinearCurve) and not isinstance(curve, Polyline)
        fits = smooth and curve.num_parameters(latent_dim) <= MAX_DENSE_PARAMETERS
        solver = "bfgs" if costly and fits else "levenberg_marquardt"
    if isinstance(solver, str):
        if solver not in SOLVERS:
            remedy = f"give one of {', '.join(SOLVERS)}, or a Solver with its settings"
            raise unknown_name_error("solver", solver, SOLVERS, remedy)
        solver = SOLVERS[solver](**tolerances)
    if not isinstance(solver, Solver):
        raise UserError(f"`solver` is {solver!r}; give a name ({', '.join(SOLVERS)}) or a Solver with its settings")
    return curve, solver


def default_num_points(curve: Curve) -> int:
    """Points at which energies are evaluated: 20, for a polyline its nodes."""
    return curve.num_nodes + 2 if isinstance(curve, Polyline) else DEFAULT_NUM_POINTS


def fitting_block_size(
    given: int | None, manifold: Manifold, start: np.ndarray, num_points: int, solver: Solver
) -> int:
    """Pairs that `connect` solves together: those given or the default, and no more than few pairs need."""
    if given is None:
        given = default_block_size(manifold, start.shape[1], start.dtype, num_points, solver)
    largest = 2 ** int(np.ceil(np.log2(max(len(start), MIN_BLOCK_SIZE))))
    return min(check_count("block_size", given), largest)


def default_block_size(
    manifold: Manifold, latent_dim: int, dtype: np.dtype | tf.DType, num_points: int, solver: Solver
) -> int:
    """Pairs that are solved together: a power of two whose values fit the cache, and what makes them the memory."""
    dtype = tf.as_dtype(dtype)
    fitting = max(BLOCK_FLOATS // solver.floats_per_curve(manifold, latent_dim, dtype, num_points), MIN_BLOCK_SIZE)
    # Convolutional decoders make hundreds of times the numbers that they return.
    in_memory = max(PEAK_FLOATS // solver.peak_floats_per_curve(manifold, latent_dim, dtype, num_points), 1)
    return min(MAX_BLOCK_SIZE, 2 ** int(np.log2(min(fitting, in_memory))))
