"""Distance maps on grids against closed forms."""

import numpy as np
import pytest
import tensorflow as tf

from tests.cases import flat, great_circle, paraboloid, sphere
from tfgeo.errors import UserError
from tfgeo.geodesics import distance_map, grid_distances
from tfgeo.geodesics.graphs.distance_maps import STENCILS
from tfgeo.manifolds import Pullback

PLANE = Pullback(lambda z: z)
BOUNDS = ((-1.0, 1.0), (-1.0, 1.0))
SOURCE = np.array([0.13, -0.21])


def map_points(distances):
    return np.stack(np.meshgrid(*distances.axes), axis=-1)


@pytest.mark.parametrize(("num_neighbours", "excess"), [(4, 0.415), (8, 0.0824), (16, 0.0275), (32, 0.0131)])
def test_the_plane_is_overestimated_by_the_angle_between_steps(num_neighbours, excess):
    found = distance_map(PLANE, SOURCE, BOUNDS, 41, num_neighbours, points_per_edge=2)
    ratio = found.distances / np.linalg.norm(map_points(found) - SOURCE, axis=-1)
    # 1 / cos(half the largest angle) holds between grid nodes; the source is joined to those around it exactly.
    assert ratio.min() > 1.0 - 1e-12 and ratio.max() < 1.0 + excess
    # The bound is nearly attained: it is the stencil's error, not slack.
    assert ratio.max() > 1.0 + 0.7 * excess


def test_stencils_are_distinct_directions_without_their_negatives():
    for num_neighbours, steps in STENCILS.items():
        both = set(steps) | {(-right, -up) for right, up in steps}
        assert len(both) == num_neighbours
        assert all(np.gcd(right, up) == 1 for right, up in both)


def test_the_stated_error_is_that_of_the_largest_angle():
    for num_neighbours, excess in ((4, 0.4142), (8, 0.0824), (16, 0.0275), (32, 0.0131)):
        steps = np.array(STENCILS[num_neighbours])
        angles = np.sort(np.arctan2(*np.concatenate([steps, -steps]).T))
        largest = np.max(np.diff(angles, append=angles[0] + 2.0 * np.pi))
        np.testing.assert_allclose(1.0 / np.cos(largest / 2.0) - 1.0, excess, atol=1e-4)


def test_the_sphere_is_close_to_the_great_circle_and_not_below():
    source = np.array([1.01, 0.41])
    found = distance_map(Pullback(sphere), source, ((0.5, 1.5), (0.0, 1.2)), 31, points_per_edge=3)
    points = map_points(found).reshape(-1, 2)
    angle = great_circle(points, np.broadcast_to(source, points.shape))
    ratio = found.distances.ravel() / angle
    # Chords of edges of at most 0.13 measured in two pieces: short by less than 0.065^2 / 24.
    assert ratio.min() > 1.0 - 2e-4 and ratio.max() < 1.02


def test_axes_belong_to_columns_and_rows():
    stretched = Pullback(lambda z: z * tf.constant([1.0, 3.0], z.dtype))
    found = distance_map(stretched, np.zeros(2), ((-2.0, 2.0), (-1.0, 1.0)), (9, 5))
    assert found.distances.shape == (5, 9)
    np.testing.assert_allclose(found.axes[0], np.linspace(-2.0, 2.0, 9))
    np.testing.assert_allclose(found.axes[1], np.linspace(-1.0, 1.0, 5))
    np.testing.assert_allclose(found.distances[2], np.abs(found.axes[0]), atol=1e-12)
    np.testing.assert_allclose(found.distances[:, 4], 3.0 * np.abs(found.axes[1]), atol=1e-12)


@pytest.mark.parametrize("source", [(0.0, 0.0), (-1.0, 1.0), (0.999, -0.3)], ids=["node", "corner", "rim"])
def test_every_node_is_reached_from_sources_anywhere(source):
    source = np.array(source, np.float32)
    found = distance_map(Pullback(flat), source, BOUNDS, 11)
    assert np.isfinite(found.distances).all() and (found.distances >= 0.0).all()
    apart = np.linalg.norm(map_points(found) - source, axis=-1)
    np.testing.assert_array_equal(found.distances == 0.0, apart < 1e-7)


