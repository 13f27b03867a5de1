"""launch.interpolate for the entries of Chen et al. (2018, 2019): all methods on the same pairs, with figures."""

import dataclasses
import types

import numpy as np
import pytest
from PIL import Image, ImageSequence

import zoo
from launch import interpolate
from launch.experiments.path_results import NUM_POINTS, over_draws
from launch.reproduction import sweep
from launch.reproduction.rows import rows_of_paper
from launch.running.geodesics import prepare_search
from launch.running.run import run_from_config
from tests.launch.small_images import check_results, launch
from tfgeo.datasets.robot_arm import RADIUS
from tfgeo.errors import UserError
from tfgeo.manifolds import Smoothed
from tfgeo.plots.animation import MILLISECONDS
from zoo import chen2019
from zoo.config import InterpolationConfig
from zoo.entry import Entry

SMALL = [
    "--num_pairs=4",
    "--config.interpolation.num_draws=2",
    "--config.network.encoder_units=(5,)",
    "--config.network.decoder_units=(5,)",
    "--config.training.batch_size=100",
    "--config.training.learning_rate=0.01",
    "--config.training.importance_samples=2",
    "--config.geodesics.num_points=12",
    "--config.geodesics.smoothing=0.0",
    # A model of so few units is decoded faster than a table of it is compiled.
    "--config.geodesics.table_resolution=0",
    "--config.figures.resolution=6",
]
SMALL_NEURAL = [
    "--config.neural.num_pairs=1",
    "--config.neural.hidden_units=(5,)",
    "--config.neural.max_iterations=4",
    "--config.neural.num_points=20",
    "--config.neural.num_curves=2",
]


