"""The Python of a document, to be run by a test."""

import importlib.util
import pathlib
import re
import warnings

ROOT = pathlib.Path(__file__).resolve().parents[2]


def blocks(path: pathlib.Path) -> list[str]:
    """Its fenced blocks of Python, in order."""
    return re.findall(r"^```python\n(.*?)^```", path.read_text(encoding="utf-8"), re.M | re.S)


def run(snippets, name, namespace):
    """Runs snippets one after another; what is wrong is shown with the number of the snippet."""
    for number, snippet in enumerate(snippets):
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)
            exec(compile(snippet, f"{name}, snippet {number}", "exec"), namespace)


def load_script(name: str):
    """A Python file of docs/, which is no package."""
    spec = importlib.util.spec_from_file_location(f"docs_{name}", ROOT / "docs" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
