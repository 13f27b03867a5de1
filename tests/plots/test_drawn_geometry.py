"""Geodesics, volumes, strips, speeds and distances that draw themselves into any axes."""

import matplotlib
import numpy as np
import pytest
import tensorflow as tf
from matplotlib.collections import EllipseCollection, QuadMesh
from matplotlib.figure import Figure

from tests import cases
from tfgeo import geodesics, plots
from tfgeo.clustering import match
from tfgeo.errors import UserError
from tfgeo.manifolds import Pullback, TensorField

BOUNDS = ((0.2, 1.4), (0.3, 1.3))
ENDS = np.random.default_rng(0).uniform(0.4, 1.2, size=(2, 3, 2)).astype(np.float32)


@pytest.fixture(scope="module", autouse=True)
def without_a_screen():
    backend = matplotlib.get_backend()
    matplotlib.use("Agg")
    yield
    matplotlib.use(backend)


@pytest.fixture(scope="module")
def sphere():
    return Pullback(cases.sphere)


@pytest.fixture(scope="module")
def found(sphere):
    return geodesics.connect(sphere, *ENDS, "cubic_spline")


@pytest.fixture
def ax():
    return Figure(layout="constrained").subplots()


def drawn_field(ax):
    (mesh,) = (each for each in ax.collections if isinstance(each, QuadMesh))
    return mesh


def test_geodesics_draw_themselves_with_straight_lines_and_numbers(found, ax):
    assert found.plot(ax=ax, num=20, straight=True) is ax
    straight, curves = ax.lines[:3], ax.lines[3:]
    np.testing.assert_array_equal(np.stack([line.get_xydata() for line in curves]), found.points(20))
    np.testing.assert_array_equal(straight[1].get_xydata(), np.stack([ENDS[0, 1], ENDS[1, 1]]))
    assert [text.get_text() for text in ax.texts] == ["0", "1", "2"]
    np.testing.assert_allclose([text.get_position() for text in ax.texts], ENDS[0])
    assert ax.get_aspect() == 1.0 and ax.get_xlabel() == "$z_1$"


def test_numbers_that_would_cover_one_another_stand_elsewhere_on_their_curves(ax):
    start, end = np.zeros([4, 2]), np.array([[2.0, 0.0], [2.0, 1.0], [0.0, 2.0], [2.0, 0.9]])
    curves = np.linspace(start, end, 5, axis=1)
    curves[2, 0] = np.nan  # no place, and in nobody's way
    plots.curves_in_plane(curves, ax, numbers=[7, 11, 8, 9])
    assert [text.get_text() for text in ax.texts] == ["7", "11", "8", "9"]
    places = np.array([text.get_position() for text in ax.texts])
    np.testing.assert_allclose(places[[0, 1, 3]], [[0.0, 0.0], [2.0, 1.0], [1.0, 0.45]])
    with pytest.raises(UserError, match="1 `numbers` for 4 curves"):
        plots.curves_in_plane(curves, ax, numbers=[7])


def test_names_of_classes_stand_below_the_points_or_the_title_says_that_there_are_too_many():
    figure = Figure(layout="constrained")
    few, many = figure.subplots(1, 2)
    latents, labels = np.random.default_rng(0).normal(size=(60, 2)), np.arange(60)
    plots.latent_points(latents, labels % 5, few, ["first", "second", "third", "fourth", "fifth"])
    plots.latent_points(latents, labels % 30, many)
    figure.draw_without_rendering()
    legend = few.get_legend().get_window_extent()
    label = few.xaxis.label.get_window_extent()
    assert legend.y0 >= 0.0 and legend.y1 <= label.y0
    assert many.get_legend() is None and many.get_title() == "30 classes, too many to name"


def test_points_that_are_not_finite_are_counted(ax):
    latents = np.array([[0.0, 1.0], [np.nan, 0.0], [1.0, np.inf], [1.0, 0.0]])
    with pytest.warns(UserWarning, match="2 of 4 `latents` are not finite and are not drawn; leave them out"):
        plots.latent_points(latents, ax=ax)


