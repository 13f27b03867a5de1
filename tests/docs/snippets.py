"""The snippets of the documents."""

import re

__all__ = ["blocks"]


def blocks(path):
    """The text of each block of a page that is fenced as python, in their order."""
    return re.findall(r"^```python\n(.*?)^```$", path.read_text(encoding="utf-8"), re.M | re.S)
