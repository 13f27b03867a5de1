"""Figures: what is drawn, and the files."""

import matplotlib.image
import numpy as np
import pytest
from matplotlib.collections import EllipseCollection

from tfgeo import plots
from tfgeo.plots import Panel

LATENTS = np.random.default_rng(0).normal(size=(12, 2)).astype(np.float32)


def test_grid_covers_the_points_with_square_cells():
    grid = plots.grid_points(LATENTS, 9)
    assert grid.shape == (9, 9, 2)
    assert (grid.min(axis=(0, 1)) < LATENTS.min(axis=0)).all() and (
        grid.max(axis=(0, 1)) > LATENTS.max(axis=0)
    ).all()
    np.testing.assert_allclose(grid[0, 1, 0] - grid[0, 0, 0], grid[1, 0, 1] - grid[0, 0, 1], rtol=1e-5)
    # Rows along z2, as pictures have them.
    assert np.ptp(grid[3, :, 1]) == 0.0 and np.ptp(grid[:, 3, 0]) == 0.0


@pytest.mark.parametrize(("ratio", "sides"), [(0.6, 1.0), (0.45, 0.9), (0.1, 0.4), (0.0, 0.4)])
def test_a_grid_around_thin_points_is_thin_itself(ratio, sides):
    latents = np.array([[0.0, 0.0], [ratio, 1.0]], np.float32)
    grid = plots.grid_points(latents, 3)
    np.testing.assert_allclose(np.ptp(grid, axis=(0, 1)), [1.5 * sides, 1.5], rtol=1e-5)
    np.testing.assert_allclose(grid[1, 1], [ratio / 2.0, 0.5], atol=1e-6)


@pytest.mark.parametrize("labels", [None, np.repeat([0, 1, 2], 4)])
def test_panels_have_titles_axes_and_legend(labels, tmp_path):
    grid = plots.grid_points(LATENTS, 5)
    panels = [
        Panel("samples", labels),
        Panel("field", labels, np.zeros([5, 5]), "log g", np.zeros([2, 7, 2]), np.array([0, 4])),
    ]
    figure = plots.latent_panels(LATENTS, panels, grid, ["a", "b", "c"])
    titled = [axes for axes in figure.axes if axes.get_title()]
    assert [axes.get_title() for axes in titled] == ["samples", "field"]
    assert all(axes.get_xlabel() and axes.get_ylabel() for axes in titled)
    texts = [text.get_text() for legend in figure.legends for text in legend.get_texts()]
    assert texts == (["medoid"] if labels is None else ["a", "b", "c", "medoid"])
    path = plots.save(figure, tmp_path / "figures", "panels")
    assert path.with_suffix(".pdf").read_bytes().startswith(b"%PDF")
    assert matplotlib.image.imread(path).std() > 0.0


def test_more_classes_than_a_legend_holds_leave_the_panel_its_place(tmp_path):
    latents = np.random.default_rng(0).normal(size=(80, 2)).astype(np.float32)
    labels = np.repeat(np.arange(40), 2)
    figure = plots.latent_panels(latents, [Panel("faces", labels, marked=np.array([3]))])
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["medoid"]
    plots.save(figure, tmp_path, "faces")  # lays it out
    assert min(figure.axes[0].get_position().size) > 0.5
    # Still no two classes look the same.
    drawn = figure.axes[0].collections[:40]
    looks = {(tuple(each.get_facecolor()[0]), each.get_paths()[0].vertices.tobytes()) for each in drawn}
    assert len(looks) == 40


def test_the_same_figure_gives_the_same_bytes(tmp_path):
    matrices = {"one": np.eye(4), "other": np.ones([4, 4])}
    labels = np.array([0, 0, 1, 1])
    for name in ("first", "second"):
        plots.save(plots.distance_matrices(matrices, labels), tmp_path / name, "distances")
    for suffix in ("png", "pdf"):
        one, other = ((tmp_path / name / f"distances.{suffix}").read_bytes() for name in ("first", "second"))
        assert one == other


