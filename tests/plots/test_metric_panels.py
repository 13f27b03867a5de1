"""One latent plane under several metrics, side by side."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from matplotlib.collections import QuadMesh

from tfgeo import plots
from tfgeo.errors import UserError
from tfgeo.geodesics import connect
from tfgeo.manifolds import Pullback, TensorField

LATENTS = np.random.default_rng(0).normal(size=[12, 2]).astype(np.float32)
ENDS = np.array([[[-1.5, 0.2], [0.1, 2.0], [-1.0, -1.0]], [[1.5, 0.1], [0.2, -2.0], [1.0, 1.2]]], np.float32)


def hill(z):
    """Dear in the middle, where its volume is 1.1, and cheap around it, 0.1."""
    return (0.1 + tf.exp(-2.0 * tf.reduce_sum(z**2, axis=-1)))[..., None, None] * tf.eye(2)


MANIFOLDS = {"flat": Pullback(lambda z: 100.0 * z), "hill": TensorField(hill)}


@pytest.fixture(scope="module")
def found():
    return {name: connect(manifold, *ENDS, "quadratic", warn=False) for name, manifold in MANIFOLDS.items()}


@pytest.fixture(scope="module")
def figure(found):
    return plots.metric_panels(MANIFOLDS, found, LATENTS, np.arange(12) % 2, ("a", "b"), resolution=9, columns=2)


def panels(figure):
    return [axes for axes in figure.axes if axes.get_title()]


def test_straight_lines_come_first_and_each_metric_has_its_picture(figure):
    assert [axes.get_title().split("\n")[0] for axes in panels(figure)] == ["straight lines", *MANIFOLDS]
    for axes in panels(figure):
        assert [text.get_text() for text in axes.texts] == ["0", "1", "2"]
        np.testing.assert_allclose([text.get_position() for text in axes.texts], ENDS[0])
    assert len({(*axes.get_xlim(), *axes.get_ylim()) for axes in panels(figure)}) == 1
    straight, flat, hilly = (len(axes.lines) for axes in panels(figure))
    assert (straight, flat, hilly) == (3, 6, 6)  # dashed lines, and curves


def test_some_of_more_pairs_keep_their_numbers(found):
    figure = plots.metric_panels(MANIFOLDS, found, LATENTS, resolution=3, numbers=[7, 11, 9])
    for axes in panels(figure):
        assert [text.get_text() for text in axes.texts] == ["7", "11", "9"]


def test_lengths_are_relative_to_the_straight_lines_of_the_same_metric(figure, found):
    _, flat, hilly = (axes.get_title() for axes in panels(figure))
    assert "1.00 of the straight length (1.00 to 1.00)" in flat
    lines = np.linspace(ENDS[0], ENDS[1], 101, axis=1).astype(np.float32)
    ratios = found["hill"].length / MANIFOLDS["hill"].length(tf.constant(lines)).numpy()
    share = float(hilly.split("\n")[1].split()[0])
    assert abs(share - ratios.mean()) < 0.011 and share < 0.9


def test_backgrounds_are_decades_of_the_volume(figure):
    _, flat, hilly = panels(figure)
    fields = [next(each for each in axes.collections if isinstance(each, QuadMesh)) for axes in (flat, hilly)]
    np.testing.assert_allclose(fields[0].get_array(), 4.0, atol=1e-5)  # 100 in both directions
    assert -1.0 <= fields[1].get_array().min() < fields[1].get_array().max() <= np.log10(1.1)
    assert flat.child_axes[0].get_ylabel() == r"log$_{10}$ $\sqrt{\det G(z)}$"


def test_bars_are_as_high_as_their_panels_and_nothing_is_cut_off(figure):
    figure.draw_without_rendering()
    width, height = figure.get_size_inches() * figure.dpi
    for axes in panels(figure):
        box = axes.get_tightbbox()
        assert box.x0 >= 0.0 and box.y0 >= 0.0 and box.x1 <= width and box.y1 <= height
        for bar in axes.child_axes:
            np.testing.assert_allclose(bar.get_position().height, axes.get_position().height, rtol=1e-6)


def turned(found):
    return dataclasses.replace(found, start=found.end, end=found.start)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda found: ({}, found), "by name, and not empty"),
        (lambda found: (MANIFOLDS, {"flat": found["flat"]}), "has none for hill"),
        (lambda found: (MANIFOLDS, found | {"hill": turned(found["hill"])}), "other ends"),
    ],
)
def test_what_cannot_be_compared_is_refused(found, change, words):
    with pytest.raises(UserError, match=words):
        plots.metric_panels(*change(found), LATENTS)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"latents": np.full_like(LATENTS, np.nan)}, "all finite"),
        ({"labels": np.zeros(1)}, "1 `labels` for"),
        ({"columns": 0}, "columns"),
        ({"numbers": [7, 11]}, "2 `numbers` for 3 pairs"),
    ],
)
def test_arguments_are_refused_before_a_volume_is_computed(found, changes, words, monkeypatch):
    monkeypatch.setitem(plots.metric_panels.__globals__, "on_grid", None)
    with pytest.raises(UserError, match=words):
        plots.metric_panels(MANIFOLDS, found, **{"latents": LATENTS} | changes)
