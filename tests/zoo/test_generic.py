"""Recipes for data of one's own: they need some, say what strikes about them, and learn them."""

import dataclasses

import numpy as np
import pytest

import zoo
from tests.models.tiny import assert_same_values
from tfgeo import datasets
from tfgeo.clustering import euclidean_distances, f1, k_medoids
from tfgeo.datasets.facts import ValueFacts
from tfgeo.errors import UserError
from zoo.advice import advise
from zoo.building import build_model
from zoo.entry import Entry
from zoo.generic import ENTRIES
from zoo.samples import fit_network

RANDOM = np.random.default_rng(0)
TABLE = RANDOM.normal(size=(60, 4))
COUNTS = RANDOM.poisson(np.exp(np.repeat([[0.0, 3.0, 1.0], [3.0, 0.0, 1.0]], 30, axis=0)))


def load(folder, x, **settings):
    np.savez(folder / "mine.npz", x=x)
    return datasets.load("npz", path=folder / "mine.npz", **settings)


def advice(folder, name, x, **changes):
    config = zoo.config(f"generic/{name}")
    data = dataclasses.replace(config.data, **{"standardize": False} | changes)
    dataset = load(folder, x, standardize=data.standardize)
    return advise(dataclasses.replace(config, data=data), dataset)


def test_there_is_a_recipe_for_each_kind_of_data_and_none_has_weights():
    assert zoo.names("generic/*") == [f"generic/{kind}" for kind in ("tabular", "counts", "images", "images_conv")]
    for entry in ENTRIES:
        assert entry.data.is_own and not entry.data.path and zoo.card(entry.name) is None
        assert entry.reference == "A recipe of no paper"
        with pytest.raises(UserError, match=r"recipe for data of your own; give them by --data"):
            zoo.load(entry.name, weights=None).dataset()
        with pytest.raises(UserError, match="reproduces no paper"):
            zoo.cite(entry.name)


@pytest.mark.parametrize(
    ("name", "x", "words"),
    [
        ("tabular", COUNTS, r"whole numbers up to \d+: if .* counts, take --entry=generic/counts .*log\(1 \+ x\)"),
        ("tabular", TABLE * [1.0, 1.0, 1.0, 50.0], "deviations from .*largest decide alone.*standardize=True"),
        ("tabular", TABLE * 1e3, "deviations up to .*, the decoder's noise 0.316: set .*standardize=True"),
        ("tabular", TABLE * [1.0, 1.0, 0.0, 0.0], r"2 of the 4 columns .* constant \(2, 3, from 0 on\).*leave"),
        ("images", 128.0 * RANDOM.uniform(size=(9, 4, 4)), r"pixels of mine run from .* for \[0, 1\]: divide them"),
    ],
)  # fmt: skip
def test_what_strikes_about_data_is_said_in_one_line(tmp_path, name, x, words):
    (said,) = advice(tmp_path, name, x)
    assert "\n" not in said
    with pytest.raises(UserError, match=words):
        raise UserError(said)


def test_good_data_get_no_advice(tmp_path):
    assert advice(tmp_path, "tabular", TABLE) == []
    assert advice(tmp_path, "tabular", TABLE * [1.0, 1.0, 1.0, 50.0], standardize=True) == []
    assert advice(tmp_path, "counts", COUNTS) == []
    # Borders of images are constant, bytes are scaled, and classes or grades are no counts.
    assert advice(tmp_path, "images", np.pad(RANDOM.uniform(size=(9, 4, 4)), [(0, 0), (1, 1), (1, 1)])) == []
    assert advice(tmp_path, "images", RANDOM.integers(0, 256, size=(9, 4, 4), dtype=np.uint8)) == []
    assert advice(tmp_path, "tabular", RANDOM.integers(0, 5, size=(40, 4))) == []


def test_counts_are_seen_though_columns_are_brought_to_one_scale(tmp_path):
    (said,) = advice(tmp_path, "tabular", COUNTS, standardize=True)
    assert "generic/counts" in said


@pytest.mark.parametrize("name", ["images", "images_conv", "tabular"])
def test_grey_levels_are_no_counts(tmp_path, name):
    (said,) = advice(tmp_path, name, RANDOM.integers(0, 256, size=(9, 4, 4)))
    assert "divide them, for example by 255" in said and "counts" not in said


