"""Frechet means: closed forms, and mean logarithms that vanish."""

import numpy as np
import pytest

from tests.cases import great_circle
from tests.geodesics.maps.map_cases import FLAT, HALF_PLANE, RELU, SPHERE, ends
from tfgeo.errors import UserError
from tfgeo.geodesics import frechet_mean, logarithm_map

POINTS = np.array([[0.6, 0.1], [0.9, 0.7], [1.2, 0.3], [0.8, 1.1]])
WEIGHTS = np.array([1.0, 3.0, 0.5, 2.0])


def test_flat_space_has_the_weighted_mean():
    found = frechet_mean(FLAT, POINTS, WEIGHTS)
    expected = np.average(POINTS, axis=0, weights=WEIGHTS)
    assert found.converged and found.num_iterations == 0
    np.testing.assert_allclose(found.point, expected, atol=1e-9)
    elsewhere = frechet_mean(FLAT, POINTS, WEIGHTS, initial=POINTS[0])
    assert elsewhere.converged and elsewhere.num_iterations <= 2
    np.testing.assert_allclose(elsewhere.point, expected, atol=1e-5)


def test_two_points_of_a_half_plane_have_a_geometric_mean():
    points = np.array([[0.3, 0.5], [0.3, 2.0]])
    found = frechet_mean(HALF_PLANE, points, [1.0, 3.0])
    assert found.converged
    np.testing.assert_allclose(found.point, [0.3, 0.5**0.25 * 2.0**0.75], rtol=1e-4)
    # Weighted squares of log distances.
    ratio = np.log(4.0)
    np.testing.assert_allclose(found.variance, 0.25 * 0.75 * ratio**2, rtol=1e-4)


def test_points_around_a_place_of_the_sphere_have_it_as_their_mean():
    # Symmetric under the reflection of the longitude about 0.5, and about the equator.
    points = np.array([[0.5 * np.pi + a, 0.5 + b] for a in (-0.4, 0.4) for b in (-0.6, 0.6)])
    found = frechet_mean(SPHERE, points, initial=[1.3, 0.3], tolerance=1e-6)
    assert found.converged
    np.testing.assert_allclose(found.point, [0.5 * np.pi, 0.5], atol=1e-5)
    np.testing.assert_allclose(
        found.variance, np.mean(great_circle(np.tile(found.point, [4, 1]), points) ** 2), rtol=1e-6
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_mean_logarithm_vanishes_and_the_variance_is_least(dtype):
    found = frechet_mean(SPHERE, POINTS.astype(dtype), WEIGHTS)
    assert found.converged and found.point.dtype == dtype
    start = np.tile(found.point, [4, 1])
    logarithms = logarithm_map(SPHERE, start, POINTS.astype(dtype))
    weights = WEIGHTS / WEIGHTS.sum()
    deviation = np.sqrt(found.variance)
    assert np.linalg.norm(weights @ logarithms.velocity) < 3e-4 * deviation
    np.testing.assert_allclose(found.variance, weights @ logarithms.distance**2, rtol=1e-5)
    for move in np.random.default_rng(0).normal(size=[10, 2]) * 0.05:
        assert weights @ great_circle(np.tile(found.point + move, [4, 1]), POINTS) ** 2 > found.variance


def test_the_record_tells_how_it_went():
    found = frechet_mean(SPHERE, POINTS, initial=[0.7, 0.2])
    assert len(found.variances) == len(found.steps) == found.num_iterations + 1 > 2
    assert found.steps[-1] <= 1e-4 * np.sqrt(found.variance) < found.steps[-2]
    assert (np.diff(found.variances) < 0.0).all() and found.variances[-1] == found.variance
    with pytest.warns(UserWarning, match="did not converge in 1 steps"):
        short = frechet_mean(SPHERE, POINTS, initial=[0.7, 0.2], max_iterations=1)
    assert not short.converged and short.num_iterations == 1
    np.testing.assert_allclose(short.variances, found.variances[:2], rtol=1e-9)


def test_the_order_of_points_does_not_matter():
    first, second = frechet_mean(SPHERE, POINTS), frechet_mean(SPHERE, POINTS[::-1])
    np.testing.assert_allclose(first.point, second.point, atol=1e-7)


def test_one_point_is_its_own_mean():
    found = frechet_mean(SPHERE, POINTS[:1])
    assert found.converged and found.variance == 0.0
    np.testing.assert_array_equal(found.point, POINTS[0])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"points": POINTS[0]}, "`points`"),
        ({"points": POINTS[:0]}, "`points`"),
        ({"points": np.where(np.arange(4)[:, None] == 2, np.nan, POINTS)}, "row 2 is not finite"),
        ({"weights": [1.0, 2.0]}, "`weights`"),
        ({"weights": [1.0, -1.0, 1.0, 1.0]}, "`weights`"),
        ({"weights": np.zeros(4)}, "`weights`"),
        ({"initial": [1.0]}, "`initial`"),
        ({"tolerance": 0.0}, "`tolerance`"),
    ],
)
def test_arguments_that_make_no_sense_are_named(arguments, message):
    with pytest.raises(UserError, match=message):
        frechet_mean(SPHERE, **{"points": POINTS, **arguments})


def test_piecewise_linear_decoders_are_refused():
    with pytest.raises(UserError, match=r"frechet_mean.*ReLU"):
        frechet_mean(RELU, ends("decoder")[0])
