"""Where symmetry hides the way, `connect` does not stop at a saddle, such as a straight line over a mountain."""

import numpy as np
import pytest
import tensorflow as tf

from tests.cases import paraboloid
from tfgeo.geodesics import connect
from tfgeo.geodesics.solvers.solver import Reason
from tfgeo.manifolds import Pullback

BOWL = Pullback(paraboloid)


def stereographic(z):
    """The unit sphere without its north pole: opposite points are those at z and -z / |z|^2."""
    square = tf.reduce_sum(z**2, axis=-1, keepdims=True)
    return tf.concat([2.0 * z, square - 1.0], axis=-1) / (square + 1.0)


def length_of(embedding, points):
    decoded = embedding(tf.constant(points, tf.float64)).numpy()
    return np.linalg.norm(np.diff(decoded, axis=0), axis=-1).sum()


@pytest.mark.parametrize("radius", [3.0, 10.0, 100.0])
@pytest.mark.parametrize("offset", [0.0, 1e-3])
def test_both_sides_of_a_paraboloid(radius, offset):
    """The straight line over the apex has no slope to either side; the best parabola beside it is far shorter."""
    start, end = np.array([[-radius, 0.0]]), np.array([[radius, offset * radius]])
    found = connect(BOWL, start, end)
    t = np.linspace(0.0, 1.0, 20)[:, None]
    line = (1.0 - t) * start + t * end
    sideways = [
        BOWL.energy((line + t * (1.0 - t) * [[0.0, height * radius]])[None]).numpy()[0]
        for height in np.linspace(-6.0, 6.0, 241)
    ]
    assert found.converged[0] and found.reason_codes[0] != Reason.SADDLE
    # Quadratic curves at 20 points: no parabola to the side has less energy, up to the steps of this search.
    assert found.energy[0] <= 1.01 * min(sideways) < 0.8 * BOWL.energy(line[None]).numpy()[0]


def test_a_mirror_symmetry_is_broken_the_same_way_every_time():
    first, second = (connect(BOWL, [[-3.0, 0.0]], [[3.0, 0.0]]) for _ in range(2))
    np.testing.assert_array_equal(first.parameters, second.parameters)
    assert np.abs(first.points(21)[0, 10, 1]) > 0.1


def test_nearly_opposite_points_of_a_sphere():
    """The geodesic through the pole of the chart would be infinitely long: the straight line is a saddle there."""
    sphere = Pullback(stereographic)
    # Great circles between opposite points all have the length pi: a little off, one is the shortest.
    start, end = np.array([[-1.0, 0.0], [-2.0, 0.0]]), np.array([[1.0, 0.05], [0.5, 1e-3]])
    found = connect(sphere, start, end, curve="cubic_spline", num_points=60)
    a, b = (stereographic(tf.constant(ends, tf.float64)).numpy() for ends in (start, end))
    expected = 2.0 * np.arcsin(0.5 * np.linalg.norm(a - b, axis=-1))
    np.testing.assert_allclose(found.length, expected, rtol=2e-3)
    assert found.converged.all()


def test_a_decoder_with_a_mirror_symmetry():
    """A hill of uncertainty between the ends, the same on both sides: the way leads around it, on either."""

    def hill(z):
        height = 3.0 * tf.exp(-4.0 * tf.reduce_sum(z**2, axis=-1, keepdims=True))
        return tf.concat([z, height], axis=-1)

    manifold = Pullback(hill)
    start, end = np.array([[-1.0, 0.0]]), np.array([[1.0, 0.0]])
    for curve in ("quadratic", "cubic_spline", "polyline"):
        found = connect(manifold, start, end, curve=curve, num_points=None if curve == "polyline" else 40)
        line = np.linspace(start[0], end[0], 1001)
        assert found.converged[0]
        # Over the hill it is 6.5 long, around it less than half of that.
        assert found.length[0] < 0.55 * length_of(hill, line)
        assert abs(found.points(21)[0, 10, 1]) > 0.2


def test_an_ordinary_pair_stays_what_it_was():
    """A surface of positive curvature below its conjugate points: minima are not taken for saddles."""
    found = connect(BOWL, [[0.1, 0.2], [-0.2, 0.3]], [[0.4, 0.1], [0.3, 0.2]])
    assert (found.reason_codes == Reason.CONVERGED).all() and (found.num_iterations < 10).all()


def test_further_starts_find_what_no_slope_leads_to():
    """Two ways around a hill of unequal width: the wider way round is a minimum too, and starts find the other."""

    def ridge(z):
        x, y = tf.unstack(z, axis=-1)
        height = 4.0 * tf.exp(-6.0 * x**2) * tf.sigmoid(8.0 * (1.2 - y)) * tf.sigmoid(8.0 * (y + 2.5))
        return tf.stack([x, y, height], axis=-1)

    manifold = Pullback(ridge)
    ends = ([[-1.0, -0.9]], [[1.0, -0.9]])
    one, several = (connect(manifold, *ends, curve="cubic_spline", num_points=40, starts=k) for k in (1, 8))
    assert several.length[0] <= one.length[0] * (1.0 + 1e-5)
    assert several.converged[0]
