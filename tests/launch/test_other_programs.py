"""launch.train, interpolate, export, catalogue and reproduce."""

import csv
import dataclasses
import json
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

import zoo
from launch import catalogue, cluster, export, interpolate, program, reproduce, train
from launch.experiments import interpolation
from launch.reproduction import publishing, sweep
from launch.running import training
from launch.running.run import run_from_config
from tfgeo.errors import UserError
from tfgeo.manifolds import SaturatedCentroidMetric
from zoo import cards
from zoo.config import to_dict
from zoo.loading import save_weights
from zoo.quantization import quantize_weights

SMALL = [
    "--config.training.epochs=60",
    "--config.variance.epochs=5",
    "--config.data.num_samples=24",
    "--config.variance.num_components=4",
    "--config.figures.resolution=8",
    "--config.figures.volume_samples=2",
    "--config.geodesics.num_points=6",
]


def launch(door, flags, *arguments, configurable=True):
    return program.run(door.main, flags(), door.__doc__, ["launch", *arguments], configurable)


def test_trained_weights_serve_the_other_programs(tmp_path, capsys):
    entry = "--entry=gimli2018/two_moons"
    assert launch(train, program.entry_flags, entry, f"--output_dir={tmp_path}", *SMALL) == 0
    weights = tmp_path / "model.weights.h5"
    assert json.loads((tmp_path / "metrics.json").read_text())["measured"]["elbo"] < 0.0
    assert not (tmp_path / "unfinished").exists()

    out = tmp_path / "interpolation"
    arguments = [entry, f"--output_dir={out}", f"--weights={weights}", "--num_pairs=9", *SMALL]
    assert launch(interpolate, interpolate.program_flags, *arguments) == 0
    metrics = json.loads((out / "metrics.json").read_text())
    trials = metrics["measured"]["trials"]
    assert set(trials) == {
        f"{solver}/{start}"
        for solver in ("levenberg_marquardt", "gradient_descent")
        for start in ("ridge_climb", "none")
    }
    straight = metrics["measured"]["straight_line"]["mean_energy"]
    assert all(0.0 < trial["mean_energy"] <= straight * (1 + 1e-5) for trial in trials.values())
    assert np.load(out / "interpolation.npz")["points"].shape == (9, 100, 2)
    assert "saves" in capsys.readouterr().out and (out / "figures" / "geodesics.pdf").exists()
    assert (out / "figures" / "metrics.png").exists()
    too_many = [entry, f"--output_dir={out}", f"--weights={weights}", "--num_pairs=999", *SMALL]
    assert launch(interpolate, interpolate.program_flags, *too_many) == 2
    # Weights of other sizes are refused before anything is computed.
    misfit = [entry, f"--output_dir={out}", f"--weights={weights}", *SMALL, "--config.network.latent_dim=3"]
    assert launch(cluster, program.entry_flags, *misfit) == 2


def test_a_pair_has_one_number_in_all_figures_of_a_run(monkeypatch):
    drawn = {}
    monkeypatch.setattr(interpolation.figures, "is_plane", lambda run: False)
    monkeypatch.setattr(interpolation.figures, "has_images", lambda samples: True)
    monkeypatch.setattr(interpolation.figures, "save_all", lambda run, figures: [])
    monkeypatch.setattr(interpolation.figures, "strip_figure", lambda *a: drawn.update(strips=list(a[-1])))
    monkeypatch.setattr(
        interpolation, "draw_metrics", lambda *a, numbers=None: drawn.update(metrics=numbers, starts=a[1]) or {}
    )
    ends = np.arange(10.0).reshape(5, 2)
    found = SimpleNamespace(length=np.array([3.0, 1.0, 5.0, 2.0, 4.0]), start=ends, end=ends)
    interpolation._draw(SimpleNamespace(samples=None), ends, found)
    assert drawn["metrics"] == drawn["strips"] == [2, 4, 0]
    np.testing.assert_array_equal(drawn["starts"], ends[[2, 4, 0]])


def test_pretrained_weights_refuse_other_networks(tmp_path, capsys):
    arguments = ["--entry=yang2018/two_moons", f"--output_dir={tmp_path}", "--weights=pretrained"]
    assert launch(cluster, program.entry_flags, *arguments, "--config.network.output_variance=0.5") == 2
    assert "--config.network" in capsys.readouterr().err


@pytest.mark.parametrize(("seed", "words"), [(0, False), (1, True)])
def test_weights_from_another_draw_say_that_they_may_know_what_is_held_out(tmp_path, capsys, seed, words):
    run = run_from_config(zoo.config("chadebec2020/rhvae_circles_rings"), seed, tmp_path)
    training.train(run, "pretrained")
    assert ("draw of seed 0" in capsys.readouterr().out) == words


def test_export_needs_an_entry(tmp_path, capsys):
    assert launch(export, export.program_flags, f"--output_dir={tmp_path}", configurable=False) == 2
    assert "--entry" in capsys.readouterr().err


