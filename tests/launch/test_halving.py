"""Weights in half precision: half the bytes, the same model, and only where it costs nothing."""

import h5py
import numpy as np
import pytest

import zoo
from launch.reproduction import halving, publishing
from zoo import cards
from zoo.building import build_model
from zoo.loading import halve_weights, load_weights, save_weights
from zoo.prose import card_text

NAME = "yang2018/two_moons"


@pytest.fixture(scope="module")
def trained():
    return zoo.load(NAME)


def test_halved_weights_load_as_they_are_rounded(tmp_path, trained):
    path = tmp_path / "half.weights.h5"
    halve_weights(cards.weights_path(NAME), path)
    model = build_model(trained.config)
    load_weights(model, path)
    for weight, original in zip(model.weights, trained.model.weights, strict=True):
        values = np.asarray(original)
        assert np.asarray(weight).dtype == values.dtype
        if values.dtype == np.float32 and values.size > 1:
            np.testing.assert_array_equal(weight, values.astype(np.float16).astype(np.float32))
    with h5py.File(path) as file:
        kinds = set()
        file.visititems(
            lambda _, part: kinds.add(part.dtype) if isinstance(part, h5py.Dataset) and part.size > 1 else None
        )
    assert np.dtype(np.float16) in kinds and np.dtype(np.float32) not in kinds


def test_single_numbers_stay_what_configurations_say(tmp_path):
    name = "chadebec2020/rhvae_metric_T08"
    halve_weights(cards.weights_path(name), tmp_path / "half.weights.h5")
    # A step size of 0.01 would be 0.009997 in half precision, and refused.
    entry = zoo.load(name, weights=tmp_path / "half.weights.h5")
    assert float(entry.model.step_size) == np.float32(entry.config.flow.step_size)


@pytest.mark.parametrize("value", [1e6, 1e-6])
def test_what_half_precision_does_not_reach_is_kept(tmp_path, trained, value):
    model = build_model(trained.config)
    model.weights[0].assign(np.full(model.weights[0].shape, value, np.float32))
    path = save_weights(model, tmp_path / "single.weights.h5")
    halve_weights(path, tmp_path / "half.weights.h5")
    again = build_model(trained.config)
    load_weights(again, tmp_path / "half.weights.h5")
    np.testing.assert_array_equal(again.weights[0], model.weights[0])


@pytest.mark.parametrize("allowed", [1.0, 0.0])
def test_weights_are_halved_only_within_what_it_may_cost(tmp_path, monkeypatch, trained, allowed):
    monkeypatch.setattr(halving, "MAX_SHARE", allowed)
    source, target = cards.weights_path(NAME), tmp_path / "kept.weights.h5"
    storage = halving.store_weights(trained.config, 0, source, target)
    assert 0.0 < storage["distance"] < 0.1 and 0.0 < storage["log_likelihood"] < halving.MAX_NATS
    assert storage["precision"] == ("half" if allowed else "single")
    assert (target.read_bytes() == source.read_bytes()) == (not allowed)


def test_the_card_says_what_it_costs(tmp_path, monkeypatch, trained):
    storage = {"precision": "half", "log_likelihood": 0.0123, "distance": 0.00012}
    assert "by 0.012 nats in the mean and distances by 0.012 % at most" in card_text(
        trained.card | {"storage": storage}
    )
    assert "half precision" not in card_text(trained.card)

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
    publishing.publish(trained.config, [run | {"reported": {}}], tmp_path, half=True)
    assert zoo.card(NAME)["storage"] == storage
    # What counts is how large it is as it is stored.
    for limit, stored in ((4, b"wihs"), (3, b"before")):
        monkeypatch.setattr(publishing, "MAX_BYTES", limit)
        (tmp_path / f"{NAME}.weights.h5").write_bytes(b"before")
        publishing.publish(trained.config, [run | {"reported": {}}], tmp_path, half=True)
        assert (tmp_path / f"{NAME}.weights.h5").read_bytes() == stored


def test_lengths_of_zero_and_single_samples_cost_nothing(trained):
    x = trained.dataset().inputs
    assert halving._compare_lengths(trained, trained, x[:1]) is None
    assert halving._compare_lengths(trained, trained, np.repeat(x[:1], 4, axis=0)) is None
    assert halving._compare_lengths(trained, trained, x[[0, 1, 2, 0]]) == 0.0
    storage = {"precision": "half", "log_likelihood": 0.0123, "distance": None}
    assert "by 0.012 nats in the mean." in card_text(trained.card | {"storage": storage})


def test_costs_that_are_not_finite_are_none_and_keep_single_precision(tmp_path, trained, monkeypatch):
    monkeypatch.setattr(halving, "_measure_cost", lambda *_: {"log_likelihood": np.nan, "distance": None})
    storage = halving.store_weights(trained.config, 0, cards.weights_path(NAME), tmp_path / "kept.weights.h5")
    assert storage == {"precision": "single", "log_likelihood": None, "distance": None}