def test_a_new_figure_is_pyplots_so_that_notebooks_show_it(found):
    from matplotlib import pyplot

    ax = found.plot()
    assert ax.figure.number in pyplot.get_fignums()
    pyplot.close(ax.figure)


def test_the_volume_of_the_sphere_is_the_sine_of_its_polar_angle(sphere, ax):
    assert sphere.plot_volume(ax=ax, bounds=BOUNDS, resolution=9) is ax
    theta = np.linspace(*BOUNDS[0], 9)
    np.testing.assert_allclose(drawn_field(ax).get_array(), np.tile(np.log(np.sin(theta)), [9, 1]), atol=1e-5)
    assert ax.child_axes[0].get_ylabel() == plots.VOLUME_LABEL


def test_a_field_lies_beneath_what_is_there_and_keeps_its_part_of_the_plane(sphere, found, ax):
    found.plot(ax=ax)
    limits = ax.get_xlim(), ax.get_ylim()
    sphere.plot_volume(ax=ax, resolution=5)
    mesh = drawn_field(ax)
    np.testing.assert_allclose(mesh.get_coordinates()[..., 0].mean(), np.mean(limits[0]), rtol=1e-5)
    assert mesh.get_zorder() < min(line.get_zorder() for line in ax.lines)


def test_the_bar_of_colours_is_as_high_as_its_panel(sphere, ax):
    sphere.plot_volume(ax=ax, bounds=((0.2, 1.4), (0.5, 0.8)), resolution=5)
    ax.figure.draw_without_rendering()
    panel, bar = ax.get_position(), ax.child_axes[0].get_position()
    assert panel.width > 2.0 * panel.height  # equal units make a flat panel
    np.testing.assert_allclose([bar.y0, bar.y1], [panel.y0, panel.y1], atol=1e-6)


def test_a_few_extreme_values_do_not_take_the_colours_of_all_others():
    values = np.random.default_rng(0).uniform(1.0, 2.0, size=1000)
    assert plots.style.color_limits(values) == (values.min(), values.max(), "neither")
    values[:3] = 1e4, 1e5, np.inf
    low, high, extend = plots.style.color_limits(values)
    assert (low, extend) == (values.min(), "max") and high < 2.0
    np.testing.assert_allclose(plots.logarithm(np.array([0.0, np.e, 1.0])), [0.0, 1.0, 0.0], atol=1e-15)


def test_ellipses_of_tissot_are_those_of_the_metric(sphere, ax):
    assert plots.tissot(sphere, ax, BOUNDS, num=3) is ax
    (ellipses,) = (each for each in ax.collections if isinstance(each, EllipseCollection))
    theta = ellipses.get_offsets()[:, 0]
    # Moving along the longitude costs sin(theta) per unit.
    ratio = np.asarray(ellipses.get_heights()) / np.asarray(ellipses.get_widths())
    np.testing.assert_allclose(ratio, np.sin(theta), rtol=1e-3)
    np.testing.assert_allclose([ax.get_xlim(), ax.get_ylim()], BOUNDS)


def test_a_single_ellipse_fills_its_cell(sphere, ax):
    plots.tissot(sphere, ax, ((0.7, 0.8), (0.5, 0.7)), num=1)
    (ellipses,) = (each for each in ax.collections if isinstance(each, EllipseCollection))
    np.testing.assert_allclose(max(*ellipses.get_widths(), *ellipses.get_heights()), 0.1, rtol=1e-6)
    # One that is left of several keeps the size of its cell.
    corner = TensorField(lambda z: tf.linalg.diag(tf.nn.relu(z)))
    other = Figure().subplots()
    plots.tissot(corner, other, ((-1.5, 0.5),) * 2, num=4)
    (left,) = other.collections
    np.testing.assert_allclose([left.get_widths(), left.get_heights()], [[0.5], [0.5]], rtol=1e-6)


