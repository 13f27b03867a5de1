"""Weights in few bits: fewer bytes, the same model, and only where it costs nothing."""

import h5py
import numpy as np
import pytest

import zoo
from launch.reproduction import publishing, quantizing
from tfgeo.errors import UserError
from zoo import cards
from zoo.building import build_model
from zoo.loading import load_weights, same_weights, save_weights
from zoo.prose import card_text
from zoo.quantization import BITS, LARGE, quantize_weights

NAME = "yang2018/two_moons"
IMAGES = "chadebec2020/rhvae_circles_rings"


@pytest.fixture(scope="module")
def trained():
    return zoo.load(NAME)


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """A file of weights of images, which are large, and their model."""
    model = build_model(zoo.config(IMAGES))
    return save_weights(model, tmp_path_factory.mktemp("large") / "single.weights.h5"), model


@pytest.mark.parametrize("bits", BITS)
def test_quantized_weights_load_as_they_are_rounded(tmp_path, large, bits):
    source, original = large
    path = tmp_path / "few.weights.h5"
    quantize_weights(source, path, bits)
    model = build_model(zoo.config(IMAGES))
    load_weights(model, path)
    for weight, before in zip(model.weights, original.weights, strict=True):
        name, weight, before = before.name, np.asarray(weight), np.asarray(before)
        assert weight.dtype == before.dtype
        if before.size < LARGE or "kernel" not in name:
            np.testing.assert_array_equal(weight, before)
        else:
            largest = np.abs(before).max(axis=0)
            assert np.abs(weight - before).max() > 0.0
            assert np.all(np.abs(weight - before) <= largest * (2.0**-bits * 1.01 + 2.0**-23))
    assert path.stat().st_size < source.stat().st_size * (bits + 1.0) / 32.0
    # The same weights, and no others.
    assert same_weights(source, path)
    assert same_weights(save_weights(model, tmp_path / "again.weights.h5"), path)
    original.encoder.weights[0].assign(2.0 * original.encoder.weights[0])
    assert not same_weights(save_weights(original, tmp_path / "other.weights.h5"), path)
    original.encoder.weights[0].assign(0.5 * original.encoder.weights[0])


def test_a_unit_of_zeros_and_one_of_denormal_numbers_are_kept(tmp_path, large):
    _, model = large
    before = np.array(model.encoder.weights[0])
    values = before.copy()
    values[:, 0], values[:, 1] = 0.0, 1e-45
    model.encoder.weights[0].assign(values)
    quantize_weights(save_weights(model, tmp_path / "single.weights.h5"), tmp_path / "few.weights.h5", 12)
    again = build_model(zoo.config(IMAGES))
    load_weights(again, tmp_path / "few.weights.h5")
    found = np.asarray(again.encoder.weights[0])
    assert np.all(found[:, 0] == 0.0) and np.all(np.abs(found[:, 1]) < 1e-42)
    np.testing.assert_allclose(found[:, 2:], before[:, 2:], atol=float(np.abs(before).max()) * 2.0**-11)
    model.encoder.weights[0].assign(before)


def test_weights_that_are_not_finite_are_kept(tmp_path, large):
    _, model = large
    before = np.array(model.encoder.weights[0])
    model.encoder.weights[0].assign(np.where(np.arange(before.size).reshape(before.shape) == 7, np.inf, before))
    quantize_weights(save_weights(model, tmp_path / "single.weights.h5"), tmp_path / "few.weights.h5", 12)
    again = build_model(zoo.config(IMAGES))
    load_weights(again, tmp_path / "few.weights.h5")
    np.testing.assert_array_equal(again.encoder.weights[0], model.encoder.weights[0])
    model.encoder.weights[0].assign(before)


def _attribute(name, value):
    def alter(part):
        part.attrs[name] = value

    return alter


@pytest.mark.parametrize(
    "alter",
    [
        _attribute("quantized_bits", 40),
        _attribute("quantized_bits", "twelve"),
        _attribute("quantized_bits", [12, 12]),
        _attribute("quantized_shape", [-784, 400]),
        _attribute("quantized_shape", [784.0, 400.0]),
        _attribute("quantized_shape", [2**40, 400]),
        _attribute("quantized_shape", np.zeros(0, int)),
        _attribute("quantized_scale", np.float32(1.0)),
        _attribute("quantized_scale", np.full(400, np.nan, np.float32)),
        lambda part: part.attrs.pop("quantized_shape"),
        lambda part: part.attrs.pop("quantized_scale"),
    ],
)
def test_quantized_weights_that_do_not_fit_are_refused(tmp_path, large, alter):
    path = tmp_path / "few.weights.h5"
    quantize_weights(large[0], path, 12)
    with h5py.File(path, "r+") as file:
        alter(file["encoder/hidden/dense_layers/dense/vars/0"])
    with pytest.raises(UserError, match="in bits that do not fit its shape"):
        load_weights(build_model(zoo.config(IMAGES)), path)


