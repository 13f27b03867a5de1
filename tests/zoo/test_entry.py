"""Entries with their models: trainable weights, gradients, shipped weights."""

import dataclasses
import json
import pathlib
import shutil
import time

import keras
import numpy as np
import pytest
import tensorflow as tf

import zoo
from tfgeo import datasets
from tfgeo.errors import UserError
from tfgeo.models import RiemannianObjective
from tfgeo.randomness import derive_seed
from zoo import cards
from zoo.building import build_model
from zoo.samples import load_dataset

SHIPPED = [name for name in zoo.names() if cards.card_path(name).exists()]


def architecture(name):
    """What decides how a model is built, but for sizes."""
    config = zoo.config(name)
    network, flow, metric = config.network, config.flow, config.metric
    learned = [] if flow is None else [flow.learn_step_size, flow.learn_beta_zero]
    learned += [] if metric is None else [metric.learn_temperature, metric.learn_regularization]
    variance = None if config.variance is None else config.variance.kind
    activations = (network.activation, network.decoder_activation, network.mean_activation)
    learned += [network.learn_output_variance, network.residual_decoder, network.filters]
    return config.kind, network.likelihood, variance, activations, len(network.encoder_units), tuple(learned)


# One entry of each architecture, the smallest: the others differ in sizes and data.
DISTINCT = {}
for name in sorted(zoo.names(), key=lambda name: zoo.config(name).network.data_dim):
    DISTINCT.setdefault(architecture(name), name)


@pytest.mark.parametrize("name", sorted(DISTINCT.values()))
def test_every_trainable_weight_receives_a_gradient(name):
    config = zoo.config(name)
    if config.flow is not None:  # one step is enough, and sooner differentiated
        config = dataclasses.replace(config, flow=dataclasses.replace(config.flow, num_steps=1))
    model = build_model(config)
    network, metric = config.network, config.metric
    # A kernel and a bias for each dense layer: hidden ones, M-enc, S-enc and M-dec, and those of the metric.
    layers = len(network.encoder_units) + 2 + len(network.decoder_units) + 1
    # Convolutions before H-enc, as many after H-dec, the last in place of M-dec, and what makes the smallest image.
    layers += 2 * len(network.filters)
    numbers = network.learn_output_variance + (network.likelihood == "negative_binomial")
    if config.flow is not None:
        numbers += config.flow.learn_step_size + config.flow.learn_beta_zero
    if metric is not None:
        layers += len(metric.hidden_units) + 2
        numbers += metric.learn_temperature + metric.learn_regularization
    assert len(model.trainable_variables) == 2 * layers + numbers
    if metric is not None:
        # They start at 0, and no gradient comes through them to the layers below.
        for head in (model.metric_network.diagonal_head, model.metric_network.lower_head):
            head.kernel.assign(keras.initializers.GlorotUniform(0)(head.kernel.shape))
    x = tf.random.stateless_uniform([16, network.data_dim], [1, 2])
    model.compile("adam")  # flows note the training step in which they diverge
    with tf.GradientTape() as tape:
        log_likelihood, divergence = model.training_terms(x, derive_seed(0, "test"))
        loss = tf.reduce_mean(divergence - log_likelihood)
    gradients = tape.gradient(loss, [variable.value for variable in model.trainable_variables])
    assert all(gradient is not None and np.abs(gradient).max() > 0.0 for gradient in gradients)


@pytest.mark.parametrize("kind", ["hvae", "rhvae"])
def test_the_model_has_the_limit_of_its_entry_and_0_is_none(kind):
    config = zoo.config(f"chadebec2020/{kind}_mnist_012")
    for value, expected in ((7.5, 7.5), (0.0, None)):
        flow = dataclasses.replace(config.flow, gradient_limit=value)
        assert build_model(dataclasses.replace(config, flow=flow)).gradient_limit == expected


def test_factors_that_are_not_learned_stay_at_the_identity_while_all_else_moves():
    config = zoo.config("chadebec2020/rhvae_metric_T08")
    metric = dataclasses.replace(config.metric, factors="identity", num_centroids=8)
    flow = dataclasses.replace(config.flow, num_steps=1)
    model = build_model(dataclasses.replace(config, metric=metric, flow=flow))
    x = np.random.default_rng(0).uniform(size=(8, config.network.data_dim)).astype(np.float32)
    before = np.array(model.encode(x).mean())
    model.compile("adam")
    model.train_on_batch(x)
    model.update_metric(x)
    assert np.array_equal(model.centroid_factors, np.broadcast_to(np.eye(2, dtype=np.float32), (8, 2, 2)))
    assert np.abs(np.array(model.encode(x).mean()) - before).max() > 1e-4


def test_the_objective_is_that_of_its_name_but_for_the_fields_that_are_given():
    config = zoo.config("chadebec2020/rhvae_metric_T08")
    flow = dataclasses.replace(config.flow, objective="released", gradient="flow")
    objective = build_model(dataclasses.replace(config, flow=flow)).objective
    assert objective == RiemannianObjective.named("released", gradient="flow")
    assert build_model(config).objective == RiemannianObjective.named("bound")


def test_initial_weights_follow_the_seed():
    config = zoo.config("yang2018/two_moons")
    first, again, other = (build_model(config, seed).get_weights() for seed in (0, 0, 1))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(first, other, strict=True))


def test_samples_follow_the_seed_class_by_class():
    entry = zoo.load("yang2018/two_moons", weights=None)
    dataset = entry.dataset(seed=3)
    assert len(dataset) == 100 and dataset.labels is not None
    assert np.array_equal(entry.dataset(seed=3).inputs, dataset.inputs)
    assert not np.array_equal(entry.dataset(seed=4).inputs, dataset.inputs)
    assert np.all(np.diff(entry.samples(dataset).labels) >= 0)
    assert entry.split(dataset)[0] is dataset and entry.split(dataset)[1] is None


