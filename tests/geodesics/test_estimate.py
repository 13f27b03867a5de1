"""What geodesics will take, against what they take."""

import time

import numpy as np
import pytest
import tensorflow as tf

from tests.cases import SmallDecoder, random_points
from tfgeo.errors import UserError
from tfgeo.geodesics import connect, estimate
from tfgeo.manifolds import ExpectedPullback, Pullback

MANIFOLD = ExpectedPullback(SmallDecoder())
POINTS = random_points(300, 2).astype(np.float32)


def test_seconds_are_those_of_the_work():
    said = estimate(MANIFOLD, POINTS, 6000, block_size=256)
    assert (said.num_pairs, said.num_timed) == (6000, 512)
    first, second = np.random.default_rng(1).integers(300, size=[2, 6000])
    began = time.perf_counter()
    connect(MANIFOLD, POINTS[first], POINTS[second], block_size=256)
    seconds = time.perf_counter() - began
    # Others work on the machine, too.
    assert 0.2 * seconds < said.seconds < 5.0 * seconds
    assert said.compile_seconds > 0.0


def test_it_is_for_all_pairs_unless_said():
    said = estimate(MANIFOLD, POINTS[:10])
    assert said.num_pairs == said.num_timed == 45
    assert "45 geodesics take about" in str(said) and "\n" not in str(said)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_memory_grows_by_what_results_hold(dtype):
    few, many = (estimate(MANIFOLD, POINTS.astype(dtype), num, block_size=64) for num in (10**5, 10**6))
    geodesics = connect(MANIFOLD, POINTS[:100].astype(dtype), POINTS[100:200].astype(dtype))
    held = sum(
        part.nbytes for part in vars(geodesics).values() if isinstance(part, np.ndarray) and part.dtype != object
    )
    # Reasons are words that all pairs share.
    assert many.num_bytes - few.num_bytes == pytest.approx(9 * 10**5 * held / 100, rel=0.2)


def test_under_a_condition():
    manifold = Pullback(lambda z, c: tf.concat([z, c * tf.reduce_sum(z**2, -1, keepdims=True)], -1))
    assert estimate(manifold, POINTS, 100, condition=[1.0]).num_timed == 100


def test_bad_input():
    with pytest.raises(UserError, match="at least two finite points"):
        estimate(MANIFOLD, POINTS[:1])
    with pytest.raises(UserError, match="`num_pairs` must be"):
        estimate(MANIFOLD, POINTS, 0)
    with pytest.raises(UserError, match="unknown solver 'newton'"):
        estimate(MANIFOLD, POINTS, solver="newton")
    with pytest.raises(UserError, match="unknown setting 'accelerate'"):
        estimate(MANIFOLD, POINTS, accelerate=True)
    with pytest.raises(UserError, match="at least two finite points"):
        estimate(MANIFOLD, np.full([5, 2], np.nan))
    with pytest.raises(UserError, match="known pairs"):
        estimate(MANIFOLD, POINTS, warm_start=np.zeros([5, 3, 2]))
    with pytest.raises(UserError, match="`num_points` must be"):
        estimate(MANIFOLD, POINTS, num_points="x")
    assert estimate(MANIFOLD, POINTS, 10**30, block_size=64).num_pairs == 10**30