def test_a_model_without_geodesics_is_exported_with_its_metric(tmp_path, capsys):
    arguments = ["--entry=chadebec2020/rhvae_mnist_012", f"--output_dir={tmp_path}"]
    assert launch(export, export.program_flags, *arguments, configurable=False) == 0
    printed = capsys.readouterr().out
    assert ".signatures['encode']" in printed and "metric: its centroids stand alone" in printed
    signatures = tf.saved_model.load(str(tmp_path / "saved_model")).signatures
    assert set(signatures) >= {"encode", "decode", "metric"} and "geodesic" not in signatures
    z = tf.random.stateless_normal([3, 10], [1, 2])
    expected = zoo.load("chadebec2020/rhvae_mnist_012").manifold().metric_tensor(z)
    np.testing.assert_allclose(signatures["metric"](z=z)["metric"], expected, rtol=1e-5)


def test_a_learned_metric_of_which_nothing_is_left_is_named(tmp_path, capsys):
    run = run_from_config(zoo.config("chadebec2020/rhvae_circles_rings"), 0, tmp_path / "run")
    training.train(run, "pretrained")
    found = capsys.readouterr().out
    assert "metric: it varies by more than the density" in found and "nearly flat" not in found
    # By class: this entry's are 0 and 1.
    assert "in the median (0: " in found and ", 1: " in found
    model = run.entry.model
    model.centroid_factors.assign(1e-3 * model.centroid_factors)
    model.save_weights(tmp_path / "flat.weights.h5")
    training.train(run, str(tmp_path / "flat.weights.h5"))
    assert "nearly flat" in capsys.readouterr().out


def test_a_variant_of_the_metric_takes_shipped_weights(tmp_path, capsys):
    config = zoo.config("chadebec2020/rhvae_circles_rings")
    metric = dataclasses.replace(config.metric, factors="identity", weights="saturated", temperature="adaptive")
    run = run_from_config(dataclasses.replace(config, metric=metric), 0, tmp_path / "run")
    training.train(run, "pretrained")
    assert "singular values from 1 to 1 in the mean" in capsys.readouterr().out
    assert isinstance(run.entry.manifold(), SaturatedCentroidMetric)
    # An adaptive temperature is none that weights could contradict, another number is.
    training.train(run, str(cards.weights_path(config.name)))
    other = dataclasses.replace(config, metric=dataclasses.replace(config.metric, temperature=2.0))
    with pytest.raises(UserError, match=r"config\.metric\.temperature is 2, but"):
        training.train(run_from_config(other, 0, tmp_path / "other"), str(cards.weights_path(config.name)))


def test_learned_factors_are_not_taken_from_weights_that_hold_none(tmp_path):
    config = zoo.config("chadebec2020/rhvae_circles_rings")
    run = run_from_config(config, 0, tmp_path / "run")
    factors = run.entry.model.centroid_factors
    factors.assign(np.broadcast_to(np.eye(2, dtype=np.float32), factors.shape))
    weights = tmp_path / "identity.weights.h5"
    run.entry.model.save_weights(weights)
    with pytest.raises(UserError, match=r"was trained without: .* set --config\.metric\.factors=identity"):
        training.train(run, str(weights))
    for kind in ("identity", "density"):
        metric = dataclasses.replace(config.metric, factors=kind)
        training.train(
            run_from_config(dataclasses.replace(config, metric=metric), 0, tmp_path / kind), str(weights)
        )


def test_a_model_that_was_not_trained_on_a_bound_says_so(tmp_path, capsys):
    config = zoo.config("chadebec2020/rhvae_circles_rings")
    released = dataclasses.replace(config, flow=dataclasses.replace(config.flow, objective="released"))
    run = run_from_config(released, 0, tmp_path)
    training.train(run, str(cards.weights_path(config.name)))
    assert "trained on what is no bound of log p(x)" in capsys.readouterr().out
    with pytest.raises(UserError, match=r"other --config\.flow values"):
        training.train(run, "pretrained")


def test_catalogue_lists_every_entry_and_prints_one(capsys):
    assert launch(catalogue, catalogue.program_flags, configurable=False) == 0
    listed = capsys.readouterr().out
    assert all(name in listed for name in zoo.names())
    assert launch(catalogue, catalogue.program_flags, "--entry=yang2018/mnist_01", configurable=False) == 0
    assert json.loads(capsys.readouterr().out)["config"]["data"]["name"] == "mnist"
    assert launch(catalogue, catalogue.program_flags, "--entry=mnist", configurable=False) == 2


@pytest.fixture
def made_up_runs(monkeypatch, tmp_path):
    """Runs that are not run: what each would have measured, by seed."""
    monkeypatch.setattr(cards, "_FOLDER", tmp_path / "weights")

    def run_once(row, seed, folder, values):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "model.weights.h5").write_bytes(b"weights of seed %d" % seed)
        accuracy = {"geodesic": 1.0 - 0.1 * (seed % 2), "euclidean": 0.8, "spectral": 0.5}
        measured = {"accuracy": accuracy, "f1": accuracy, "share_converged": 1.0}
        return {
            "entry": row.entry.name, "seed": seed, "config": {}, "data_sha256": "0", "versions": {},
            "measured": measured, "reported": {}, "seconds": {"total": 10.0 + seed, "geodesics": 3.0},
        }  # fmt: skip

    monkeypatch.setattr(sweep, "_run_once", run_once)


