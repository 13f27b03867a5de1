"""Distances in a store: the same bits whatever interrupts them, and other jobs' stores refused."""

import json
import os
import signal
import subprocess
import sys
import textwrap

import numpy as np
import pytest
import tensorflow as tf

from tests.cases import paraboloid
from tests.geodesics.stores.job_cases import LOCAL, MANIFOLD, NUM_BLOCKS, NUM_PAIRS, POINTS
from tfgeo.errors import UserError
from tfgeo.geodesics import distances, pairwise
from tfgeo.geodesics.stores import job as jobs
from tfgeo.geodesics.stores import store as stores
from tfgeo.manifolds import Pullback

zarr = pytest.importorskip("zarr")


class Offset(Pullback):
    """The lengths of a pull-back metric under another energy."""

    def energy(self, points):
        return super().energy(points) + tf.reduce_sum(points[:, 1:-1] ** 2, axis=(1, 2))


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    path = tmp_path_factory.mktemp("stores") / "whole.zarr"
    return path, pairwise(MANIFOLD, POINTS, store=path, **LOCAL)


def notes(path):
    return {file.name: file.stat().st_mtime_ns for file in (path / ".tfgeo" / "finished").iterdir()}


def test_a_store_holds_what_pairwise_gives_and_cannot_be_written_to(finished):
    path, array = finished
    matrix = pairwise(MANIFOLD, POINTS, **LOCAL)
    np.testing.assert_allclose(array[:], matrix, rtol=1e-5)
    np.testing.assert_array_equal(array[:], array[:].T)
    np.testing.assert_array_equal(zarr.open_array(str(path), mode="r")[:], array[:])
    assert array.dtype == np.float32 and array.chunks == (16, 16)
    with pytest.raises(Exception, match=r"read.?only"):
        array[0, 0] = 1.0


def test_a_finished_store_is_opened_without_work(finished, monkeypatch):
    path, array = finished
    before = notes(path)
    monkeypatch.setattr("tfgeo.geodesics.distance_job.connect", pytest.fail)
    np.testing.assert_array_equal(pairwise(MANIFOLD, POINTS, store=str(path), **LOCAL)[:], array[:])
    assert notes(path) == before and len(before) == NUM_BLOCKS


def test_distances_from_some_to_others_have_stores(finished, tmp_path):
    a, b = POINTS[:20], POINTS[20:]
    array = distances(MANIFOLD, a, b, store=tmp_path / "some.zarr", **LOCAL)
    np.testing.assert_allclose(array[:], finished[1][:20, 20:], rtol=1e-4)
    with pytest.raises(
        UserError, match=r"another job, with other kind \(distances there, pairwise here\), other points"
    ):
        pairwise(MANIFOLD, POINTS, store=tmp_path / "some.zarr", **LOCAL)


CHILD = """
    import os, signal, sys, threading, time
    from pathlib import Path
    import tensorflow as tf
    from tests.geodesics.stores.job_cases import LOCAL, MANIFOLD, POINTS
    from tfgeo.geodesics import pairwise

    tf.config.optimizer.set_experimental_options(eval(sys.argv[2]))
    notes = Path(sys.argv[1], ".tfgeo", "finished")

    def watch():
        while not notes.is_dir() or len([name for name in os.listdir(notes) if name[0] != "."]) < 2:
            time.sleep(0.001)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()
    pairwise(MANIFOLD, POINTS, store=sys.argv[1], **LOCAL)
"""


def test_a_job_that_was_killed_goes_on_to_the_same_bits(finished, tmp_path):
    path = tmp_path / "killed.zarr"
    code = textwrap.dedent(CHILD)
    # Graphs are optimized there as they are here: it changes how numbers round.
    arguments = [str(path), str(tf.config.optimizer.get_experimental_options())]
    child = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)
    assert child.returncode == -signal.SIGKILL, child.stderr
    before = notes(path)
    found = {name for name in before if not name.startswith(".")}
    assert 2 <= len(found) < NUM_BLOCKS
    array = pairwise(MANIFOLD, POINTS, store=path, **LOCAL)
    np.testing.assert_array_equal(array[:], finished[1][:])
    assert {name: time for name, time in notes(path).items() if name in found} == {
        name: before[name] for name in found
    }


