"""Gains over straight distances: paired by run, with an interval over data sets."""

import pathlib

import numpy as np

import zoo
from launch.reproduction.gains import gains_table
from launch.reproduction.rows import Row, rows_of_paper
from zoo.config import Reported


def made_up(name, gains):
    """Runs of which the straight scores differ more than what geodesics gain."""
    row = Row(zoo.config("chadebec2020/rhvae_clustering_mnist_1"), name, (), Reported(), pathlib.Path(name))
    runs = []
    for seed, gain in enumerate(gains):
        scores = {"euclidean": 0.2 * seed, "geodesic": 0.2 * seed + gain}
        runs.append({"seed": seed, "measured": {"f1": scores}})
    return row, runs


def test_gains_are_paired_and_small_ones_level():
    found = dict([made_up("one", [0.1, 0.004, -0.01]), made_up("two", [0.03])])
    table = {row[0]: row for row in gains_table("f1", found)}
    mean, error = np.mean([0.1, 0.004, -0.01]), np.std([0.1, 0.004, -0.01], ddof=1) / np.sqrt(3)
    assert table["one"][2] == f"{mean:+.3f} ± {error:.3f}" and table["one"][4:] == ("1 / 1 / 1", "-0.010", "3")
    # One run has no error.
    assert table["two"][2:4] == ("+0.030", "-")
    # Of the entry's two data sets: the mean over all runs, resampled by data set.
    both = table[found_entry(found)]
    assert both[2].startswith("+0.031 ±") and both[3] == "+0.030 to +0.031"
    assert "all" not in table


def test_the_interval_holds_the_mean_as_often_as_it_says():
    random, held = np.random.default_rng(3), 0
    for _ in range(40):
        found = dict(made_up(f"{number}", random.normal(0.02, 0.05, 2)) for number in range(20))
        low, high = map(float, gains_table("f1", found)[-1][3].split(" to "))
        held += low <= 0.02 <= high
    assert held >= 32  # of 40, where 38 are expected


def test_nothing_is_said_where_nothing_was_measured():
    row, _ = made_up("one", [])
    assert gains_table("f1", {row: []}) == []


def test_our_table_is_made_where_it_is_named():
    ours = rows_of_paper("chadebec2020", "5-released")
    assert len(ours) == 21 and len({row.folder for row in ours}) == 21
    assert not any(
        row.study is not None and row.study.name == "released" for row in rows_of_paper("chadebec2020", None)
    )


def found_entry(found):
    return next(iter(found)).entry.name
