"""What a job of many distances cannot do, said before it begins."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfgeo.errors import UserError
from tfgeo.geodesics.latents import working_dtype
from tfgeo.geodesics.starts.warm_start import WarmStart
from tfgeo.geodesics.stores.scheduler import EXPORTED
from tfgeo.manifolds import Manifold

__all__ = ["MAX_PAIRS", "check_cuttable", "check_exportable", "check_num_pairs", "of_known_pairs"]

# Hours even on a table, with a decoder days, which a matrix in memory would not outlive.
MAX_PAIRS = 100_000_000


def check_num_pairs(num_pairs: int) -> None:
    """Refuses more geodesics than are held at once, before memory is taken for them."""
    if num_pairs > MAX_PAIRS:
        raise UserError(
            f"{num_pairs} geodesics are more than the {MAX_PAIRS} that are held at once; use `pairwise` with a "
            "`store`, which keeps their distances alone, or fewer points"
        )


def of_known_pairs(settings: dict[str, Any]) -> bool:
    """Whether a setting of `connect` has a row for each pair."""
    known = not isinstance(settings.get("warm_start"), (WarmStart, type(None)))
    condition = settings.get("condition")
    return known or (condition is not None and np.ndim(condition) > 1)


def check_cuttable(settings: dict[str, Any]) -> None:
    """Refuses settings that belong to pairs that are known, where pairs are cut into blocks."""
    if of_known_pairs(settings):
        raise UserError(
            "`warm_start` or `condition` of known pairs cannot be cut into blocks; give a `WarmStart` or one "
            "condition [C], or neither `store` nor `scheduler`"
        )


def check_exportable(manifold: Manifold, points: np.ndarray, method: str, settings: dict[str, Any]) -> None:
    """Refuses what workers, who have an exported model in float32 and nothing else, cannot do."""
    if method != "solver":
        raise UserError(f"`scheduler` is for method='solver'; method={method!r} takes one process: leave it out")
    others = [name for name in settings if name not in EXPORTED]
    if others:
        raise UserError(
            f"`{others[0]}` is no setting of an exported model, which workers have; with `scheduler` give "
            f"{', '.join(EXPORTED)} alone"
        )
    if working_dtype(manifold, points) != np.float32:
        raise UserError(
            "geodesics between float64 points are computed in float64 on this manifold, and by workers in "
            "float32; give points of float32, such as points.astype('float32')"
        )
