"""Distances between all of some points, or from some to others."""

from __future__ import annotations

import dataclasses
import os
import sys
from typing import Any

import numpy as np
from tqdm import tqdm

from tfgeo.errors import UserError
from tfgeo.geodesics.acceleration import check_accelerate, stand_in, starts_on
from tfgeo.geodesics.connect import connect
from tfgeo.geodesics.distance_error import distance_error
from tfgeo.geodesics.distance_job import DistanceJob
from tfgeo.geodesics.job_limits import check_num_pairs
from tfgeo.geodesics.latents import as_latents
from tfgeo.geodesics.result import DISTANCES, Geodesics, check_distance, distance_of
from tfgeo.manifolds import Manifold

__all__ = ["DISTANCES", "all_pairs", "distance_matrix", "distances", "pairwise"]


def pairwise(
    manifold: Manifold,
    points: Any,
    distance: str = "length",
    progress: bool = True,
    method: str = "solver",
    store: str | os.PathLike[str] | None = None,
    scheduler: str | None = None,
    return_error: bool = False,
    **settings: Any,
) -> Any:
    """Geodesic distances between all pairs of `points`.

    Methods: "solver" connects each pair; "grid" (d = 2) finds a tree of shortest paths for each point on a grid of
    the plane, "graph" on the graph of nearest neighbours; "landmarks" finds distances to a few points, and all
    others by the triangle inequality. These three are compared with the solver on a sample of pairs (see
    `distance_error`): one line says how far off they are.

    What does not fit in memory is refused before anything is done. A store holds more than memory: blocks are
    written as they come, and a call that was interrupted goes on with its unfinished blocks when it is given again,
    to the same bits. With a scheduler each block is a task of a Dask cluster, whose workers load the exported
    manifold once (`tfgeo.export.export_manifold`); blocks of workers that are lost are found again by others. Both
    need `pip install tfgeo[distributed]`.

    Args:
      manifold: the manifold.
      points: `[n, d]` latent points, as for `connect`.
      distance: "length", "energy" or "root_energy".
      progress: whether to show a progress bar, and the line on the error.
      method: "solver", "grid", "graph" or "landmarks".
      store: the folder of a zarr array, such as "distances.zarr"; None for memory.
      scheduler: the address of a Dask scheduler, such as "tcp://10.0.0.1:8786", for method "solver"; None for this
        process. Distances are then computed in float32.
      return_error: whether to return how far off the method is, too; not for method "solver" without `accelerate`.
      **settings: with method "solver" as for `connect`, but with `accelerate=True` distances are those of the table
        (d = 2) or the network that is made where the number of pairs pays for it, and compared with the manifold's
        own as those of the other methods are; in memory alone. `accelerate="starts"` leaves them the decoder's own.
        With another method those of
        `tfgeo.geodesics.methods.grid.GridApproximation`, `graph.GraphApproximation` and
        `landmarks.LandmarkApproximation`, such as `resolution`, `k` and `num_landmarks`.

    Returns:
      `[n, n]` symmetric matrix with a zero diagonal, float64 where the points are, else float32; with `store` the
      opened zarr array, which cannot be written to. With `return_error` also a `DistanceError`.

    Raises:
      UserError: if a name is not known, distances do not fit in memory or on disk, the store belongs to another
        job, the scheduler does not answer or has workers of other versions, or as for `connect`.
    """
    points = as_latents(points, "points")
    job = DistanceJob(manifold, points, None, distance, method, settings, progress)
    return _run(job, store, scheduler, return_error)


def distances(
    manifold: Manifold,
    a: Any,
    b: Any,
    distance: str = "length",
    progress: bool = True,
    method: str = "solver",
    store: str | os.PathLike[str] | None = None,
    scheduler: str | None = None,
    return_error: bool = False,
    **settings: Any,
) -> Any:
    """Geodesic distances from each of `a` to each of `b`; `pairwise` is the symmetric case.

    Args:
      manifold: the manifold.
      a: `[n, d]` latent points, as for `connect`.
      b: `[m, d]` latent points.
      distance: "length", "energy" or "root_energy".
      progress: whether to show a progress bar, and the line on the error.
      method: as for `pairwise`; grids, graphs and landmarks are of both sets together.
      store: as for `pairwise`.
      scheduler: as for `pairwise`.
      return_error: as for `pairwise`.
      **settings: as for `pairwise`.

    Returns:
      `[n, m]`, float64 where points are, else float32; more as for `pairwise`.

    Raises:
      UserError: as for `pairwise`, or if a and b have different widths.
    """
    a, b = as_latents(a, "a"), as_latents(b, "b", shape="[m, d]")
    if a.shape[1] != b.shape[1]:
        raise UserError(f"`a` {a.shape} and `b` {b.shape} must be [n, d] and [m, d] of one d; reshape them")
    dtype = np.result_type(a, b)
    a, b = a.astype(dtype, copy=False), b.astype(dtype, copy=False)
    job = DistanceJob(manifold, a, b, distance, method, settings, progress)
    return _run(job, store, scheduler, return_error)


