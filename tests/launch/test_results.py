"""What a run leaves: an entry that loads, clusters by row, a report that says how; and what a second run does."""

import csv
import json
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

import zoo
from launch import program, train
from launch.running import results
from tests.launch.test_cluster import SMALL, launch, two_moons
from tfgeo.clustering import accuracy
from zoo import cards
from zoo.folders import CARD_FILE, WEIGHTS_FILE


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """The results for two blobs of one's own, of which few are compared."""
    folder = tmp_path_factory.mktemp("own")
    random = np.random.default_rng(0)
    labels = random.permutation(np.repeat([0, 1], 20))
    inputs = random.normal(size=(40, 3)) * 0.3 + 5.0 * labels[:, None]
    np.savez(folder / "blobs.npz", x=inputs, y=labels)
    return folder, labels


@pytest.fixture(scope="module")
def finished(own):
    folder, _ = own
    assert two_moons(folder / "out", *arguments(folder)) == 0
    return folder / "out"


def arguments(folder):
    return f"--data={folder / 'blobs.npz'}", "--config.data.samples_per_class=5", "--config.clustering.num_starts=2"


def test_the_folder_is_an_entry(finished):
    entry = zoo.load(str(finished))
    card = json.loads((finished / CARD_FILE).read_text())
    assert entry.card == card and card["sha256"] == cards.sha256_of(finished / WEIGHTS_FILE)
    assert entry.model.decode(tf.zeros([1, 2])).mean().shape == (1, 3)
    assert entry.model.decoder.uses_precision
    assert "accuracy, geodesic" in str(entry.card) and "blobs.npz" in str(entry.card)


def test_clusters_of_all_rows(own, finished):
    _, labels = own
    with (finished / "clusters.csv").open() as file:
        table = list(csv.DictReader(file))
    assert [int(line["row"]) for line in table] == list(range(40))
    assert [int(line["label"]) for line in table] == labels.tolist()
    assert sum(int(line["compared"]) for line in table) == 10
    clusters = np.array([int(line["cluster"]) for line in table])
    assert set(clusters) == {1, 2} and accuracy(labels, clusters) == 1.0
    compared = np.load(finished / "clustering.npz")
    np.testing.assert_array_equal(clusters[compared["rows"]], compared["clusters_geodesic"] + 1)
    # Medoids are at distance 0 from themselves.
    at_medoids = [float(table[row]["distance_to_medoid"]) for row in compared["rows"][compared["medoids_geodesic"]]]
    assert at_medoids == [0.0, 0.0]


def test_the_report_says_how(finished):
    report = (finished / "report.md").read_text()
    assert "    python -m launch.cluster --entry=yang2018/two_moons" in report
    assert "`training.epochs` = 60" in report and "tensorflow 2" in report
    assert "of 30 others by the nearest medoid, by the entry's solver" in report


def test_a_finished_run_is_not_made_again(own, finished, capsys):
    folder, _ = own
    before = (finished / CARD_FILE).read_bytes()
    assert two_moons(finished, *arguments(folder)) == 0
    assert "done before, nothing is left to do" in capsys.readouterr().out
    assert (finished / CARD_FILE).read_bytes() == before


@pytest.mark.parametrize(
    ("further", "difference"), [(["--seed=5"], "seed 0"), (["--config.training.epochs=50"], "training.epochs=60")]
)
def test_results_of_another_run_are_kept(own, finished, capsys, further, difference):
    folder, _ = own
    before = {path: path.read_bytes() for path in finished.rglob("*") if path.is_file()}
    assert two_moons(finished, *arguments(folder), *further) == 2
    error = capsys.readouterr().err
    assert f"({difference})" in error and "--overwrite" in error and error.count("\n") == 1
    assert {path: path.read_bytes() for path in finished.rglob("*") if path.is_file()} == before


def test_a_report_of_another_origin_is_kept(tmp_path, capfd):
    report = tmp_path / "report.md"
    report.write_text("mine")
    assert two_moons(tmp_path) == 2
    error = capfd.readouterr().err
    assert "holds a report.md without the metrics.json of a run; move it away" in error and "--overwrite" in error
    assert report.read_text() == "mine"


@pytest.mark.parametrize("change", ["--overwrite", "stopped"])
def test_a_report_is_no_obstacle_where_one_says_so_and_where_a_run_continues(tmp_path, change):
    (tmp_path / "report.md").write_text("half a report")
    if change == "stopped":
        (tmp_path / "unfinished").mkdir()
    values = program.entry_flags()
    values(["program", f"--output_dir={tmp_path}", *([change] if change.startswith("-") else [])])
    origin = SimpleNamespace(folder=tmp_path, unfinished=tmp_path / "unfinished", config=None, origin=list)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(results, "_settings", lambda run: {})
        results.check_results(origin, values)


def test_another_program_asks_before_it_overwrites(own, finished, tmp_path, capsys):
    folder, _ = own
    flags = ["--entry=yang2018/two_moons", *SMALL, *arguments(folder)]
    assert launch(*flags, f"--output_dir={finished}", main=train.main) == 2
    assert "holds results of python -m launch.cluster" in capsys.readouterr().err
    assert launch(*flags, f"--output_dir={tmp_path}", main=train.main) == 0
    first = (tmp_path / WEIGHTS_FILE).read_bytes()
    zoo.load(str(tmp_path))
    assert launch(*flags, f"--output_dir={tmp_path}", "--overwrite", "--seed=3", main=train.main) == 0
    assert (tmp_path / WEIGHTS_FILE).read_bytes() != first
    assert program.command() is None
