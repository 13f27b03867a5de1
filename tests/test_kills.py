"""SIGKILL at random moments: the same call goes on, and ends with the same bits as work that was never stopped."""

import zipfile

import numpy as np
import pytest

from tests import kill_cases
from tests.kill_cases import NUM_BLOCKS, NUM_ROUNDS


def assert_same_bits(whole, folders):
    expected = np.load(whole / "result.npz")
    for folder in folders:
        found = np.load(folder / "result.npz")
        assert expected.files == found.files
        for name in expected.files:
            np.testing.assert_array_equal(found[name], expected[name])


def rounds_of(folder):
    """Rounds of the state that was saved last."""
    try:
        with np.load(folder / "state.npz") as state:
            return int(state["rounds"])
    except FileNotFoundError:
        return 0


def blocks_of(folder):
    """Blocks that a store has noted."""
    notes = folder / "distances.zarr" / ".tfgeo" / "finished"
    return len([note for note in notes.glob("*") if not note.name.startswith(".")]) if notes.is_dir() else 0


# The same with more kills, each of which costs the seconds of a process.
MORE = pytest.mark.slow


@pytest.mark.parametrize("times", [3, pytest.param(6, marks=MORE)])
def test_a_training_that_is_killed_ends_with_the_same_bits(tmp_path, times):
    seconds = kill_cases.run(kill_cases.train, tmp_path / "whole")
    folders, rounds = kill_cases.kill_often(kill_cases.train, tmp_path, times, seconds, rounds_of)
    assert_same_bits(tmp_path / "whole", folders)
    assert any(0 < number < NUM_ROUNDS for number in rounds)


@pytest.mark.parametrize("times", [6, pytest.param(15, marks=MORE)])
def test_a_job_of_distances_that_is_killed_ends_with_the_same_bits(tmp_path, times):
    pytest.importorskip("zarr")
    seconds = kill_cases.run(kill_cases.measure, tmp_path / "whole")
    folders, blocks = kill_cases.kill_often(kill_cases.measure, tmp_path, times, seconds, blocks_of)
    assert_same_bits(tmp_path / "whole", folders)
    assert any(0 < number < NUM_BLOCKS for number in blocks)


@pytest.mark.slow  # the laws above for a program with all its stages, each process of which takes seconds
def test_a_program_that_is_killed_twenty_times_ends_with_the_same_bits(tmp_path):
    # Moments in the whole of it, not in its first quarter.
    seconds = 4.0 * kill_cases.run(kill_cases.cluster_moons, tmp_path / "whole")
    folders, _ = kill_cases.kill_often(kill_cases.cluster_moons, tmp_path, 20, seconds, lambda folder: 0)
    assert_same_bits(tmp_path / "whole", folders)
    for folder in folders:
        one, other = (where / "out" / "clusters.csv" for where in (tmp_path / "whole", folder))
        assert one.read_bytes() == other.read_bytes()
        assert not (folder / "out" / "unfinished").exists()
        assert not zipfile.ZipFile(folder / "out" / "clustering.npz").testzip()
