"""Every public name has an example: in its docstring, or in the Python of a page that uses it."""

import ast
import importlib
import inspect
import re

import pytest

import tfgeo
from tests.docs.snippets import ROOT, blocks

PACKAGES = sorted(
    re.search(r"^::: ([\w.]+)$", path.read_text(encoding="utf-8"), re.M)[1]
    for path in (ROOT / "docs" / "reference").glob("*.md")
)
# Names without an example. It may only get shorter.
WITHOUT: set[str] = set()


def used_names(source: str) -> set[str]:
    """Dotted names that Python code uses, by what its imports make of them."""
    known, used = {}, set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module:
            known |= {name.asname or name.name: f"{node.module}.{name.name}" for name in node.names}
        elif isinstance(node, ast.Import):
            known |= {name.asname or name.name.split(".")[0]: name.name.split(".")[0] for name in node.names}
    for node in ast.walk(ast.parse(source)):
        parts = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if isinstance(node, ast.Name) and node.id in known:
            used.add(".".join([known[node.id], *reversed(parts)]))
    return used


@pytest.fixture(scope="module")
def used():
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    # Snippets of a page go on from one another.
    return set().union(*(used_names("\n".join(blocks(page))) for page in pages))


def public_names():
    for package in PACKAGES:
        module = importlib.import_module(package)
        for name in module.__all__:
            yield f"{package}.{name}", getattr(module, name)


def test_every_public_name_has_an_example(used):
    missing = set()
    for name, value in public_names():
        last = name.rpartition(".")[2]
        # `tfgeo.quiet` is the name under which that of `tfgeo.startup` is known.
        called = [name, *([f"tfgeo.{last}"] if vars(tfgeo).get(last) is value else [])]
        is_used = any(one == place or one.startswith(f"{place}.") for one in used for place in called)
        if not is_used and ">>>" not in (inspect.getdoc(value) or ""):
            missing.add(name)
    # Write a short example that runs into docs/reference/.
    assert missing == WITHOUT


def test_names_are_those_of_imports():
    source = (
        "import tfgeo\nfrom tfgeo import plots as p\nfrom zoo import load\nx = p.save(tfgeo.curves.names())\nload"
    )
    used = used_names(source)
    assert used >= {"tfgeo.plots.save", "tfgeo.curves.names", "zoo.load"}
    assert not used & {"tfgeo.plots.names", "tfgeo.save", "p.save"}
