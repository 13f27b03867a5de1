"""Checks that several sections share."""

from __future__ import annotations

from tfgeo.errors import UserError, check_at_least

__all__ = ["check_choice", "check_fraction"]


def check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    """Refuses a value that is none of the choices.

    Raises:
      UserError: if it is not.
    """
    if value not in choices:
        raise UserError(f"`{name}`={value!r} is not known; choose one of {', '.join(choices)}")


def check_fraction(name: str, value: float) -> None:
    """Refuses a share that is not in [0, 1).

    Raises:
      UserError: if it is not.
    """
    if check_at_least(name, value, 0.0) >= 1.0:
        raise UserError(f"`{name}` must be below 1, but is {value!r}; 0.2 is a fifth")
