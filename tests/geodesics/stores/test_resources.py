"""What there is of memory and disk, and how it is said."""

import pytest

from tfgeo.errors import UserError
from tfgeo.geodesics.stores import resources
from tfgeo.geodesics.stores.resources import (
    available_memory,
    check_disk,
    check_memory,
    format_bytes,
    format_seconds,
)


def test_memory_is_known_and_what_does_not_fit_is_refused(monkeypatch):
    assert 1e6 < available_memory() < 1e15
    monkeypatch.setattr(resources, "available_memory", lambda: 1000)
    check_memory(800, "things", pytest.fail, "ask less")
    with pytest.raises(
        UserError, match=r"things take 2.0 kB and a day, but 1.0 kB of memory are available; ask less"
    ):
        check_memory(2000, "things", lambda: " and a day", "ask less")
    monkeypatch.setattr(resources, "available_memory", lambda: None)
    check_memory(10**30, "things", pytest.fail, "ask less")


def test_a_container_has_what_its_limit_leaves(tmp_path):
    assert resources._cgroup(tmp_path) is None
    (tmp_path / "memory.current").write_text("700\n")
    (tmp_path / "memory.stat").write_text("anon 400\ninactive_file 100\n")
    (tmp_path / "memory.max").write_text("max\n")
    assert resources._cgroup(tmp_path) is None
    (tmp_path / "memory.max").write_text("1000\n")
    assert resources._cgroup(tmp_path) == 400


def test_a_disk_that_would_not_hold_the_matrix_is_named(tmp_path):
    check_disk(tmp_path / "not" / "there", 10, "distances")
    with pytest.raises(UserError, match=f"distances take up to .* TB, but the disk of {tmp_path} has .* left"):
        check_disk(tmp_path / "not" / "there", 10**18, "distances")


def test_bytes_and_seconds_are_said_in_the_unit_that_suits_them():
    assert [format_bytes(num) for num in (999, 1.8e9, 4e13)] == ["999 bytes", "1.8 GB", "40.0 TB"]
    assert [format_seconds(num) for num in (3, 119, 7200, 2e5)] == [
        "3.0 seconds",
        "119.0 seconds",
        "2.0 hours",
        "2.3 days",
    ]
