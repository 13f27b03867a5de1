"""Distances to landmarks: those of the graph they were found on, or of the solver; each landmark once."""

import numpy as np
import pytest

from tests.cases import FLAT_MATRIX, SmallDecoder, flat, random_points
from tfgeo.errors import UserError
from tfgeo.geodesics import landmark_distances, pairwise
from tfgeo.manifolds import IndependentNoise, Pullback

MANIFOLD = Pullback(flat)
POINTS = random_points(60, 2, low=-1.0, high=1.0, dtype=np.float32)
EXACT = np.linalg.norm((POINTS[:, None] - POINTS[None]) @ FLAT_MATRIX.T.astype(np.float32), axis=-1)
SETTINGS = {"progress": False, "points_per_edge": 2}


def test_they_are_columns_of_the_matrix_of_the_graph():
    landmarks, lengths = landmark_distances(MANIFOLD, POINTS, 15, **SETTINGS)
    matrix = pairwise(MANIFOLD, POINTS, method="graph", **SETTINGS)
    assert len(landmarks) == 15 and (np.diff(landmarks) > 0).all()
    np.testing.assert_allclose(lengths, matrix[:, landmarks], rtol=1e-5, atol=1e-6)
    energies = landmark_distances(MANIFOLD, POINTS, 15, "energy", **SETTINGS)[1]
    np.testing.assert_allclose(energies, np.square(lengths))


def test_landmarks_are_far_from_one_another():
    landmarks = landmark_distances(MANIFOLD, POINTS, 15, **SETTINGS)[0]
    # No point is farther from all of them than two of them are from each other.
    apart = EXACT[np.ix_(landmarks, landmarks)] + np.diag(np.full(15, np.inf))
    assert EXACT[:, landmarks].min(axis=1).max() < 1.1 * apart.min()


def test_those_of_the_solver_are_exact():
    landmarks, lengths = landmark_distances(MANIFOLD, POINTS, 5, by="solver", num_points=4, **SETTINGS)
    np.testing.assert_allclose(lengths, EXACT[:, landmarks], rtol=1e-3, atol=1e-5)


def test_points_at_one_place_are_one_landmark():
    points = np.repeat(POINTS[:8], 3, axis=0)
    landmarks, lengths = landmark_distances(MANIFOLD, points, 24, **SETTINGS)
    assert len(landmarks) == len(np.unique(landmarks // 3)) == 8 and lengths.shape == (24, 8)


def test_energies_with_a_potential_are_no_squares_of_lengths():
    with pytest.raises(UserError, match=r"`distance`='energy'.*IndependentNoise is no square; give"):
        landmark_distances(IndependentNoise(SmallDecoder()), POINTS, 5, "energy")
