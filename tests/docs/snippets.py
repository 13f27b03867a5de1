"""The Python of a document, to be run by a test."""

import pathlib
import re


def blocks(path: pathlib.Path) -> list[str]:
    """Its fenced blocks of Python, in order."""
    return re.findall(r"^```python\n(.*?)^```", path.read_text(encoding="utf-8"), re.M | re.S)
