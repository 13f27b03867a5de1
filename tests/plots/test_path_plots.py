"""Figures of paths: what is drawn is what was given."""

import numpy as np
import pytest
from PIL import Image

from tfgeo import plots
from tfgeo.geodesics import DistanceMap
from tfgeo.plots import Panel


def test_lines_scatter_and_bands_draw_what_they_are_given():
    x = np.linspace(0.0, 1.0, 5)
    axes = plots.lines(x, {"geodesic": x, "straight": x**2}, "t", "speed").axes[0]
    assert [line.get_label() for line in axes.lines] == ["geodesic", "straight"]
    np.testing.assert_array_equal(axes.lines[1].get_ydata(), x**2)
    axes = plots.scatter_lines(x, {"one": 2.0 * x + 1.0}, "angle", "length").axes[0]
    np.testing.assert_allclose(axes.lines[0].get_ydata(), [1.0, 3.0], atol=1e-12)
    assert "1.00" in axes.get_legend().get_texts()[0].get_text()
    strengths = np.array([1.0, 10.0, 100.0])
    rows = np.random.default_rng(0).normal(size=(3, 400))
    axes = plots.bands(strengths, {"straight": rows}, "strength", "length").axes[0]
    assert axes.get_xscale() == "log"
    np.testing.assert_allclose(axes.lines[0].get_ydata(), rows.mean(axis=1))
    edges = axes.collections[0].get_paths()[0].vertices
    # 1.96 standard errors of 400 draws with deviation 1, on both sides.
    assert 0.17 < np.ptp(edges[edges[:, 0] == 10.0, 1]) < 0.22


def test_paths_in_a_plane_have_equal_units():
    path = np.array([[0.0, 0.0], [1.0, 2.0]])
    axes = plots.plane_lines({"circle": path}, "across", "up").axes[0]
    np.testing.assert_array_equal(axes.lines[0].get_xydata(), path)
    assert axes.get_aspect() == 1.0


def test_stick_figures_have_a_line_for_each_bone_and_one_scale():
    bodies = np.random.default_rng(0).normal(size=(4, 5, 3))
    bones = [(0, 1), (1, 2), (0, 3), (3, 4)]
    figure = plots.stick_figures({"geodesic": bodies, "straight": 2.0 * bodies[:3]}, bones)
    assert len(figure.axes) == 8
    assert [len(axes.lines) for axes in figure.axes] == [4] * 7 + [0]
    assert len({axes.get_ylim() for axes in figure.axes[:7]}) == 1
    # Up stays up: the second coordinate of the view is y.
    np.testing.assert_allclose(figure.axes[0].lines[0].get_ydata(), bodies[0, [0, 1], 1])


def test_an_animation_runs_there_and_back(tmp_path):
    frames = np.linspace(0.0, 1.0, 5)[:, None, None] * np.ones((5, 8, 12))
    plots.save_animation(frames, tmp_path / "film.gif")
    with Image.open(tmp_path / "film.gif") as film:
        assert film.n_frames == 8 and film.size == (240, 160)
        film.seek(4)
        assert np.asarray(film.convert("L")).min() == 255


def test_equidistance_lines_and_numbers_as_colours():
    latents = np.random.default_rng(0).normal(size=(30, 2))
    nodes = np.linspace(-2.0, 2.0, 9)
    distances = np.hypot(*np.meshgrid(nodes, nodes))
    distances[0, 0] = np.inf
    figure = plots.equidistance_lines(latents, None, [DistanceMap((nodes, nodes), distances)], [np.zeros(2)])
    star = figure.axes[0].lines[-1].get_xydata()
    np.testing.assert_array_equal(star, [[0.0, 0.0]])
    angles = np.arange(30)
    figure = plots.latent_panels(latents, [Panel("angles", values=angles, values_label="degrees")])
    np.testing.assert_array_equal(figure.axes[0].collections[0].get_array(), angles)
    assert figure.axes[0].child_axes[0].get_ylabel() == "degrees"


@pytest.mark.parametrize("names", [["one"], ["one", "two"]])
def test_rows_are_named(names):
    bodies = np.zeros((2, 2, 3))
    figure = plots.stick_figures({name: bodies for name in names}, [(0, 1)])
    written = [text.get_text() for axes in figure.axes for text in axes.texts]
    assert written == names
