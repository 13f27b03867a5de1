"""launch.reproduce: the rows of tables, what is gathered, and runs that fail or were done before."""

import csv
import html.parser
import json
import pathlib
import types
import urllib.parse

import numpy as np
import pytest

from launch import program, reproduce
from launch.reproduction import appendix, sweep
from launch.reproduction.rows import rows_of_paper


def launch(*arguments):
    return program.run(reproduce.main, reproduce.program_flags(), reproduce.__doc__, ["launch", *arguments], False)


@pytest.mark.parametrize(("table", "count"), [("2", 20), ("3", 6), ("4", 34), ("5", 21)])
def test_tables_of_the_rhvae_have_the_papers_rows(table, count):
    rows = rows_of_paper("chadebec2020", table)
    assert len(rows) == count
    assert len({row.name for row in rows}) == len({row.folder for row in rows}) == count
    values = [
        (row.reported.log_likelihood, row.reported.reconstruction_test, row.reported.negative_elbo_sum)
        if table != "5"
        else (row.reported.f1_euclidean, row.reported.f1_geodesic)
        for row in rows
    ]
    assert len(set(values)) == count and all(any(numbers) for numbers in values)


def test_models_that_run_beside_others_have_no_rows_of_their_own():
    names = {row.entry.name for row in rows_of_paper("chadebec2020", None)}
    assert "chadebec2020/rhvae_olivetti" in names and "chadebec2020/vae_mnist_012" in names
    assert not names & {"chadebec2020/vae_olivetti", "chadebec2020/chen_vae_olivetti"}
    assert "chadebec2020/vae_generation_mnist_5" not in names


MEASURED = {
    "evaluate": {
        "log_likelihood": {"encoder": {"mean": -113.0, "std": 0.2}, "flow": {"mean": -112.0, "std": 0.2}},
        "reconstruction": {"train": 0.1, "test": 0.25},
        "negative_elbo_sum": 3500.0,
    },
    "cluster": {
        "f1": {"geodesic": 0.8, "dijkstra": 0.9, "euclidean": 0.7, "spectral": 0.3},
        "accuracy": {"geodesic": 0.8, "dijkstra": 0.9, "euclidean": 0.7, "spectral": 0.3},
        "share_converged": 1.0,
    },
    "interpolate": {
        "length_over_straight": 0.5,
        "models": {"arvanitidis2018/olivetti": {"length_over_straight": 0.9}},
        "share_converged": 1.0,
    },
    "generate": {
        "prior": {"nearest_training_distance": 5.0, "diversity": 8.0},
        "beside/chadebec2020/vae": {"nearest_training_distance": 6.0, "diversity": 7.0},
    },
}


@pytest.fixture
def programs(monkeypatch):
    """Programs that measure made-up numbers, growing with the seed, or fail; the commands that were given."""
    commands, failing = [], set()

    def run(command, check):
        commands.append(command)
        program = command[2].removeprefix("launch.")
        flags = dict(word.removeprefix("--").split("=", 1) for word in command[3:])
        if flags["entry"] in failing:
            return types.SimpleNamespace(returncode=2)
        measured = json.loads(json.dumps(MEASURED[program]))
        if program == "evaluate":
            measured["log_likelihood"]["encoder"]["mean"] += int(flags["seed"])
        metrics = {"seed": int(flags["seed"]), "measured": measured, "seconds": {"total": 10.0}}
        folder = pathlib.Path(flags["output_dir"])
        (folder / "figures").mkdir(parents=True)
        (folder / "metrics.json").write_text(json.dumps(metrics))
        (folder / "report.md").write_text("# Report")
        for name in ("z_last", "a_first", "b", "metrics", "a & b #1"):
            (folder / "figures" / f"{name}.png").write_bytes(b"")
        return types.SimpleNamespace(returncode=0)

    monkeypatch.setattr(sweep.subprocess, "run", run)
    return commands, failing


def table_of(path):
    rows = list(csv.reader(path.open()))
    return {row[0]: dict(zip(rows[0], row, strict=True)) for row in rows[1:]}


def test_curves_are_means_over_ten_epochs_however_far_their_points_are_apart():
    values = np.arange(40.0)
    np.testing.assert_allclose(appendix.smooth(1.0 + values, values)[9:], values[9:] - 4.5)
    np.testing.assert_allclose(appendix.smooth(5.0 * values, values)[1:], values[1:] - 0.5)
    np.testing.assert_array_equal(appendix.smooth(25.0 * values, values), values)


def test_a_table_of_likelihoods_stands_beside_the_paper(programs, tmp_path):
    commands, _ = programs
    arguments = ["--paper=chadebec2020", "--table=2", f"--output_dir={tmp_path}", "--num_seeds=2"]
    assert launch(*arguments) == 0
    assert len(commands) == 40
    table = table_of(tmp_path / "chadebec2020_2.csv")
    vae = table["chadebec2020/vae_mnist_012"]
    # Seeds 0 and 1: -113 and -112.
    assert vae["log p, encoder"] == "-112.50 ± 0.71" and vae["reported"]
    row = list(csv.reader((tmp_path / "chadebec2020_2.csv").open()))[1]
    assert row[1:3] == ["-112.50 ± 0.71", "-113.48"]
    assert table["chadebec2020/hvae_mnist_012, n_lf=3,epsilon=learned"]["seeds"] == "2"
    flags = next(command for command in commands if "n_lf=3,epsilon=learned" in " ".join(command))
    assert "--config.flow.num_steps=3" in flags and "--config.flow.learn_step_size=True" in flags
    # What is done is not done again.
    assert launch(*arguments) == 0 and len(commands) == 40


