"""What several methods found for the same pairs, and how it compares."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from launch.reporting.tables import Rows
from launch.running.run import Run
from tfgeo.batches import batched
from tfgeo.geodesics import Geodesics
from tfgeo.manifolds import Manifold, Smoothed

__all__ = ["NUM_POINTS", "Method", "Paths", "measure_paths", "method_rows", "over_draws"]

# Points at which all curves are measured alike, whatever their own.
NUM_POINTS = 200
# Lengths within this share of one another are taken as equal: what the points above leave open.
SAME = 1e-3
# A straight line crosses a ridge where the metric's volume is so many times the largest along the geodesic.
RIDGE = 2.0


@dataclasses.dataclass(frozen=True)
class Method:
    """The curves of one method, for the first pairs or all.

    Attributes:
      points: `[B, NUM_POINTS, d]`.
      seconds: of all of them.
      facts: further numbers of it.
      found: the geodesics, where the method has them.
    """

    points: np.ndarray
    seconds: float
    facts: dict[str, float]
    found: Geodesics | None = None

    @classmethod
    def of(cls, found: Geodesics, seconds: float) -> Method:
        """Of geodesics."""
        facts = {"share_converged": float(np.mean(found.converged))}
        return cls(found.points(NUM_POINTS), seconds, facts, found)

    @classmethod
    def along(cls, points: np.ndarray, seconds: float, facts: dict[str, float]) -> Method:
        """Of points alone, such as a graph's."""
        return cls(points, seconds, facts)


@dataclasses.dataclass
class Paths:
    """Curves between the same pairs.

    Attributes:
      run: the run.
      rows: rows of the training samples that begin and end them, `[B]` each.
      latents: `[n, d]` of all training samples.
      manifold: whose lengths count.
      methods: by name.
    """

    run: Run
    rows: tuple[np.ndarray, np.ndarray]
    latents: np.ndarray
    manifold: Manifold
    methods: dict[str, Method] = dataclasses.field(default_factory=dict)

    def add(self, name: str, method: Method) -> None:
        """Adds a method's curves."""
        self.methods[name] = method

    @property
    def straight(self) -> np.ndarray:
        """`[B, NUM_POINTS, d]` points on the straight lines."""
        t = np.linspace(0.0, 1.0, NUM_POINTS, dtype=self.latents.dtype)[:, None]
        start, end = (self.latents[rows][:, None] for rows in self.rows)
        return (1.0 - t) * start + t * end

    def curves(self, num: int) -> dict[str, np.ndarray]:
        """`[B, num, d]` points on the geodesics, those from a graph where there is one, and on straight lines."""
        best = self.methods["refined" if "refined" in self.methods else "fast"]
        kept = np.linspace(0, NUM_POINTS - 1, num).round().astype(int)
        return {"geodesic": best.points[:, kept], "straight": self.straight[:, kept]}

    def shown(self) -> np.ndarray:
        """The pairs that figures show: those whose geodesic saves most of the straight line's length."""
        return np.argsort(self._savings)[: self.run.config.interpolation.num_curves]

    @functools.cached_property
    def _savings(self) -> np.ndarray:
        """`[B]` lengths over the straight lines'; every figure asks, once all methods are there."""
        return self.lengths(self.curves(NUM_POINTS)["geodesic"]) / self.lengths(self.straight)

    @property
    def decoded_manifold(self) -> Manifold:
        """The metric without smoothing."""
        return self.manifold.manifold if isinstance(self.manifold, Smoothed) else self.manifold

    def lengths(self, points: np.ndarray, manifold: Manifold | None = None) -> np.ndarray:
        """`[B, T, d]` to `[B]` lengths, under the entry's metric unless told otherwise, a few at a time."""
        return batched(_compile_length(manifold or self.manifold, *points.shape[1:]), points.astype(np.float32), 20)


@functools.lru_cache(maxsize=16)
def _compile_length(manifold: Manifold, num_points: int, latent_dim: int) -> Callable[[tf.Tensor], tf.Tensor]:
    specification = tf.TensorSpec([None, num_points, latent_dim], tf.float32)
    return tf.function(manifold.length, autograph=False, input_signature=[specification])


