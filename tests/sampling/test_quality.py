"""Figures of generated samples against loops written out, and their limits."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist, pdist

from tfgeo.errors import UserError
from tfgeo.sampling import quality
from tfgeo.sampling.quality import mean_pairwise_distance, nearest_distance, nearest_rows, precision_recall

GENERATOR = np.random.default_rng(0)
SAMPLES = GENERATOR.uniform(size=(40, 12)).astype(np.float32)
INPUTS = GENERATOR.uniform(0.1, 1.1, size=(60, 12)).astype(np.float32)


def precision_recall_by_loops(samples, inputs, num_neighbours):
    """Eq. 1 and 2 of Kynkäänniemi et al. (2019)."""

    def share_within(points, members):
        count = 0
        for point in points:
            for row, member in enumerate(members):
                others = np.delete(members, row, axis=0)
                radius = np.sort(np.linalg.norm(others - member, axis=1))[num_neighbours - 1]
                if np.linalg.norm(point - member) <= radius:
                    count += 1
                    break
        return count / len(points)

    return share_within(samples, inputs), share_within(inputs, samples)


@pytest.fixture(params=[None, 100], ids=["one block", "many blocks"], autouse=True)
def block(request, monkeypatch):
    if request.param:
        monkeypatch.setattr(quality, "_BLOCK_DISTANCES", request.param)


def test_distances_to_the_nearest():
    distances = cdist(SAMPLES, INPUTS)
    np.testing.assert_allclose(nearest_distance(SAMPLES, INPUTS), distances.min(axis=1), rtol=1e-6)
    np.testing.assert_array_equal(nearest_rows(SAMPLES, INPUTS), distances.argmin(axis=1))


def test_copies_are_at_distance_0_to_the_last_bit():
    # Far from the origin, where the difference of squares has few digits left.
    inputs = INPUTS + np.float32(3000.0)
    np.testing.assert_array_equal(nearest_distance(inputs[[5, 3, 59]], inputs), 0.0)
    np.testing.assert_array_equal(nearest_rows(inputs[[5, 3, 59]], inputs), [5, 3, 59])


def test_mean_over_pairs():
    np.testing.assert_allclose(mean_pairwise_distance(SAMPLES), pdist(SAMPLES).mean(), rtol=1e-6)
    # A segment's ends in equal numbers: of 6 pairs, 4 are apart.
    np.testing.assert_allclose(mean_pairwise_distance([[0.0], [0.0], [3.0], [3.0]]), 2.0, rtol=1e-12)
    assert mean_pairwise_distance(np.ones((5, 3))) == 0.0


@pytest.mark.parametrize("num_neighbours", [1, 2, 3])
def test_precision_and_recall_by_their_definition(num_neighbours):
    measured = precision_recall(SAMPLES, INPUTS, num_neighbours)
    expected = precision_recall_by_loops(SAMPLES.astype(float), INPUTS.astype(float), num_neighbours)
    assert (measured.precision, measured.recall) == expected
    # Neither of the limits, at which any radius would do.
    assert 0.0 < measured.precision < 1.0 and 0.0 < measured.recall < 1.0


def test_limits_of_precision_and_recall():
    same = precision_recall(SAMPLES, SAMPLES)
    assert (same.precision, same.recall) == (1.0, 1.0)
    apart = precision_recall(SAMPLES + 100.0, INPUTS)
    assert (apart.precision, apart.recall) == (0.0, 0.0)
    # A model that knows one of two groups: all it makes is real, half of the data is out of its reach.
    groups = np.concatenate([INPUTS, INPUTS + 100.0])
    collapsed = precision_recall(INPUTS, groups)
    assert (collapsed.precision, collapsed.recall) == (1.0, 0.5)
    assert precision_recall(groups, INPUTS).precision == 0.5


@pytest.mark.parametrize("function", [nearest_distance, nearest_rows, precision_recall])
def test_wrong_arrays_are_refused(function):
    with pytest.raises(UserError, match="12 are expected"):
        function(SAMPLES[:, :5], INPUTS)
    with pytest.raises(UserError, match="not finite"):
        function(SAMPLES * np.nan, INPUTS)


def test_too_few_samples_are_refused():
    with pytest.raises(UserError, match="at least two"):
        mean_pairwise_distance(SAMPLES[:1])
    with pytest.raises(UserError, match="at most 39"):
        precision_recall(SAMPLES, INPUTS, 40)
    with pytest.raises(UserError, match="`num_neighbours`"):
        precision_recall(SAMPLES, INPUTS, 0)
