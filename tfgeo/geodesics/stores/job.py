"""What the distances of a store are of: a description by which another job's store is told."""

from __future__ import annotations

import dataclasses
import hashlib
import pathlib
from typing import Any

import numpy as np
import tensorflow as tf

from tfgeo.errors import UserError
from tfgeo.geodesics.graphs.segment_lengths import SegmentLengths
from tfgeo.manifolds import Manifold

__all__ = ["check_same_job", "describe_job", "versions"]

# Straight lines whose lengths and energies stand for the manifold, and points on each.
NUM_PROBES = 256
POINTS_PER_PROBE = 5
# Lengths and energies that agree to this share are those of one manifold: other weights change them by more,
# another processor by less, and the solver's tolerance is of this order.
PROBE_TOLERANCE = 1e-4

# Characters that a message gives to both values of a part; a checksum says nothing.
LONGEST_VALUES = 80

# What is said of each part of a description that differs.
_PARTS = {
    "kind": "kind",
    "points": "points",
    "manifold": "manifold",
    "method": "method",
    "distance": "distance",
    "settings": "settings",
    "engine": "way of solving",
    "block_size": "block size",
    "versions": "versions",
}


def describe_job(
    manifold: Manifold,
    rows: np.ndarray,
    columns: np.ndarray | None,
    distance: str,
    method: str,
    settings: dict[str, Any],
    engine: str,
    block_size: int,
) -> dict[str, Any]:
    """A job's description, of what JSON holds.

    A manifold is known by the lengths and energies of straight lines between the job's own points: decoders need no
    name, and weights that were trained further give other lengths; two manifolds of the same lengths whose energies
    differ, as those of independent noise do, have other geodesics.

    Args:
      manifold: the manifold.
      rows: `[n, d]` points.
      columns: `[m, d]` points; None for all pairs of `rows`.
      distance: one of `DISTANCES`.
      method: how distances are found.
      settings: of the method.
      engine: what solves, on which the last bits depend.
      block_size: rows of a block.
    """
    ends = rows if columns is None else columns
    chosen = np.linspace(0, len(rows) - 1, min(NUM_PROBES, len(rows))).astype(int)
    others = (chosen + len(ends) // 2) % len(ends)
    first, second = rows[chosen], ends[others]
    lengths = SegmentLengths(manifold, POINTS_PER_PROBE, NUM_PROBES)(first, second)
    t = np.linspace(0.0, 1.0, POINTS_PER_PROBE, dtype=rows.dtype)[:, None]
    energies = np.asarray(manifold.energy(tf.constant((1.0 - t) * first[:, None] + t * second[:, None])))
    return {
        "kind": "pairwise" if columns is None else "distances",
        "points": _digest(rows) + ("" if columns is None else _digest(columns)),
        "manifold": {"lengths": lengths.tolist(), "energies": energies.tolist()},
        "method": method,
        "distance": distance,
        "settings": {name: _describe(value) for name, value in sorted(settings.items())},
        "engine": engine,
        "block_size": block_size,
        "versions": versions(),
    }


def versions() -> dict[str, str]:
    """The packages on which the last bits of a distance depend."""
    return {"numpy": np.__version__, "tensorflow": tf.__version__}


def check_same_job(path: pathlib.Path, kept: dict[str, Any], job: dict[str, Any]) -> None:
    """Refuses a store whose description is another one, and says what differs.

    Raises:
      UserError: if it is.
    """
    if not isinstance(kept, dict) or set(kept) != set(_PARTS) or not isinstance(kept["manifold"], dict):
        raise UserError(f"the store {path} was written by another version; give another path, or remove the folder")
    differ = [part for part in _PARTS if part != "manifold" and kept[part] != job[part]]
    if "points" not in differ and "kind" not in differ and not _same_manifold(kept["manifold"], job["manifold"]):
        differ.insert(0, "manifold")
    if differ:
        said = [_PARTS[part] + _values(kept[part], job[part]) for part in differ]
        raise UserError(
            f"the store {path} holds distances of another job, with other {', other '.join(said)}; give another "
            "path, or remove the folder"
        )


def _same_manifold(one: dict[str, list[float]], other: dict[str, list[float]]) -> bool:
    return set(one) == set(other) and all(_agree(one[name], other[name]) for name in other)


def _agree(one: list[float], other: list[float]) -> bool:
    """Whether the probes agree: to a share of each, and of the typical one where they are short."""
    if len(one) != len(other):
        return False
    typical = np.nanmedian(np.abs(other)) if np.isfinite(other).any() else 0.0
    return np.allclose(one, other, rtol=PROBE_TOLERANCE, atol=PROBE_TOLERANCE * typical, equal_nan=True)


def _values(kept: Any, given: Any) -> str:
    """Both values, where they are short."""
    text = f" ({kept} there, {given} here)"
    return text if len(text) < LONGEST_VALUES else ""


def _describe(value: Any) -> str:
    """A setting in words that are the same in every process. Of a function its name alone is known."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = [f"{field.name}={_describe(getattr(value, field.name))}" for field in dataclasses.fields(value)]
        return f"{type(value).__name__}({', '.join(fields)})"
    if isinstance(value, (str, bool, int, float, type(None))):
        return repr(value)
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_describe, value))}]"
    if isinstance(value, (np.ndarray, np.generic, tf.Tensor)):
        return _digest(np.asarray(value))
    return getattr(value, "__qualname__", type(value).__qualname__)


def _digest(array: np.ndarray) -> str:
    """Shape, dtype and a checksum of an array."""
    content = hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()
    return f"{array.dtype.name}{list(array.shape)}:{content[:32]}"
