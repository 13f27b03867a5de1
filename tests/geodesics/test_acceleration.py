"""What stands for a decoder changes the way to its geodesics, not these."""

import numpy as np
import pytest
import tensorflow as tf

from tests.cases import half_plane_metric, paraboloid, random_points
from tfgeo.errors import UserError
from tfgeo.geodesics import Bfgs, acceleration, connect, distances, pairwise
from tfgeo.geodesics.starts.learned_curves import LearnedCurves
from tfgeo.manifolds import Interpolated, Pullback, TensorField


@pytest.mark.parametrize("dim", [2, 3])
def test_geodesics_are_the_decoders_own(dim, monkeypatch, capsys):
    monkeypatch.setattr(acceleration, "TABLE_SECONDS", 0.0)
    monkeypatch.setattr(acceleration, "NETWORK_SECONDS", 0.0)
    monkeypatch.setattr(acceleration, "NETWORK_PASSES", 0)
    monkeypatch.setattr(acceleration, "TABLE_PASSES", 0)
    start, end = random_points(2, 80, dim, low=-1.0, high=1.0).astype(np.float32)
    manifold = Pullback(paraboloid)
    exact = connect(manifold, start, end)
    fast = connect(manifold, start, end, accelerate=True)
    said = capsys.readouterr().err
    assert ("nodes over" if dim == 2 else "a network of") in said and "Pullback(paraboloid)" in said
    assert fast.converged.all()
    np.testing.assert_allclose(fast.length, exact.length, rtol=1e-4)
    connect(manifold, start, end, accelerate=True, warn=False)
    assert capsys.readouterr().err == ""


def test_distances_are_those_of_the_table_and_judged(monkeypatch, capsys):
    monkeypatch.setattr(acceleration, "TABLE_SECONDS", 0.0)
    monkeypatch.setattr(acceleration, "TABLE_PASSES", 0)
    points = random_points(40, 2, low=-1.0, high=1.0).astype(np.float32)
    manifold = Pullback(paraboloid)
    exact = pairwise(manifold, points, progress=False)
    matrix, error = pairwise(manifold, points, accelerate=True, return_error=True)
    said = capsys.readouterr().err
    assert "nodes over" in said and "accelerate: error against the solver" in said
    table = pairwise(Interpolated.around(manifold, points), points, progress=False)
    np.testing.assert_array_equal(matrix, table)
    assert 0.0 < error.median < 0.01
    np.testing.assert_allclose(matrix, exact, rtol=0.05)
    # Between two sets, too.
    np.testing.assert_allclose(
        distances(manifold, points[:5], points[5:], progress=False, accelerate=True), matrix[:5, 5:], rtol=0.01
    )
    with pytest.raises(UserError, match=r"`accelerate` .* without `store`"):
        pairwise(manifold, points, accelerate=True, store="never.zarr")
    with pytest.raises(UserError, match="`return_error` is for methods"):
        pairwise(manifold, points, accelerate=False, return_error=True)


def test_few_pairs_do_not_pay(capsys):
    start, end = random_points(2, 5, 2).astype(np.float32)
    manifold = Pullback(paraboloid)
    np.testing.assert_array_equal(
        connect(manifold, start, end, accelerate=True).length, connect(manifold, start, end).length
    )
    assert "accelerate: not used; 5 pairs do not pay for it" in capsys.readouterr().err


def test_a_costly_decoder_pays_sooner():
    def costly(z):
        hidden = tf.tanh(tf.matmul(z, tf.ones([2, 2000], z.dtype)))
        return tf.matmul(hidden, tf.ones([2000, 2000], z.dtype))

    points = random_points(50, 2).astype(np.float32)
    least = [
        int(acceleration.stand_in(Pullback(decoder), points, 0)[1].split()[-2]) for decoder in (paraboloid, costly)
    ]
    assert least[1] < least[0]


def test_where_nothing_can_stand_in(capsys):
    start, end = random_points(2, 5, 2, low=0.5, high=1.0).astype(np.float32)
    connect(TensorField(half_plane_metric), start, end, accelerate=True)
    assert "not used; energies of TensorField are more than decoded differences" in capsys.readouterr().err
    with pytest.raises(UserError, match="leave out `warm_start`"):
        connect(Pullback(paraboloid), start, end, accelerate=True, warm_start=np.stack([start, end], axis=1))


def test_what_is_made_knows_the_ends(monkeypatch):
    monkeypatch.setattr(acceleration, "SAVED_PASSES", 10**9)
    monkeypatch.setattr(acceleration, "TABLE_SECONDS", 0.0)
    points = random_points(80, 2).astype(np.float32)
    made, _ = acceleration.stand_in(Pullback(paraboloid), points, 10**6)
    assert isinstance(made, Interpolated) and made.contains(points).numpy().all()


def bent(z):
    return tf.tanh(tf.matmul(z, tf.constant([[1.2, 0.3, -0.8, 0.5, 1.0], [-0.4, 1.1, 0.6, -0.9, 0.2]], z.dtype)))


HOW = {"curve": "cubic_spline", "solver": "bfgs"}


