"""Notebooks say what their pages say, are whole by their format's own schema, and run in a kernel."""

import os
import sys

import nbclient
import nbformat
import pytest

from tests.docs.snippets import ROOT, blocks, load_script

NOTEBOOKS = load_script("notebooks")


@pytest.mark.parametrize("name", NOTEBOOKS.PAGES)
def test_cells_are_the_pages_own_text(name):
    page = ROOT / "docs" / "how-to" / f"{name}.md"
    notebook = NOTEBOOKS.notebook_of(name)
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    assert code == [block.strip("\n") for block in blocks(page)]
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    title, *lines = page.read_text(encoding="utf-8").splitlines()
    assert all(line in text for line in (title, *(line for line in lines if line.startswith(("## ", "| ")))))
    assert nbformat.writes(notebook) == nbformat.writes(NOTEBOOKS.notebook_of(name))


def test_what_is_written_is_read_and_valid(tmp_path):
    paths = NOTEBOOKS.write_notebooks(tmp_path / "new")
    assert [path.stem for path in paths] == list(NOTEBOOKS.PAGES)
    for path in paths:
        nbformat.validate(nbformat.read(path, as_version=4))


def test_a_notebook_runs_in_a_kernel_and_shows_its_figures(tmp_path, monkeypatch):
    """One of them: the cells of the others run in `test_snippets`, without the seconds that a kernel takes."""
    # The kernel works in a folder of its own.
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), *filter(None, sys.path)]))
    notebook = NOTEBOOKS.notebook_of("figures")
    nbclient.NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    ).execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    # As for all snippets, a warning to users is a failure.
    assert not [output for output in outputs if "UserWarning" in output.get("text", "")]
    assert any("image/png" in output.get("data", {}) for output in outputs)