def test_a_block_that_was_written_but_not_noted_is_found_again(finished, tmp_path, monkeypatch):
    path, note = tmp_path / "cut.zarr", stores.whole_file

    def stop_at_the_third(name):
        if len(os.listdir(name.parent)) == 2:
            raise KeyboardInterrupt
        return note(name)

    monkeypatch.setattr(stores, "whole_file", stop_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        pairwise(MANIFOLD, POINTS, store=path, **LOCAL)
    monkeypatch.setattr(stores, "whole_file", note)
    # A note that another process has broken counts as none.
    broken = next((path / ".tfgeo" / "finished").iterdir())
    broken.write_text("{", encoding="utf-8")
    np.testing.assert_array_equal(pairwise(MANIFOLD, POINTS, store=path, **LOCAL)[:], finished[1][:])


def test_pairs_that_did_not_converge_are_counted_where_the_work_was_done_before(finished):
    with pytest.warns(UserWarning, match=rf"[1-9]\d* of {NUM_PAIRS} pairs did not converge; \w+") as warned:
        pairwise(MANIFOLD, POINTS, store=finished[0], **{**LOCAL, "warn": True})
    assert warned[0].filename == __file__


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"manifold": Pullback(lambda z: 1.01 * paraboloid(z))}, "with other manifold; give"),
        ({"manifold": Offset(paraboloid)}, "with other manifold; give"),
        ({"points": POINTS[::-1]}, "with other points; give"),
        ({"distance": "energy"}, r"with other distance \(length there, energy here\); give"),
        ({"num_points": 7}, "with other settings; give"),
    ],
)
def test_a_store_of_another_job_is_refused_with_what_differs(finished, change, said):
    arguments = {"manifold": MANIFOLD, "points": POINTS, **LOCAL, **change}
    with pytest.raises(UserError, match=f"holds distances of another job, {said}"):
        pairwise(store=finished[0], **arguments)


def test_a_store_of_other_versions_is_refused(finished, monkeypatch):
    monkeypatch.setattr(jobs, "versions", lambda: {"tensorflow": "2.0.0"})
    with pytest.raises(UserError, match="with other versions"):
        pairwise(MANIFOLD, POINTS, store=finished[0], **LOCAL)


def test_a_single_point_has_a_store(tmp_path):
    np.testing.assert_array_equal(pairwise(MANIFOLD, POINTS[:1], store=tmp_path / "x.zarr", **LOCAL)[:], [[0.0]])
    assert distances(MANIFOLD, POINTS[:0], POINTS, store=tmp_path / "y.zarr", **LOCAL).shape == (0, 48)


def test_what_is_no_store_is_refused_and_left_alone(tmp_path):
    file, folder = tmp_path / "file", tmp_path / "folder"
    file.write_text("mine")
    folder.mkdir()
    (folder / "mine").write_text("mine")
    for store, said in (
        (file, "is a file, not a zarr folder"),
        (folder, "is a folder that `pairwise` or `distances` did not write"),
        (file / "inside", "is a file, not a folder"),
        (3, "`store` must be the path of a folder.*but is 3"),
        ("", "`store` must be the path of a folder"),
    ):
        with pytest.raises(UserError, match=said):
            pairwise(MANIFOLD, POINTS, store=store, **LOCAL)
    assert file.read_text() == "mine" and os.listdir(folder) == ["mine"]


def test_a_store_whose_array_was_changed_is_broken(finished, tmp_path):
    path = tmp_path / "broken.zarr"
    zarr.open_array(store=str(path), mode="w-", shape=(3, 3), chunks=(3, 3), dtype=np.float32)
    (path / ".tfgeo" / "finished").mkdir(parents=True)
    job = (finished[0] / ".tfgeo" / "job.json").read_text()
    (path / ".tfgeo" / "job.json").write_text(job)
    with pytest.raises(UserError, match=r"is broken \(its array is float32 \(3, 3\)\); remove the folder"):
        pairwise(MANIFOLD, POINTS, store=path, **LOCAL)
    (path / ".tfgeo" / "job.json").write_text(json.dumps({"kind": "pairwise"}))
    with pytest.raises(UserError, match="was written by another version"):
        pairwise(MANIFOLD, POINTS, store=path, **LOCAL)


def test_a_disk_that_would_not_hold_the_matrix_is_named_before_the_work(tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda folder: type("Usage", (), {"free": 100}))
    with pytest.raises(
        UserError, match=r"48 x 48 distances take up to 9.2 kB, but the disk of .* has 100 bytes left"
    ):
        pairwise(MANIFOLD, POINTS, store=tmp_path / "full.zarr", **LOCAL)
    assert not list(tmp_path.iterdir())


def test_a_disk_that_fills_up_is_named_in_one_line(tmp_path, monkeypatch):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(stores, "put", full)
    with pytest.raises(
        UserError, match=r"cannot write to the store .*: No space left.* the same call again"
    ) as error:
        pairwise(MANIFOLD, POINTS, store=tmp_path / "full.zarr", **LOCAL)
    assert "\n" not in str(error.value)


def test_what_belongs_to_known_pairs_is_not_cut(tmp_path):
    paths = np.zeros([48 * 47 // 2, 5, 2], np.float32)
    with pytest.raises(UserError, match="of known pairs cannot be cut into blocks"):
        pairwise(MANIFOLD, POINTS, store=tmp_path / "x.zarr", warm_start=paths, **LOCAL)


@pytest.mark.parametrize("option", ["store", "scheduler"])
def test_a_missing_extra_is_named(monkeypatch, option, tmp_path):
    name = {"store": "zarr", "scheduler": "distributed"}[option]
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(UserError, match=rf"`{option}` needs {name}.*`pip install tfgeo\[distributed\]`"):
        pairwise(MANIFOLD, POINTS, progress=False, **{option: str(tmp_path / "x.zarr")})
