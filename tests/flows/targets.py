"""Targets and flows that the tests of flows share, in float64."""

import numpy as np
import tensorflow as tf

from tests.cases import random_points
from tfgeo.flows import HamiltonianLeapfrog, RiemannianLeapfrog, Tempered
from tfgeo.manifolds import CentroidMetric

DIM = 3
# Enough for the fixed points of these flows to be exact: an iteration shrinks the error by a factor of ten or more.
CONVERGED = 16
SQRT_BETA_ZERO = 0.6
MIXING = np.array([[1.2, 0.3, 0.0], [0.3, 0.8, -0.2], [0.0, -0.2, 1.5]])


def target(z):
    """An anharmonic log density `[..., 3]` to `[...]`."""
    quadratic = tf.einsum("...i,ij,...j->...", z, tf.constant(MIXING, z.dtype), z)
    return -0.5 * quadratic - 0.1 * tf.reduce_sum(z**4, axis=-1)


def centroid_metric(num=6, dtype=np.float64):
    generator = np.random.default_rng(3)
    factors = 0.5 * np.tril(generator.normal(size=[num, DIM, DIM]), -1) + 0.6 * np.eye(DIM)
    centroids = random_points(num, DIM, low=-1.0, high=1.0, seed=4)
    return CentroidMetric(centroids.astype(dtype), factors.astype(dtype), 0.9, 0.5)


def phase_points(num, seed=0):
    """Positions and momenta, `[num, 3]` each."""
    z, rho = np.random.default_rng(seed).normal(size=[2, num, DIM])
    return tf.constant(0.7 * z), tf.constant(0.7 * rho)


def make_flow(kind, step_size=0.1, num_steps=3, num_fixed_point_steps=CONVERGED, dtype=np.float64):
    """ "hamiltonian" or "riemannian", both also as "tempered ..."."""
    if kind.startswith("tempered "):
        leapfrog = make_flow(kind.removeprefix("tempered "), step_size, num_steps, num_fixed_point_steps, dtype)
        return Tempered(leapfrog, SQRT_BETA_ZERO)
    if kind == "hamiltonian":
        return HamiltonianLeapfrog(target, step_size, num_steps)
    return RiemannianLeapfrog(target, centroid_metric(dtype=dtype), step_size, num_steps, num_fixed_point_steps)


LEAPFROGS = ["hamiltonian", "riemannian"]
FLOWS = [*LEAPFROGS, *(f"tempered {kind}" for kind in LEAPFROGS)]


def log_abs_det(flow, z, rho):
    """Log determinant of the full `[2 d, 2 d]` Jacobian of `forward` by automatic differentiation: `[n]`."""
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([z, rho])
        moved = tf.unstack(tf.concat(flow.forward([z, rho]), axis=-1), axis=-1)
    rows = [tf.concat(tape.gradient(each, [z, rho]), axis=-1) for each in moved]
    return tf.linalg.slogdet(tf.stack(rows, axis=-2))[1].numpy()
