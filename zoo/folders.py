"""Entries in folders: what a program of `launch` or `Entry.save` wrote, read back with nothing taken on trust."""

from __future__ import annotations

import importlib.metadata
import itertools
import json
import pathlib
import platform
from typing import Any

from tfgeo.errors import UserError
from zoo import cards
from zoo.config import EntryConfig, from_dict
from zoo.prose import Card

__all__ = ["CARD_FILE", "FORMAT", "WEIGHTS_FILE", "facts", "is_folder", "read"]

# Card and weights of a folder. The card is what programs call their results: it holds the configuration too.
CARD_FILE, WEIGHTS_FILE = "metrics.json", "model.weights.h5"
# Raised when cards of before can no longer be read as those of now.
FORMAT = 1
# A card is some kilobytes; what is larger is no card, and not read.
MAX_CARD_BYTES = 16_000_000
# Numbers are stored in at least ten bits each.
MIN_BYTES_PER_WEIGHT = 1

_NEEDED = ("entry", "config", "sha256")
_PACKAGES = ("tensorflow", "tensorflow-probability", "keras", "numpy", "scikit-learn", "kmedoids")


def is_folder(name: str) -> bool:
    """Whether a name is that of a folder rather than of a registered entry."""
    return pathlib.Path(name).is_dir() or name.startswith((".", "/", "~")) or name.endswith("/")


def facts(config: EntryConfig, seed: int | None, weights: pathlib.Path | None) -> dict[str, Any]:
    """What every card says first: its format, entry, paper, seed, and of the weights their sha256; the versions."""
    known: dict[str, Any] = {
        "format": FORMAT,
        "entry": config.name,
        "paper": config.reference,
        "seed": seed,
    }
    if weights is not None and weights.is_file():
        known["sha256"] = cards.sha256_of(weights)
    versions = {"python": platform.python_version()}
    return known | {"versions": versions | {name: importlib.metadata.version(name) for name in _PACKAGES}}


def read(folder: pathlib.Path) -> tuple[EntryConfig, dict[str, Any], pathlib.Path]:
    """Configuration, card and weights file of a folder, the weights' sha256 checked.

    Raises:
      UserError: if there is no such folder, a file is missing, truncated, altered or of a newer version, or the
        configuration is none, or one of a model larger than its weights.
    """
    if not folder.is_dir():
        raise UserError(f"there is no folder {folder}; give one that `launch.train` or `Entry.save` wrote")
    card = _read_card(folder)
    weights = folder / WEIGHTS_FILE
    cards.check_sha256(weights, card["sha256"], "copy the whole folder again, or train anew")
    config = _read_config(folder, card)
    _check_size(config, weights)
    return config, card, weights


def _read_card(folder: pathlib.Path) -> dict[str, Any]:
    path = folder / CARD_FILE
    if not path.is_file():
        raise UserError(
            f"{folder} holds no {CARD_FILE}, so that it is no entry; give a folder that `launch.train` or "
            "`Entry.save` wrote to its end"
        )
    if path.stat().st_size > MAX_CARD_BYTES:
        raise UserError(f"{path} has {path.stat().st_size} bytes, which no card has; copy the folder again")
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} cannot be read ({error}): it was cut or altered; copy the folder again") from error
    if not isinstance(card, dict):
        raise UserError(f"{path} holds a {type(card).__name__}, not a card; copy the folder again")
    version = card.get("format", FORMAT)
    if not isinstance(version, int) or version > FORMAT:
        raise UserError(
            f"{path} has format {version!r}, this version of tfgeo reads those up to {FORMAT}; upgrade tfgeo"
        )
    missing = [name for name in _NEEDED if name not in card]
    if missing:
        raise UserError(
            f"{path} does not say {', '.join(missing)}; run the program that wrote it again, or give "
            "zoo.load the entry's name and weights=FILE"
        )
    return Card(card)


def _read_config(folder: pathlib.Path, card: dict[str, Any]) -> EntryConfig:
    path = folder / CARD_FILE
    try:
        return from_dict(card["config"])
    except TypeError as error:  # a field or section that is not known, or a value of another type
        cause = str(error).split("__init__() ")[-1]
        raise UserError(
            f"the configuration in {path} cannot be read ({cause}): it was altered, or written by a newer version; "
            "upgrade tfgeo, or copy the folder again"
        ) from error
    except (AttributeError, KeyError, ValueError) as error:
        raise UserError(f"the configuration in {path} is none ({error}); copy the folder again") from error


def _check_size(config: EntryConfig, weights: pathlib.Path) -> None:
    """Refuses a configuration whose model the file cannot hold, before memory is taken for it."""
    network = config.network
    seen = network.data_dim
    if network.filters:  # what the last convolution gives: each halves the image
        height, width = (-(-side // 2 ** len(network.filters)) for side in network.image_shape)
        seen = height * width * network.filters[-1]
    widths = [
        [seen, *network.encoder_units, network.latent_dim],
        [network.latent_dim, *network.decoder_units, seen],
    ]
    needed = sum(one * other for chain in widths for one, other in itertools.pairwise(chain))
    if config.metric is not None:
        needed += config.metric.num_centroids * network.latent_dim * (1 + network.latent_dim)
    if config.variance is not None:
        needed += config.variance.num_components * network.latent_dim
    held = weights.stat().st_size
    if needed * MIN_BYTES_PER_WEIGHT > held:
        raise UserError(
            f"{weights} has {held} bytes, fewer than the {needed} weights that its card says: one of them was "
            "altered; copy the whole folder again"
        )
