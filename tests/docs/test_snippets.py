"""Every snippet of the README, of the how-to pages and of the reference runs as it stands, without a warning."""

import doctest
import importlib
import pathlib
import re
import shlex
import subprocess

import pytest

from tests.docs.snippets import ROOT, blocks, load_script, run

README, OWN_DECODER = ROOT / "README.md", ROOT / "docs" / "how-to" / "own-decoder.md"
# `test_scikit_learn_page` looks at what that page prints, and `test_notebooks` runs the page of figures.
ELSEWHERE = ("scikit-learn", "figures")
HOW_TO = [page for page in sorted((ROOT / "docs" / "how-to").glob("*.md")) if page.stem not in ELSEWHERE]
REFERENCE = sorted((ROOT / "docs" / "reference").glob("*.md"))
NOTEBOOKS = load_script("notebooks")


def snippets_of(page: pathlib.Path) -> list[str]:
    """The cells of pages that are notebooks too, so that these run as well; else the page's fences."""
    if page.parent.name != "how-to" or page.stem not in NOTEBOOKS.PAGES:
        return blocks(page)
    return [cell.source for cell in NOTEBOOKS.notebook_of(page.stem).cells if cell.cell_type == "code"]


@pytest.fixture(autouse=True)
def figures_are_closed():
    yield
    pyplot = importlib.import_module("matplotlib.pyplot")
    pyplot.close("all")


@pytest.mark.parametrize("number", range(len(blocks(README))))
def test_each_snippet_of_the_readme_stands_alone(number, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run(blocks(README)[number : number + 1], f"README.md from {number}", {})


@pytest.mark.parametrize("page", [*HOW_TO, *REFERENCE], ids=lambda page: f"{page.parent.name}/{page.stem}")
def test_snippets_of_a_page_go_on_from_one_another(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    snippets = snippets_of(page)
    assert snippets
    run(snippets, page.name, {})


DOCTESTED = [path for path in sorted((ROOT / "tfgeo").rglob("*.py")) if ">>>" in path.read_text(encoding="utf-8")]


@pytest.mark.parametrize("path", DOCTESTED, ids=lambda path: path.stem)
def test_examples_of_docstrings_run(path):
    module = importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
    result = doctest.testmod(module)
    assert result.attempted and not result.failed


def test_a_pytorch_decoder_by_onnx(tmp_path, monkeypatch):
    """In environments that hold PyTorch and onnx2tf as well; see the page for why most do not."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("onnx2tf")
    monkeypatch.chdir(tmp_path)
    text = OWN_DECODER.read_text(encoding="utf-8")
    make, use = re.findall(r"^```py\n(.*?)^```$", text, re.M | re.S)
    (command,) = re.findall(r"^ {4}(onnx2tf .*)$", text, re.M)
    namespace = {}
    run(blocks(OWN_DECODER)[:1] + [make], OWN_DECODER.name, namespace)
    subprocess.run(shlex.split(command), check=True)
    run([use], OWN_DECODER.name, namespace)
    z = namespace["z"].astype("float32")
    with torch.no_grad():
        theirs = namespace["network"](torch.tensor(z)).numpy()
    ours = namespace["manifold"].embedding(z).numpy()
    # PyTorch has channels first, TensorFlow last; here there is one.
    assert abs(ours - theirs.reshape(len(z), -1)).max() < 1e-5
