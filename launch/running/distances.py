"""All distances among the samples of a run: of geodesics, by the workers of a cluster, or without a solver."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from launch.running.geodesics import connect_samples
from launch.running.run import Run, say
from tfgeo.checkpoints import whole_file
from tfgeo.errors import UserError
from tfgeo.geodesics import DistanceError, Geodesics, distance_error, pairwise
from tfgeo.geodesics.distance_job import DistanceJob
from tfgeo.geodesics.pairwise import distance_matrix
from tfgeo.geodesics.stores.extra import import_extra
from tfgeo.geodesics.stores.scheduler import Cluster
from zoo.geodesics import geodesic_settings

__all__ = ["Distances", "check_distances", "measure_distances"]


@dataclasses.dataclass(frozen=True)
class Distances:
    """All distances among the samples.

    Attributes:
      matrix: `[n, n]`.
      found_by: in words, what found them.
      geodesics: whose they are; None where there are none: workers send distances alone, other methods have no
        curves.
      error: of a method without a solver.
    """

    matrix: np.ndarray
    found_by: str
    geodesics: Geodesics | None = None
    error: DistanceError | None = None


def check_distances(run: Run, scheduler: str | None) -> None:
    """Refuses, before the training, what would fail after it.

    Raises:
      UserError: if the method cannot give the distance, or workers cannot find it; if the scheduler does not
        answer, or has no workers or ones of other versions.
    """
    settings, latent_dim = run.entry.geodesics, run.config.network.latent_dim
    if settings.method == "grid" and latent_dim != 2:
        raise UserError(
            f"--config.geodesics.method=grid needs a latent plane, but the entry has latent_dim={latent_dim}; set "
            "it to graph or landmarks"
        )
    if settings.method != "solver" and scheduler is not None:
        raise UserError(
            f"--scheduler is for the solver, --config.geodesics.method={settings.method} takes one process; leave "
            "one of both out"
        )
    if settings.method != "solver" and settings.distance != "length" and run.entry.manifold().has_potential:
        raise UserError(
            f"--config.geodesics.method={settings.method} finds lengths, of which the energy {settings.energy!r} "
            "is no square; set --config.geodesics.distance=length"
        )
    if scheduler is None:
        return
    if settings.warm_start == "graph":
        raise UserError(
            "--config.geodesics.warm_start=graph begins from paths of single pairs, which workers do not have; set "
            "it to none, or leave --scheduler out"
        )
    import_extra("zarr", "--scheduler")
    Cluster(scheduler).close()


def measure_distances(run: Run, latents: np.ndarray, scheduler: str | None = None) -> Distances:
    """The distances among `[n, d]` latent points, or what an interrupted run found of them."""
    settings = run.entry.geodesics
    if scheduler is not None:
        return _by_workers(run, latents, scheduler)
    if settings.method != "solver":
        return _without_solver(run, latents)
    geodesics = connect_samples(run, latents)
    return Distances(distance_matrix(geodesics, len(latents), settings.distance), "the solver", geodesics)


def _by_workers(run: Run, latents: np.ndarray, scheduler: str) -> Distances:
    say(f"distances: {_num_pairs(latents)} pairs by the workers of {scheduler}")
    with run.timed("geodesics"), run.heeding():
        settings = geodesic_settings(run.entry, latents, latents, seed=run.seed)
        manifold = settings.pop("manifold")
        array = pairwise(
            manifold,
            latents,
            run.entry.geodesics.distance,
            store=run.unfinished / "distances.zarr",
            scheduler=scheduler,
            **settings,
        )
    return Distances(array[:], "the solver on the workers of a cluster")


def _without_solver(run: Run, latents: np.ndarray) -> Distances:
    settings, manifold = run.entry.geodesics, run.entry.manifold()
    path = run.unfinished / "distances.npy"
    say(f"distances: {_num_pairs(latents)} pairs by method {settings.method!r}")
    with run.timed("geodesics"), run.heeding():
        if path.exists():
            say("distances: found before, loaded")
            matrix = np.load(path, allow_pickle=False)
        else:
            job = DistanceJob(manifold, latents, None, settings.distance, settings.method, {}, True)
            matrix = job.run(None, None)
            with whole_file(path) as partial:
                np.save(partial, matrix)
        error = distance_error(manifold, matrix, latents, distance=settings.distance, **_solver_settings(run))
    say(f"distances: {error}")
    return Distances(matrix, f"method {settings.method!r}", error=error)


def _solver_settings(run: Run) -> dict[str, Any]:
    """Of the entry, for pairs that are drawn: without the paths that single ones would begin from."""
    entry = run.entry
    return {
        "curve": entry.curve(),
        "solver": entry.solver(),
        "warm_start": entry.warm_start(run.seed),
        "num_points": entry.geodesics.num_points,
    }


def _num_pairs(latents: np.ndarray) -> int:
    return len(latents) * (len(latents) - 1) // 2
