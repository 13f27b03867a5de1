"""Parametrized curves with fixed end points."""

from tfgeo.curves.curve import Curve
from tfgeo.curves.quadratic import Quadratic

__all__ = ["Curve", "Quadratic", "from_name", "names"]

_CURVES = {"quadratic": Quadratic}


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
