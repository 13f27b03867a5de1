"""What all tests run under and share, so that the suite stays fast. Six lines for whoever adds a test:

1. Tracing costs, arithmetic does not: each new (manifold object, curve, T, dtype) takes `connect` 1 to 4 s, a Keras
   model 2 to 5 s to fit, a program of `launch` 5 to 15 s to run. Make them at module level or in a `scope="module"`
   fixture, give all calls of a module one shape, and let several tests look at one result.
2. TensorFlow does not optimize graphs here, which takes longer than it saves on small ones. Where the law is about
   what optimized graphs compute, ask for `optimized_graphs`; `make test-all` optimizes everywhere, as users do. Nor
   does it note here from which lines of Python an operation came, pytest's among them: a fifth of all tracing.
3. A model that is trained already is a shipped one, `zoo.load("yang2018/two_moons")`. One that a test must train is
   small: `tests/models/tiny.py`, and `tests/launch/small_images.py` for programs; a module trains it once.
4. `slow` is for what repeats the law of a faster test at more places or a larger size, and says which: `make test`
   leaves it out, `make test-all` runs it.
5. A module goes to one worker whole. One that takes more than ten seconds belongs into `LONG_MODULES`.
6. A process pays 5 s for its imports, unless it is forked from one that has made them: `tests/processes.py`.
"""

import gc
import os
import pathlib
import sys

import pytest

from tests.fast import OPTIMIZES_GRAPHS, forget_lines_of_operations, optimize_graphs

# Begun first, the longest before all others, so that no worker is left alone with one of them at the end.
LONG_MODULES = [
    "test_kills.py",
    "docs/test_snippets.py",
    "launch/test_cluster.py",
    "geodesics/test_closed_forms.py",
    "geodesics/maps/test_logarithm_map.py",
    "manifolds/test_manifold_laws.py",
    "models/test_hamiltonian_models.py",
    "models/test_replicas.py",
    "launch/test_workers.py",
    "launch/test_evaluate.py",
    "launch/test_compare_metrics.py",
    "geodesics/test_distance.py",
    "geodesics/test_connect.py",
    "geodesics/maps/test_parallel_transport.py",
    "geodesics/stores/test_store.py",
    "geodesics/stores/test_scheduler.py",
    "sampling/test_metric_density.py",
    "test_export.py",
    "manifolds/test_distilled.py",
    "launch/test_own_data.py",
    "launch/test_other_programs.py",
    "launch/test_benchmark.py",
    "launch/test_results.py",
    "fuzz/test_parsers.py",
    "docs/test_scikit_learn_page.py",
    "docs/test_notebooks.py",
]

# Cyclic garbage is sought among what tests make, not among the million objects of TensorFlow, and the youngest less
# often than by default. The oldest must be sought all the same: traced graphs are cyclic, and add up to gigabytes.
GARBAGE_THRESHOLDS = (5_000, 10, 10)

gc.disable()  # while modules are imported
if int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")) > 1:
    # Workers share the cores; TensorFlow reads these when it is imported.
    # Not TF_NUM_INTEROP_THREADS: a `tf.numpy_function` that waits for a graph of its own needs a second one.
    for name in ("TF_NUM_INTRAOP_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(name, "1")


def pytest_collection_modifyitems(items):
    places = {str(pathlib.Path(__file__).parent / name): place for place, name in enumerate(LONG_MODULES)}
    items.sort(key=lambda item: places.get(str(item.path), len(places)))


def pytest_collection_finish():
    if "tensorflow" in sys.modules:
        optimize_graphs(OPTIMIZES_GRAPHS)
        if not OPTIMIZES_GRAPHS:
            forget_lines_of_operations()
    gc.freeze()
    gc.set_threshold(*GARBAGE_THRESHOLDS)
    gc.enable()


# Functions whose caches keep the graphs of many problems, as users want it and a suite of thousands does not.
CACHES = {
    "tfgeo.geodesics.pool": "compile_problem",
    "tfgeo.geodesics.solvers.sealed": "_seal",
    "tfgeo.geodesics.maps.exponential_map": "_compile_flow",
    "tfgeo.geodesics.maps.parallel_transport": "_compile_transport",
}


@pytest.fixture(scope="module", autouse=True)
def _drop_graphs_of_a_module():
    yield
    drop_graphs()


def drop_graphs():
    """Traced graphs are cyclic garbage, gigabytes of it over the whole suite."""
    for module, name in CACHES.items():
        if module in sys.modules:
            getattr(sys.modules[module], name).cache_clear()
    gc.collect()


@pytest.fixture(scope="module")
def optimized_graphs():
    """TensorFlow optimizes graphs as it does for users, in the module's tests from here on."""
    optimize_graphs(True)
    yield
    optimize_graphs(OPTIMIZES_GRAPHS)