@pytest.fixture(scope="module")
def many():
    start, end = random_points(2, 2200, 2, low=-1.5, high=1.5).astype(np.float32)
    start[7], end[11] = end[7], np.nan
    return start, end, connect(Pullback(bent), start, end, warn=False, **HOW)


def test_geodesics_tell_others_where_to_start(many):
    start, end, exact = many
    fast = connect(Pullback(bent), start, end, accelerate="starts", warn=False, **HOW)
    np.testing.assert_array_equal(fast.start, exact.start)
    np.testing.assert_array_equal(fast.reason_codes[[7, 11]], exact.reason_codes[[7, 11]])
    assert np.isnan(fast.length[11]) and fast.length[7] == 0.0
    others = np.delete(np.arange(2200), [7, 11])
    np.testing.assert_allclose(fast.length[others], exact.length[others], rtol=1e-5)
    assert fast.converged[others].all()
    assert fast.num_iterations.mean() < 0.85 * exact.num_iterations.mean()
    # The same again, and none learns from few.
    np.testing.assert_array_equal(
        connect(Pullback(bent), start, end, accelerate="starts", warn=False, **HOW).length, fast.length
    )
    few = slice(100, 1500)
    np.testing.assert_array_equal(
        connect(Pullback(bent), start[few], end[few], accelerate="starts", **HOW).num_iterations,
        connect(Pullback(bent), start[few], end[few], **HOW).num_iterations,
    )


def test_learned_curves_foresee_geodesics(many):
    start, end, exact = many
    known = np.delete(np.arange(2200), [7, 11])
    start, end, parameters = (part[known] for part in (start, end, exact.parameters))
    learned = LearnedCurves(parameters[:1500], start[:1500], end[:1500])
    foreseen = learned(start[1500:], end[1500:])
    assert foreseen.dtype == np.float32
    errors = np.linalg.norm(foreseen - parameters[1500:], axis=1)
    assert np.median(errors) < 0.2 * np.median(np.linalg.norm(parameters[1500:], axis=1))
    for far in (np.nan, np.inf, 1e30):
        assert np.isnan(learned(start[:1] * far, end[:1])).all()


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize("curve", ["quadratic", "cubic_spline"])
def test_of_one_dimension_and_among_ends_that_are_none(curve):
    """A quadratic curve has one parameter there. TensorFlow warns of nothing at such ends, nor may we."""
    start, end = random_points(2, 2100, 1).astype(np.float32)
    start[3], end[3], start[5], end[7] = np.inf, np.inf, 1e30, -3e38
    manifold = Pullback(lambda z: tf.concat([z, z**2], axis=-1))
    exact, fast = (
        connect(manifold, start, end, curve, warn=False, accelerate=accelerate) for accelerate in (False, "starts")
    )
    np.testing.assert_array_equal(fast.reason_codes[[3, 5, 7]], exact.reason_codes[[3, 5, 7]])
    others = np.delete(np.arange(2100), [3, 5, 7])
    np.testing.assert_allclose(fast.length[others], exact.length[others], rtol=1e-4)


def test_what_is_false_makes_nothing(monkeypatch):
    monkeypatch.setattr(acceleration, "TABLE_PASSES", 0)
    monkeypatch.setattr(acceleration, "TABLE_SECONDS", 0.0)
    points = random_points(6, 2).astype(np.float32)
    exact = pairwise(Pullback(paraboloid), points, progress=False)
    for nothing in (None, 0, np.False_):
        same = pairwise(Pullback(paraboloid), points, progress=False, accelerate=nothing)
        np.testing.assert_array_equal(same, exact)
    assert not np.array_equal(pairwise(Pullback(paraboloid), points, progress=False, accelerate=True), exact)


def test_more_pairs_than_are_found_at_once_are_refused_with_their_time():
    points = np.zeros([15000, 2], np.float32) + np.arange(15000)[:, None]
    with pytest.raises(UserError, match=r"and about .* of this machine, and are more than"):
        pairwise(Pullback(bent), points, progress=False, accelerate="starts")


def test_distances_from_learned_starts_are_the_decoders_own(capsys):
    points = random_points(70, 2, low=-1.5, high=1.5)
    solver = Bfgs(tolerance=1e-10, gradient_tolerance=1e-4)
    exact = pairwise(Pullback(bent), points, progress=False, solver=solver)
    fast = pairwise(Pullback(bent), points, progress=False, solver=solver, accelerate="starts")
    np.testing.assert_allclose(fast, exact, rtol=1e-5)
    assert not np.array_equal(fast, exact)  # other starts
    with pytest.raises(UserError, match="`return_error` is for methods"):
        pairwise(Pullback(bent), points, accelerate="starts", return_error=True)
    with pytest.raises(UserError, match="`accelerate` is 'start'; give True, False or 'starts'"):
        connect(Pullback(bent), points, points, accelerate="start")
    with pytest.raises(UserError, match="`accelerate` is 'True'; give True, False or 'starts'"):
        pairwise(Pullback(bent), points, accelerate="True")
    assert capsys.readouterr().err == ""
