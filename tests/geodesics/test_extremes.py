"""Extremes: scales from 1e-30 to 1e30, equal ends, one pair or none, d = 1 and 50, decoders that do not move.

A number is right, or it is told: by a pair that did not converge, by its reason, by NaN, or by an error. Iterations
are bounded by what the solver was given.
"""

import warnings

import numpy as np
import pytest
import tensorflow as tf

from tests.cases import paraboloid
from tfgeo.errors import UserError
from tfgeo.geodesics import connect, frechet_mean, geodesic_neighbours, landmark_distances, logarithm_map, pairwise
from tfgeo.geodesics.defaults import SOLVERS
from tfgeo.geodesics.solvers.solver import Reason
from tfgeo.geodesics.solvers.tiny import safe_norm
from tfgeo.manifolds import Pullback

SCALES = [1.0, 1e-30, 1e-20, 1e-10, 1e-5, 1e5, 1e10, 1e18, 1e30]
# One variable for all scales, so that a solver is traced once.
FACTORS = {dtype: tf.Variable(tf.ones([], dtype)) for dtype in (tf.float32, tf.float64)}
SCALED = {
    dtype: Pullback(lambda z, dtype=dtype: FACTORS[dtype] * paraboloid(tf.cast(z, dtype))) for dtype in FACTORS
}
ENDS = np.random.default_rng(0).uniform(-1.0, 1.0, [2, 6, 2])
ENDS[1, 3] = ENDS[0, 3]
FLAT = Pullback(lambda z: 2.0 * z)
# Sigmoids that are 1, and ReLUs that are 0, everywhere.
UNMOVED = {
    "saturated": Pullback(lambda z: tf.sigmoid(1e4 + z @ tf.ones([2, 5]))),
    "dead": Pullback(lambda z: tf.nn.relu(z @ tf.ones([2, 5]) - 1e3)),
}
POINTS = np.random.default_rng(0).normal(size=[40, 2]).astype(np.float32)
APPROXIMATIONS = {"grid": {"resolution": 12}, "graph": {}, "landmarks": {"num_landmarks": 10}}

default_solvers = ("levenberg_marquardt", "bfgs")
CASES = [
    pytest.param(name, dtype, id=f"{name}-{dtype.name}", marks=() if name in default_solvers else pytest.mark.slow)
    for name in SOLVERS
    for dtype in FACTORS
]


@pytest.mark.parametrize(("name", "dtype"), CASES)
def test_lengths_scale_with_the_decoder_or_the_pair_is_told(name, dtype):
    curve = "polyline" if name == "georce" else "quadratic"
    start, end = ENDS.astype(dtype.as_numpy_dtype)
    lengths = None
    for scale in SCALES:
        FACTORS[dtype].assign(scale)
        found = connect(SCALED[dtype], start, end, solver=name, curve=curve, warn=False)
        assert (found.num_iterations <= SOLVERS[name]().max_iterations).all()
        lengths = found.length if lengths is None else lengths
        assert found.reason_codes[3] == Reason.EQUAL_ENDS and found.length[3] == 0.0
        sure = found.converged & (found.reason_codes != Reason.NO_ENERGY)
        # What stops within a tolerance stops elsewhere at another scale.
        np.testing.assert_allclose(found.length[sure], scale * lengths[sure], rtol=0.01, err_msg=str(scale))
        if name in default_solvers and (scale == 1.0 or dtype == tf.float64 or 1e-15 < scale < 1e15):
            assert sure.all(), (scale, found.reason)


@pytest.mark.parametrize("name", UNMOVED)
def test_a_decoder_that_does_not_move_has_no_lengths_and_says_so(name):
    with pytest.warns(UserWarning, match="3 of 3 pairs have no length; the energy between different ends is 0"):
        found = connect(UNMOVED[name], POINTS[:3], POINTS[3:6])
    with pytest.warns(UserWarning, match="the energy between different ends is 0"):
        pairwise(UNMOVED[name], POINTS[:4], progress=False)
    np.testing.assert_array_equal(found.length, 0.0)
    assert (found.reason_codes == Reason.NO_ENERGY).all()
    assert "does not move" in found.reason[0]


@pytest.mark.parametrize("latent_dim", [1, 50])
@pytest.mark.parametrize("num_pairs", [0, 1, 9])
def test_any_dimension_and_number_of_pairs(latent_dim, num_pairs):
    start, end = np.random.default_rng(1).normal(size=[2, num_pairs, latent_dim]).astype(np.float32)
    found = connect(FLAT, start, end)
    assert found.converged.all() and found.length.shape == (num_pairs,)
    np.testing.assert_allclose(found.length, 2.0 * np.linalg.norm(start - end, axis=1), rtol=1e-4)


def finite_or_told(function):
    """What a function returns, or None where it says in one line that it cannot."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            return function()
    except UserError as error:
        assert "\n" not in str(error)
        return None


@pytest.mark.parametrize("method", APPROXIMATIONS)
def test_methods_without_a_solver_are_finite_or_refuse(method):
    def measure(points, manifold=FLAT):
        settings = {"method": method, "progress": False, **APPROXIMATIONS[method]}
        return finite_or_told(lambda: pairwise(manifold, points.astype(np.float32), **settings))

    assert measure(POINTS[:0]).shape == (0, 0)
    np.testing.assert_array_equal(measure(np.ones([5, 2])), 0.0)
    assert measure(1e30 * POINTS) is None
    for name in UNMOVED:
        np.testing.assert_array_equal(measure(POINTS, UNMOVED[name]), 0.0)
    one = measure(POINTS[:1])
    assert one is None or one.tolist() == [[0.0]]


def test_neighbours_and_landmarks_of_points_at_one_place():
    same = np.ones([12, 2], np.float32)
    np.testing.assert_array_equal(geodesic_neighbours(FLAT, same, 2, progress=False)[1], 0.0)
    landmarks, lengths = landmark_distances(FLAT, same, 5, progress=False)
    assert len(landmarks) == 1 and not lengths.any()


def test_maps_at_extremes_say_what_they_did_not_reach():
    start, end = POINTS[:3], POINTS[3:6]
    same, none = logarithm_map(FLAT, start, start), logarithm_map(FLAT, start[:0], end[:0])
    assert same.converged.all() and not same.velocity.any() and none.velocity.shape == (0, 2)
    with np.errstate(all="ignore"):
        for ends in ((1e30 * start, 1e30 * end), (1e-30 * start, 1e-30 * end)):
            found = finite_or_told(lambda ends=ends: logarithm_map(FLAT, *ends))
            assert found is None or not found.converged[~np.isfinite(found.distance)].any()
        found = finite_or_told(lambda: logarithm_map(UNMOVED["saturated"], start, end))
        assert found is None or not found.converged.any()
    mean = frechet_mean(FLAT, np.repeat(start[:1], 4, axis=0))
    np.testing.assert_allclose(mean.point, start[0])
    assert mean.converged and mean.variance == 0.0


@pytest.mark.parametrize("scale", [0.0, 1e-38, 1e-30, 1.0, 1e30])
def test_norms_of_what_has_no_square(scale):
    vectors = np.array([[3.0, -4.0, 0.0], [0.0, 0.0, 0.0]], np.float32) * np.float32(scale)
    np.testing.assert_allclose(safe_norm(tf.constant(vectors)), [5.0 * scale, 0.0], rtol=1e-6)
