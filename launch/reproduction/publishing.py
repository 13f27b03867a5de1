"""Puts trained weights into the zoo, with cards of what was measured."""

from __future__ import annotations

import json
import pathlib
import shutil
import statistics
import tempfile
from collections.abc import Mapping, Sequence
from typing import Any

from launch.reporting.tables import Rows
from launch.reproduction.quantizing import store_weights
from tfgeo.checkpoints import whole_file
from tfgeo.errors import UserError
from zoo import cards, registry
from zoo.config import EntryConfig, from_dict
from zoo.loading import same_weights
from zoo.study import Study

__all__ = ["publish", "publish_study"]

# Weights above this many bytes are not shipped; their card says how to make them.
MAX_BYTES = 5_000_000


def publish(
    entry: EntryConfig,
    runs: Sequence[Mapping[str, Any]],
    folder: pathlib.Path,
    quantize: bool = False,
    data_dir: str | None = None,
) -> None:
    """Copies the first seed's weights into the zoo, with a card of what all seeds measured.

    Args:
      entry: the entry.
      runs: metrics of its runs, one for each seed.
      folder: folder of the first one.
      quantize: whether weights are stored in the fewest bits that cost nothing.
      data_dir: folder of the original data files, on which the cost is measured.
    """
    first = runs[0]
    storage = _share(entry, folder) if entry.model_of else _store(entry, first, folder, quantize, data_dir)
    if storage is None:
        return
    trained = entry.model_of or entry.name
    before: Mapping[str, Any] = cards.card(entry.name) or {}
    card = {
        "entry": entry.name,
        "paper": entry.reference,
        "command": f"python -m launch.train --entry={trained} --seed={first['seed']} --output_dir=DIR",
        "seed": first["seed"],
        # What is said of the entry is today's, not the run's.
        "config": first["config"] | {"notes": list(entry.notes), "model_of": entry.model_of},
        "data_sha256": first["data_sha256"],
        "sha256": cards.sha256_of(cards.weights_path(entry.name)),
        **storage,
        "versions": first["versions"],
        "measured": first["measured"],
        "measured_over_seeds": {"seeds": [run["seed"] for run in runs]}
        | _over_seeds([run["measured"] for run in runs]),
        "reported": first["reported"],
        "seconds": first["seconds"],
        "studies": before.get("studies", {}),
    }
    _write_card(entry.name, card)


def _store(
    entry: EntryConfig, first: Mapping[str, Any], folder: pathlib.Path, quantize: bool, data_dir: str | None
) -> dict[str, Any] | None:
    """Copies a run's weights; what its card says of their bits, or None where they are too large."""
    stored, storage = folder / "model.weights.h5", {}
    with tempfile.TemporaryDirectory() as place:
        if quantize:
            trained, stored = stored, pathlib.Path(place) / "stored.weights.h5"
            config = from_dict(first["config"])
            storage = {"storage": store_weights(config, first["seed"], trained, stored, data_dir)}
        size = stored.stat().st_size
        if size > MAX_BYTES:
            print(
                f"{entry.name}: not published, its weights of {size / 1e6:.1f} MB in {folder} are larger than "
                f"{MAX_BYTES / 1e6:.0f} MB",
                flush=True,
            )
            return None
        weights = cards.weights_path(entry.name)
        if weights.exists() and cards.sha256_of(weights) != cards.sha256_of(stored):
            _withdraw_cards_of_shared(entry)
        with whole_file(weights) as partial:
            shutil.copyfile(stored, partial)
    return storage


def _share(entry: EntryConfig, folder: pathlib.Path) -> dict[str, Any] | None:
    """What the card says of the bits of another entry's weights; None where a run's are not these."""
    shared = cards.card(entry.model_of)
    if shared is None:
        print(
            f"{entry.name}: not published, its weights are those of {entry.model_of}: publish it first", flush=True
        )
        return None
    if not same_weights(folder / "model.weights.h5", cards.weights_path(entry.model_of)):
        print(
            f"{entry.name}: not published, the weights in {folder} are not those of {entry.model_of}; run it with "
            f"--weights={cards.weights_path(entry.model_of)}",
            flush=True,
        )
        return None
    return {key: shared[key] for key in ("storage",) if key in shared}


def _withdraw_cards_of_shared(entry: EntryConfig) -> None:
    """Removes cards of entries that were measured with the weights that this one had before."""
    for name in registry.names():
        path = cards.card_path(name)
        if registry.config(name).model_of == entry.name and path.exists():
            path.unlink()
            print(f"{name}: its card is removed, it is of the former weights of {entry.name}", flush=True)


def publish_study(study: Study, rows: Rows) -> None:
    """Adds a study's table to its entry's card."""
    card = cards.card(study.entry)
    if card is None:
        raise UserError(f"{study.entry} has no card yet; run with --publish and without --study first")
    card["studies"][study.name] = {"question": study.question, "table": rows, "answer": study.answer}
    _write_card(study.entry, card)


def _over_seeds(measured: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Mean and standard deviation of each number that all seeds measured, nested as they are."""
    summary: dict[str, Any] = {}
    for name, value in measured[0].items():
        if isinstance(value, Mapping):
            summary[name] = _over_seeds([one[name] for one in measured if name in one])
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            values = [float(one[name]) for one in measured if name in one]
            spread = statistics.stdev(values) if len(values) > 1 else 0.0
            summary[name] = {"mean": round(statistics.mean(values), 4), "std": round(spread, 4)}
    return summary


def _write_card(name: str, card: dict[str, Any]) -> None:
    with whole_file(cards.card_path(name)) as partial:
        partial.write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"published {cards.card_path(name)}", flush=True)
