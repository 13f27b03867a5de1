"""The command `tfgeo`: `tfgeo cluster --entry=NAME ...` is `python -m launch.cluster --entry=NAME ...`."""

from __future__ import annotations

import pkgutil
import runpy
import sys

import launch
from tfgeo.errors import unknown_name_error

__all__ = ["main", "programs"]

# Modules beside the doors that are none.
_OTHERS = ("console", "program")


def programs() -> list[str]:
    """The names of all programs."""
    return sorted(
        module.name
        for module in pkgutil.iter_modules(launch.__path__)
        if not module.ispkg and module.name not in _OTHERS
    )


def main() -> int:
    """Runs the program that the first argument names, with the others; returns the exit code."""
    name, *rest = sys.argv[1:] or ["--help"]
    if name in ("--help", "-h"):
        print("tfgeo PROGRAM --flag=value ...\n")
        print(f"Programs: {', '.join(programs())}. `tfgeo PROGRAM --help` lists flags.")
        return 0
    if name not in programs():
        print(
            f"error: {unknown_name_error('program', name, programs(), '`tfgeo --help` lists all')}", file=sys.stderr
        )
        return 2
    sys.argv = [f"tfgeo {name}", *rest]
    runpy.run_module(f"launch.{name}", run_name="__main__")
    return 0  # a door ends by itself