def test_a_run_that_fails_is_named_when_all_others_are_done(programs, tmp_path, capsys):
    commands, failing = programs
    failing.add("chadebec2020/hvae_mnist_012")
    arguments = ["--paper=chadebec2020", "--table=3", f"--output_dir={tmp_path}", "--num_seeds=1"]
    assert launch(*arguments) == 2
    errors = capsys.readouterr().err.strip().splitlines()
    assert len(errors) == 1 and "chadebec2020/hvae_mnist_012/seed_0" in errors[0]
    table = table_of(tmp_path / "chadebec2020_3.csv")
    assert len(table) == 6 and table["chadebec2020/hvae_mnist_012"]["seeds"] == "0"
    assert table["chadebec2020/rhvae_mnist_012"]["error, held out"] == "0.2500"
    # The same command tries it again, and nothing else.
    failing.clear()
    assert launch(*arguments) == 0 and len(commands) == 7


class Links(html.parser.HTMLParser):
    """Where a page leads, what it shows, and the places in it."""

    def __init__(self):
        super().__init__()
        self.links, self.pictures, self.places = [], [], set()

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.links += [attributes["href"]] if "href" in attributes else []
        self.pictures += [attributes["src"]] if "src" in attributes else []
        self.places |= {attributes.get("id")}


def test_the_page_leads_to_reports_and_figures_of_all_runs_wherever_it_is(programs, tmp_path):
    arguments = ["--paper=chadebec2020", "--table=3", f"--output_dir={tmp_path / 'out'}", "--num_seeds=2"]
    assert launch(*arguments) == 0
    moved = (tmp_path / "out").rename(tmp_path / "elsewhere")
    text = (moved / "chadebec2020_3.html").read_text(encoding="utf-8")
    page = Links()
    page.feed(text)
    inside = {link.removeprefix("#") for link in page.links if link.startswith("#")}
    assert len(inside) == 6 and inside <= page.places
    files = {urllib.parse.unquote(link) for link in page.links if not link.startswith("#")}
    assert all((moved / file).is_file() for file in files)
    for seed in (0, 1):
        place = f"chadebec2020/hvae_mnist_012/seed_{seed}"
        assert {f"{place}/report.md", f"{place}/metrics.json", f"{place}/figures/a & b #1.png"} <= files
    # Of the first run the main figures are shown, the one that is known to say most first.
    shown = [urllib.parse.unquote(picture) for picture in page.pictures if "/hvae_mnist_012/" in picture]
    assert [pathlib.Path(path).stem for path in shown] == ["metrics", "a & b #1", "a_first", "b"]
    assert all((moved / path).is_file() and "seed_0" in path for path in shown)
    assert "a &amp; b #1" in text and "a & b" not in text


def test_clusters_have_the_mean_of_their_subsets(programs, tmp_path):
    arguments = ["--paper=chadebec2020", "--table=5", f"--output_dir={tmp_path}", "--num_seeds=1"]
    assert launch(*arguments) == 0
    table = table_of(tmp_path / "chadebec2020_5.csv")
    assert len(table) == 21 + 7
    lines = list(csv.reader((tmp_path / "chadebec2020_5.csv").open()))
    mean = next(line for line in lines if line[0] == "chadebec2020/rhvae_clustering_mnist_1, mean of 3")
    columns = {title: mean[index : index + 2] for index, title in enumerate(lines[0])}
    assert columns["dijkstra"] == ["0.900", "0.9394"]
    assert columns["euclidean"] == ["0.700", "0.9155"]


def test_the_whole_paper_runs_without_data_that_nothing_can_fetch(programs, tmp_path, capsys):
    commands, _ = programs
    arguments = [f"--data_dir={tmp_path}", f"--output_dir={tmp_path / 'out'}", "--num_seeds=1"]
    assert launch("--paper=chadebec2020", *arguments) == 0
    assert "rhvae_oasis: left out" in capsys.readouterr().out
    entries = {word for command in commands for word in command if word.startswith("--entry=")}
    assert "--entry=chadebec2020/rhvae_olivetti" in entries and "--entry=chadebec2020/rhvae_oasis" not in entries
    written = {path.name for path in (tmp_path / "out").glob("*.csv")}
    kinds = ("interpolate", "generate", "f1")
    # Of clusters also what is gained, and the scores of each run.
    kinds = (*kinds, "f1_gains", "f1_runs")
    assert written == {"chadebec2020.csv", *(f"chadebec2020_{kind}.csv" for kind in kinds)}
    generated = table_of(tmp_path / "out" / "chadebec2020_generate.csv")["chadebec2020/rhvae_generation_olivetti"]
    compared = table_of(tmp_path / "out" / "chadebec2020_interpolate.csv")["chadebec2020/rhvae_olivetti"]
    assert compared["length over straight"] == "0.500"
    assert compared["that of Arvanitidis"] == "0.900"
    assert generated["nearest, prior"] == "5.000" and generated["nearest, VAE"] == "6.000"
    (tmp_path / "oasis").mkdir()
    assert launch("--paper=chadebec2020", *arguments) == 0
    assert any("rhvae_oasis" in word for word in commands[-1])
