"""Geodesics from coarse to fine: most steps are taken where they cost little."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from tfgeo.curves import CubicSpline, Curve, Polyline
from tfgeo.errors import check_count
from tfgeo.geodesics.connect import connect
from tfgeo.geodesics.defaults import curve_and_solver
from tfgeo.geodesics.latents import as_pairs, check_manifold
from tfgeo.geodesics.result import Geodesics
from tfgeo.geodesics.solvers.georce import Georce
from tfgeo.manifolds import Manifold

__all__ = ["connect_coarse_to_fine"]


def connect_coarse_to_fine(
    manifold: Manifold,
    start: np.ndarray,
    end: np.ndarray,
    num_points: int = 56,
    coarse_num_points: int = 20,
    coarse_curve: str | Curve | None = None,
    warm_start: Any = None,
    warn: bool = True,
    curve: str | Curve | None = None,
    **settings: Any,
) -> Geodesics:
    """Accurate geodesics that start from those of a curve with few parameters and points: `connect`, twice.

    Worth it where a step costs much, and fine curves take many: most are taken on the coarse one. Two problems are
    compiled instead of one. Measured for a decoder of d = 10 with 784 outputs: splines of ten pieces on 61 points
    are found 1.2 to 1.3 times as fast as by `connect` alone; at its default of 20 points a coarser start costs more
    than the steps that it saves, which is why `connect` has none by itself.

    Args:
      manifold: the manifold.
      start: `[B, d]`.
      end: `[B, d]`.
      num_points: T, at which the energy of the fine curves is evaluated, the ends included.
      coarse_num_points: points at which the energy of the coarse curves is evaluated.
      coarse_curve: family of the coarse ones, by default cubic splines of four segments, or polylines for GEORCE.
      warm_start: as for `connect`, of the coarse curves.
      warn: whether to warn when pairs did not converge in the end.
      curve: family of the fine curves, by default polylines whose nodes are the T points.
      **settings: as for `connect`, both times.

    Returns:
      `Geodesics` of the fine curves; `num_iterations` counts the steps on both.

    Raises:
      UserError: as for `connect`.
    """
    check_count("num_points", num_points, minimum=3)
    check_count("coarse_num_points", coarse_num_points, minimum=3)
    check_manifold(manifold)
    latent_dim = as_pairs(start, end)[0].shape[1]
    fine_curve = Polyline(num_points - 2) if curve is None else curve
    fine_curve, solver = curve_and_solver(fine_curve, settings.get("solver"), manifold, latent_dim)
    solver.check(fine_curve, latent_dim)  # before the coarse curves are found
    if coarse_curve is None:
        coarse_curve = Polyline(coarse_num_points - 2) if isinstance(solver, Georce) else CubicSpline()
    coarse = connect(
        manifold,
        start,
        end,
        curve=coarse_curve,
        num_points=coarse_num_points,
        warm_start=warm_start,
        warn=False,
        **settings,
    )
    fine = connect(
        manifold, start, end, curve=fine_curve, num_points=num_points, warm_start=coarse, warn=warn, **settings
    )
    return dataclasses.replace(fine, num_iterations=fine.num_iterations + coarse.num_iterations)
