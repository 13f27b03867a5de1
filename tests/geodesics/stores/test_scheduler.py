"""Distances by the workers of a Dask cluster: the same bits for any number of workers, also where some are lost."""

import os
import signal
import sys

import numpy as np
import pytest

from tests.cases import paraboloid
from tests.geodesics.stores.job_cases import MANIFOLD, POINTS, SETTINGS
from tests.processes import CONTEXT
from tfgeo.errors import UserError
from tfgeo.geodesics import pairwise
from tfgeo.geodesics.stores import scheduler as schedulers
from tfgeo.geodesics.stores.blocks import MemoryTarget
from tfgeo.manifolds import Pullback

distributed = pytest.importorskip("distributed")


def cluster(num_workers, **settings):
    settings = {"threads_per_worker": 1, "dashboard_address": ":0", **settings}
    return distributed.LocalCluster(n_workers=num_workers, **settings)


@pytest.fixture(scope="module")
def address():
    with cluster(1, processes=False) as one:
        yield one.scheduler_address


@pytest.fixture(scope="module")
def store(address, tmp_path_factory):
    pytest.importorskip("zarr")
    path = tmp_path_factory.mktemp("stores") / "workers.zarr"
    # Of float64, and a decoder in float32.
    pairwise(MANIFOLD, POINTS.astype(np.float64), scheduler=address, store=path, **SETTINGS)
    return path


def test_workers_find_what_this_process_finds(store):
    array = zarr_array(store)
    assert array.dtype == np.float64
    np.testing.assert_allclose(array[:], pairwise(MANIFOLD, POINTS, **SETTINGS), rtol=1e-5)
    np.testing.assert_array_equal(array[:], array[:].T)


def zarr_array(path):
    return pytest.importorskip("zarr").open_array(str(path), mode="r")


def test_a_store_of_workers_is_not_finished_here_where_bits_could_differ(store):
    with pytest.raises(UserError, match=r"way of solving \(saved_model there, connect here\)"):
        pairwise(MANIFOLD, POINTS.astype(np.float64), store=store, **SETTINGS)


def lose_a_worker(cluster, lose, monkeypatch):
    """The matrix of a cluster of which a worker is lost once the first block has come."""
    lost, put = [], MemoryTarget.put

    def put_and_lose(target, *arguments):
        put(target, *arguments)
        if not lost:
            lost.append(next(iter(cluster.workers.values())))
            lose(lost[0])

    monkeypatch.setattr(MemoryTarget, "put", put_and_lose)
    found = pairwise(MANIFOLD, POINTS, scheduler=cluster.scheduler_address, **SETTINGS)
    assert lost
    return found


@pytest.mark.slow  # the law below within a process, where Dask may wait ten minutes for the worker that it closed
def test_blocks_of_a_worker_that_is_lost_are_found_again(store, monkeypatch):
    with cluster(2, processes=False) as two:
        found = lose_a_worker(two, lambda worker: two.sync(worker.close, timeout=0), monkeypatch)
        assert len(two.scheduler.workers) == 1
    np.testing.assert_array_equal(found, zarr_array(store)[:].astype(np.float32))


def test_a_worker_process_that_is_killed_costs_nothing_but_time(monkeypatch):
    # Processes of Dask's own, forked from one that has imported TensorFlow.
    for module in (distributed.nanny, distributed.process):
        monkeypatch.setattr(module, "get_mp_context", lambda: CONTEXT)
    with cluster(2, processes=True) as two:
        found = lose_a_worker(two, lambda worker: os.kill(worker.pid, signal.SIGKILL), monkeypatch)
        two.scale(1)
        one = pairwise(MANIFOLD, POINTS, scheduler=two.scheduler_address, **SETTINGS)
    np.testing.assert_array_equal(found, one)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"scheduler": "tcp://127.0.0.1:1"}, "the scheduler tcp://127.0.0.1:1 does not answer .*dask scheduler"),
        ({"scheduler": "nowhere://x"}, "the scheduler nowhere://x does not answer"),
        ({"scheduler": 3}, "`scheduler` must be an address, such as .*, but is 3"),
        ({"scheduler": "tcp://x", "method": "grid"}, "`scheduler` is for method='solver'"),
        ({"scheduler": "tcp://x", "starts": 2}, "`starts` is no setting of an exported model"),
        ({"scheduler": "tcp://x", "manifold": Pullback(paraboloid)}, "in float64 .* by workers in float32"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(monkeypatch, settings, said):
    monkeypatch.setattr(schedulers, "CONNECT_SECONDS", 0.5)
    arguments = {"manifold": MANIFOLD, "points": POINTS.astype(np.float64), "progress": False, **settings}
    with pytest.raises(UserError, match=said):
        pairwise(**arguments)


def test_a_cluster_without_workers_is_named(monkeypatch):
    monkeypatch.setattr(schedulers, "WORKER_SECONDS", 0.1)
    with (
        cluster(0, processes=False) as none,
        pytest.raises(UserError, match=r"has no workers after 0.1 s; .*dask worker"),
    ):
        pairwise(MANIFOLD, POINTS, scheduler=none.scheduler_address, **SETTINGS)


def test_a_worker_without_tensorflow_is_named(address, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    with pytest.raises(UserError, match=r"the worker \S+ has no tensorflow; install tensorflow==\S+ there"):
        pairwise(MANIFOLD, POINTS, scheduler=address, **SETTINGS)


def test_a_worker_of_another_version_is_named(address, monkeypatch):
    monkeypatch.setattr(schedulers, "versions", lambda: {"tensorflow": "3.0.0"})
    with pytest.raises(UserError, match=r"the worker \S+ has tensorflow \S+, this process 3.0.0.*one version"):
        pairwise(MANIFOLD, POINTS, scheduler=address, **SETTINGS)


def test_a_model_that_cannot_be_loaded_is_said_in_one_line(address, monkeypatch):
    monkeypatch.setattr(schedulers, "_export", lambda *arguments: b"no archive")
    with pytest.raises(UserError, match=r"a worker cannot load the exported model .BadZipFile: "):
        pairwise(MANIFOLD, POINTS, scheduler=address, **SETTINGS)


def test_what_a_worker_raises_is_said_in_one_line(address, monkeypatch):
    def broken(name, distance):
        def solve(rows, columns, is_diagonal):
            raise ArithmeticError("two\nlines")

        return solve

    monkeypatch.setattr(schedulers, "_export", lambda *arguments: b"")
    monkeypatch.setattr(schedulers, "make_plugin", lambda archive: distributed.WorkerPlugin())
    monkeypatch.setattr(schedulers, "make_solve", broken)
    with pytest.raises(UserError, match=r"a worker failed on the block of rows .*: ArithmeticError: two lines"):
        pairwise(MANIFOLD, POINTS, scheduler=address, **SETTINGS)