def _run(job: DistanceJob, store: str | os.PathLike[str] | None, scheduler: str | None, return_error: bool) -> Any:
    """The distances, and with `return_error` the error, which is measured where someone looks at it."""
    accelerate = check_accelerate(job.settings.get("accelerate", False))
    settings = {name: value for name, value in job.settings.items() if name != "accelerate"}
    job = dataclasses.replace(job, settings=settings | ({"accelerate": accelerate} if accelerate else {}))
    # Learned starts alone leave the distances the decoder's own.
    accelerated = job.method == "solver" and accelerate is True
    if return_error and job.method == "solver" and not accelerated:
        raise UserError(
            "`return_error` is for methods that approximate, by comparing them with method='solver'; leave it out"
        )
    solved, how = job, f"method={job.method!r}"
    if accelerated:
        solved, how = _accelerate(job, store is None and scheduler is None), "accelerate"
    matrix = solved.run(store, scheduler)
    exact = solved.method == "solver" and solved.manifold is job.manifold
    if not return_error and (exact or not job.progress):
        return matrix
    # Curves of the same family, where there are curves.
    same = {
        name: solved.settings[name] for name in ("curve", "num_points") if accelerated and name in solved.settings
    }
    error = distance_error(job.manifold, matrix, job.rows, job.columns, job.distance, **same)
    if job.progress:
        tqdm.write(f"{how}: {error}", file=sys.stderr)
    return (matrix, error) if return_error else matrix


def _accelerate(job: DistanceJob, in_memory: bool) -> DistanceJob:
    """The same job on what stands for its manifold, said in one line; on its own where that does not pay."""
    given = [name for name in ("warm_start", "condition") if job.settings.get(name) is not None]
    if given or not in_memory:
        what = f"`{given[0]}`" if given else "`store` and `scheduler`"
        raise UserError(
            f"`accelerate` makes a table or a network for one call in memory, without {what}; make one yourself, "
            "by `Interpolated.around(manifold, points)` or `Distilled(manifold, points)`, and give it as manifold"
        )
    ends = np.concatenate([job.rows, job.ends])
    ends = ends[np.isfinite(ends).all(axis=1)]
    near, why = stand_in(job.manifold, ends, job.num_pairs, job.progress, alone=True)
    if job.progress:
        tqdm.write(f"accelerate: {'not used; ' if near is None else ''}{why}", file=sys.stderr)
    manifold = job.manifold if near is None else near
    return dataclasses.replace(job, manifold=manifold, settings=job.settings | {"accelerate": starts_on(manifold)})


def all_pairs(manifold: Manifold, points: np.ndarray, **settings: Any) -> Geodesics:
    """The n (n - 1) / 2 geodesics between `[n, d]` points, in the order of `np.triu_indices(n, 1)`."""
    points = as_latents(points, "points")
    check_num_pairs(len(points) * (len(points) - 1) // 2)
    rows, columns = np.triu_indices(len(points), 1)
    return connect(manifold, points[rows], points[columns], **settings)


def distance_matrix(geodesics: Geodesics, num_points: int, distance: str = "length") -> np.ndarray:
    """The symmetric `[n, n]` matrix of the geodesics that `all_pairs` gave for n points.

    Raises:
      UserError: if `distance` is not one of `DISTANCES`.
    """
    check_distance(distance)
    values = distance_of(geodesics.length, geodesics.energy, distance)
    matrix = np.zeros([num_points, num_points], values.dtype)
    matrix[np.triu_indices(num_points, 1)] = values
    return matrix + matrix.T