def test_degenerate_metrics_have_no_ellipse(ax):
    half_flat = TensorField(
        lambda z: tf.linalg.diag(tf.stack([tf.ones_like(z[..., 0]), tf.nn.relu(z[..., 0])], -1))
    )
    plots.tissot(half_flat, ax, ((-1.0, 1.0), (0.0, 1.0)), num=4)
    assert len(ax.collections[0].get_offsets()) == 8
    with pytest.raises(UserError, match="degenerate at every"):
        plots.tissot(Pullback(lambda z: z[:, :1]), ax, BOUNDS)


def test_strips_decode_the_points_and_number_the_pairs(found, ax):
    def decoder(z):
        return np.stack([z[:, 0], z[:, 1]] * 2, axis=-1)

    assert plots.strip(found, decoder, (2, 2), ax, num=5, pairs=[2, 0]) is ax
    assert [text.get_text() for text in ax.get_yticklabels()] == [
        "2  geodesic",
        "straight",
        "0  geodesic",
        "straight",
    ]
    canvas = np.ma.filled(ax.images[0].get_array(), np.nan)
    np.testing.assert_allclose(canvas[0, ::3], np.clip(found.points(5)[2, :, 0], 0.0, 1.0), rtol=1e-6)


def test_strips_take_any_dimension_values_without_a_shape_and_distributions(ax):
    import tensorflow_probability as tfp

    curves = {"path": np.random.default_rng(0).normal(size=(2, 30, 5))}
    plots.strip(curves, lambda z: tfp.distributions.Normal(tf.constant(z), 1.0), ax=ax, num=4)
    canvas = np.ma.filled(ax.images[0].get_array(), np.nan)
    chosen = np.linspace(0, 29, 4).round().astype(int)
    np.testing.assert_allclose(canvas[:5], curves["path"][0, chosen].T)
    assert ax.child_axes[0].get_ylabel() == "decoded value"
    coloured = Figure().subplots()
    plots.strip(curves, lambda z: np.ones([len(z), 3, 4, 3]), ax=coloured)
    assert coloured.images[0].get_array().shape[2] == 3


def test_shapes_of_images_may_be_arrays(ax):
    plots.strip(CURVES, lambda z: np.ones([len(z), 6]), np.array([2, 3]), ax, num=2)
    # Two pairs one below the other, with a pixel between pictures and one more between pairs.
    assert ax.images[0].get_array().shape == (2 * 2 + 2, 2 * 3 + 1)
    with pytest.raises(UserError, match=r"`image_shape`=\(2, 2\) has 4 values"):
        plots.strip(CURVES, lambda z: np.ones([len(z), 6]), np.array([2, 2]), ax)


def test_speeds_of_more_curves_than_colours_are_all_drawn(ax):
    named = {str(kind): np.random.default_rng(kind).normal(size=(1, 4, 2)) for kind in range(9)}
    plots.velocity(named, SPACE, ax)
    assert len(ax.get_legend().get_texts()) == len(ax.lines) == 9
    assert ax.lines[7].get_color() == ax.lines[0].get_color() != ax.lines[1].get_color()


def test_the_speed_of_a_geodesic_is_level_and_its_mean_the_length(sphere, found, ax):
    assert plots.velocity(found, sphere, ax, pairs=[1]) is ax
    geodesic, straight = (line.get_ydata() for line in ax.lines)
    np.testing.assert_allclose(geodesic.mean(), found.length[1], rtol=1e-3)
    assert np.ptp(geodesic) < 0.1 * np.ptp(straight) or np.ptp(straight) < 1e-3
    assert f"{found.length[1]:.3g}" in ax.get_legend().get_texts()[0].get_text()


def test_a_map_of_distances_has_lines_and_its_source(sphere, ax):
    near = geodesics.distance_map(sphere, ENDS[0, 0], BOUNDS, 21)
    assert plots.distance_map(near, ax, ENDS[0, 0]) is ax
    np.testing.assert_array_equal(drawn_field(ax).get_array(), near.distances)
    np.testing.assert_array_equal(ax.lines[0].get_xydata(), ENDS[0, :1])
    levels = next(each.levels for each in ax.collections if hasattr(each, "levels"))
    assert len(levels) == 10 and levels[0] > 0.0 and levels[-1] < near.distances.max()


