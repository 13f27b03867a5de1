"""Every kind of decoder by every manifold by every function: it works and agrees with float64 NumPy, or is refused.

Lengths and volumes of all cells are computed here. What is compiled, at seconds a cell, is tried for each kind of
decoder once, over all functions and manifolds in turn; the whole product is marked slow.
"""

import gc
import pathlib

import numpy as np
import pytest
import tensorflow as tf

from tests.conftest import drop_graphs
from tests.manifolds.decoders.kinds import KINDS, decoder_of, hidden, moments_of, squares
from tfgeo.errors import UserError
from tfgeo.export import export_manifold
from tfgeo.geodesics import (
    KNNGraph,
    connect,
    distances,
    exponential_map,
    frechet_mean,
    logarithm_map,
    pairwise,
)
from tfgeo.geodesics.maps.logarithm_map import metric_of
from tfgeo.manifolds import (
    Decoder,
    Ensemble,
    ExpectedPullback,
    FisherRao,
    IndependentNoise,
    Interpolated,
    Pullback,
    Smoothed,
)

STRENGTH = 0.1
NUM_POINTS = 6
# float64, NumPy's default: the decoders compute in their own dtype.
POINTS = np.random.default_rng(5).uniform(-0.8, 0.8, size=[6, 2])
START, END = POINTS[:3], POINTS[3:]

MANIFOLDS = {
    "Pullback": Pullback,
    "ExpectedPullback": ExpectedPullback,
    "IndependentNoise": IndependentNoise,
    "FisherRao": FisherRao,
    "Smoothed": lambda decoder: Smoothed(Pullback(decoder), STRENGTH),
    "Interpolated": lambda decoder: Interpolated(Pullback(decoder), ((-1.2, 1.2), (-1.2, 1.2)), 64),
    "Ensemble": lambda decoder: Ensemble([Pullback(decoder), Pullback(hidden)]),
}


def manifold_of(kind, name):
    case = KINDS[kind]
    return MANIFOLDS[name](Decoder(decoder_of(kind), case.outputs, case.condition))


def is_refused(kind, name):
    """Whether the decoder lacks what the manifold measures."""
    mean, stddev = moments_of(kind, POINTS)
    if name == "FisherRao":
        return KINDS[kind].fisher is None
    return mean is None or (stddev is None and name in ("ExpectedPullback", "IndependentNoise"))


def jacobian_of(kind, z):
    """Of the mean at one point `[d]`, by central differences: `[D, d]`. In float32 to 1e-7 / h."""
    step = 1e-2
    ends = z + step * np.concatenate([np.eye(2), -np.eye(2)])
    mean = moments_of(kind, ends)[0]
    return (mean[:2] - mean[2:]).T / (2.0 * step)


def length_of(kind, name, points):
    """Length of a curve `[T, d]` in float64 NumPy, from what the decoder itself decodes."""
    mean, stddev = moments_of(kind, points)
    if name == "FisherRao":
        return np.sum(np.sqrt(KINDS[kind].fisher(mean, stddev)))
    if name in ("ExpectedPullback", "IndependentNoise"):
        return np.sum(np.sqrt(squares(mean) + squares(stddev)))
    if name == "Ensemble":
        return np.sum(np.sqrt(0.5 * (squares(mean) + squares(hidden(tf.constant(points)).numpy()))))
    if name in ("Smoothed", "Interpolated"):  # the metric in the middle of each segment
        strength = STRENGTH if name == "Smoothed" else 0.0
        steps = np.diff(points, axis=0)
        total = 0.0
        for middle, step in zip(0.5 * (points[1:] + points[:-1]), steps, strict=True):
            jacobian = jacobian_of(kind, middle)
            values, vectors = np.linalg.eigh(jacobian.T @ jacobian)
            values = np.maximum(values, 1e-12)  # rounding leaves one below 0 where an output is a scalar
            metric = (vectors * values**3 / (values**2 + strength)) @ vectors.T
            total += np.sqrt(step @ metric @ step)
        return total
    return np.sum(np.sqrt(squares(mean)))


def is_singular(kind, name):
    """Whether the metric has no inverse, as that of one output for two coordinates."""
    return name in ("Pullback", "Smoothed", "Interpolated") and moments_of(kind, POINTS)[0].shape[-1] < 2


