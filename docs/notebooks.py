"""Notebooks made of how-to pages, from their own text: fences of Python are cells, what is between them is text.

make notebooks

writes them to out/notebooks; the site has them to download, with a link on each page. They are not committed: a
second copy of the text would grow old beside the first.
"""

from __future__ import annotations

import pathlib
import re
import sys
from typing import Any

import jupytext
import nbformat

ROOT = pathlib.Path(__file__).resolve().parents[1]
HOW_TO = ROOT / "docs" / "how-to"
FOLDER = ROOT / "out" / "notebooks"
PAGES = ("own-decoder", "which-metric", "figures")


def notebook_of(name: str) -> nbformat.NotebookNode:
    """The notebook of the how-to page of that name; links lead to the site's pages."""
    notebook = jupytext.reads((HOW_TO / f"{name}.md").read_text(encoding="utf-8"), fmt="md")
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            # From the folder "notebooks" of the site: pages of the same folder lie in "how-to", others beside it.
            cell.source = re.sub(r"\]\((?!https?:|mailto:|#|\.\./)([^)]+)\)", r"](../how-to/\1)", cell.source)
            cell.source = re.sub(r"(\]\(\.\./[^)#]+)\.md", r"\1.html", cell.source)
    notebook.metadata = nbformat.from_dict(
        {
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
            "language_info": {"name": "python"},
        }
    )
    for number, cell in enumerate(notebook.cells):
        cell.id = f"{name}-{number}"  # the same text gives the same bytes
    nbformat.validate(notebook)
    return notebook


def write_notebooks(folder: pathlib.Path) -> list[pathlib.Path]:
    """Writes all of them; returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{name}.ipynb" for name in PAGES]
    for path in paths:
        nbformat.write(notebook_of(path.stem), path)
    return paths


def on_files(files: Any, config: Any) -> Any:
    """For mkdocs: adds the notebooks to the files of the site."""
    from mkdocs.structure.files import File

    for name in PAGES:
        content = nbformat.writes(notebook_of(name)) + "\n"
        files.append(File.generated(config, f"notebooks/{name}.ipynb", content=content))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """For mkdocs: below the title of a page, a link to its notebook."""
    name = page.file.src_uri.removeprefix("how-to/").removesuffix(".md")
    if page.file.src_uri != f"how-to/{name}.md" or name not in PAGES:
        return markdown
    title, _, rest = markdown.partition("\n")
    return f"{title}\n\n[This page as a notebook](../notebooks/{name}.ipynb).\n{rest}"


if __name__ == "__main__":
    for written in write_notebooks(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER):
        print(written)
