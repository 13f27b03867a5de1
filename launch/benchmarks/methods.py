"""The methods that the suite of geodesics compares, as data."""

from __future__ import annotations

import dataclasses
import fnmatch
from collections.abc import Sequence

from tfgeo.errors import unknown_name_error

__all__ = ["METHODS", "METRICS", "Method", "choose_methods", "choose_metrics"]

METRICS = ("mean", "expected")


@dataclasses.dataclass(frozen=True)
class Method:
    """One way to find geodesics.

    Attributes:
      name: MANIFOLD/SOLVER/CURVE and what else tells it from others; manifold is "exact", the decoder,
        "interpolated", its metric as a table, or "preconditioned", the decoder with the table's second derivatives.
      curve: name of the curve family.
      solver: name of the solver.
      num_pieces: pieces of a spline or segments of a polyline; None for the family's default.
      num_points: T, points at which the energy is evaluated; None for the default of `connect`.
      warm_start: name of the method whose geodesics this one starts from, or None.
      solver_settings: fields of the solver that differ from its defaults.
      xla: whether steps are compiled by XLA.
    """

    name: str
    curve: str
    solver: str
    num_pieces: int | None = None
    num_points: int | None = None
    warm_start: str | None = None
    solver_settings: tuple[tuple[str, float], ...] = ()
    xla: bool = False

    @property
    def is_table(self) -> bool:
        """Whether it runs on the interpolated metric."""
        return self.name.startswith("interpolated/")

    @property
    def is_preconditioned(self) -> bool:
        """Whether it runs on the decoder with second derivatives of the interpolated metric."""
        return self.name.startswith("preconditioned/")


# Five pieces and 20 points are the least that come below the energy which StochMan reaches.
FIVE_PIECES = "interpolated/levenberg_marquardt/cubic_spline/xla"

METHODS = (
    Method("exact/levenberg_marquardt/quadratic", "quadratic", "levenberg_marquardt"),
    Method("exact/levenberg_marquardt/cubic_spline", "cubic_spline", "levenberg_marquardt"),
    Method(
        "exact/levenberg_marquardt/cubic_spline/loose",
        "cubic_spline",
        "levenberg_marquardt",
        solver_settings=(("tolerance", 1e-3), ("gradient_tolerance", 1e-1)),
    ),
    Method("exact/bfgs/quadratic", "quadratic", "bfgs"),
    Method("exact/bfgs/cubic_spline", "cubic_spline", "bfgs"),
    Method(
        "exact/bfgs/cubic_spline/loose",
        "cubic_spline",
        "bfgs",
        solver_settings=(("tolerance", 1e-3), ("gradient_tolerance", 1e-1)),
    ),
    Method("exact/levenberg_marquardt/polyline", "polyline", "levenberg_marquardt"),
    Method("exact/adam/cubic_spline", "cubic_spline", "adam"),
    Method("exact/gradient_descent/quadratic", "quadratic", "gradient_descent"),
    Method("interpolated/levenberg_marquardt/cubic_spline", "cubic_spline", "levenberg_marquardt"),
    Method(FIVE_PIECES, "cubic_spline", "levenberg_marquardt", num_pieces=5, xla=True),
    Method(
        "interpolated/levenberg_marquardt/cubic_spline/fine",
        "cubic_spline",
        "levenberg_marquardt",
        num_pieces=10,
        num_points=61,
    ),
    Method("interpolated/georce/polyline", "polyline", "georce"),
    Method(
        "exact/levenberg_marquardt/cubic_spline/from_interpolated",
        "cubic_spline",
        "levenberg_marquardt",
        warm_start="interpolated/levenberg_marquardt/cubic_spline",
    ),
    Method(
        "preconditioned/levenberg_marquardt/cubic_spline",
        "cubic_spline",
        "levenberg_marquardt",
        num_pieces=5,
        warm_start=FIVE_PIECES,
    ),
    Method(
        "preconditioned/levenberg_marquardt/cubic_spline/loose",
        "cubic_spline",
        "levenberg_marquardt",
        num_pieces=5,
        warm_start=FIVE_PIECES,
        solver_settings=(("tolerance", 1e-3), ("gradient_tolerance", 1e-1)),
    ),
    # The accurate ones: pieces and points enough for the energies of curves cut into 56 segments.
    Method(
        "exact/levenberg_marquardt/cubic_spline/fine",
        "cubic_spline",
        "levenberg_marquardt",
        num_pieces=10,
        num_points=61,
        warm_start="exact/levenberg_marquardt/cubic_spline",
    ),
    # The same for any dimension: eight pieces come within .15 % of the energy of fourteen.
    Method(
        "exact/bfgs/cubic_spline/fine",
        "cubic_spline",
        "bfgs",
        num_pieces=8,
        num_points=61,
        warm_start="exact/bfgs/cubic_spline/loose",
        solver_settings=(("tolerance", 1e-4), ("gradient_tolerance", 3e-2)),
    ),
    Method(
        "exact/levenberg_marquardt/cubic_spline/fine_from_interpolated",
        "cubic_spline",
        "levenberg_marquardt",
        num_pieces=10,
        num_points=61,
        warm_start="interpolated/levenberg_marquardt/cubic_spline/fine",
    ),
    Method(
        "preconditioned/levenberg_marquardt/cubic_spline/fine",
        "cubic_spline",
        "levenberg_marquardt",
        num_pieces=10,
        num_points=61,
        warm_start="interpolated/levenberg_marquardt/cubic_spline/fine",
    ),
)


def choose_methods(patterns: Sequence[str], methods: Sequence[Method] = METHODS) -> list[Method]:
    """The methods whose names match any of the patterns, in the order of the table.

    Raises:
      UserError: if a pattern matches none.
    """
    names = [method.name for method in methods]
    for pattern in patterns:
        if not fnmatch.filter(names, pattern):
            raise unknown_name_error("method", pattern, names, f"--methods matches names: {', '.join(names)}")
    return [method for method in methods if any(fnmatch.fnmatchcase(method.name, part) for part in patterns)]


def choose_metrics(names: Sequence[str]) -> tuple[str, ...]:
    """The metrics, checked.

    Raises:
      UserError: if a name is not one of `METRICS`.
    """
    for name in names:
        if name not in METRICS:
            raise unknown_name_error("metric", name, METRICS, f"--metrics takes {' and '.join(METRICS)}")
    return tuple(dict.fromkeys(names)) or METRICS