def test_weights_take_the_fewest_bits_within_what_they_may_cost(tmp_path, monkeypatch):
    monkeypatch.setattr(quantizing, "NUM_PAIRS", 4)
    monkeypatch.setattr(quantizing, "NUM_IMPORTANCE", 10)
    trained = zoo.load(IMAGES)
    # Weights that no few bits hold, as after a training.
    for weight in (trained.model.encoder.weights[0], trained.model.decoder.weights[2]):
        weight.assign(weight * np.random.default_rng(0).normal(1.0, 0.01, weight.shape))
    source, target = save_weights(trained.model, tmp_path / "single.weights.h5"), tmp_path / "kept.weights.h5"
    measured = quantizing._costs(trained.config, 0, source, None)
    monkeypatch.setattr(quantizing, "_costs", lambda *_: measured)

    def store(allowed):
        monkeypatch.setattr(quantizing, "MAX_SHARE", allowed)
        storage = quantizing.store_weights(trained.config, 0, source, target)
        assert 0.0 < storage["distance"] < 0.1 and 0.0 < storage["log_likelihood"] < quantizing.MAX_NATS
        return storage

    fewest = store(1.0)
    assert fewest["bits"] == 10 and target.stat().st_size < source.stat().st_size / 2.5
    more = store(0.9 * fewest["distance"])
    assert 10 < more["bits"] < 32 and more["distance"] < fewest["distance"]
    assert store(0.0)["bits"] == 32 and target.read_bytes() == source.read_bytes()


def test_the_card_says_what_it_costs(tmp_path, monkeypatch, trained):
    storage = {"bits": 12, "log_likelihood": 0.0123, "distance": 0.00012}
    assert "by 0.012 nats in the mean and distances by 0.012 % at most" in card_text(
        trained.card | {"storage": storage}
    )
    assert "bits each" not in card_text(trained.card)

    # What is published is as it was stored.
    def store(config, seed, source, target, data_dir):
        target.write_bytes(source.read_bytes()[::2])
        return storage

    monkeypatch.setattr(publishing, "store_weights", store)
    monkeypatch.setattr(cards, "_FOLDER", tmp_path)
    (tmp_path / "yang2018").mkdir()
    (tmp_path / f"{NAME}.weights.h5").write_bytes(b"weights")
    (tmp_path / "model.weights.h5").write_bytes(b"weights")
    run = {key: trained.card[key] for key in ("seed", "config", "data_sha256", "versions", "measured", "seconds")}
    publishing.publish(trained.config, [run | {"reported": {}}], tmp_path, quantize=True)
    assert zoo.card(NAME)["storage"] == storage
    # What counts is how large it is as it is stored.
    for limit, stored in ((4, b"wihs"), (3, b"before")):
        monkeypatch.setattr(publishing, "MAX_BYTES", limit)
        (tmp_path / f"{NAME}.weights.h5").write_bytes(b"before")
        publishing.publish(trained.config, [run | {"reported": {}}], tmp_path, quantize=True)
        assert (tmp_path / f"{NAME}.weights.h5").read_bytes() == stored


def test_lengths_of_zero_and_single_samples_cost_nothing(trained):
    x = trained.dataset().inputs
    assert quantizing._length_changes(trained, x[:1])(trained) is None
    assert quantizing._length_changes(trained, np.repeat(x[:1], 4, axis=0))(trained) is None
    assert quantizing._length_changes(trained, x[[0, 1, 2, 0]])(trained) == 0.0
    storage = {"bits": 12, "log_likelihood": 0.0123, "distance": None}
    assert "by 0.012 nats in the mean." in card_text(trained.card | {"storage": storage})


def test_costs_that_are_not_finite_are_none_and_keep_all_bits(tmp_path, trained, monkeypatch):
    monkeypatch.setattr(quantizing, "_costs", lambda *_: lambda path: {"log_likelihood": np.nan, "distance": None})
    storage = quantizing.store_weights(trained.config, 0, cards.weights_path(NAME), tmp_path / "kept.weights.h5")
    assert storage == {"bits": 32, "log_likelihood": None, "distance": None}
