"""Cards: what a file of trained weights is, how it was made, and what it measures."""

from __future__ import annotations

import hashlib
import json
import pathlib

from tfgeo.errors import UserError
from zoo.config import EntryConfig
from zoo.prose import Card
from zoo.registry import config, names

__all__ = ["card", "card_path", "check_sha256", "sha256_of", "weights_path"]

_FOLDER = pathlib.Path(__file__).parent / "weights"
_REMEDY = "reinstall the package"


def weights_path(name: str) -> pathlib.Path:
    """Where the trained weights of an entry are, its own or another's. Only registered names are accepted."""
    entry = config(name)
    return _FOLDER / f"{entry.model_of or entry.name}.weights.h5"


def card_path(name: str) -> pathlib.Path:
    """Where the card of an entry is. Only registered names are accepted."""
    return _FOLDER / f"{_registered(name).name}.json"


def _registered(name: str) -> EntryConfig:
    """The entry's configuration; of a folder it is said how its card is read."""
    if name not in names() and pathlib.Path(name).is_dir():
        raise UserError(f"{name} is a folder; zoo.load({str(name)!r}).card is its card")
    return config(name)


def card(name: str) -> Card | None:
    """The entry's card, or None where it ships no trained weights: a dictionary that prints as prose and tables.

    Raises:
      UserError: if there is no such entry.
    """
    path = card_path(name)
    return Card(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else None


def sha256_of(path: pathlib.Path) -> str:
    """sha256 of a file, in hex."""
    with path.open("rb") as file:
        return (
            hashlib.file_digest(file, "sha256").hexdigest()
            if hasattr(hashlib, "file_digest")
            else (hashlib.sha256(file.read()).hexdigest())
        )


def check_sha256(path: pathlib.Path, expected: str, remedy: str = _REMEDY) -> None:
    """Refuses a file whose content is not the one that its card names.

    Args:
      path: the file.
      expected: its sha256 by the card.
      remedy: how to get the right one, a clause without a full stop.

    Raises:
      UserError: if the file is missing or altered.
    """
    if not path.exists():
        raise UserError(f"weights file {path} is missing; {remedy}, or pass weights=None")
    actual = sha256_of(path)
    if actual != expected:
        raise UserError(
            f"weights file {path} has sha256 {actual[:12]}..., its card says {str(expected)[:12]}...: it was "
            f"altered; {remedy}, or pass the path itself as weights=PATH if you trust it"
        )
