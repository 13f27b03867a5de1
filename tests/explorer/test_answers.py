"""What the served explorer computes: geodesics and distances on a sphere."""

import numpy as np
import pytest

from tests.cases import great_circle
from tests.explorer.scenes import CODES, sphere_scene
from tfgeo.explorer import answers as module
from tfgeo.explorer.answers import SOLVERS, Answers

START, END = np.array([1.0, -0.8]), np.array([1.2, 0.9])
LENGTH = great_circle(START[None], END[None])[0]


@pytest.fixture(scope="module")
def answers():
    scene = sphere_scene()
    return Answers(scene, scene.metrics[0])


# Each way of answering; how other solvers of the decoder end is what `geodesics/test_closed_forms.py` tells.
FAST = ("table", "levenberg_marquardt", "grid")


@pytest.mark.parametrize(
    "solver",
    [pytest.param(name, marks=() if name in FAST else pytest.mark.slow) for name in SOLVERS if name != "adam"],
)
def test_geodesics_are_great_circles(answers, solver):
    geodesic, straight = answers.between(START, END, solver, is_final=True)
    # A path on a grid is longer; chords of 101 points are not.
    assert geodesic.length == pytest.approx(LENGTH, rel=0.03 if solver == "grid" else 2e-3)
    assert straight.length > geodesic.length
    np.testing.assert_allclose(geodesic.points[[0, -1]], [START, END], atol=1e-5)
    assert "on the decoder" in geodesic.note or solver == "grid"


def test_a_drag_is_answered_from_the_table(answers):
    geodesic, _ = answers.between(START, END, "table", is_final=False)
    assert geodesic.length == pytest.approx(LENGTH, rel=2e-3) and "table" in geodesic.note


def test_equal_ends_have_length_0(answers):
    geodesic, straight = answers.between(START, START, "table", is_final=True)
    assert geodesic.length == straight.length == pytest.approx(0.0, abs=1e-6)  # rounding of the line's points


def test_distances_from_a_point(answers):
    first, second, distances = answers.distances(START)
    nodes = np.stack(np.meshgrid(first, second), axis=-1).reshape(-1, 2)
    exact = great_circle(np.broadcast_to(START, nodes.shape), nodes)
    spacing = max(first[1] - first[0], second[1] - second[0])
    np.testing.assert_allclose(distances.ravel(), exact, rtol=0.03, atol=spacing)


def test_the_first_pair_is_worth_a_look(answers):
    start, end = answers.telling_pair()
    assert {tuple(start), tuple(end)} <= {tuple(code) for code in CODES.astype(np.float64)}
    assert great_circle(start[None], end[None])[0] > 0.5


def test_straight_lines():
    scene = sphere_scene()
    straight = Answers(scene, scene.metrics[1])
    geodesic, line = straight.between(START, END, "table", is_final=True)
    assert geodesic.length == line.length == pytest.approx(np.linalg.norm(START - END))
    assert straight.field() is None and straight.distances(START)[2].shape == (module.GRID_NODES,) * 2


def test_the_field_is_the_volume_element(answers):
    field = answers.field()
    polar = np.linspace(*answers.scene.bounds[0], len(field))
    np.testing.assert_allclose(field, np.broadcast_to(np.log10(np.sin(polar)), field.shape), atol=0.02)
