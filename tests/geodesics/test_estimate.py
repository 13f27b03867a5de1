"""What geodesics will take, against what they take."""

import time

import numpy as np
import pytest

from tests.cases import SmallDecoder, random_points
from tfgeo.errors import UserError
from tfgeo.geodesics import connect, estimate
from tfgeo.manifolds import ExpectedPullback

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


def test_memory_grows_with_pairs_by_what_results_hold():
    few, many = (estimate(MANIFOLD, POINTS, num, block_size=64) for num in (10**5, 10**6))
    # Two ends and a quadratic's parameters in the plane, length, energy, deviation and three words, in float32.
    assert many.num_bytes - few.num_bytes == 9 * 10**5 * (4 + 2 + 6) * 4


def test_bad_input():
    with pytest.raises(UserError, match="at least two points"):
        estimate(MANIFOLD, POINTS[:1])
    with pytest.raises(UserError, match="`num_pairs` must be"):
        estimate(MANIFOLD, POINTS, 0)
    with pytest.raises(UserError, match="unknown solver 'newton'"):
        estimate(MANIFOLD, POINTS, solver="newton")
