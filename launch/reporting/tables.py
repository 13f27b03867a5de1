"""Tables as text, Markdown, CSV and a page."""

from __future__ import annotations

import csv
import html
import pathlib
from collections.abc import Sequence

from tfgeo.checkpoints import whole_file

__all__ = ["Rows", "markdown_table", "text_table", "write_tables"]

Rows = list[tuple[str, ...]]


def text_table(rows: Sequence[Sequence[str]]) -> str:
    """Rows, the first of them a header, in aligned columns."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)) for row in rows]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(line.rstrip() for line in lines)


def markdown_table(rows: Sequence[Sequence[str]]) -> str:
    """Rows, the first of them a header, as a Markdown table."""
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    lines.insert(1, "|" + "---|" * len(rows[0]))
    return "\n".join(lines)


def write_tables(folder: pathlib.Path, name: str, title: str, rows: Rows) -> None:
    """Writes a table as NAME.txt, NAME.csv and NAME.html, and prints it."""
    text = text_table(rows)
    with whole_file(folder / f"{name}.txt") as partial:
        partial.write_text(f"{title}\n\n{text}\n", encoding="utf-8")
    with (
        whole_file(folder / f"{name}.csv") as partial,
        partial.open("w", newline="", encoding="utf-8") as file,
    ):
        csv.writer(file).writerows(rows)
    cells = ["".join(f"<td>{html.escape(cell)}</td>" for cell in row) for row in rows]
    body = "\n".join(f"<tr>{row}</tr>" for row in cells)
    with whole_file(folder / f"{name}.html") as partial:
        partial.write_text(
            f'<!doctype html><meta charset="utf-8"><title>{html.escape(title)}</title>\n'
            f"<h1>{html.escape(title)}</h1>\n<table border=1 cellpadding=4>\n{body}\n</table>\n",
            encoding="utf-8",
        )
    print(f"\n{title}\n\n{text}\n\n{folder / name}.txt, .csv, .html", flush=True)