def may_give_up(kind, name):
    """Whether functions may find nothing and say so: the rounding of half precision hides where an energy falls."""
    return is_singular(kind, name) or KINDS[kind].rounding > 0.0


def tolerance_of(kind, name):
    """Differences of means in float32, of Jacobians by finite differences, and the table's raised coefficients."""
    return {"Smoothed": 2e-3, "Interpolated": 1e-2}.get(name, 2e-4) + KINDS[kind].rounding


def check_lengths(kind, name, points, lengths):
    expected = [length_of(kind, name, curve.astype(np.float64)) for curve in points]
    np.testing.assert_allclose(lengths, expected, rtol=tolerance_of(kind, name))


# Each function checks its own result.


def by_connect(kind, name, manifold, folder):
    geodesics = connect(manifold, START, END, num_points=NUM_POINTS, warn=False)
    assert geodesics.length.dtype == np.float64
    assert geodesics.converged.all() or KINDS[kind].rounding, geodesics.reason
    check_lengths(kind, name, geodesics.points(NUM_POINTS), geodesics.length)


def by_pairwise(kind, name, manifold, folder):
    matrix = pairwise(manifold, POINTS[:3].tolist(), progress=False, num_points=NUM_POINTS)
    found = connect(manifold, POINTS[[0, 0, 1]], POINTS[[1, 2, 2]], num_points=NUM_POINTS)
    np.testing.assert_allclose(matrix[np.triu_indices(3, 1)], found.length, rtol=1e-4)
    check_lengths(kind, name, found.points(NUM_POINTS), matrix[np.triu_indices(3, 1)])


def by_distances(kind, name, manifold, folder):
    matrix = distances(manifold, START[:1], tf.constant(END), progress=False, num_points=NUM_POINTS)
    found = connect(manifold, np.repeat(START[:1], 3, axis=0), END, num_points=NUM_POINTS)
    np.testing.assert_allclose(matrix[0], found.length, rtol=1e-4)
    check_lengths(kind, name, found.points(NUM_POINTS), matrix[0])


def by_graph(kind, name, manifold, folder):
    graph = KNNGraph(manifold, POINTS, k=2, points_per_edge=5, num_landmarks=2, progress=False)
    rows, columns = graph.weights.nonzero()
    share = np.linspace(0.0, 1.0, 5)[:, None]
    edges = [(1.0 - share) * POINTS[i] + share * POINTS[j] for i, j in zip(rows, columns, strict=True)]
    check_lengths(kind, name, edges, np.asarray(graph.weights[rows, columns]).ravel())


def by_exponential_map(kind, name, manifold, folder):
    velocity = 0.2 * (END - START)
    reached = exponential_map(manifold, START, velocity)
    # A singular metric has no acceleration: NaN, unless interpolating or rounding left it an inverse.
    found = np.isfinite(reached).all(axis=-1) if may_give_up(kind, name) else np.ones(len(START), bool)
    # A geodesic keeps its speed: the straight way to where it comes out is no shorter than its length by more than
    # its bending, which is small on this short way.
    lines = np.linspace(START, reached, 9, axis=1)[found]
    lengths = [length_of(kind, name, curve) for curve in lines]
    np.testing.assert_allclose(manifold.norm(START, velocity)[found], lengths, rtol=3e-2)


def by_logarithm_map(kind, name, manifold, folder):
    logarithms = logarithm_map(manifold, START, END, warn=False)
    # A curve of least energy with a potential is no geodesic.
    found = connect(metric_of(manifold), START, END, curve="cubic_spline", warn=False)
    np.testing.assert_allclose(
        logarithms.distance[logarithms.converged], found.length[logarithms.converged], rtol=2e-2
    )
    assert logarithms.converged.any() or may_give_up(kind, name)
    # A polygon of few points is shorter than the curve.
    lengths = [length_of(kind, name, curve) for curve in found.points(20)]
    np.testing.assert_allclose(found.length, lengths, rtol=3e-2)


def by_frechet_mean(kind, name, manifold, folder):
    points = POINTS[:1] + 0.1 * np.array([[-1.0, 0.3], [1.0, -0.3]])
    mean = frechet_mean(manifold, points.tolist(), warn=False)
    if may_give_up(kind, name) and not mean.converged:
        return
    assert mean.converged
    lines = np.linspace(np.stack([mean.point, mean.point]), points, 9, axis=1)
    first, second = (length_of(kind, name, line) for line in lines)
    # The mean of two points is in the middle of them, up to the bending of the geodesics to it.
    np.testing.assert_allclose(first, second, rtol=6e-2)


