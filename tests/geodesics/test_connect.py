"""Geodesics against closed forms, and the laws of a batch of shortest curves."""

import numpy as np
import pytest
import tensorflow as tf

from tests.cases import SmallDecoder, flat, flat_metric, great_circle, paraboloid, random_ends, sphere
from tfgeo.curves import Quadratic
from tfgeo.geodesics import Bfgs, LevenbergMarquardt, connect
from tfgeo.geodesics.defaults import SOLVERS
from tfgeo.geodesics.pool import compile_problem
from tfgeo.geodesics.problem import Problem, solve_batch
from tfgeo.geodesics.solvers.solver import Reason
from tfgeo.manifolds import ExpectedPullback, IndependentNoise, Pullback

# One module of `connect` as users have it.
pytestmark = pytest.mark.usefixtures("optimized_graphs")

# For tests of the minimum itself, in float64: what the default tolerances leave is not seen.
EXACT = LevenbergMarquardt(max_iterations=200, tolerance=1e-13, gradient_tolerance=1e-7)

FLAT = Pullback(flat)
MANIFOLDS = {
    "expected": ExpectedPullback(SmallDecoder()),
    "independent": IndependentNoise(SmallDecoder()),
    "relu": IndependentNoise(SmallDecoder(tf.nn.relu)),
}
PROBLEM = Problem(MANIFOLDS["expected"], Quadratic(), Bfgs(), None, 20)


@pytest.fixture(scope="module")
def solved(optimized_graphs):
    """Ends and geodesics of the same 16 pairs on each manifold, by default settings."""
    start, end = random_ends(16)
    return start, end, {name: connect(manifold, start, end) for name, manifold in MANIFOLDS.items()}


@pytest.fixture(scope="module", params=["expected", "independent"])
def exact(request, solved):
    """A manifold's name and the same pairs in float64, down to the minimum."""
    start, end, _ = solved
    start, end = start.astype(np.float64), end.astype(np.float64)
    return request.param, connect(MANIFOLDS[request.param], start, end, solver=EXACT)


def straight_line(start, end, num_points=20):
    return np.linspace(start, end, num_points, axis=1)


def test_sphere_patch_has_great_circles():
    start = np.array([[0.5, 0.0], [0.7, 0.2], [1.2, 0.3], [0.9, 1.0], [0.6, 0.0]])
    end = np.array([[0.5, 0.8], [1.0, 0.8], [1.2, 1.0], [0.7, 0.7], [1.1, 0.0]])
    manifold = Pullback(sphere)
    geodesics = connect(manifold, start, end, num_points=60)
    expected = great_circle(start, end)
    assert geodesics.converged.all()
    # Chords of 59 segments are short by (0.8 / 59)^2 / 24 < 1e-5 of the length. A great circle of half a
    # radian is a quadratic in these coordinates up to a cubic term of some 1e-2, which enters squared.
    np.testing.assert_allclose(geodesics.length, expected, rtol=2e-4)
    line = manifold.length(straight_line(start, end, 60)).numpy()
    # The straight line is not near: it misses the first by a hundred times the tolerance.
    assert line[0] > 1.02 * expected[0]
    # Along a meridian it is the geodesic.
    np.testing.assert_allclose(line[4], expected[4], rtol=1e-5)


def test_flat_geodesics_are_straight_and_found_at_once():
    start, end = random_ends(6)
    # Adam has no such stop: it averages what its last hundred steps gained.
    for solver in ("levenberg_marquardt", "gradient_descent"):
        geodesics = connect(FLAT, start, end, solver=solver, num_points=12)
        assert geodesics.converged.all() and geodesics.num_iterations.max() <= 1, solver
        np.testing.assert_allclose(geodesics.points(5), straight_line(start, end, 5), atol=1e-5)
        step = end - start
        expected = np.sqrt(np.einsum("ni,nij,nj->n", step, flat_metric(step), step))
        np.testing.assert_allclose(geodesics.length, expected, rtol=1e-5)  # float32
        np.testing.assert_allclose(geodesics.energy, expected**2, rtol=1e-5)


