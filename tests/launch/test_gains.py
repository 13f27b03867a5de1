"""Gains over straight distances: paired by run, with an interval over data sets."""

import pathlib

import numpy as np
import pytest

import zoo
from launch.reproduction.gains import gains_table
from launch.reproduction.rows import Row, rows_of_paper
from zoo.config import Reported

ENTRY = "chadebec2020/rhvae_clustering_mnist_1"


def made_up(name, gains):
    """Runs of which the straight scores differ more than what geodesics gain."""
    row = Row(zoo.config(ENTRY), name, (), Reported(), pathlib.Path(name))
    runs = []
    for seed, gain in enumerate(gains):
        scores = {"euclidean": 0.2 * seed, "geodesic": 0.2 * seed + gain}
        runs.append({"seed": seed, "measured": {"f1": scores}})
    return row, runs


def test_gains_are_paired_and_small_ones_level():
    first, second = [0.1, 0.004, -0.01], [0.03]
    found = dict([made_up("one", first), made_up(ENTRY, second)])
    table = {row[0]: row for row in gains_table("f1", found)}
    mean, error = np.mean(first), np.std(first, ddof=1) / np.sqrt(3)
    assert table["one"][2] == f"{mean:+.3f} ± {error:.3f}" and table["one"][4:] == ("1 / 1 / 1", "-0.010", "3")
    # One run has no error, three no interval. The entry's own row is not the mean of its rows.
    assert table["one"][3] == "-" and table[ENTRY][2:4] == ("+0.030", "-")
    # Rows count alike, however many runs they have.
    means = [np.mean(first), np.mean(second)]
    both = table[f"{ENTRY}, mean of 2"]
    assert both[2] == f"{np.mean(means):+.3f} ± {np.std(means, ddof=1) / np.sqrt(2):.3f}" and both[4] == "2 / 1 / 1"
    assert len(table) == 4  # with the header


@pytest.mark.parametrize(("rows", "runs"), [(1, 6), (6, 3), (12, 2)])
def test_the_interval_holds_the_mean_as_often_as_it_says(rows, runs):
    random, held, times = np.random.default_rng(3), 0, 400
    for _ in range(times):
        # Rows differ, and runs of a row.
        effects = random.normal(0.02, 0.05, (rows, 1)) if rows > 1 else np.full((1, 1), 0.02)
        gains = effects + random.normal(0.0, 0.05, (rows, runs))
        found = dict(made_up(f"{number}", one) for number, one in enumerate(gains))
        low, high = map(float, gains_table("f1", found)[-1][3].split(" to "))
        held += low <= 0.02 <= high
    # Of 400, 380 are expected, with a standard deviation of 4.4.
    assert 365 <= held <= 394


def test_nothing_is_said_where_nothing_was_measured():
    row, _ = made_up("one", [])
    assert gains_table("f1", {row: []}) == []


def test_our_table_is_made_where_it_is_named():
    ours = rows_of_paper("chadebec2020", "5-released")
    assert len(ours) == 21 and len({row.folder for row in ours}) == 21
    assert not any(
        row.study is not None and row.study.name == "released" for row in rows_of_paper("chadebec2020", None)
    )
