"""Families of curves between fixed ends: quadratic, cubic splines, Bezier, polylines, small networks."""

from collections.abc import Callable

from tfgeo.curves.bezier import Bezier
from tfgeo.curves.cubic_spline import CubicSpline
from tfgeo.curves.curve import Curve
from tfgeo.curves.linear_curve import LinearCurve
from tfgeo.curves.neural import Neural
from tfgeo.curves.polyline import Polyline
from tfgeo.curves.quadratic import Quadratic

__all__ = [
    "Bezier",
    "CubicSpline",
    "Curve",
    "LinearCurve",
    "Neural",
    "Polyline",
    "Quadratic",
    "from_name",
    "names",
]

_CURVES: dict[str, Callable[[], Curve]] = {
    "quadratic": Quadratic,
    "cubic_spline": CubicSpline,
    "bezier": Bezier,
    "neural": Neural,
    "polyline": Polyline,
}


def names() -> tuple[str, ...]:
    """Names that `from_name` accepts."""
    return tuple(_CURVES)


def from_name(name: str) -> Curve:
    """The curve with its default settings.

    Raises:
      UserError: if no curve has this name.
    """
    from tfgeo.errors import unknown_name_error

    if name not in _CURVES:
        raise unknown_name_error("curve", name, names(), "or pass a `tfgeo.curves.Curve`")
    return _CURVES[name]()