@pytest.mark.parametrize("name", MANIFOLDS)
def test_curves_meet_their_ends_and_their_numbers_describe_them(solved, name):
    start, end, results = solved
    geodesics = results[name]
    assert len(geodesics) == 16 and geodesics.converged.all()
    points = geodesics.points(20)
    np.testing.assert_array_equal(points[:, 0], start)
    np.testing.assert_array_equal(points[:, -1], end)
    # float32, other order of operations.
    np.testing.assert_allclose(geodesics.length, MANIFOLDS[name].length(points), rtol=1e-5)
    np.testing.assert_allclose(geodesics.energy, MANIFOLDS[name].energy(points), rtol=1e-5)
    assert geodesics.length.dtype == geodesics.energy.dtype == geodesics.parameters.dtype == np.float32


@pytest.mark.parametrize("name", MANIFOLDS)
def test_never_worse_than_the_straight_line(solved, name):
    start, end, results = solved
    manifold, geodesics = MANIFOLDS[name], results[name]
    line = straight_line(start, end)
    if not manifold.has_potential:
        functional, actual = manifold.length, geodesics.length
    else:
        # With a noise term the curve of least energy may be longer: there the energy decides.
        functional, actual = manifold.energy, geodesics.energy
    straight = functional(line).numpy()
    assert (actual <= straight * (1.0 + 1e-6)).all()
    assert (actual < 0.99 * straight).any()


@pytest.mark.parametrize("name", MANIFOLDS)
def test_length_is_symmetric_in_the_ends(solved, name):
    start, end, results = solved
    swapped = connect(MANIFOLDS[name], end, start)
    # The two runs differ by rounding; both stop at a relative decrease of 1e-6. Where the energy has a potential
    # it is not the length that is minimized, so that an error of the curve enters the length at first order.
    rtol = 1e-4 if not MANIFOLDS[name].has_potential else 1e-3
    np.testing.assert_allclose(swapped.length, results[name].length, rtol=rtol)
    np.testing.assert_allclose(swapped.energy, results[name].energy, rtol=1e-4)


# GEORCE takes polylines on metrics alone.
@pytest.mark.parametrize("solver", [name for name in SOLVERS if name not in ("levenberg_marquardt", "georce")])
def test_every_solver_reaches_the_same_energy(solved, solver):
    start, end, results = solved
    other = connect(MANIFOLDS["independent"], start, end, solver=solver, warn=False)
    # Adam's step does not shrink: of some pairs it uses up its 500 steps, near the minimum all the same.
    assert np.mean(other.converged) > 0.9
    # First order methods stop at a relative decrease of 1e-5 per step, some tens of steps from the minimum.
    np.testing.assert_allclose(other.energy, results["independent"].energy, rtol=1e-3)


def test_the_result_is_a_local_minimum(exact):
    name, geodesics = exact
    start, end = geodesics.start, geodesics.end
    assert geodesics.converged.all() and geodesics.energy.dtype == np.float64
    t = np.linspace(0.0, 1.0, 20)
    parameters = tf.constant(geodesics.parameters)
    # Where the curve of least energy is longer than the straight line, the line is what `connect` returns.
    is_curve = (geodesics.parameters != 0.0).any(axis=-1)
    assert np.mean(is_curve) > 0.9
    with tf.GradientTape() as tape:
        tape.watch(parameters)
        energy = MANIFOLDS[name].energy(Quadratic().points(parameters, start, end, t))
    slopes = np.linalg.norm(tape.gradient(energy, parameters), axis=-1)
    distance = np.linalg.norm(end - start, axis=-1)
    assert (slopes * distance <= 1e-6 * geodesics.energy)[is_curve].all()
    moves = np.random.default_rng(5).normal(size=[30, 16, 2])
    for size in (1e-3, 3e-2):
        moved = Quadratic().points(parameters + size * moves, start, end, t)
        assert (MANIFOLDS[name].energy(moved).numpy() >= geodesics.energy - 1e-10)[:, is_curve].all()


def test_default_tolerances_leave_little(solved, exact):
    name, geodesics = exact
    # The default stops where a step lowers the energy by less than 1e-5 of it.
    np.testing.assert_allclose(solved[2][name].energy, geodesics.energy, rtol=1e-4)
    np.testing.assert_allclose(solved[2][name].length, geodesics.length, rtol=1e-3)


def test_length_depends_on_the_number_of_points_with_order_two():
    # A surface of much curvature, whose graphs are small.
    manifold = Pullback(paraboloid)
    start, end = random_ends(4, dtype=np.float64)
    lengths = [connect(manifold, start, end, solver=EXACT, num_points=num).length for num in (21, 41, 81)]
    coarse, fine = np.diff(lengths, axis=0)
    # Halving the step divides the change by four, up to the next order.
    np.testing.assert_allclose(coarse / fine, 4.0, rtol=0.1)
    assert (np.abs(coarse) < 0.01 * lengths[0]).all()


