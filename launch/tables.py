"""Tables as text and as Markdown."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["Rows", "markdown_table", "text_table"]

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
