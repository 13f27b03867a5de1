"""Manifolds known by their metric alone, against closed-form distances; and the check of a metric."""

import numpy as np
import pytest
import tensorflow as tf

from tests.cases import (
    SURFACES,
    gaussian_fisher_distance,
    gaussian_fisher_metric,
    half_plane_distance,
    half_plane_metric,
    poincare_disc_distance,
    poincare_disc_metric,
    random_points,
)
from tfgeo.errors import UserError
from tfgeo.manifolds import Pullback, TensorField, check_metric

T = np.linspace(0.0, 1.0, 2001)[:, None]


def half_plane_geodesic():
    """The half circle around (0.5, 0), which meets the boundary at right angles."""
    angle = 0.3 + 2.1 * T
    return np.concatenate([0.5 + np.cos(angle), np.sin(angle)], axis=-1)


def disc_geodesic():
    """A diameter, turned by 0.4 rad."""
    return (1.7 * T - 0.9) * np.array([np.cos(0.4), np.sin(0.4)])


GEODESICS = {
    "half_plane": (half_plane_metric, half_plane_distance, half_plane_geodesic()),
    "poincare_disc": (poincare_disc_metric, poincare_disc_distance, disc_geodesic()),
    "gaussian_fisher": (
        gaussian_fisher_metric,
        gaussian_fisher_distance,
        half_plane_geodesic() * [np.sqrt(2.0), 1.0],
    ),
}


@pytest.mark.parametrize("name", GEODESICS)
def test_known_geodesics_have_the_closed_form_length(name):
    metric_fn, distance, points = GEODESICS[name]
    manifold = TensorField(metric_fn)
    expected = distance(points[0], points[-1])
    # The midpoint rule with 2000 segments: an error of about 1 / 2000^2.
    np.testing.assert_allclose(manifold.length(points[None])[0], expected, rtol=1e-5)
    # And no curve beside it is shorter.
    bend = np.sin(np.pi * T) * np.array([0.02, 0.03])
    for sign in (-1.0, 1.0):
        assert manifold.length((points + sign * bend)[None])[0] > expected * (1.0 + 1e-5)


def test_both_charts_of_the_hyperbolic_plane_give_the_same_distance():
    start, end = random_points(2, 20, 2, low=-0.6, high=0.6)

    def to_half_plane(z):
        w = z[..., 0] + 1j * z[..., 1]
        image = 1j * (1.0 + w) / (1.0 - w)  # the Cayley transform
        return np.stack([image.real, image.imag], axis=-1)

    np.testing.assert_allclose(
        poincare_disc_distance(start, end),
        half_plane_distance(to_half_plane(start), to_half_plane(end)),
        rtol=1e-12,
    )


def test_vertical_lines_of_the_half_plane_are_logarithms():
    np.testing.assert_allclose(half_plane_distance([[0.3, 0.5]], [[0.3, 4.0]]), np.log(8.0), rtol=1e-14)


@pytest.mark.parametrize("name", SURFACES)
def test_a_metric_field_agrees_with_the_pullback_it_comes_from(name):
    embedding = SURFACES[name][0]
    pullback = Pullback(embedding)
    field = TensorField(pullback.metric_tensor)
    start, end = random_points(2, 4, 2)
    points = np.linspace(start, end, 401, axis=1)
    # Midpoint rule and chords: both of order two in 1 / 400.
    np.testing.assert_allclose(field.energy(points), pullback.energy(points), rtol=2e-5)
    np.testing.assert_allclose(field.length(points), pullback.length(points), rtol=2e-5)


def test_segment_energies_are_the_midpoint_rule():
    points = random_points(3, 5, 2)
    expected = np.zeros([3, 4])
    for b in range(3):
        for i in range(4):
            step, middle = points[b, i + 1] - points[b, i], 0.5 * (points[b, i + 1] + points[b, i])
            expected[b, i] = step @ step / middle[1] ** 2
    np.testing.assert_allclose(TensorField(half_plane_metric).segment_energies(points), expected, rtol=1e-12)


def test_check_metric_accepts_metrics():
    z = random_points(3, 7, 2)
    check_metric(TensorField(half_plane_metric), z)
    for embedding, _ in SURFACES.values():
        check_metric(Pullback(embedding), z.astype(np.float32))
    singular = TensorField(lambda z: tf.linalg.diag(tf.stack([tf.exp(z[..., 0]), 0.0 * z[..., 0]], axis=-1)))
    check_metric(singular, z, allow_singular=True)


def broken_at(row, matrix):
    """The identity but for one of 6 points."""

    def metric_fn(z):
        metric = np.tile(np.eye(2), (len(z), 1, 1))
        metric[row] = matrix
        return tf.constant(metric)

    return TensorField(metric_fn)


@pytest.mark.parametrize(
    ("matrix", "problem"),
    [
        ([[np.nan, 0.0], [0.0, 1.0]], "not finite"),
        ([[1.0, np.inf], [np.inf, 1.0]], "not finite"),
        ([[1.0, 0.5], [0.4, 1.0]], "not symmetric"),
        ([[1.0, 2.0], [2.0, 1.0]], "not positive definite"),
        ([[1.0, 1.0], [1.0, 1.0]], "not positive definite"),
        ([[-1.0, 0.0], [0.0, -1.0]], "not positive definite"),
        ([[0.0, 0.0], [0.0, 0.0]], "not positive definite"),
    ],
)
def test_check_metric_names_the_first_point_that_is_wrong(matrix, problem):
    z = np.round(random_points(6, 2), 3)
    with pytest.raises(UserError) as error:
        check_metric(broken_at(4, matrix), z)
    message = str(error.value)
    assert problem in message and f"({z[4, 0]:.6g}, {z[4, 1]:.6g})" in message and "number 4 of 6" in message


def test_check_metric_names_a_wrong_shape():
    with pytest.raises(UserError, match=r"must map \[\.\.\., 2\]"):
        check_metric(TensorField(lambda z: z), random_points(5, 2))


def test_what_a_singular_metric_shrinks_to_nothing_has_length_zero():
    def metric(z):
        direction = tf.stack([tf.cos(z[..., 0]), tf.sin(z[..., 0])], axis=-1)
        return direction[..., :, None] * direction[..., None, :]

    # Steps across the direction at their middles, whose squares are rounded to both sides of 0.
    angle = np.linspace(0.0, 6.0, 200, dtype=np.float32)
    across = np.stack([-np.sin(angle), np.cos(angle)], axis=-1)
    middle = np.stack([angle, np.zeros_like(angle)], axis=-1)
    points = np.stack([middle - 0.5 * across, middle + 0.5 * across], axis=1)
    field = TensorField(metric)
    assert (field.inner_product(middle, across, across).numpy() < 0.0).any()
    lengths = field.length(tf.constant(points)).numpy()
    assert ((lengths >= 0.0) & (lengths < 1e-3)).all()