@pytest.fixture(scope="module")
def pendulum(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pendulum")
    arguments = ["--entry=chen2019/pendulum", f"--output_dir={folder}", "--config.data.num_samples=200", *SMALL]
    more = [*SMALL_NEURAL, "--config.training.epochs=10", "--config.figures.tissot=4"]
    more += ["--config.geodesics.curve=quadratic", "--config.geodesics.num_segments=0"]
    more += ["--config.geodesics.warm_start=none"]
    assert launch(interpolate, interpolate.program_flags, *arguments, *more) == 0
    return folder


@pytest.mark.slow
def test_all_methods_are_measured_on_the_same_pairs(pendulum):
    metrics = check_results(pendulum)
    measured = metrics["measured"]
    assert set(measured["methods"]) == {"fast", "graph", "refined", "neural"}
    assert measured["num_pairs"] == 8 and measured["methods"]["neural"]["num_pairs"] == 1
    for name, numbers in measured["methods"].items():
        assert numbers["mean_length"] > 0.0 and numbers["seconds_per_query"] > 0.0, name
    # The straight line is what a solver keeps where it finds nothing better; graphs have no such choice.
    for name in ("fast", "refined", "neural"):
        assert measured["methods"][name]["length_over_straight"] < 1.02, name
    compared = measured["compared"]
    assert compared["graph_over_refined"] > 0.98 and 0.0 <= compared["share_graph_within_tenth"] <= 1.0
    assert 0.0 <= measured["linear_in_angle"]["geodesic"] <= 1.0 and measured["length_along_data"] > 0.0
    for one in (*measured["over_draws"].values(), *measured["linear_in_angle_over_draws"].values()):
        assert one["num"] == 2 and one["mean"] > 0.0 and one["std"] >= 0.0
    single = measured["single_pairs"]
    assert single["smallest"] <= single["median"] <= single["largest"]
    assert 0.0 <= single["share_above_straight"] <= 1.0
    assert "share_not_above_reported" not in single  # the paper of this entry prints no lengths


@pytest.mark.slow
def test_curves_join_the_same_samples_and_figures_are_drawn(pendulum):
    arrays = np.load(pendulum / "interpolation.npz")
    pairs = arrays["pairs"]
    assert pairs.shape == (2, 8) and len(np.unique(pairs)) == 16
    for name in ("graph", "refined", "neural"):
        num = len(arrays[name])
        assert arrays[name].shape == (num, NUM_POINTS, 2)
        np.testing.assert_allclose(arrays[name][:, [0, -1]], arrays["fast"][:num, [0, -1]], atol=1e-5)
    drawn = {path.stem for path in (pendulum / "figures").glob("*.png")}
    assert drawn == {"velocity", "strip", "latent", "length_against_angle", "smoothing"}
    with Image.open(pendulum / "figures" / "interpolation.gif") as film:
        durations = [frame.info["duration"] for frame in ImageSequence.Iterator(film)]
    # Equal frames, which a model of so few units decodes, are kept as one that is shown for as long.
    assert len(durations) > 1 and sum(durations) == 58 * MILLISECONDS


@pytest.mark.slow
def test_the_hand_is_measured_against_its_circle(tmp_path):
    arguments = ["--entry=chen2018/robot_arm", f"--output_dir={tmp_path}", *SMALL]
    more = ["--config.neural.num_pairs=0", "--config.training.epochs=1"]
    assert launch(interpolate, interpolate.program_flags, *arguments, *more) == 0
    measured = check_results(tmp_path)["measured"]
    assert 0.0 <= measured["single_pairs"]["share_not_above_reported"] <= 1.0
    for numbers in measured["circle"].values():
        assert 0.0 < numbers["mean"] <= numbers["mean_of_largest"] <= numbers["largest"] < 10 * RADIUS
    assert {path.stem for path in (tmp_path / "figures").glob("*.png")} == {"velocity", "latent", "hand_paths"}


def test_each_draw_s_pairs_are_measured_by_themselves():
    def paths(num):
        config = types.SimpleNamespace(interpolation=InterpolationConfig(num_draws=num))
        return types.SimpleNamespace(run=types.SimpleNamespace(config=config))

    lengths, straight = np.array([1.0, 2.0, 3.0, 3.0]), np.array([2.0, 4.0, 3.0, 6.0])

    def ratio(geodesic, line):
        return geodesic.sum() / line.sum()

    ratios = [3.0 / 6.0, 6.0 / 9.0]
    found = over_draws(paths(2), ratio, lengths, straight)
    assert found == pytest.approx({"num": 2, "mean": np.mean(ratios), "std": np.std(ratios, ddof=1)})
    assert over_draws(paths(1), ratio, lengths, straight) == pytest.approx({"num": 1, "mean": 9.0 / 15.0})


def test_more_draws_than_samples_are_refused_before_training(tmp_path, capsys):
    arguments = ["--entry=chen2018/pendulum", f"--output_dir={tmp_path}", "--config.data.num_samples=30"]
    assert launch(interpolate, interpolate.program_flags, *arguments, "--num_pairs=4") == 2
    assert "num_draws=5 needs 40 training samples, but there are 30" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("section", "changes", "words"),
    [
        ("network", {"decoder_activation": "relu"}, "hidden layers do not have: their activation is 'relu'"),
        ("network", {"mean_activation": "relu"}, "output layers do not have"),
        ("geodesics", None, "`neural` but no `geodesics`"),
        ("geodesics", {"energy": "expected"}, "geodesics.smoothing"),
        ("geodesics", {"curve": "quadratic", "num_segments": 8}, "num_segments"),
        ("geodesics", {"num_segments": 1}, "num_segments"),
        ("neural", {"loss": "action"}, "neural.loss"),
        ("training", {"importance_samples": -1}, "importance_samples"),
        ("interpolation", {"num_draws": 0}, "num_draws"),
    ],
)
def test_settings_that_do_not_fit_are_refused(section, changes, words):
    config = zoo.config("chen2018/robot_arm")
    with pytest.raises(UserError, match=words):
        part = None if changes is None else dataclasses.replace(getattr(config, section), **changes)
        dataclasses.replace(config, **{section: part})


