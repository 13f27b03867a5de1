"""What a centroid metric says of itself: numbers where they are known, and a verdict for each kind of metric."""

import json

import numpy as np
import pytest

from tests.cases import random_points
from tfgeo.errors import UserError
from tfgeo.manifolds import CentroidMetric, CentroidVariant

# One dense and one sparse cloud of latent points.
DENSE, SPARSE = random_points(60, 2, low=-1.0, high=1.0), random_points(20, 2, low=3.0, high=6.0, seed=1)
CENTROIDS = np.concatenate([DENSE, SPARSE])
LABELS = np.repeat(["dense", "sparse"], [60, 20])
IDENTITY = np.broadcast_to(np.eye(2), [80, 2, 2])


def sum_of(factors, temperature=0.8, regularization=1e-3):
    return CentroidMetric(CENTROIDS, factors, temperature, regularization)


def test_weights_are_counted_by_class():
    found = sum_of(IDENTITY).describe(LABELS)
    distances = np.linalg.norm(CENTROIDS[:, None] - CENTROIDS[None], axis=-1)
    weights = np.exp(-((distances / 0.8) ** 2)).sum(axis=1)
    np.testing.assert_allclose(found.weights, weights, rtol=1e-10)
    assert found.weight_by_class == {
        "dense": pytest.approx(np.median(weights[:60])), "sparse": pytest.approx(np.median(weights[60:]))
    }  # fmt: skip
    assert "dense: " in str(found) and "sparse: " in str(found)
    assert sum_of(IDENTITY).describe().weight_by_class == {}
    with pytest.raises(UserError, match="`labels`"):
        sum_of(IDENTITY).describe(LABELS[:5])


def test_numbers_in_closed_form():
    factors = np.tile(np.diag([3.0, 0.5]), [80, 1, 1])
    found = sum_of(factors).describe()
    np.testing.assert_allclose(found.condition_numbers, 6.0, rtol=1e-12)
    assert "singular values from 0.5 to 3 in the mean, condition numbers of 6.00" in str(found)
    facts = found.facts()
    assert facts["singular_values"] == pytest.approx([3.0, 0.5]) and facts["verdict"] == found.verdict
    assert json.loads(json.dumps(sum_of(factors).describe(LABELS).facts()))["weight_by_class"].keys() == set(LABELS)
    # A lone centroid: the ratio of both lengths there, its volume, and where it adds less than lambda on average.
    lone = CentroidMetric(np.zeros([1, 2]), factors[:1], 1.0, 1e-4).describe()
    np.testing.assert_allclose(lone.anisotropy, np.sqrt((9.0 + 1e-4) / (0.25 + 1e-4)), rtol=1e-6)
    np.testing.assert_allclose(lone.least_volume, 1e-4 / np.sqrt((9.0 + 1e-4) * (0.25 + 1e-4)), rtol=1e-6)
    ends = np.array([[-4.0], [4.0]])
    both = CentroidMetric(ends, np.ones([2, 1, 1]), 1.0, 1e-2).describe()
    # exp(-x^2) < 0.01 where x is further than 2.146 from both ends.
    np.testing.assert_allclose(both.share_of_regularization, 1.0 - 2.146 / 4.0, atol=0.03)


@pytest.mark.parametrize(
    ("metric", "words"),
    [
        (lambda: sum_of(IDENTITY), "follows the density of the codes and little else"),
        (
            lambda: CentroidMetric.of_density(CENTROIDS, 0.8, 1e-3),
            "follows the density of the codes and little else",
        ),
        (lambda: CentroidVariant("identity", "saturated").metric(CENTROIDS, None, 2.0, 1e-3), "codes from gaps"),
        (lambda: sum_of(IDENTITY * np.array([5.0, 0.5])), "holds directions"),
        (lambda: sum_of(IDENTITY, temperature=1e-3), "stand alone"),
        (lambda: sum_of(1e-3 * IDENTITY), "nearly flat"),
        (lambda: sum_of(IDENTITY * np.exp(CENTROIDS[:, :1, None])), "more than the density"),
    ],
)
def test_verdicts(metric, words):
    assert words in metric().describe().verdict
