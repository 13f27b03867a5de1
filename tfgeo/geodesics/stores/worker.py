"""What runs on the workers of a Dask cluster: they need TensorFlow and Dask, but not this package.

Functions that are defined inside of others travel by value, so that all they use is imported inside of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["make_plugin", "make_solve", "make_version_probe"]


def make_version_probe() -> Callable[[], dict[str, str | None]]:
    """A function of no arguments that says which packages a worker has: None for one that it lacks."""

    def probe() -> dict[str, str | None]:
        import importlib
        import sys

        found: dict[str, str | None] = {"python": f"{sys.version_info[0]}.{sys.version_info[1]}"}
        for name in ("numpy", "tensorflow"):
            try:
                found[name] = importlib.import_module(name).__version__
            except ImportError:
                found[name] = None
        return found

    return probe


def make_plugin(archive: bytes) -> Any:
    """A worker plugin that loads a SavedModel once: now, and on every worker that joins later.

    Args:
      archive: the SavedModel's folder, zipped.
    """
    from distributed import WorkerPlugin

    class SavedModel(WorkerPlugin):
        def setup(self, worker: Any) -> None:
            import contextlib
            import io
            import tempfile
            import zipfile

            import tensorflow as tf

            # Blocks are what runs side by side. Where TensorFlow has run before, it keeps its threads.
            with contextlib.suppress(RuntimeError):
                tf.config.threading.set_intra_op_parallelism_threads(1)
                tf.config.threading.set_inter_op_parallelism_threads(worker.state.nthreads)
            with tempfile.TemporaryDirectory(prefix="tfgeo-") as folder:
                zipfile.ZipFile(io.BytesIO(archive)).extractall(folder)
                self.model = tf.saved_model.load(folder)

    return SavedModel()


def make_solve(plugin_name: str, distance: str) -> Callable[..., tuple[np.ndarray, int]]:
    """A function that finds the distances of a block with the SavedModel that the worker has loaded.

    Args:
      plugin_name: under which the plugin was registered.
      distance: "length", "energy" or "root_energy".

    Returns:
      A function of points `[n, d]`, points `[m, d]`, and whether both are the same, so that the block lies on the
      diagonal; it gives distances `[n, m]` and how many pairs did not converge or have no energy.
    """

    def solve(rows: np.ndarray, columns: np.ndarray, is_diagonal: bool) -> tuple[np.ndarray, int]:
        import numpy as np
        import tensorflow as tf
        from distributed import get_worker

        shape = len(rows), len(columns)
        pairs = np.triu_indices(shape[0], 1) if is_diagonal else tuple(np.indices(shape).reshape(2, -1))
        values = np.zeros(shape, np.float32)
        if not len(pairs[0]):
            return values, 0
        geodesic = get_worker().plugins[plugin_name].model.signatures["geodesic"]
        found = geodesic(start=tf.constant(rows[pairs[0]]), end=tf.constant(columns[pairs[1]]))
        number = (found["length"] if distance == "length" else found["energy"]).numpy()
        values[pairs] = np.sqrt(number) if distance == "root_energy" else number
        if is_diagonal:
            values.T[pairs] = values[pairs]
        # No energy between different ends is no distance, though no curve is shorter.
        apart = np.any(rows[pairs[0]] != columns[pairs[1]], axis=-1)
        return values, int(np.sum(~found["converged"].numpy() | ((found["energy"].numpy() == 0.0) & apart)))

    return solve