def test_reproduce_gathers_mean_and_spread(made_up_runs, tmp_path, capsys):
    out = tmp_path / "out"
    arguments = ["--paper=yang2018", "--table=III", f"--output_dir={out}", "--num_seeds=2", "--publish"]
    assert launch(reproduce, reproduce.program_flags, *arguments, configurable=False) == 0
    rows = list(csv.reader((out / "yang2018_III.csv").open()))
    assert [row[0] for row in rows[1:]] == ["yang2018/mnist_01", "yang2018/mnist_012"]
    # Accuracies 1.0 and 0.9: mean 0.95, sample standard deviation 0.1 / sqrt(2).
    assert rows[1][1] == "0.950 ± 0.071" and rows[1][2] == "1.00"
    # Gains .2 and .1 of each entry; spectral clusters are not of the codes.
    gains = {tuple(row[:2]): row[2:] for row in csv.reader((out / "yang2018_III_gains.csv").open())}
    assert gains["yang2018/mnist_01", "geodesic"] == [
        "+0.150 ± 0.050", "-", "2 / 0 / 0", "+0.100", "2",
    ]  # fmt: skip
    assert gains["mean of 2", "geodesic"][0] == "+0.150 ± 0.000"
    assert not any("spectral" in row for row in gains)
    runs = list(csv.reader((out / "yang2018_III_runs.csv").open()))
    assert runs[0] == ["row", "seed", "geodesic", "euclidean", "spectral"]
    assert runs[2] == ["yang2018/mnist_01", "1", "0.9000", "0.8000", "0.5000"] and len(runs) == 5
    html, text = ((out / f"yang2018_III.{suffix}").read_text() for suffix in ("html", "txt"))
    assert "<table" in html and "mnist_012" in text
    card = zoo.card("yang2018/mnist_012")
    assert card["seed"] == 0 and card["measured_over_seeds"]["accuracy"]["geodesic"]["mean"] == 0.95
    assert card["sha256"] == cards.sha256_of(cards.weights_path("yang2018/mnist_012"))
    whole = ["--paper=yang2018", f"--output_dir={out}", "--num_seeds=2", "--publish"]
    for more in ([], ["--study"]):
        assert launch(reproduce, reproduce.program_flags, *whole, *more, configurable=False) == 0
    assert len(zoo.card("yang2018/mnist_012")["studies"]["gap"]["table"]) > 2


def test_an_entry_of_another_ones_model_is_published_with_its_weights(tmp_path, monkeypatch, capsys):
    shipped = zoo.load("chen2018/robot_arm")
    monkeypatch.setattr(cards, "_FOLDER", tmp_path / "weights")
    entry, other = zoo.config("chen2019/pendulum"), zoo.config("chen2018/pendulum")

    def publish(config, quantize=False):
        config_of_run = json.loads(json.dumps(to_dict(shipped.config))) | {"notes": ["an old note"]}
        run = {"seed": 1, "config": config_of_run, "data_sha256": "0", "versions": {}}
        if quantize:
            monkeypatch.setattr(
                publishing, "store_weights", lambda config, seed, *paths: quantize_weights(*paths[:2], 12) or {}
            )
        publishing.publish(config, [run | {"measured": {}, "reported": {}, "seconds": {}}], tmp_path, quantize)
        return capsys.readouterr().out

    trained = tmp_path / "model.weights.h5"
    save_weights(shipped.model, trained)
    assert "publish it first" in publish(entry) and zoo.card(entry.name) is None
    publish(other, quantize=True)
    assert "published" in publish(entry)
    card = zoo.card(entry.name)
    assert card["entry"] == entry.name and card["sha256"] == zoo.card(other.name)["sha256"]
    assert card["config"]["notes"] == list(entry.notes) and f"those of {other.name}" in str(card)
    assert f"--entry={other.name}" in card["command"]
    assert cards.weights_path(entry.name) == cards.weights_path(other.name)
    assert len(list((tmp_path / "weights").rglob("*.h5"))) == 1
    # Other weights are not those of the card, and the card is not of other weights.
    kernel = shipped.model.encoder.trainable_variables[0]
    kernel.assign(1.01 * kernel)
    save_weights(shipped.model, trained)
    assert f"are not those of {other.name}" in publish(entry) and zoo.card(entry.name) == card
    assert f"{entry.name}: its card is removed" in publish(other)
    assert zoo.card(entry.name) is None


@pytest.mark.parametrize("wrong", [["--paper=yang2017"], ["--paper=yang2018", "--table=IX"], []])
def test_reproduce_refuses_what_is_not_there(wrong, tmp_path, capsys):
    assert launch(reproduce, reproduce.program_flags, *wrong, f"--output_dir={tmp_path}", configurable=False) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
