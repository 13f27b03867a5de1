"""launch.evaluate for every kind of model, and launch.train with early stopping."""

import dataclasses
import json
from types import SimpleNamespace

import h5py
import numpy as np
import pytest

import zoo
from launch import evaluate, program, train
from launch.experiments.evaluation import _draw_training
from launch.running import training
from launch.running.run import Run
from tests.launch.small_images import (
    SMALL,
    SMALL_FLOW,
    SMALL_METRIC,
    check_results,
    launch,
    metrics_of,
    write_images,
)
from tfgeo.errors import UserError
from zoo.loading import check_stored

# Steps so long that the VAE's bound soon gets worse.
IMPATIENT = ["--config.training.epochs=400", "--config.training.patience=2", "--config.training.learning_rate=0.05"]
FLAGS = {"vae": IMPATIENT, "hvae": SMALL_FLOW, "rhvae": SMALL_METRIC}
# Evaluated once for all tests; the HVAE is where weights are trained and loaded.
KINDS = ("vae", "rhvae")


def evaluate_small(kind, folder, images, *arguments, name="mnist_012"):
    entry = f"--entry=chadebec2020/{kind}_{name}"
    return launch(
        evaluate, program.entry_flags, entry, f"--output_dir={folder}", images, *SMALL, *FLAGS[kind], *arguments
    )


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    return write_images(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def finished(images, tmp_path_factory):
    folders = {kind: tmp_path_factory.mktemp(kind) for kind in KINDS}
    for kind, folder in folders.items():
        assert evaluate_small(kind, folder, images, "--config.evaluation.curve_every=2") == 0
    return folders


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_measured(kind, finished):
    measured = check_results(finished[kind])["measured"]
    proposals = {"encoder"} if kind == "vae" else {"encoder", "flow"}
    assert set(measured["log_likelihood"]) == proposals
    if kind != "vae":
        # The flow's estimate, and what heating gains: d log(1 / sqrt(beta_0)).
        estimate, without = measured["log_likelihood"]["flow"], measured["log_likelihood_without_volume"]
        entry = zoo.load(finished[kind])
        volume = -entry.config.network.latent_dim * np.log(np.asarray(entry.model.sqrt_beta_zero))
        assert volume > 0.0 and without["mean"] - estimate["mean"] == pytest.approx(volume, rel=1e-5)
    for estimate in measured["log_likelihood"].values():
        # Importance sampling is above the bound on average; 20 samples and noise leave little room below it.
        assert estimate["mean"] > measured["elbo"]["test"] - 1.0 and estimate["std"] >= 0.0
    # Six of thirty images are held out.
    assert measured["negative_elbo_sum"] == pytest.approx(-6 * measured["elbo"]["test"], rel=1e-6)
    assert all(0.0 < value < 2.0 for value in measured["reconstruction"].values())
    assert 1 <= measured["best_epoch"] <= measured["epochs"]


@pytest.mark.parametrize("kind", KINDS)
def test_weights_are_without_the_optimizer(kind, finished):
    with h5py.File(finished[kind] / "model.weights.h5") as saved:
        assert "encoder" in saved and "optimizer" not in saved


def test_a_row_of_a_study_has_no_figure_of_the_entry():
    config = zoo.config("chadebec2020/rhvae_sensitivity_mnist_012")
    varied = dataclasses.replace(config, metric=dataclasses.replace(config.metric, temperature=2.0))
    # What no table of the paper varies.
    trained = dataclasses.replace(
        config,
        flow=dataclasses.replace(config.flow, objective="released", gradient="flow"),
        metric=dataclasses.replace(config.metric, factors="density", weights="saturated"),
    )
    runs = [SimpleNamespace(config=each) for each in (config, varied, trained)]
    assert [Run.reported.fget(run).log_likelihood for run in runs] == [-135.88, None, -135.88]


@pytest.mark.parametrize("kind", KINDS)
def test_training_curves_and_figures(kind, finished):
    arrays = np.load(finished[kind] / "evaluation.npz")
    epochs = metrics_of(finished[kind])["measured"]["epochs"]
    assert arrays["training_held_out"].shape == (epochs,)
    assert (np.diff(arrays["training_epoch"]) > 0).all() and np.isfinite(arrays["training_loss"]).all()
    assert np.isfinite(arrays["training_log_likelihood"]).any()
    drawn = {path.stem for path in (finished[kind] / "figures").glob("*.png")}
    geometry = {"metric", "distance_map"} if kind == "rhvae" else set()
    assert drawn == {"training", "images"} | geometry


def test_a_training_loss_that_is_no_bound_is_not_drawn_as_one():
    curves = {"epoch": np.arange(1, 4), "loss": np.ones(3), "held_out": np.ones(3)}
    bound, other = "negative bound, nats", "training loss, no bound"
    for is_bound, labels in ((True, [bound]), (False, [other, bound])):
        figure = _draw_training(curves, 2, is_bound)
        assert [axes.get_ylabel() for axes in figure.axes] == labels


def test_user_data_have_no_reported_numbers(finished):
    assert metrics_of(finished["vae"])["reported"] == {}
    report = (finished["rhvae"] / "report.md").read_text()
    assert "images.npz in place of its data" in report
    assert "proposal flow" in report and all(
        note in report for note in zoo.config("chadebec2020/rhvae_mnist_012").notes
    )


def test_trained_weights_measure_the_same_again(finished, images, tmp_path):
    weights = f"--weights={finished['rhvae'] / 'model.weights.h5'}"
    assert evaluate_small("rhvae", tmp_path, images, weights) == 0
    again, before = (metrics_of(folder)["measured"] for folder in (tmp_path, finished["rhvae"]))
    for key in ("log_likelihood", "elbo", "reconstruction"):
        assert again[key] == before[key]
    assert "epochs" not in again


def test_weights_of_another_metric_are_refused(finished, images, tmp_path, capfd):
    weights = f"--weights={finished['rhvae'] / 'model.weights.h5'}"
    assert evaluate_small("rhvae", tmp_path, images, weights, "--config.metric.regularization=0.5") == 2
    assert "--config.metric.regularization=0.001" in capfd.readouterr().err


@pytest.mark.parametrize("section", ["flow", "metric"])
def test_learned_numbers_may_have_moved_from_where_they_started(section):
    config = zoo.config("chadebec2020/rhvae_fashion_tsb")
    stored = dataclasses.asdict(config.flow) | dataclasses.asdict(config.metric)
    name = {"flow": "step_size", "metric": "temperature"}[section]
    model = SimpleNamespace(**stored | {name: 2.0 * stored[name]}, holds_untrained_factors=False)
    with pytest.raises(UserError, match=rf"--config\.{section}\.{name}"):
        check_stored(config, model, "file")
    learned = dataclasses.replace(getattr(config, section), **{f"learn_{name}": True})
    config = dataclasses.replace(config, **{section: learned})
    check_stored(config, model, "file")


def test_a_run_that_was_stopped_continues_to_the_same_numbers(finished, images, tmp_path, monkeypatch):
    from launch.experiments import evaluation

    def stop(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(evaluation, "_measure", stop)
        assert evaluate_small("vae", tmp_path, images, "--config.evaluation.curve_every=2") == 130
    monkeypatch.setattr(training, "train_networks", None)  # the model must not be trained again
    assert evaluate_small("vae", tmp_path, images, "--config.evaluation.curve_every=2") == 0
    assert metrics_of(tmp_path)["measured"] == metrics_of(finished["vae"])["measured"]
    for name in np.load(tmp_path / "evaluation.npz").files:
        one, other = (np.load(folder / "evaluation.npz")[name] for folder in (tmp_path, finished["vae"]))
        np.testing.assert_array_equal(one, other)


def test_centroids_are_no_more_than_the_training_samples(finished):
    config = metrics_of(finished["rhvae"])["config"]
    assert config["metric"]["num_centroids"] == 24 and config["training"]["patience"] == 100


def test_patience_ends_training_and_keeps_the_best_weights(finished):
    measured = metrics_of(finished["vae"])["measured"]
    losses = np.load(finished["vae"] / "evaluation.npz")["training_held_out"]
    assert measured["epochs"] == len(losses) == measured["best_epoch"] + 2 < 400
    assert np.argmin(losses) + 1 == measured["best_epoch"]


def test_train_writes_weights_that_evaluate_takes(images, tmp_path):
    arguments = ["--entry=chadebec2020/hvae_mnist_012", f"--output_dir={tmp_path}", images, *SMALL, *SMALL_FLOW]
    assert launch(train, program.entry_flags, *arguments) == 0
    assert json.loads((tmp_path / "metrics.json").read_text())["measured"]["elbo"] < 0.0
    weights = f"--weights={tmp_path / 'model.weights.h5'}"
    assert evaluate_small("hvae", tmp_path / "again", images, weights) == 0
    assert set(check_results(tmp_path / "again")["measured"]["log_likelihood"]) == {"encoder", "flow"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--config.metric.temperature=0"], "metric.temperature"),
        (["--config.metric.regularization=-1"], "metric.regularization"),
        (["--config.flow.step_size=0"], "flow.step_size"),
        (["--config.flow.gradient_limit=-1"], "flow.gradient_limit"),
        (["--config.training.gradient_norm=-1"], "training.gradient_norm"),
        (["--config.training.batch_size=0"], "training.batch_size"),
        (["--config.network.latent_dim=0"], "latent_dim"),
        (["--config.variance.epochs=3"], "variance"),
        (["--config.training.validation_fraction=0"], "validation_fraction"),
    ],
)
def test_wrong_settings_give_one_line(arguments, words, tmp_path, capfd):
    entry = ["--entry=chadebec2020/rhvae_mnist_012", f"--output_dir={tmp_path / 'out'}"]
    assert launch(evaluate, program.entry_flags, *entry, *arguments) == 2
    errors = [line for line in capfd.readouterr().err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1 and words in errors[0]


def test_train_does_not_take_weights(tmp_path, capfd):
    arguments = ["--entry=chadebec2020/hvae_mnist_012", f"--output_dir={tmp_path}", "--weights=pretrained"]
    assert launch(train, program.entry_flags, *arguments) == 2
    assert "--weights=pretrained" in capfd.readouterr().err


def test_pretrained_weights_are_not_for_other_data(images, tmp_path, capfd):
    arguments = ["--entry=chadebec2020/vae_mnist_012", f"--output_dir={tmp_path}", "--weights=pretrained", images]
    assert launch(evaluate, program.entry_flags, *arguments) == 2
    assert "leave --data or --weights out" in capfd.readouterr().err


def test_entries_of_other_papers_are_evaluated_too(tmp_path):
    random = np.random.default_rng(0)
    np.savez(tmp_path / "points.npz", x=random.normal(size=(30, 2)))
    flags = ["--config.training.epochs=20", "--config.variance.epochs=2", "--config.variance.num_components=3"]
    arguments = ["--entry=yang2018/two_moons", f"--output_dir={tmp_path}", f"--data={tmp_path / 'points.npz'}"]
    assert launch(evaluate, program.entry_flags, *arguments, *flags, *SMALL[5:7]) == 0
    measured = metrics_of(tmp_path)["measured"]
    assert set(measured["elbo"]) == {"train"} and set(measured["log_likelihood"]) == {"encoder"}
