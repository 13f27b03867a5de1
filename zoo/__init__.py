"""A zoo of published experiments: one named entry each, with its configuration and trained weights.

`names`, `config`, `card` and `cite` read data only and do not import TensorFlow; `load` and `VAEEmbedding` do.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from zoo.cards import card
from zoo.citations import cite
from zoo.config import EntryConfig
from zoo.registry import config, names

if TYPE_CHECKING:
    from zoo.embedding import VAEEmbedding
    from zoo.entry import Entry

__all__ = ["EntryConfig", "VAEEmbedding", "card", "cite", "config", "load", "names"]


def load(
    name: str | os.PathLike[str],
    weights: str | os.PathLike[str] | None = "pretrained",
    data_dir: str | None = None,
) -> Entry:
    """An entry with its model.

    Args:
      name: one of `names()`; a folder that a program of `launch` or `Entry.save` wrote, as text or as a path; or
        `hf://ORG/NAME`, such a folder on the Hugging Face Hub (extra `hub`), optionally with `@REVISION`.
      weights: "pretrained" for the trained weights shipped with the zoo (their sha256 is verified), None for an
        untrained model, or the path of a weights file that `launch.train` wrote.
      data_dir: folder of the original data files, for `Entry.dataset`.

    Returns:
      The entry: `.config`, `.card`, `.model`, `.dataset()`, `.manifold()`.

    Raises:
      UserError: if the name is unknown, there are no such weights, their checksum differs, they hold other numbers
        than the configuration says, or a folder is no entry.
    """
    from zoo.entry import load as load_entry

    return load_entry(name, weights, data_dir)


def __getattr__(name: str) -> Any:
    if name == "VAEEmbedding":
        from zoo.embedding import VAEEmbedding

        return VAEEmbedding
    raise AttributeError(f"module 'zoo' has no attribute {name!r}")
