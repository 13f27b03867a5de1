"""Entries by name."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable

from tfgeo.errors import unknown_name_error
from zoo import arvanitidis2018, chadebec2020, chen2018, chen2019, generic, gimli2018, yang2018
from zoo.config import EntryConfig

__all__ = ["config", "names"]


def names(pattern: str = "*") -> list[str]:
    """Names of the entries that match a shell pattern such as "yang2018/*", in the papers' order."""
    return [name for name in _ENTRIES if fnmatch.fnmatchcase(name, pattern)]


def config(name: str) -> EntryConfig:
    """The entry's configuration.

    Raises:
      UserError: if there is no such entry; the message names the nearest ones.
    """
    if name not in _ENTRIES:
        raise unknown_name_error("zoo entry", name, _ENTRIES, "`python -m launch.catalogue` lists all")
    return _ENTRIES[name]


def _collect(configs: Iterable[EntryConfig]) -> dict[str, EntryConfig]:
    entries: dict[str, EntryConfig] = {}
    for entry in configs:
        if entry.name in entries:
            raise ValueError(f"two zoo entries are named {entry.name!r}")
        entries[entry.name] = entry
    return entries


_ENTRIES = _collect(
    [
        *yang2018.ENTRIES,
        *gimli2018.ENTRIES,
        *chen2018.ENTRIES,
        *chen2019.ENTRIES,
        *arvanitidis2018.ENTRIES,
        *chadebec2020.ENTRIES,
        *generic.ENTRIES,
    ]
)
