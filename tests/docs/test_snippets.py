"""Every snippet of the README and of the how-to pages runs as it stands, without a warning."""

import pathlib
import re
import shlex
import subprocess
import warnings

import pytest

from tests.docs.snippets import blocks

ROOT = pathlib.Path(__file__).resolve().parents[2]
README, OWN_DECODER = ROOT / "README.md", ROOT / "docs" / "how-to" / "own-decoder.md"
# What the page on scikit-learn prints is looked at in `test_scikit_learn_page`.
HOW_TO = [page for page in sorted((ROOT / "docs" / "how-to").glob("*.md")) if page.stem != "scikit-learn"]


def run(snippets, name, namespace):
    """Runs snippets one after another; what is wrong is shown with the number of the snippet."""
    for number, snippet in enumerate(snippets):
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)
            exec(compile(snippet, f"{name}, snippet {number}", "exec"), namespace)


@pytest.mark.parametrize("number", range(len(blocks(README))))
def test_each_snippet_of_the_readme_stands_alone(number, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run(blocks(README)[number : number + 1], f"README.md from {number}", {})


@pytest.mark.parametrize("page", HOW_TO, ids=lambda page: page.stem)
def test_snippets_of_a_page_go_on_from_one_another(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    snippets = blocks(page)
    assert snippets
    run(snippets, page.name, {})


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
