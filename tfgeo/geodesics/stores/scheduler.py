"""Blocks of distances as tasks of a Dask cluster, whose workers may come and go."""

from __future__ import annotations

import asyncio
import contextlib
import io
import itertools
import pathlib
import sys
import tempfile
import uuid
import zipfile
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from tqdm import tqdm

from tfgeo.errors import UserError
from tfgeo.geodesics.saved_model import export_manifold
from tfgeo.geodesics.stores.blocks import Block, Target
from tfgeo.geodesics.stores.extra import import_extra
from tfgeo.geodesics.stores.job import versions
from tfgeo.geodesics.stores.worker import make_plugin, make_solve, make_version_probe
from tfgeo.manifolds import Manifold

__all__ = ["EXPORTED", "Cluster"]

# Seconds to wait for a scheduler's answer, and for its first worker.
CONNECT_SECONDS = 10
WORKER_SECONDS = 60
# Tasks beyond those that run, so that no worker waits for this process.
WAITING_TASKS = 4
# Settings of `connect` that an exported model knows.
EXPORTED = ("curve", "solver", "warm_start", "num_points")
NOT_CONVERGED = "see `tfgeo.geodesics.connect` on some of them"


class Cluster:
    """A connection to the scheduler of a Dask cluster whose workers can solve pairs.

    Args:
      address: of the scheduler, such as "tcp://10.0.0.1:8786".

    Raises:
      UserError: if it does not answer or has no workers, a worker lacks TensorFlow or has other versions, or Dask
        is not installed here.
    """

    def __init__(self, address: str) -> None:
        distributed = import_extra("distributed", "`scheduler`")
        if not isinstance(address, str) or not address:
            raise UserError(f"`scheduler` must be an address, such as 'tcp://10.0.0.1:8786', but is {address!r}")
        self._distributed, self._address = distributed, address
        try:
            self._client = distributed.Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
        except (OSError, asyncio.TimeoutError, ValueError, TypeError) as error:  # no answer in time; no address
            raise UserError(
                f"the scheduler {address} does not answer ({error}); start one by `dask scheduler` and workers by "
                f"`dask worker {address}`, or leave `scheduler` out"
            ) from error
        try:
            self._check_workers()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Ends the connection; the cluster goes on."""
        self._client.close()

    def solve(
        self,
        manifold: Manifold,
        points: tuple[np.ndarray, np.ndarray],
        blocks: Iterable[Block],
        target: Target,
        symmetric: bool,
        distance: str,
        settings: dict[str, Any],
        bar: tqdm,
    ) -> None:
        """Finds blocks of distances and gives them to a target as they come.

        Args:
          manifold: the manifold, which is exported and sent to every worker once.
          points: `[n, d]` and `[m, d]`, those of the rows and of the columns.
          blocks: which blocks.
          target: where their values go.
          symmetric: whether the matrix is.
          distance: one of `DISTANCES`.
          settings: of `EXPORTED`.
          bar: counts pairs.

        Raises:
          UserError: if a block fails on a worker, or as for `export_manifold`.
        """
        rows, columns = (part.astype(np.float32, copy=False) for part in points)
        name = f"tfgeo-{uuid.uuid4().hex}"
        plugin = make_plugin(_export(manifold, rows.shape[1], settings))
        try:
            self._client.register_plugin(plugin, name=name)
        except Exception as error:  # whatever a worker raised
            raise UserError(
                f"a worker cannot load the exported model ({type(error).__name__}: {error}); see its own log"
            ) from error
        solve = make_solve(name, distance)
        waiting = iter(blocks)
        submitted: dict[str, Block] = {}

        def submit(some: Iterator[Block]) -> list[Any]:
            futures = []
            for block in some:
                key = f"{name}-{block.name}"
                submitted[key] = block
                arguments = rows[slice(*block.rows)], columns[slice(*block.columns)]
                is_diagonal = symmetric and block.on_diagonal
                futures.append(self._client.submit(solve, *arguments, is_diagonal, key=key, pure=False))
            return futures

        try:
            # A few at a time: neither the scheduler nor this process holds more of the matrix.
            threads = sum(self._client.nthreads().values())
            first = submit(itertools.islice(waiting, threads + WAITING_TASKS))
            finished = self._distributed.as_completed(first, loop=self._client.loop)
            for future in finished:
                block = submitted.pop(future.key)
                values, num_failed = self._result(future, block)
                finished.update(submit(itertools.islice(waiting, 1)))
                target.put(block, values, num_failed, NOT_CONVERGED)
                bar.update(block.num_pairs)
        finally:
            with contextlib.suppress(Exception):  # of a cluster that is gone, whose own error says so
                self._client.unregister_worker_plugin(name)

    def _result(self, future: Any, block: Block) -> tuple[np.ndarray, int]:
        try:
            return future.result()
        except self._distributed.KilledWorker as error:
            raise UserError(
                f"the block of rows {block.rows[0]} to {block.rows[1]} ended several workers, one after the other; "
                "they may lack memory: give them more, or fewer threads each"
            ) from error
        except Exception as error:  # whatever a worker raised
            raise UserError(
                f"a worker failed on the block of rows {block.rows[0]} to {block.rows[1]}: "
                f"{type(error).__name__}: {error}; blocks before it are kept if there is a `store`"
            ) from error

    def _check_workers(self) -> None:
        """Refuses a cluster that has no workers in time, or workers that would find other bits."""
        try:
            self._client.wait_for_workers(1, timeout=WORKER_SECONDS)
        except (TimeoutError, asyncio.TimeoutError) as error:  # two kinds before Python 3.11
            raise UserError(
                f"the scheduler {self._address} has no workers after {WORKER_SECONDS} s; start some by "
                f"`dask worker {self._address}`"
            ) from error
        needed = versions() | {"python": f"{sys.version_info[0]}.{sys.version_info[1]}"}
        for worker, found in sorted(self._client.run(make_version_probe()).items()):
            for package, version in needed.items():
                if found[package] is None:
                    raise UserError(f"the worker {worker} has no {package}; install {package}=={version} there")
                if found[package] != version:
                    raise UserError(
                        f"the worker {worker} has {package} {found[package]}, this process {version}, so that bits "
                        "could differ; install one version everywhere"
                    )


def _export(manifold: Manifold, latent_dim: int, settings: dict[str, Any]) -> bytes:
    """The manifold's SavedModel, zipped: workers need no folder that all of them see."""
    archive = io.BytesIO()
    with tempfile.TemporaryDirectory(prefix="tfgeo-") as folder:
        saved = export_manifold(manifold, latent_dim, pathlib.Path(folder, "saved_model"), **settings)
        with zipfile.ZipFile(archive, "w") as file:
            for path in sorted(saved.rglob("*")):
                file.write(path, path.relative_to(saved))
    return archive.getvalue()