def test_the_entry_that_runs_is_not_recommended(tmp_path):
    config = zoo.config("generic/counts")
    network = dataclasses.replace(config.network, likelihood="gaussian", mean_activation="linear")
    config = dataclasses.replace(config, network=network, geodesics=None)
    (said,) = advise(config, load(tmp_path, COUNTS))
    assert "take --config.network.likelihood=negative_binomial" in said and "generic/counts" not in said


@pytest.mark.parametrize(
    ("header", "label", "words"),
    [
        ("kind,a,b,c\n", "kind", "('b', 'c')"),
        ("", "1", "('3', '4', as the file names them or, without names, from 1 on)"),
    ],
)
def test_constant_columns_are_called_as_in_the_file(tmp_path, header, label, words):
    rows = "".join(f"{index % 2},{value:.6f},0,1\n" for index, value in enumerate(TABLE[:, 0]))
    (tmp_path / "mine.csv").write_text(header + rows)
    dataset = datasets.load("csv", path=tmp_path / "mine.csv", label_column=label)
    (said,) = advise(zoo.config("generic/tabular"), dataset)
    assert f"2 of the 3 columns of mine are constant {words}: they" in said


def test_facts_are_of_the_values_that_were_given():
    facts = ValueFacts.of(np.array([[1.0, 0.1], [3.0, 0.1]]))
    assert facts == ValueFacts(0.1, 3.0, False, (1,), (1.0, 1.0))
    assert ValueFacts.of(np.full([3, 2], 0.1, np.float32)).deviations == (0.0, 0.0)


def test_a_model_of_convolutions_is_saved_and_loaded_again(tmp_path):
    config = zoo.config("generic/images_conv")
    network = fit_network(dataclasses.replace(config.network, filters=(8, 8, 8, 8)), "mine", 4096, (64, 64))
    config = dataclasses.replace(config, network=dataclasses.replace(network, encoder_units=(256,)))
    entry = Entry(config, None, build_model(config))
    # Images of 64 x 64, of which convolutions leave 4 x 4: far fewer weights than dense layers would have.
    again = zoo.load(str(entry.save(tmp_path / "mine")))
    assert_same_values(entry.model, again.model)
    assert "4096-[convolutions 8-8-8-8]-256-" in str(again.card)


def test_convolutions_take_images_alone_and_their_shape():
    network = zoo.config("generic/images_conv").network
    fitted = fit_network(network, "mine", 70, (7, 10))
    assert (fitted.data_dim, fitted.image_shape) == (70, (7, 10))
    config = dataclasses.replace(zoo.config("generic/images_conv"), network=fitted)
    model = build_model(config)
    assert model.decode(np.zeros([3, 2], np.float32)).mean().shape == (3, 70)
    assert_same_values(model, build_model(config))
    with pytest.raises(UserError, match=r"grey images, but mine has rows of 70 values; give .* generic/images or"):
        fit_network(network, "mine", 70, None)
    with pytest.raises(UserError, match="no height and width of 784 values"):
        dataclasses.replace(network, image_shape=(28, 27))


def test_counts_are_learned_where_they_are_taken_as_counts():
    labels = np.repeat([0, 1], 30)
    embedding = zoo.VAEEmbedding("generic/counts", epochs=150).fit(COUNTS)
    z = np.asarray(embedding.transform(COUNTS))
    assert f1(labels, k_medoids(euclidean_distances(z), 2)[0]) == 1.0


def test_rows_that_are_squares_are_images_to_convolutions_without_a_shape():
    x = RANDOM.uniform(size=(40, 36))
    embedding = zoo.VAEEmbedding("generic/images_conv", epochs=2).fit(x)
    assert embedding.entry_.config.network.image_shape == (6, 6)
    assert embedding.inverse_transform(np.zeros([1, 2])).shape == (1, 36)
    words = "grey images, but X has rows of 35 values; give an EntryConfig whose `network.image_shape` is"
    with pytest.raises(UserError, match=words):
        zoo.VAEEmbedding("generic/images_conv").fit(x[:, :35])


@pytest.mark.parametrize("shape", [(4, 9), (5, 7)])
def test_a_shape_that_the_configuration_has_is_kept(shape):
    config, width = zoo.config("generic/images_conv"), shape[0] * shape[1]
    network = dataclasses.replace(config.network, data_dim=width, image_shape=shape)
    embedding = zoo.VAEEmbedding(dataclasses.replace(config, network=network), epochs=1)
    assert embedding._config(40, width).network.image_shape == shape
    assert embedding._config(40, 49).network.image_shape == (7, 7)
