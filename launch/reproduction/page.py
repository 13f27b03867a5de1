"""What a paper's page has beside its table: links to the reports and figures of each row's runs, and main figures.

All links are relative, so that the folder can be moved, zipped or put on a web site.
"""

from __future__ import annotations

import html
import pathlib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from launch.reproduction.rows import Row

__all__ = ["anchors", "figures_section", "runs_section"]

# Files of a run that readers open, where it wrote them.
FILES = ("report.md", "metrics.json", "clusters.csv")
# Figures that say most, in this order, and how many of a run are shown; all others are links.
MAIN_FIGURES = ("metrics", "latent_space", "clusters", "geodesics", "metric", "generated", "strips", "images")
SHOWN = 4


def anchors(rows: Iterable[Row]) -> dict[str, str]:
    """The link to each row's section of the page, by the row's name."""
    return {row.name: f"#{_anchor(row)}" for row in rows}


def runs_section(found: Mapping[Row, Sequence[Mapping[str, Any]]], folder: pathlib.Path) -> str:
    """A section for each row with runs: their files and figures, and the first run's main figures as pictures.

    Args:
      found: metrics of the runs by row; "seed" says in which folder a run is.
      folder: the folder of the page.
    """
    return "\n".join(_row_section(row, [run["seed"] for run in runs], folder) for row, runs in found.items())


def figures_section(title: str, paths: Sequence[pathlib.Path], folder: pathlib.Path) -> str:
    """Further figures of the whole paper; empty where there are none."""
    if not paths:
        return ""
    return f"<h2>{html.escape(title)}</h2>\n{''.join(_picture(path, folder) for path in paths)}"


def _row_section(row: Row, seeds: Sequence[int], folder: pathlib.Path) -> str:
    lines = [f'<h2 id="{_anchor(row)}">{html.escape(row.name)}</h2>', f"<p>{html.escape(row.entry.summary)}</p>"]
    places = [(seed, folder / row.folder / f"seed_{seed}") for seed in seeds]
    if not places:
        lines.append("<p>No run has succeeded.</p>")
    for seed, place in places:
        files = [place / name for name in FILES if (place / name).exists()]
        links = [_link(path, folder, path.name) for path in files]
        links += [_link(path, folder, path.stem) for path in _figures(place)]
        lines.append(f"<p>seed {seed}: {', '.join(links) or 'no files'}</p>")
    if places:
        lines += [_picture(path, folder) for path in _main_figures(places[0][1])]
    return "\n".join(lines)


def _figures(place: pathlib.Path) -> list[pathlib.Path]:
    return sorted((place / "figures").glob("*.png"))


def _main_figures(place: pathlib.Path) -> list[pathlib.Path]:
    """The few figures of a run that say most; those of other names come last, in order."""
    order = {name: index for index, name in enumerate(MAIN_FIGURES)}
    return sorted(_figures(place), key=lambda path: (order.get(path.stem, len(order)), path.stem))[:SHOWN]


def _anchor(row: Row) -> str:
    return re.sub(r"[^\w.-]+", "-", row.folder.as_posix())


def _address(path: pathlib.Path, folder: pathlib.Path) -> str:
    return html.escape(quote(path.relative_to(folder).as_posix()))


def _link(path: pathlib.Path, folder: pathlib.Path, text: str) -> str:
    return f'<a href="{_address(path, folder)}">{html.escape(text)}</a>'


def _picture(path: pathlib.Path, folder: pathlib.Path) -> str:
    address, name = _address(path, folder), html.escape(path.stem)
    return (
        f'<figure><a href="{address}"><img src="{address}" alt="{name}" loading="lazy"></a>'
        f"<figcaption>{name}</figcaption></figure>"
    )
