"""What the suite of scale measures in processes of their own: a method, the solver, its workers, clusters."""

from __future__ import annotations

import dataclasses
import time

import numpy as np

from launch.benchmarks.measuring import peak_bytes
from launch.benchmarks.problem import DecoderProblem
from launch.benchmarks.record import Row
from tfgeo.clustering import k_medoids
from tfgeo.estimators import GeodesicKMedoids
from tfgeo.geodesics import connect, distance_error, distances, pairwise
from tfgeo.geodesics.distance_job import METHODS
from tfgeo.geodesics.stores.blocks import Cut
from tfgeo.geodesics.stores.extra import import_extra
from tfgeo.randomness import generator

__all__ = [
    "APPROXIMATIONS",
    "draw_points",
    "measure_approximation",
    "measure_clusters",
    "measure_solver",
    "measure_workers",
]

APPROXIMATIONS = tuple(method for method in METHODS if method != "solver")
# Up to so many points all rows are found; beyond, one strip of them, as `pairwise` holds it.
MOST_WHOLE = 10_000
# Pairs whose geodesics tell the solver's rate: a full block of the largest size.
NUM_PAIRS = 1024
# Workers: a small rectangle, of several blocks so that all of them start on it, and how many times as wide the
# large one is.
WORKER_POINTS, TIMES_WIDER = 64, 4
# Share of the seconds of the narrow rectangle by which those of the wide one must be above them.
LEAST_SHARE = 0.05
# Clusters and landmarks, and up to how many points all pairs are clustered to compare with.
NUM_CLUSTERS, NUM_LANDMARKS, MOST_COMPARED = 10, 300, 2000


def draw_points(problem: DecoderProblem, num_points: int, seed: int) -> np.ndarray:
    """`[n, d]` latent points: some of the problem's, or where there are fewer a kernel density's around them.

    Its width is Scott's rule's, so that many points are as dense as the problem's are, not clumps around these.
    """
    latents, random = problem.latents, generator(seed, "points of the scale")
    if num_points <= len(latents):
        return latents[random.choice(len(latents), num_points, replace=False)]
    width = len(latents) ** (-1.0 / (latents.shape[1] + 4)) * latents.std(axis=0)
    around = latents[random.integers(len(latents), size=num_points)]
    return (around + width * random.normal(size=around.shape)).astype(np.float32)


def measure_approximation(problem: DecoderProblem, metric: str, method: str, num_points: int, seed: int) -> Row:
    """All distances by a method with its default settings, or one strip of them where points are many."""
    points, manifold = draw_points(problem, num_points, seed), problem.manifold(metric)
    clock = _Clock()
    approximation = METHODS[method](manifold, points)
    setup = clock()
    size = Cut((num_points, num_points), True, True).size
    num_rows = num_points if num_points <= MOST_WHOLE else size
    matrix = np.empty([num_rows, num_points], np.float32)
    for first in range(0, num_rows, size):
        last = min(first + size, num_rows)
        matrix[first:last] = approximation.rows(first, last)
    share = num_rows / num_points
    seconds, cpu_seconds = (before + (now - before) / share for before, now in zip(setup, clock(), strict=True))
    row: Row = {
        "num_points": num_points,
        "is_whole": num_rows == num_points,
        "rows_measured": num_rows,
        "setup_seconds": setup[0],
        "seconds": seconds,
        "cpu_seconds": cpu_seconds,
        "matrix_bytes": 4 * num_points**2,
        "peak_bytes": peak_bytes(),
    }
    error = distance_error(manifold, matrix, points[:num_rows], points)
    return row | {f"error_{name}": value for name, value in dataclasses.asdict(error).items()}


def measure_solver(problem: DecoderProblem, metric: str, seed: int) -> Row:
    """Pairs per second by the solver in this process, after compiling."""
    points, manifold = draw_points(problem, 2 * NUM_PAIRS, seed), problem.manifold(metric)
    ends = points[:NUM_PAIRS], points[NUM_PAIRS:]
    connect(manifold, *ends, warn=False)
    clock = _Clock()
    geodesics = connect(manifold, *ends, warn=False)
    return {
        "pairs_per_second": NUM_PAIRS / clock()[0],
        "share_converged": float(np.mean(geodesics.converged)),
        "peak_bytes": peak_bytes(),
    }


def measure_workers(problem: DecoderProblem, metric: str, num_workers: int, seed: int) -> Row:
    """Pairs per second by so many workers of one thread on this machine, without what it takes to start a job.

    A rectangle of distances is found, and one that is several times as wide: what is the same for both is left out.
    """
    distributed = import_extra("distributed", "--workers")
    manifold = problem.manifold(metric)
    points = draw_points(problem, (1 + TIMES_WIDER) * WORKER_POINTS, seed)
    rows, columns = points[:WORKER_POINTS], points[WORKER_POINTS:]
    seconds = []
    with distributed.LocalCluster(n_workers=num_workers, threads_per_worker=1, dashboard_address=":0") as cluster:
        for part in (columns[:WORKER_POINTS], columns):
            clock = _Clock()
            distances(manifold, rows, part, scheduler=cluster.scheduler_address, progress=False, warn=False)
            seconds.append(clock()[0])
        with distributed.Client(cluster.scheduler_address, set_as_default=False) as client:
            peak = max(client.run(peak_bytes).values())
    num_pairs = WORKER_POINTS**2 * (TIMES_WIDER - 1)
    row: Row = {"num_workers": num_workers, "start_seconds": seconds[0], "peak_bytes": peak}
    # A wider rectangle that took no longer says nothing of the rate.
    if seconds[1] - seconds[0] > LEAST_SHARE * seconds[0]:
        row["pairs_per_second"] = num_pairs / (seconds[1] - seconds[0])
    return row


def measure_clusters(problem: DecoderProblem, metric: str, num_points: int, seed: int) -> Row:
    """K-medoids by landmarks; of few points also what it costs above k-medoids of all pairs."""
    points, manifold = draw_points(problem, num_points, seed), problem.manifold(metric)
    num_clusters = min(NUM_CLUSTERS, num_points)
    num_landmarks = max(min(NUM_LANDMARKS, num_points), num_clusters)
    clock = _Clock()
    estimator = GeodesicKMedoids(num_clusters, manifold=manifold, num_landmarks=num_landmarks, random_state=seed)
    medoids = estimator.fit(points).medoid_indices_
    seconds, cpu_seconds = clock()
    row: Row = {
        "num_points": num_points,
        "num_landmarks": num_landmarks,
        "seconds": seconds,
        "cpu_seconds": cpu_seconds,
        "peak_bytes": peak_bytes(),
    }
    if num_points <= MOST_COMPARED:
        matrix = pairwise(manifold, points, method="graph", progress=False)
        of_all = k_medoids(matrix, num_clusters, "fasterpam", seed)[1]
        costs = [matrix[:, some].min(axis=1).sum(dtype=np.float64) for some in (medoids, of_all)]
        row["cost_over_all_pairs"] = float(costs[0] / costs[1])
    return row


class _Clock:
    """Seconds, and those of the process's processors together, since it was made."""

    def __init__(self) -> None:
        self._begin = time.perf_counter(), time.process_time()

    def __call__(self) -> tuple[float, float]:
        wall, cpu = self._begin
        return time.perf_counter() - wall, time.process_time() - cpu
