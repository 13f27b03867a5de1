"""Training curves of a paper's grid, a figure for each setting that it varies.

Appendix A of Chadebec et al. (2020), Fig. 15-18.
"""

from __future__ import annotations

import pathlib
from collections.abc import Callable, Sequence

import numpy as np

from launch.reporting.training_curves import smooth
from launch.reproduction.rows import Row
from tfgeo import plots

__all__ = ["draw_grids"]

Lines = dict[str, tuple[np.ndarray, np.ndarray]]


def draw_grids(rows: Sequence[Row], seed: int, folder: pathlib.Path) -> list[pathlib.Path]:
    """Draws the curves that the runs of one seed kept; returns the paths of the PNGs."""
    paths = []
    for entry, members in _group(rows, lambda row: row.entry.name).items():
        reference = [row for row in members if row.study is None]
        varied = _group([row for row in members if row.study is not None], _varied)
        for what, settings in varied.items():
            panels: dict[str, Lines] = {}
            for row in (*settings, *reference):
                name = row.name.removeprefix(f"{entry}, ") if row.study is not None else "entry"
                for title, line in _read_curves(folder / row.folder / f"seed_{seed}").items():
                    panels.setdefault(title, {})[name] = line
            if panels:
                figure = plots.training_curves(panels)
                name = f"{entry}_{what}".replace("/", "_").replace(".", "_")
                paths.append(plots.save(figure, folder / "figures", name))
    return paths


def _group(rows: Sequence[Row], key: Callable[[Row], str]) -> dict[str, list[Row]]:
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return groups


def _varied(row: Row) -> str:
    """The field that a row changes, such as "flow.num_steps", or its study's name where it changes several.

    A learned value goes with its fixed ones.
    """
    if row.study is not None and len(row.flags) > 1:
        return row.study.name
    field = row.flags[0].removeprefix("--config.").split("=")[0]
    return field.replace(".learn_", ".")


def _read_curves(folder: pathlib.Path) -> Lines:
    """Held-out bound and log p(x) against epochs, as moving averages; empty where a run kept none."""
    path = folder / "evaluation.npz"
    if not path.exists():
        return {}
    curves = {}
    with np.load(path, allow_pickle=False) as saved:
        if "training_held_out" in saved.files:
            bound = saved["training_held_out"]
            epochs = 1.0 + np.arange(len(bound))
            curves["negative bound, held out"] = (epochs, smooth(epochs, bound))
        if "training_log_likelihood" in saved.files:
            known = np.isfinite(saved["training_log_likelihood"])
            epochs = saved["training_epoch"][known]
            curves["log p(x), held out"] = (epochs, smooth(epochs, saved["training_log_likelihood"][known]))
    return curves
