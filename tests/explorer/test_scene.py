"""What an explorer is given: bounds, classes, layers that decode without Python, planes."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import zoo
from launch.experiments.exploration import entry_scene
from tests.cases import paraboloid, sphere
from tests.explorer.scenes import CODES, sphere_scene
from tfgeo.datasets import Dataset
from tfgeo.errors import UserError
from tfgeo.explorer import Plane, Scene, dense_layers, write_page
from tfgeo.layers import MLP, ResidualMLP
from tfgeo.manifolds import Interpolated, Pullback, TensorField
from tfgeo.models import BernoulliDecoder, GaussianDecoder, PoissonDecoder
from tfgeo.plots import CLASS_COLORS

POINTS = np.random.default_rng(3).normal(size=[20, 2]).astype(np.float32)


def test_bounds_hold_all_codes_with_room_and_are_not_long():
    low, high = sphere_scene().bounds.T
    assert (low < CODES).all() and (high > CODES).all()
    low, high = sphere_scene(latents=CODES * [1.0, 0.01]).bounds.T
    assert (high - low)[0] / (high - low)[1] == pytest.approx(1.6)


def test_a_class_has_the_colour_that_it_has_in_figures():
    numbers = np.resize([5, 0, 5], len(CODES))
    assert sphere_scene(labels=numbers).colors == [CLASS_COLORS[0], CLASS_COLORS[5]]
    assert sphere_scene(labels=numbers.astype(str)).colors == list(CLASS_COLORS[:2])


def test_few_codes_are_drawn_of_many_and_the_same_ones_every_time():
    many = np.random.default_rng(0).normal(size=[5000, 2])
    first, second = (sphere_scene(latents=many, labels=None).shown for _ in range(2))
    assert len(first) == 600 and (first == second).all() and len(np.unique(first)) == 600


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"latents": np.zeros([5, 3])}, "columns"),
        ({"latents": np.zeros([5, 2]), "labels": None}, "apart"),
        ({"labels": np.zeros(3)}, "3 rows"),
        ({"metrics": []}, "empty"),
        ({"image_shape": (28, 20)}, r"`image_shape`=\(28, 20\) has 560 values, a decoded image 3"),
        ({"metrics": [sphere_scene().metrics[0]] * 2}, "another"),
    ],
)
def test_what_makes_no_scene_is_refused(changes, words):
    with pytest.raises(UserError, match=words):
        sphere_scene(**changes)


def networks():
    """Decoders that are rows of dense layers, and the function that each computes."""
    keras.utils.set_random_seed(0)
    mlp = MLP([9, 7], "softplus", 5, "sigmoid")
    residual = ResidualMLP((8, 8, 8), "tanh", 5)
    rows = keras.Sequential(
        [keras.Input([2]), keras.layers.Dense(6, "relu"), keras.layers.Dense(4), keras.layers.Reshape([2, 2])]
    )
    for network in (mlp, residual):
        network.build((None, 2))
    decoders = [GaussianDecoder(mlp), BernoulliDecoder(MLP([6], "tanh", 5)), PoissonDecoder(MLP([6], "elu", 5))]
    for decoder in decoders:
        decoder.build((None, 2))
    flat = [(network, network) for network in (mlp, residual, rows)]
    return flat + [(decoder, lambda z, decoder=decoder: decoder(z)[0]) for decoder in decoders]


@pytest.mark.parametrize("index", range(6))
def test_layers_decode_as_the_decoder_does(index):
    decoder, function = networks()[index]
    decoded = np.asarray(function(tf.constant(POINTS))).reshape(len(POINTS), -1)
    layers = dense_layers(decoder, POINTS, decoded)
    values = POINTS
    for layer in layers:
        values = layer(values)
    np.testing.assert_allclose(values, decoded, atol=1e-2 * np.ptp(decoded))


def test_other_layers_are_left_to_a_table():
    network = keras.Sequential(
        [keras.Input([2]), keras.layers.Dense(16), keras.layers.Reshape([4, 4, 1]), keras.layers.Conv2D(1, 3)]
    )
    decoded = np.asarray(network(POINTS)).reshape(len(POINTS), -1)
    assert dense_layers(network, POINTS, decoded) is None
    # Layers that are dense but do something else than the decoder are found out.
    mlp = MLP([5], "tanh", 3)
    mlp.build((None, 2))
    assert dense_layers(mlp, POINTS, np.asarray(mlp(POINTS)) + 1.0) is None


def test_coefficients_of_a_table_give_its_metric():
    """What the page computes, in NumPy: weights of the four neighbours along both axes."""
    table = Interpolated(Pullback(paraboloid), np.array([[-1.0, 1.0], [-2.0, 1.0]]), 16)
    points = np.random.default_rng(0).uniform([-1.0, -2.0], [1.0, 1.0], [30, 2])
    place = (points - table.bounds[:, 0]) * 15 / (table.bounds[:, 1] - table.bounds[:, 0])
    cell = np.minimum(place.astype(int), 14)
    t = (place - cell)[..., None]
    weights = np.concatenate(
        [(1 - t) ** 3, 4 - 6 * t**2 + 3 * t**3, 4 - 6 * (1 - t) ** 2 + 3 * (1 - t) ** 3, t**3], axis=-1
    )
    metric = table.metric_tensor(tf.constant(points, tf.float32)).numpy()
    for at, one, weight in zip(cell, metric, weights / 6.0, strict=True):
        window = table.coefficients[at[0] : at[0] + 4, at[1] : at[1] + 4]
        entries = np.einsum("i,j,ijk->k", weight[0], weight[1], window)
        np.testing.assert_allclose(entries, one[[0, 0, 1], [0, 1, 1]], rtol=1e-4, atol=1e-4)


def test_a_plane_has_the_metric_of_the_space_around_it():
    random = np.random.default_rng(5)
    latents = random.normal(size=[50, 4]) * [3.0, 0.1, 2.0, 0.1] + 1.0
    plane = Plane.principal(latents)
    np.testing.assert_allclose(plane.directions @ plane.directions.T, np.eye(2), atol=1e-12)
    assert plane.share > 0.99
    np.testing.assert_allclose(plane.project(plane.lift(tf.constant(POINTS)).numpy()), POINTS, atol=1e-5)

    def embed(z):
        return tf.concat([tf.sin(z), z[..., :1] * z[..., 2:3]], axis=-1)

    whole = Pullback(embed)
    expected = plane.directions @ whole.metric_tensor(plane.lift(tf.constant(POINTS))).numpy() @ plane.directions.T
    for manifold in (whole, TensorField(whole.metric_tensor)):
        metric = plane.restrict(manifold).metric_tensor(tf.constant(POINTS)).numpy()
        np.testing.assert_allclose(metric, expected, rtol=1e-4, atol=1e-4)


def test_the_plane_of_an_entry_of_ten_dimensions_is_said_on_its_page(tmp_path):
    entry = zoo.load("chadebec2020/vae_mnist_012")
    images = np.random.default_rng(0).uniform(size=[40, 784]).astype(np.float32)
    scene = entry_scene(entry, Dataset(images, np.arange(40) % 3, (28, 28)))
    assert "10 dimensions" in scene.summary and "principal" in scene.axes[0]
    assert scene.layers is not None and scene.layers[0].kernel.shape[0] == 2
    pullback = next(metric for metric in scene.metrics if metric.key == "pullback")
    small = Scene(scene.title, scene.latents, scene.decode, [pullback], scene.summary, layers=scene.layers)
    path = write_page(small, tmp_path / "page.html", resolution=8)
    assert "10 dimensions" in path.read_text(encoding="utf-8")


def test_a_decoder_of_other_layers_is_on_the_page_as_a_table(tmp_path):
    path = write_page(sphere_scene(), tmp_path / "page.html", resolution=8)
    assert '"table": {"resolution": 40, "width": 3' in path.read_text(encoding="utf-8")
    assert np.asarray(sphere(tf.constant(CODES))).shape == (60, 3)
