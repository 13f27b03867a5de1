"""Prints the map of the rooms: each package with the first line of its docstring. No package is imported.

make map
"""

from __future__ import annotations

import ast
import pathlib
import sys
from collections.abc import Iterator

ROOT = pathlib.Path(__file__).resolve().parents[1]
# Wings, and whether their rooms are shown. Those of the tests mirror the others.
WINGS = {"tfgeo": True, "zoo": True, "launch": True, "tests": False}
INDENT = "  "


def find_packages(folder: pathlib.Path, is_deep: bool, depth: int = 0) -> Iterator[tuple[int, pathlib.Path]]:
    """A package and, if `is_deep`, those inside of it by name, each with its depth."""
    yield depth, folder
    if not is_deep:
        return
    for inner in sorted(folder.iterdir()):
        if any(inner.glob("*.py")):
            yield from find_packages(inner, is_deep, depth + 1)


def first_line(folder: pathlib.Path) -> str:
    """The first line of a package's docstring."""
    path = folder / "__init__.py"
    doc = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) if path.exists() else None
    if not doc:
        name = path.relative_to(ROOT)
        sys.exit(f"{name} has no docstring; write one whose first line says what {name.parent}/ is for")
    return doc.splitlines()[0]


def build_map() -> str:
    """The map, a line for each package: its path and what it is for."""
    packages = [found for wing, is_deep in WINGS.items() for found in find_packages(ROOT / wing, is_deep)]
    rows = [(f"{INDENT * depth}{folder.name}/", first_line(folder)) for depth, folder in packages]
    width = max(len(path) for path, _ in rows)
    return "\n".join(f"{path:<{width}}  {line}" for path, line in rows)


if __name__ == "__main__":
    print(build_map())