def by_volume(kind, name, manifold, folder):
    found = manifold.volume(POINTS.tolist())
    assert found.shape == (6,) and np.isfinite(found).all()
    if name == "Pullback":
        jacobians = [jacobian_of(kind, z) for z in POINTS]
        expected = [np.sqrt(max(np.linalg.det(jacobian.T @ jacobian), 0.0)) for jacobian in jacobians]
        np.testing.assert_allclose(found, expected, rtol=3e-3 + KINDS[kind].rounding, atol=1e-6)


def by_export(kind, name, manifold, folder):
    path = export_manifold(manifold, 2, pathlib.Path(folder) / "exported", num_points=NUM_POINTS)
    loaded = tf.saved_model.load(str(path))
    ends = {"start": tf.constant(START, tf.float32), "end": tf.constant(END, tf.float32)}
    geodesics = loaded.signatures["geodesic"](**ends)
    check_lengths(kind, name, geodesics["points"].numpy(), geodesics["length"].numpy())


COMPILED = (
    by_connect,
    by_pairwise,
    by_distances,
    by_graph,
    by_exponential_map,
    by_logarithm_map,
    by_frechet_mean,
    by_export,
)


# The rounding of half precision makes jumps in a metric, which may by chance be too large for these.
NEED_DERIVATIVES = (by_exponential_map, by_logarithm_map, by_frechet_mean)


def check_accepted(kind, name, function, manifold, folder):
    try:
        function(kind, name, manifold, folder)
    except UserError as error:
        jumps = function in NEED_DERIVATIVES and "comes in jumps" in str(error) and "\n" not in str(error)
        if not (KINDS[kind].rounding and jumps):
            raise


def check_refusal(kind, name, function, folder):
    with pytest.raises(UserError) as caught:
        function(kind, name, manifold_of(kind, name), folder)
    assert "\n" not in str(caught.value)


def check_cell(kind, name, function, folder):
    if is_refused(kind, name):
        check_refusal(kind, name, function, folder)
    else:
        check_accepted(kind, name, function, manifold_of(kind, name), folder)


@pytest.mark.parametrize("name", MANIFOLDS)
@pytest.mark.parametrize("kind", KINDS)
def test_lengths_and_volumes(kind, name):
    points = np.linspace(START, END, NUM_POINTS, axis=1)

    def by_length(kind, name, manifold, folder):
        lengths = manifold.length(points)
        assert lengths.dtype == tf.float64
        check_lengths(kind, name, points, lengths)
        by_volume(kind, name, manifold, folder)

    check_cell(kind, name, by_length, None)


# Of a smoothed metric the derivatives that solvers take compile for many seconds: it is tried on graphs here.
CHEAP = [name for name in MANIFOLDS if name != "Smoothed"]
# Six manifolds and seven functions have no common divisor: both run through all of the other's.
FUNCTIONS = [function for function in COMPILED if function is not by_graph]
CELLS = [
    (kind, CHEAP[index % len(CHEAP)], FUNCTIONS[index % len(FUNCTIONS)]) for index, kind in enumerate(KINDS)
] + [("mean_and_log_variance", name, by_graph) for name in MANIFOLDS]


@pytest.mark.parametrize(("kind", "name", "function"), CELLS)
def test_one_function_of_each_kind(kind, name, function, tmp_path):
    check_cell(kind, name, function, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", MANIFOLDS)
@pytest.mark.parametrize("kind", KINDS)
def test_every_cell(kind, name, tmp_path):
    """All functions of one manifold, whose problems are compiled once; every cell that is wrong is named."""
    wrong = {}
    made = [] if is_refused(kind, name) else [manifold_of(kind, name)]
    for function in COMPILED:
        try:
            if made:
                check_accepted(kind, name, function, made[0], tmp_path / function.__name__)
            else:
                check_refusal(kind, name, function, tmp_path)
        except Exception as error:  # reported below, together with those of other cells
            wrong[function.__name__] = f"{type(error).__name__}: {error}"
    # Thousands of graphs would not fit the memory.
    drop_graphs()
    gc.collect()
    assert not wrong
