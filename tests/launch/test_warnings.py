"""What the library warns of in a program: one line of the program's own, in the results too."""

import dataclasses
import json
import warnings

import numpy as np
import pytest
import tensorflow as tf

import zoo
from launch.experiments import interpolation
from launch.reporting import report
from launch.running.geodesics import find_geodesics
from launch.running.run import Run
from tfgeo.datasets import Dataset
from tfgeo.manifolds import Pullback
from zoo.entry import Entry

# Chords of a circle of one turn at four points are short of it by 1 - sin(pi / 3) / (pi / 3) = 17 %.
CIRCLE = Pullback(lambda z: tf.concat([tf.cos(2.0 * np.pi * z[..., :1]), tf.sin(2.0 * np.pi * z[..., :1])], -1))
ENDS = np.array([[[0.0, 0.0]], [[1.0, 0.0]]], np.float32)
LINE = "lengths at 4 points are too short"


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A run of a model whose decoder is the circle, stopped before it has results."""
    config = zoo.config("gimli2018/two_moons")
    geodesics = dataclasses.replace(config.geodesics, num_points=4, warm_start="none")
    monkeypatch.setattr(Entry, "manifold", lambda entry: CIRCLE)
    monkeypatch.setattr(Entry, "precision", None)
    (tmp_path / "unfinished").mkdir()
    return new_run(dataclasses.replace(config, geodesics=geodesics), tmp_path)


def new_run(config, folder):
    dataset = Dataset(np.zeros([2, 2], np.float32), None, None, "two")
    return Run(Entry(config, None, None), 0, dataset, dataset, None, dataset, folder)


def check_line(capfd):
    printed = capfd.readouterr()
    lines = [line for line in printed.out.splitlines() if LINE in line]
    assert len(lines) == 1 and lines[0].startswith("warning: ")
    assert "set --config.geodesics.num_points=8" in lines[0] and "UserWarning" not in printed.err


def test_short_lengths_are_said_once_and_are_in_the_results(run, capfd):
    for _ in range(2):
        find_geodesics(run, *ENDS)
    check_line(capfd)
    report.write_report(run, ["| numbers |", "![picture](figures/picture.png)"])
    report.write_metrics(run, {}, {})
    (warning,) = json.loads((run.folder / "metrics.json").read_text())["warnings"]
    assert warning.startswith(LINE)
    parts = (run.folder / "report.md").read_text().split("\n\n")
    assert parts[parts.index("| numbers |") + 1] == f"Warning: {warning}."


def test_every_remedy_is_a_flag(run):
    run.warn("2 of 5 pairs did not converge; the maximum number of iterations was reached: raise max_iterations")
    most = 2 * run.config.geodesics.max_iterations
    assert run.warnings[0].endswith(f"was reached: set --config.geodesics.max_iterations={most}")


def test_a_run_that_continues_knows_what_was_warned_of_before(run):
    run.begin()
    find_geodesics(run, *ENDS)
    other = new_run(run.config, run.folder)
    other.begin()
    assert other.warnings == run.warnings and len(run.warnings) == 1


def test_interpolation_warns_of_the_lengths_that_it_prints(run, capfd):
    found = find_geodesics(run, *ENDS, warn=False)
    assert not run.warnings
    interpolation._check_lengths(run, found)
    check_line(capfd)


def test_what_other_packages_warn_of_goes_where_it_would(run):
    with pytest.warns(DeprecationWarning, match="of another package"), run.heeding():
        warnings.warn("of another package", DeprecationWarning, stacklevel=1)
    assert not run.warnings