@pytest.mark.parametrize("in_colors", [True, False])
def test_a_decoder_that_does_not_move_has_a_map_without_lines(in_colors, ax):
    nodes = np.linspace(0.0, 1.0, 5)
    still = geodesics.DistanceMap((nodes, nodes), np.zeros([5, 5]))
    assert plots.distance_map(still, ax, np.zeros(2), in_colors=in_colors) is ax
    assert not [each for each in ax.collections if hasattr(each, "levels")]
    assert len(ax.lines) == 1


def test_a_matrix_parts_its_classes(ax):
    distances = np.abs(np.arange(6.0)[:, None] - np.arange(6.0))
    assert plots.distance_matrix(distances, ax, np.array([0, 0, 1, 1, 1, 2])) is ax
    assert sorted({line.get_xdata()[0] for line in ax.lines if len(set(line.get_xdata())) == 1}) == [1.5, 4.5]


def test_classes_keep_their_colours_where_a_panel_lacks_some():
    latents = np.random.default_rng(0).normal(size=(6, 2))
    panels = [plots.Panel("all", np.array([0, 0, 1, 1, 2, 2])), plots.Panel("some", np.array([2, 2, 2, 0, 0, 0]))]
    first, second = plots.latent_panels(latents, panels).axes
    colors = [[tuple(dots.get_facecolor()[0]) for dots in axes.collections] for axes in (first, second)]
    assert colors[1] == [colors[0][0], colors[0][2]]


def legend_looks(legend):
    """The colour of each name of a legend."""
    names = [text.get_text() for text in legend.get_texts()]
    return {name: tuple(each.get_facecolor()[0]) for name, each in zip(names, legend.legend_handles, strict=True)}


def test_clusters_have_names_and_colours_of_their_classes_where_some_have_no_cluster():
    names, labels = ["zero", "one", "two"], np.array([0, 0, 1, 2, 2])
    clusters = match(labels, np.array([1, 1, 0, 0, 0]))
    assert set(clusters) == {0, 2}
    latents = np.zeros([5, 2])
    classes, found, unnamed = (
        legend_looks(plots.latent_points(latents, shown, Figure().subplots(), called).get_legend())
        for shown, called in ((labels, names), (clusters, names), (clusters, ()))
    )
    assert list(classes) == names and found == {"zero": classes["zero"], "two": classes["two"]}
    assert unnamed == {"0": classes["zero"], "2": classes["two"]}
    (legend,) = plots.latent_panels(latents, [plots.Panel("clusters", clusters)], class_names=names).legends
    assert legend_looks(legend) == found


def test_labels_with_gaps_have_one_colour_in_every_figure():
    labels, latents = np.array([0, 0, 2, 2, 5, 5]), np.zeros([6, 2])
    unnamed, named, by_label, clusters = (
        legend_looks(plots.latent_points(latents, shown, Figure().subplots(), called).get_legend())
        for shown, called in (
            (labels, ()),
            (labels, ("zero", "two", "five")),
            (labels, {0: "zero", 2: "two", 5: "five"}),
            (match(labels, np.array([9, 9, 9, 7, 7, 7])), {0: "zero", 2: "two", 5: "five"}),
        )
    )
    assert list(unnamed) == ["0", "2", "5"] and list(named) == ["zero", "two", "five"]
    assert list(named.values()) == list(unnamed.values()) and by_label == named
    # Both clusters have a class, and its name and colour, though one class has no cluster.
    assert len(clusters) == 2 and clusters.items() <= named.items()


def test_a_name_is_not_guessed_where_some_classes_are_not_there(ax):
    plots.latent_points(np.zeros([2, 2]), np.array([0, 5]), ax, ("zero", "two", "five"))
    assert list(legend_looks(ax.get_legend())) == ["0", "5"]


