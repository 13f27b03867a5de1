"""Tables as text, Markdown, CSV and a page."""

from __future__ import annotations

import csv
import html
import pathlib
from collections.abc import Mapping, Sequence

from tfgeo.checkpoints import whole_file

__all__ = ["Rows", "markdown_table", "text_table", "write_csv", "write_tables"]

Rows = list[tuple[str, ...]]

_STYLE = """body { font: 15px/1.45 system-ui, sans-serif; margin: 2em; color: #1b1f24 }
table { border-collapse: collapse } th, td { border: 1px solid #c3cad2; padding: .3em .6em; text-align: left }
td { white-space: nowrap } th { background: #eef1f4 }
figure { display: inline-block; margin: .5em 1em .5em 0; vertical-align: top }
img { max-width: 420px; max-height: 260px } figcaption { color: #59636e }"""


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


def write_tables(
    folder: pathlib.Path,
    name: str,
    title: str,
    rows: Rows,
    links: Mapping[str, str] | None = None,
    more: str = "",
) -> None:
    """Writes a table as NAME.txt, NAME.csv and NAME.html, and prints it.

    Args:
      folder: where to.
      name: of the files.
      title: of the table.
      rows: the first of them a header.
      links: where the page's cells of a text lead, by their text.
      more: HTML that follows the table on the page.
    """
    text = text_table(rows)
    with whole_file(folder / f"{name}.txt") as partial:
        partial.write_text(f"{title}\n\n{text}\n", encoding="utf-8")
    write_csv(folder / f"{name}.csv", rows)
    with whole_file(folder / f"{name}.html") as partial:
        partial.write_text(_page(title, rows, links or {}, more), encoding="utf-8")
    print(f"\n{title}\n\n{text}\n\n{folder / name}.txt, .csv, .html", flush=True)


def write_csv(path: pathlib.Path, rows: Rows) -> None:
    """Writes rows, the first of them a header, whole or not at all."""
    with whole_file(path) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)


def _page(title: str, rows: Rows, links: Mapping[str, str], more: str) -> str:
    lines = []
    for number, row in enumerate(rows):
        tag = "td" if number else "th"
        lines.append("<tr>" + "".join(f"<{tag}>{_cell(cell, links)}</{tag}>" for cell in row) + "</tr>")
    body, title = "\n".join(lines), html.escape(title)
    return (
        f'<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>{title}</title>\n<style>{_STYLE}</style>\n'
        f"<h1>{title}</h1>\n<table>\n{body}\n</table>\n{more}\n</html>\n"
    )


def _cell(text: str, links: Mapping[str, str]) -> str:
    shown = html.escape(text)
    return f'<a href="{html.escape(links[text])}">{shown}</a>' if text in links else shown