def test_a_spline_has_as_many_pieces_as_are_asked_for():
    config = zoo.config("chen2018/robot_arm")
    for asked, found in ((0, 4), (8, 8)):
        geodesics = dataclasses.replace(config.geodesics, num_segments=asked)
        curve = Entry(dataclasses.replace(config, geodesics=geodesics), None, None, None).curve()
        assert curve.num_segments == found


def test_lengths_on_a_smoothed_table_are_those_of_the_smoothed_metric(tmp_path):
    config = zoo.config("chen2018/pendulum")
    config = dataclasses.replace(
        config,
        data=dataclasses.replace(config.data, num_samples=60),
        network=dataclasses.replace(config.network, encoder_units=(5,), decoder_units=(5,)),
        geodesics=dataclasses.replace(config.geodesics, table_resolution=32, smoothing=1.0, warm_start="none"),
    )
    run = run_from_config(config, 0, tmp_path)
    ends = np.random.default_rng(0).uniform(-1.0, 1.0, (2, 5, 2)).astype(np.float32)
    search = prepare_search(run, *ends, warn=False)
    table, whole = search.keywords["manifold"], run.entry.manifold()
    assert isinstance(table, Smoothed) and isinstance(whole, Smoothed) and table.strength == whole.strength == 1.0
    straight = np.linspace(*ends, 20, axis=1).astype(np.float32)
    lengths = whole.length(straight).numpy()
    np.testing.assert_allclose(table.length(straight), lengths, rtol=1e-3)
    # The strength is of a size that shortens.
    assert (lengths < 0.9 * whole.manifold.length(straight).numpy()).all()


@pytest.mark.parametrize("name", [name for name in zoo.names() if name.startswith("chen")])
def test_notes_say_whether_weights_ship(name):
    assert (chen2019.NO_WEIGHTS in zoo.config(name).notes) == (zoo.card(name) is None)


def test_rows_of_the_papers_print_their_ratio():
    rows = rows_of_paper("chen2018", None)
    ratios = {row.entry.name.split("/")[1]: row.reported.length_ratio for row in rows}
    assert {name: round(ratio, 3) for name, ratio in ratios.items()} == {
        "pendulum": 0.389, "mnist": 0.847, "robot_arm": 0.365, "human_motion": 0.889
    }  # fmt: skip
    # Of the pendulum the paper prints a single pair beside the mean, of all others a single pair alone.
    pairs = {row.entry.name.split("/")[1]: round(row.reported.pair_ratio, 3) for row in rows}
    assert pairs == {"pendulum": 0.651, "mnist": 0.847, "robot_arm": 0.365, "human_motion": 0.889}
    assert [row.entry.name.split("/")[1] for row in rows_of_paper("chen2019", None)] == [
        "pendulum", "human_motion", "fashion_mnist", "chairs"
    ]  # fmt: skip


def test_reproduce_says_where_it_is_and_what_was_found_so_far(monkeypatch, tmp_path, capsys):
    rows = rows_of_paper("chen2018", None)[:2]
    monkeypatch.setattr(sweep.time, "perf_counter", iter(range(0, 10**6, 300)).__next__)

    def run_once(row, seed, folder, values):
        return {"seed": seed, "measured": {"length_over_straight": 0.5 + seed}, "seconds": {"total": 1.0}}

    monkeypatch.setattr(sweep, "_run_once", run_once)
    tables = []
    sweep._run_all(
        rows, (0, 1), tmp_path, None, [], lambda found: tables.append({r.name: len(x) for r, x in found.items()})
    )
    printed = capsys.readouterr().out
    assert "run 1 of 4: chen2018/pendulum/seed_0, 4 to make\n" in printed
    assert "run 3 of 4: chen2018/mnist/seed_0, 2 to make, about 10 min left\n" in printed
    # The table of all runs is written when the figures of all are drawn too.
    assert tables == [
        {"chen2018/pendulum": 1}, {"chen2018/pendulum": 2}, {"chen2018/pendulum": 2, "chen2018/mnist": 1}
    ]  # fmt: skip