def test_image_grid_fills_rows():
    images = np.random.default_rng(0).uniform(-1, 2, size=(5, 12))
    (axes,) = plots.image_grid(images, (3, 4), 3, ("row",)).axes
    canvas = np.ma.filled(axes.images[0].get_array(), np.nan)
    # Two rows of pictures, three in each, with a pixel of white between them; the sixth is missing.
    assert canvas.shape == (2 * 3 + 1, 3 * 4 + 2) and np.count_nonzero(np.isfinite(canvas)) == 5 * 12
    np.testing.assert_array_equal(canvas[4:, 5:9], np.clip(images[4], 0.0, 1.0).reshape(3, 4))
    assert [text.get_text() for text in axes.get_yticklabels()] == ["row"]


def drawn_ellipses(metrics):
    """Widths, heights and angles in degrees of the ellipses of a panel."""
    centers = np.array([[0.0, 0.0], [3.0, 0.0]], np.float32)
    figure = plots.latent_panels(LATENTS, [Panel("metric", metrics=(centers, metrics))])
    (ellipses,) = (each for each in figure.axes[0].collections if isinstance(each, EllipseCollection))
    return ellipses.get_widths(), ellipses.get_heights(), ellipses.get_angles()


def test_ellipses_are_unit_balls_of_the_metric_in_one_scale():
    turn = np.array([[0.6, -0.8], [0.8, 0.6]])
    metrics = np.stack([np.diag([4.0, 1.0]), turn @ np.diag([1.0, 16.0]) @ turn.T]).astype(np.float32)
    widths, heights, angles = drawn_ellipses(metrics)
    # Axes are 1 / sqrt(eigenvalue), the widest fills the gap of 3 between the centres.
    np.testing.assert_allclose(widths, [3.0, 3.0], rtol=1e-5)
    np.testing.assert_allclose(heights, [1.5, 0.75], rtol=1e-5)
    # The long axis is that of the smallest eigenvalue; an axis has no direction, so angles count modulo 180.
    np.testing.assert_allclose(angles % 180.0, [90.0, np.degrees(np.arctan2(0.8, 0.6))], atol=1e-3)


def test_a_single_ellipse_of_a_panel_fills_what_is_drawn():
    grid = plots.grid_points(10.0 * LATENTS, 5)
    metrics = (np.zeros([1, 2], np.float32), np.diag([1.0, 4.0])[None])
    figure = plots.latent_panels(10.0 * LATENTS, [Panel("metric", field=np.zeros([5, 5]), metrics=metrics)], grid)
    (ellipses,) = (each for each in figure.axes[0].collections if isinstance(each, EllipseCollection))
    # A field has half a cell around its nodes.
    np.testing.assert_allclose(ellipses.get_widths(), 1.25 * np.ptp(grid[..., 0]), rtol=1e-5)


def test_moving_average_skips_what_is_not_known():
    values = np.array([1.0, 3.0, np.nan, 5.0, 7.0])
    np.testing.assert_allclose(plots.moving_average(values, 2), [1.0, 2.0, 3.0, 5.0, 6.0])
    np.testing.assert_allclose(plots.moving_average(values, 1), values)
    np.testing.assert_allclose(plots.moving_average(np.arange(6.0), 3), [0.0, 0.5, 1.0, 2.0, 3.0, 4.0])


def test_training_curves_have_axes_lines_and_a_mark():
    epochs = np.arange(3.0)
    lines = {"training": (epochs, epochs), "held out": (epochs, 2.0 * epochs)}
    figure = plots.training_curves({"loss": lines, "log p(x)": {"held out": (epochs, -epochs)}}, marked=1.0)
    loss, log_p = figure.axes
    assert loss.get_xlabel() == "epoch" and loss.get_ylabel() == "loss" and log_p.get_title() == "log p(x)"
    assert [text.get_text() for text in loss.get_legend().get_texts()] == ["training", "held out", "weights kept"]
    assert len({line.get_linestyle() for line in loss.lines}) == 3


@pytest.mark.parametrize("height", [0.85, 0.9, 1.0])
def test_titles_of_two_lines_are_not_cut_off(tmp_path, height):
    latents = np.random.default_rng(0).uniform(-1.7, 1.7, size=[60, 2]) * [1.0, height]
    labels = (latents[:, 0] > 0.0).astype(int)
    panel = Panel("k-medoids, geodesic distance\naccuracy 1.000", labels, marked=np.array([1, 5]))
    figure = plots.latent_panels(latents, [panel] * 3, class_names=["class 0", "class 1"])
    pixels = matplotlib.image.imread(plots.save(figure, tmp_path, "clusters"))
    assert (pixels[:3] == 1.0).all()