def test_the_distance_between_two_points_is_the_same_from_both():
    a, b = np.array([-0.6, 0.2]), np.array([0.8, -0.4])
    manifold, corner = Pullback(paraboloid), (slice(None, None, -1),) * 2
    # 21 nodes: both points lie on the grid.
    from_a, from_b = (distance_map(manifold, source, BOUNDS, 21) for source in (a, b))
    at_b = from_a.distances[6, 18]
    # Not exactly: near the source, and only there, steps go in all directions.
    np.testing.assert_allclose(from_b.distances[12, 4], at_b, rtol=1e-3)
    # The paraboloid looks the same from the opposite side.
    np.testing.assert_allclose(
        distance_map(manifold, -a, BOUNDS, 21).distances[corner], from_a.distances, rtol=1e-10, atol=1e-12
    )


def test_distances_among_points_are_those_of_the_plane_and_exact_for_neighbours():
    points = np.random.default_rng(0).uniform(-0.7, 0.7, [12, 2])
    points[1] = points[0] + [0.01, 0.02]  # less than a cell
    points[2] = points[0]
    found = grid_distances(PLANE, points, BOUNDS, 41)
    straight = np.linalg.norm(points[:, None] - points[None], axis=-1)
    assert np.array_equal(found, found.T) and not np.diag(found).any()
    # 1.3 % between nodes; ends a few cells apart go by a node up to half a cell off the straight line.
    assert (found >= straight - 1e-12).all() and (found <= 1.03 * straight + 1e-12).all()
    np.testing.assert_allclose(found[:3, :3], straight[:3, :3], atol=1e-12)


def test_distances_among_points_are_those_of_maps_on_a_curved_metric():
    nodes = np.array([[-0.6, 0.2], [0.8, -0.4], [0.1, 0.9]])  # on the grid of 21 nodes
    manifold = Pullback(paraboloid)
    found = grid_distances(manifold, nodes, BOUNDS, 21)
    for source, row in zip(nodes, found, strict=True):
        distances = distance_map(manifold, source, BOUNDS, 21).distances
        columns, rows = np.round((nodes.T + 1.0) * 10.0).astype(int)
        # Ends that are sources are joined to all nodes around them, nodes of a map by steps of the stencil.
        np.testing.assert_allclose(row, distances[rows, columns], rtol=5e-3, atol=1e-12)


def test_bounds_leave_room_around_the_points():
    points = np.array([[0.0, 0.0], [2.0, 0.0], [1.0, 0.0]])
    np.testing.assert_allclose(grid_distances(PLANE, points, resolution=9)[0], [0.0, 2.0, 1.0], rtol=0.02)
    with pytest.raises(UserError, match=r"\[n, 2\]"):
        grid_distances(PLANE, np.zeros([3, 3]))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"source": np.array([2.0, 0.0])}, "`source`"),
        ({"source": np.array([np.nan, 0.0])}, "`source`"),
        ({"source": np.zeros(3)}, "`source`"),
        ({"bounds": ((1.0, -1.0), (-1.0, 1.0))}, "`bounds`"),
        ({"bounds": (-1.0, 1.0)}, "`bounds`"),
        ({"resolution": 1}, "`resolution`"),
        ({"num_neighbours": 12}, r"`num_neighbours`=12.*\[4, 8, 16, 32\]"),
        ({"points_per_edge": 1}, "`points_per_edge`"),
    ],
)
def test_settings_that_make_no_sense_are_named(settings, message):
    with pytest.raises(UserError, match=message):
        distance_map(**({"manifold": PLANE, "source": SOURCE, "bounds": BOUNDS, "resolution": 5} | settings))


def test_a_manifold_that_is_not_finite_is_located():
    broken = Pullback(lambda z: tf.sqrt(z))
    with pytest.raises(UserError, match=r"no finite length between \[.*\] and \[.*\]"):
        distance_map(broken, np.array([0.5, 0.5]), BOUNDS, 5)