def test_a_batch_equals_a_loop(solved):
    start, end, results = solved
    whole = results["expected"]
    # Blocks of 5: smaller than the 16 pairs, as many, and (filled up) more than a single pair.
    blocks = connect(MANIFOLDS["expected"], start, end, block_size=5)
    # Matrix products of another number of rows round differently (1e-7), and iterations amplify it a little.
    np.testing.assert_allclose(blocks.parameters, whole.parameters, atol=2e-3)
    np.testing.assert_allclose(blocks.length, whole.length, rtol=1e-5)
    np.testing.assert_array_equal(blocks.converged, whole.converged)
    for rows in (slice(3, 8), *(slice(i, i + 1) for i in range(4))):
        part = connect(MANIFOLDS["expected"], start[rows], end[rows], block_size=5)
        np.testing.assert_allclose(part.length, whole.length[rows], rtol=1e-5)
        np.testing.assert_allclose(part.points(9), whole.points(9)[rows], atol=1e-3)


def test_a_batch_may_be_empty():
    geodesics = connect(FLAT, np.zeros([0, 2]), np.zeros([0, 2]))
    assert len(geodesics) == 0 and geodesics.points(7).shape == (0, 7, 2) and geodesics.reason.shape == (0,)


def test_each_function_is_compiled_once_per_block_shape_whatever_the_weights():
    """Without warnings, for which some curves are measured again outside of what is compiled."""
    decoder = SmallDecoder(seed=3)
    scale = tf.Variable(1.0)
    manifold = Pullback(lambda z: scale * decoder(z).mean())
    solver, start, end = LevenbergMarquardt(), *random_ends(40, seed=3)
    before = connect(manifold, start, end, solver=solver, block_size=16, num_points=9, warn=False).length
    calls = decoder.num_calls
    compiled = compile_problem(Problem(manifold, Quadratic(), solver, None, 9), 2, False)
    functions = (compiled.begin, compiled.advance, compiled.finish)
    assert [function.experimental_get_tracing_count() for function in functions] == [1, 1, 1]
    # Other pairs, more of them, fewer in the last block: the same shape. Equal solvers share the code.
    for num in (16, 23, 40):
        connect(
            manifold, end[:num], start[:num], solver=LevenbergMarquardt(), block_size=16, num_points=9, warn=False
        )
    assert [function.experimental_get_tracing_count() for function in functions] == [1, 1, 1]
    assert decoder.num_calls == calls
    scale.assign(2.0)
    after = connect(manifold, start, end, solver=solver, block_size=16, num_points=9, warn=False).length
    np.testing.assert_allclose(after, 2.0 * before, rtol=1e-5)
    assert decoder.num_calls == calls


def test_one_graph_for_export_agrees_with_blocks(solved):
    start, end, results = solved
    expected = results["expected"]
    # Two more pairs: one with equal ends, one that is not finite.
    start, end = (np.concatenate([ends, ends[:2]]) for ends in (start, end))
    start[-2], start[-1] = end[-2], np.nan

    @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.float32)] * 2, autograph=False)
    def graph(start, end):
        return solve_batch(PROBLEM, start, end, block_size=8)

    for first in (0, 5, 16):
        _, length, energy, reason = (part.numpy() for part in graph(start[first:], end[first:]))
        np.testing.assert_allclose(length[:-2], expected.length[first:], rtol=1e-5)
        np.testing.assert_allclose(energy[:-2], expected.energy[first:], rtol=1e-5)
        np.testing.assert_array_equal(reason[:-2], expected.reason_codes[first:])
        assert length[-2] == energy[-2] == 0.0 and reason[-2] == Reason.EQUAL_ENDS
        assert np.isnan(length[-1]) and np.isnan(energy[-1]) and reason[-1] == Reason.NOT_FINITE


def test_eager_equals_a_graph(solved):
    start, end, results = solved
    eager = solve_batch(PROBLEM, tf.constant(start[:2]), tf.constant(end[:2]), block_size=8)
    np.testing.assert_allclose(eager[1], results["expected"].length[:2], rtol=1e-5)
    np.testing.assert_allclose(eager[2], results["expected"].energy[:2], rtol=1e-5)
