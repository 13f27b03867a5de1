"""Packages of the extra `distributed`, which are imported where they are first needed."""

from __future__ import annotations

import importlib
from typing import Any

from tfgeo.errors import UserError

__all__ = ["import_extra"]


def import_extra(name: str, what: str) -> Any:
    """The module of that name.

    Args:
      name: such as "zarr".
      what: what needs it, in words.

    Raises:
      UserError: if it is not installed.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise UserError(f"{what} needs {name} ({error}); run `pip install tfgeo[distributed]`") from error