@pytest.mark.parametrize("labels", [[3, 8], [0, 2], ["x", "y"], [-1, 0], [0.5, 1.5], [1, 5000]])
def test_other_labels_have_their_names_in_order(labels, ax):
    plots.latent_points(np.zeros([2, 2]), np.array(labels), ax, ["first", "second"])
    assert list(legend_looks(ax.get_legend())) == ["first", "second"]


def test_dots_shrink_with_their_number(ax):
    sizes = []
    for num in (20, 2000, 200_000):
        plots.latent_points(np.zeros([num, 2]), ax=ax)
        sizes.append(ax.collections[-1].get_sizes()[0])
    assert sizes[0] > 3.0 * sizes[1] > 6.0 * sizes[2]


CURVES = {"a": np.zeros([2, 5, 2])}
UNEQUAL = CURVES | {"b": np.zeros([1, 5, 2])}
SPACE = Pullback(lambda z: z * z[:, :1] ** 2)


@pytest.mark.parametrize(
    ("draw", "words"),
    [
        (lambda ax: geodesics.connect(SPACE, *np.eye(3)[:2, None], "quadratic").plot(ax=ax), "only latent planes"),
        (lambda ax: SPACE.plot_volume(ax, bounds=((0, 1),) * 3), "3 ranges.*only latent planes, d = 2.*strip"),
        (lambda ax: Pullback(lambda z: tf.matmul(z, tf.eye(3))).plot_volume(ax, BOUNDS), "no metric at .*d = 2"),
        (lambda ax: plots.tissot(Pullback(lambda z: tf.matmul(z, tf.eye(3))), ax, BOUNDS), "no metric at .*d = 2"),
        (lambda ax: SPACE.plot_volume(ax), "`bounds` is missing"),
        (lambda ax: SPACE.plot_volume(ax, ((1.0, 0.0), (0.0, 1.0))), "low < high"),
        (lambda ax: plots.latent_points(np.zeros([4, 3]), ax=ax), "only latent planes"),
        (lambda ax: plots.latent_points(np.zeros([4, 2]), np.zeros(3), ax), "3 `labels` and 4 `latents`"),
        (lambda ax: plots.strip(CURVES, lambda z: z, (3, 3), ax), "9 values, an image 2"),
        (lambda ax: plots.strip(CURVES, lambda z: z, ax=ax, pairs=[2]), "name some of the 2 curves"),
        (lambda ax: plots.strip(CURVES, lambda z: (z, z), ax=ax), "several tensors"),
        (lambda ax: plots.velocity({"a": np.zeros([5, 2])}, SPACE, ax), "B, T, d.*stack"),
        (lambda ax: plots.velocity(np.zeros([2, 5, 2]), SPACE, ax), "by name"),
        (lambda ax: plots.distance_matrix(np.zeros(3), ax), "pairwise"),
        (lambda ax: plots.tissot(SPACE, ax, BOUNDS, num=0), "`num` must be an integer of at least 1, but is 0"),
        (lambda ax: plots.tissot(SPACE, ax, BOUNDS, num=2.5), "`num` must be an integer"),
        (lambda ax: SPACE.plot_volume(ax, BOUNDS, resolution=0), "`resolution` must be .* at least 1, but is 0"),
        (lambda ax: SPACE.plot_volume(ax, "ab"), "`bounds` must be .*'ab'"),
        (lambda ax: plots.tissot(SPACE, ax, ((0, 1), (0, 1, 2))), "`bounds` must be .*0, 1, 2"),
        (lambda ax: plots.velocity(UNEQUAL, SPACE, ax, pairs=[1]), "'a': 2, 'b': 1.*as many of each"),
        (lambda ax: plots.strip(UNEQUAL, lambda z: z, ax=ax, pairs=[1]), "'a': 2, 'b': 1.*as many of each"),
        (lambda ax: plots.velocity({"a": np.zeros([2, 1, 2])}, SPACE, ax), "'a'. has 1 points .* give 2 or more"),
    ],
)  # fmt: skip
def test_what_cannot_be_drawn_is_refused_in_one_line(draw, words, ax):
    with pytest.raises(UserError, match=words):
        draw(ax)
