"""The logarithm map inverts the exponential map."""

import numpy as np
import pytest
import tensorflow as tf

from tests.cases import great_circle, sphere
from tests.geodesics.maps.map_cases import (
    DECODER,
    FLAT,
    HALF_PLANE,
    MANIFOLDS,
    RELU,
    SPHERE,
    ends,
    half_plane_distance,
    half_plane_exponential,
    names_and_dtypes,
    push,
)
from tfgeo.errors import UserError
from tfgeo.geodesics import exponential_map, logarithm_map
from tfgeo.geodesics.maps import logarithm_map as shooting
from tfgeo.manifolds import Ensemble, IndependentNoise, Preconditioned


@pytest.mark.parametrize(("name", "dtype"), names_and_dtypes(list(MANIFOLDS)))
def test_the_exponential_map_leads_back(name, dtype):
    start, end = ends(name, dtype)
    logarithms = logarithm_map(MANIFOLDS[name], start, end)
    assert logarithms.converged.all() and logarithms.velocity.dtype == dtype
    ended = exponential_map(MANIFOLDS[name], start, logarithms.velocity)
    np.testing.assert_allclose(ended, end, atol=1e-4 if dtype == np.float32 else 1e-6)
    np.testing.assert_allclose(
        logarithms.error, np.linalg.norm(ended - end, axis=-1), atol=1e-5 if dtype == np.float32 else 1e-7
    )


def test_the_logarithm_leads_back_from_the_exponential_map():
    start, _ = ends("sphere")
    velocity = np.array([[0.6, 0.4], [0.3, -0.5], [-0.4, 0.3], [0.1, 0.0]])
    logarithms = logarithm_map(SPHERE, start, exponential_map(SPHERE, start, velocity))
    np.testing.assert_allclose(logarithms.velocity, velocity, atol=1e-6)


def test_a_potential_does_not_bend_geodesics():
    """Curves of least energy with a potential are none; exponential and logarithm map are of the metric."""
    noisy = IndependentNoise(DECODER.decoder)
    start, end = ends("decoder")
    found, expected = logarithm_map(noisy, start, end), logarithm_map(DECODER, start, end)
    assert found.converged.all()
    np.testing.assert_allclose(found.velocity, expected.velocity, rtol=1e-6)
    for manifold in (Ensemble([noisy]), Preconditioned(noisy, noisy)):
        metric = manifold.without_potential()
        assert not metric.has_potential and metric.without_potential() is metric
        np.testing.assert_allclose(metric.energy(end[None]), DECODER.energy(end[None]), rtol=1e-12)


def test_sphere():
    start, end = ends("sphere")
    logarithms = logarithm_map(SPHERE, start, end)
    angle = great_circle(start, end)
    np.testing.assert_allclose(logarithms.distance, angle, rtol=1e-6)
    a, b = (sphere(tf.constant(points)).numpy() for points in (start, end))
    cosine = np.cos(angle)[:, None]
    expected = (b - cosine * a) * (angle / np.sin(angle))[:, None]
    np.testing.assert_allclose(push(start, logarithms.velocity), expected, atol=1e-6)


def test_half_plane():
    start, end = ends("half_plane")
    logarithms = logarithm_map(HALF_PLANE, start, end)
    np.testing.assert_allclose(logarithms.distance, half_plane_distance(start, end), rtol=1e-6)
    np.testing.assert_allclose(half_plane_exponential(start, logarithms.velocity), end, atol=1e-6)


def test_flat_space():
    start, end = ends("flat")
    logarithms = logarithm_map(FLAT, start, end)
    np.testing.assert_allclose(logarithms.velocity, end - start, atol=1e-7)


def test_the_distance_is_symmetric():
    start, end = ends("decoder")
    forward, backward = logarithm_map(DECODER, start, end), logarithm_map(DECODER, end, start)
    np.testing.assert_allclose(forward.distance, backward.distance, rtol=1e-6)


def test_steps_improve_the_first_guess_and_both_tell_their_error():
    start, end = ends("decoder")
    with pytest.warns(UserWarning, match="4 of 4 logarithms did not converge"):
        guess = logarithm_map(DECODER, start, end, max_iterations=0)
    refined = logarithm_map(DECODER, start, end)
    assert (guess.num_iterations == 0).all() and (refined.num_iterations <= 8).all()
    assert (refined.error < 1e-2 * guess.error).all()
    reached = exponential_map(DECODER, start, guess.velocity)
    np.testing.assert_allclose(guess.error, np.linalg.norm(reached - end, axis=-1), atol=1e-7)


def test_equal_ends_and_ends_that_are_not_finite_are_kept_apart():
    start, end = ends("sphere")
    clean = logarithm_map(SPHERE, start, end)
    start[1], end[2] = end[1], np.nan
    with pytest.warns(UserWarning, match="1 of 4"):
        logarithms = logarithm_map(SPHERE, start, end)
    np.testing.assert_array_equal(logarithms.converged, [True, True, False, True])
    np.testing.assert_array_equal(logarithms.velocity[1], 0.0)
    assert logarithms.distance[1] == 0.0 and logarithms.error[1] == 0.0
    assert np.isnan(logarithms.distance[2])
    np.testing.assert_allclose(logarithms.velocity[[0, 3]], clean.velocity[[0, 3]], atol=1e-6)


def test_a_pair_that_no_step_brings_nearer_comes_to_an_end(monkeypatch):
    # In place of the exponential map v_i^2, which reaches no negative number: the error is least at v = 0, towards
    # which Newton's steps grow, and help only if they are shortened more and more.
    def squares(manifold, z, v, times, tolerance):
        return (z + v**2)[:, None], v[:, None]

    monkeypatch.setattr(shooting, "integrate_geodesics", squares)
    start = np.zeros([2, 2])
    found = logarithm_map(FLAT, start, np.array([[-1.0, -1.0], [1.0, 1.0]]), max_iterations=1000, warn=False)
    np.testing.assert_array_equal(found.converged, [False, True])
    np.testing.assert_allclose(found.velocity[1], 1.0, rtol=1e-6)
    assert found.num_iterations[1] <= 2 and 11 <= found.num_iterations[0] < 200
    np.testing.assert_allclose(found.error[0], np.sqrt(2.0), rtol=1e-2)


def test_piecewise_linear_decoders_are_refused():
    with pytest.raises(UserError, match=r"logarithm_map.*ReLU"):
        logarithm_map(RELU, *ends("decoder"), solver="gradient_descent")


def test_a_negative_number_of_steps_is_named():
    with pytest.raises(UserError, match="max_iterations"):
        logarithm_map(SPHERE, *ends("sphere"), max_iterations=-1)


def test_a_velocity_that_is_not_known_is_nan_in_all_its_coordinates():
    start, end = (part.copy() for part in ends("sphere"))
    start[0, 0] = np.nan
    found = logarithm_map(SPHERE, start, end, warn=False)
    assert np.isnan(found.velocity[0]).all() and np.isfinite(found.velocity[1:]).all()