def measure_paths(paths: Paths) -> dict[str, Any]:
    """What metrics.json says of all methods."""
    straight, decoded = paths.straight, paths.decoded_manifold
    lengths = {"straight": paths.lengths(straight)}
    plain = {"straight": paths.lengths(straight, decoded)}
    by_method: dict[str, dict[str, float]] = {}
    for name, method in paths.methods.items():
        num = len(method.points)
        lengths[name], plain[name] = paths.lengths(method.points), paths.lengths(method.points, decoded)
        by_method[name] = {
            "num_pairs": num,
            "mean_length": float(np.mean(lengths[name])),
            "length_over_straight": float(np.sum(lengths[name]) / np.sum(lengths["straight"][:num])),
            "mean_decoded_length": float(np.mean(plain[name])),
            "decoded_over_straight": float(np.sum(plain[name]) / np.sum(plain["straight"][:num])),
            "seconds_per_query": method.seconds / num,
            **method.facts,
        }
    best = "refined" if "refined" in paths.methods else "fast"
    return {
        "num_pairs": len(straight),
        "length_over_straight": by_method[best]["length_over_straight"],
        "decoded_over_straight": by_method[best]["decoded_over_straight"],
        "geodesic_length": by_method[best]["mean_length"],
        "straight_length": float(np.mean(lengths["straight"])),
        "share_converged": by_method["fast"]["share_converged"],
        "over_draws": {
            "length_over_straight": over_draws(paths, _ratio, lengths[best], lengths["straight"]),
            "decoded_over_straight": over_draws(paths, _ratio, plain[best], plain["straight"]),
        },
        "single_pairs": _single_pairs(paths, lengths[best] / lengths["straight"]),
        "methods": by_method,
        "compared": _compare(lengths),
        "magnification": _magnification(paths, paths.methods[best].points),
    }


def over_draws(paths: Paths, measure: Callable[..., float], *values: np.ndarray) -> dict[str, float]:
    """Mean and sample standard deviation of what is measured of each draw's pairs; one draw has no deviation.

    Args:
      paths: the paths, of `num` draws.
      measure: takes a draw's part of each of the values.
      values: `[B]` of all pairs each.
    """
    num = paths.run.config.interpolation.num_draws
    found = [measure(*parts) for parts in zip(*(np.split(one, num) for one in values), strict=True)]
    spread = {"std": float(np.std(found, ddof=1))} if num > 1 else {}
    return {"num": num, "mean": float(np.mean(found))} | spread


def _ratio(geodesic: np.ndarray, straight: np.ndarray) -> float:
    return float(np.sum(geodesic) / np.sum(straight))


def _single_pairs(paths: Paths, ratios: np.ndarray) -> dict[str, float]:
    """How much single pairs differ, beside the one that the paper prints."""
    facts = {
        "smallest": float(np.min(ratios)), "median": float(np.median(ratios)), "largest": float(np.max(ratios)),
        "share_above_straight": float(np.mean(ratios > 1.0 + SAME)),
    }  # fmt: skip
    reported = paths.run.reported.pair_ratio
    if reported is not None:
        facts["share_not_above_reported"] = float(np.mean(ratios <= reported))
    return facts


def _compare(lengths: dict[str, np.ndarray]) -> dict[str, float]:
    compared = {}
    if "neural" in lengths:
        num = len(lengths["neural"])
        compared["share_fast_not_above_neural"] = float(
            np.mean(lengths["fast"][:num] <= (1.0 + SAME) * lengths["neural"])
        )
        compared["fast_over_neural"] = float(np.sum(lengths["fast"][:num]) / np.sum(lengths["neural"]))
    if "refined" in lengths:
        excess = lengths["graph"] / lengths["refined"]
        compared["graph_over_refined"] = float(np.mean(excess))
        compared["share_graph_within_tenth"] = float(np.mean(excess <= 1.1))
        compared["share_fast_not_above_refined"] = float(
            np.mean(lengths["fast"] <= (1.0 + SAME) * lengths["refined"])
        )
    return compared


def _magnification(paths: Paths, geodesic: np.ndarray) -> dict[str, float]:
    """The metric's volume along both kinds of curves: what makes the one longer than the other."""
    volume = tf.function(paths.decoded_manifold.volume, autograph=False)
    shape = geodesic.shape[:2]
    along, across = (
        batched(volume, points[:, ::4].reshape(-1, points.shape[-1]).astype(np.float32), 2048).reshape(shape[0], -1)
        for points in (geodesic, paths.straight[: shape[0]])
    )
    return {
        "mean_along_geodesic": float(np.mean(along)),
        "mean_along_straight": float(np.mean(across)),
        "share_straight_crosses_ridge": float(np.mean(across.max(axis=1) > RIDGE * along.max(axis=1))),
    }


def method_rows(measured: dict[str, Any]) -> Rows:
    """The table of all methods."""
    rows: Rows = [
        ("method", "pairs", "length", "over straight", "decoded, over straight", "converged", "s a query")
    ]
    for name, numbers in measured["methods"].items():
        converged = numbers.get("share_converged")
        rows.append(
            (
                name,
                str(numbers["num_pairs"]),
                f"{numbers['mean_length']:.4g}",
                f"{numbers['length_over_straight']:.3f}",
                f"{numbers['decoded_over_straight']:.3f}",
                "-" if converged is None else f"{converged:.2f}",
                f"{numbers['seconds_per_query']:.3g}",
            )
        )
    rows.append(("straight", str(measured["num_pairs"]), f"{measured['straight_length']:.4g}", "1", "1", "-", "-"))
    return rows