def test_every_clustering_entry_ships_weights():
    assert set(SHIPPED) >= set(zoo.names("yang2018/*")) | set(zoo.names("gimli2018/*"))


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_weights_load_fast_and_say_what_they_are(name):
    card = zoo.card(name)
    assert card["entry"] == name and "launch.train" in card["command"]
    assert cards.weights_path(name).stat().st_size < 5e6
    begin = time.perf_counter()
    entry = zoo.load(name)
    seconds = time.perf_counter() - begin
    # 1 s is promised; a busy machine gets three times that.
    assert seconds < 3.0
    if entry.config.variance is not None:
        assert entry.model.decoder.uses_precision
    if entry.config.metric is not None:  # the centroids of the training set, not the bump at the origin before it
        assert np.ptp(entry.model.centroids, axis=0).min() > 0.1
    # The architecture that the zoo describes today is the one that was trained.
    assert entry.config.network == zoo.config(name).network
    assert entry.config.variance == zoo.config(name).variance
    assert entry.config.flow == zoo.config(name).flow and entry.config.metric == zoo.config(name).metric
    z = entry.model.sample(3)
    assert z.shape == (3, entry.config.network.data_dim) and np.isfinite(z).all()


@pytest.mark.parametrize("name", [name for name in SHIPPED if name.endswith("two_moons")])
def test_shipped_weights_still_measure_what_their_card_says(name):
    entry, card = zoo.load(name), zoo.card(name)
    dataset = entry.dataset(card["seed"])
    assert dataset.checksum() == card["data_sha256"]
    if "elbo" in card["measured"]:
        elbo = float(np.mean(entry.model.elbo(entry.samples(dataset, card["seed"]).inputs)))
        # One sample of z per x: the model's seed is that of the card, 0; rounding alone may differ.
        assert elbo == pytest.approx(card["measured"]["elbo"], abs=0.02 * abs(elbo) + 0.05)


def test_altered_weights_are_refused(tmp_path, monkeypatch):
    name = SHIPPED[0]
    copy = tmp_path / "weights"
    shutil.copytree(pathlib.Path(cards.__file__).parent / "weights", copy)
    monkeypatch.setattr(cards, "_FOLDER", copy)
    zoo.load(name)
    content = bytearray(cards.weights_path(name).read_bytes())
    content[len(content) // 2] ^= 1
    cards.weights_path(name).write_bytes(content)
    with pytest.raises(UserError, match="altered"):
        zoo.load(name)
    cards.weights_path(name).unlink()
    with pytest.raises(UserError, match="missing"):
        zoo.load(name)


def test_weights_that_do_not_fit_are_refused(tmp_path):
    other = build_model(zoo.config("yang2018/mnist_01"))
    path = tmp_path / "other.weights.h5"
    other.save_weights(path)
    with pytest.raises(UserError, match="does not fit"):
        zoo.load("yang2018/two_moons", weights=str(path))
    with pytest.raises(UserError, match="does not exist"):
        zoo.load("yang2018/two_moons", weights=str(tmp_path / "none.weights.h5"))
    wrong = tmp_path / "weights.txt"
    wrong.write_text("no weights")
    with pytest.raises(UserError, match=r"weights\.h5"):
        zoo.load("yang2018/two_moons", weights=str(wrong))


def test_weights_that_hold_other_numbers_are_refused():
    # They fit in shape, but the model would go by another temperature than its configuration says.
    other = cards.weights_path("chadebec2020/rhvae_metric_T06")
    with pytest.raises(UserError, match=r"config\.metric\.temperature is 0\.8, .* was trained with 0\.6"):
        zoo.load("chadebec2020/rhvae_metric_T08", weights=str(other))


def test_an_entry_without_weights_says_how_to_make_them(tmp_path, monkeypatch):
    monkeypatch.setattr(cards, "_FOLDER", tmp_path)
    with pytest.raises(UserError, match=r"launch\.train"):
        zoo.load("yang2018/two_moons")
    assert json.dumps(zoo.card("yang2018/two_moons")) == "null"


def test_images_by_split_and_from_the_first_on():
    config = zoo.config("chadebec2020/vae_mnist_012")
    assert "split" not in config.data.recipe()
    data = dataclasses.replace(config.data, split="test", first=True)
    assert data.recipe() == {"classes": (0, 1, 2), "split": "test"}
    with pytest.raises(UserError, match=r"none|unknown|not known"):
        dataclasses.replace(config.data, split="none")
    binary = zoo.config("chen2018/mnist").data
    assert binary.recipe() == {} and dataclasses.replace(binary, split="test").recipe() == {"split": "test"}
    with pytest.raises(UserError, match="mnist, fashion_mnist, emnist_byclass, binarized_mnist"):
        dataclasses.replace(zoo.config("yang2018/two_moons").data, split="test")
    with pytest.raises(UserError, match="training_per_class"):
        dataclasses.replace(data, training_per_class=0)
    digits = dataclasses.replace(config.data, name="digits", training_per_class=5, first=True, subset=1)
    chosen = load_dataset(dataclasses.replace(config, data=digits), None, 3)
    everything = datasets.load("digits", classes=(0, 1, 2))
    for label in range(3):
        expected = everything.inputs[everything.labels == label][5:10]
        np.testing.assert_array_equal(chosen.inputs[chosen.labels == label], expected)
