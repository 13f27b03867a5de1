"""The geometry of deep generative models: distances, shortest paths and clusters in their latent spaces.

Sub-packages are imported when they are first used.
"""

from __future__ import annotations

import importlib
from types import ModuleType

from tfgeo.startup import quiet

__all__ = [
    "clustering",
    "curves",
    "datasets",
    "estimators",
    "explorer",
    "export",
    "flows",
    "geodesics",
    "layers",
    "likelihood",
    "manifolds",
    "models",
    "plots",
    "quiet",
    "sampling",
]

__version__ = "0.1.0"  # here alone: setup.py and the documents read it


def __getattr__(name: str) -> ModuleType:
    if name in __all__:
        return importlib.import_module(f"tfgeo.{name}")
    raise AttributeError(f"module 'tfgeo' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
