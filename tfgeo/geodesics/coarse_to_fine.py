"""Geodesics from coarse to fine: most steps are taken where they cost little."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from tfgeo.curves import CubicSpline, Curve, Polyline
from tfgeo.errors import check_count
from tfgeo.geodesics.connect import connect
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
    **settings: Any,
) -> Geodesics:
    """Polyline geodesics that start from those of a curve with few parameters: `connect`, twice.

    Worth it for fine polylines, where a step costs the more the more points there are and the soft modes of the
    curve take many: most steps are taken on the coarse curve. Two problems are compiled instead of one.

    Args:
      manifold: the manifold.
      start: `[B, d]`.
      end: `[B, d]`.
      num_points: T of the polylines, all of them nodes, the ends included.
      coarse_num_points: points at which the energy of the coarse curves is evaluated.
      coarse_curve: their family, by default cubic splines of four segments, or polylines for GEORCE.
      warm_start: as for `connect`, of the coarse curves.
      warn: whether to warn when pairs did not converge in the end.
      **settings: as for `connect`, both times.

    Returns:
      `Geodesics` of the polylines; `num_iterations` counts the steps on both.

    Raises:
      UserError: as for `connect`.
    """
    curve = Polyline(check_count("num_points", num_points, minimum=3) - 2)
    check_count("coarse_num_points", coarse_num_points, minimum=3)
    if coarse_curve is None:
        needs_nodes = settings.get("solver") == "georce" or isinstance(settings.get("solver"), Georce)
        coarse_curve = Polyline(coarse_num_points - 2) if needs_nodes else CubicSpline()
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
        manifold, start, end, curve=curve, num_points=num_points, warm_start=coarse, warn=warn, **settings
    )
    return dataclasses.replace(fine, num_iterations=fine.num_iterations + coarse.num_iterations)
