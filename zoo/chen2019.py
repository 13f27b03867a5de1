"""Chen et al. (2019), Fast Approximate Geodesics for Deep Generative Models: paths on graphs of samples."""

from __future__ import annotations

import dataclasses
from typing import Any

from zoo import chen2018
from zoo.config import DataConfig, EntryConfig, GraphConfig, Reported, TrainingConfig

__all__ = ["ENTRIES", "NO_WEIGHTS"]

_PAPER = "Chen et al. 2019"
_URL = "https://arxiv.org/abs/1812.08284"

_FREE = "Free: k = 15 neighbours, and the length of an edge from 5 points on it; no search is recorded."
NO_WEIGHTS = "No trained weights ship: the images are a copy of your own."


def _entry(base: EntryConfig, name: str, summary: str, **changes: Any) -> EntryConfig:
    """The model of an entry of chen2018, or one like it, with a graph beside its neural curves."""
    notes = (*base.notes, _FREE)
    settings: dict[str, Any] = {"graph": GraphConfig(), "reported": Reported(), "notes": notes}
    if not {"data", "network", "training"} & set(changes):
        settings["model_of"] = base.name
    return dataclasses.replace(
        base, name=f"chen2019/{name}", summary=summary, paper=_PAPER, url=_URL, **(settings | changes)
    )


_PENDULUM, _MNIST, _, _HUMAN_MOTION = chen2018.ENTRIES

_IMAGES = (
    "The networks of Table 3 of Chen et al. (2018): here no architecture was at hand. Grey pixels in [0, 1] with "
    "the Bernoulli decoder's cross-entropy, K = 5. Epochs, batch and learning rate are ours: no search recorded.",
    _FREE,
)

ENTRIES = (
    _entry(_PENDULUM, "pendulum", "images of a pendulum: paths through a graph of all samples"),
    _entry(_HUMAN_MOTION, "human_motion", "walking: paths through a graph of all poses"),
    _entry(
        _MNIST,
        "fashion_mnist",
        "Fashion-MNIST: paths through a graph of 10,000 images",
        data=DataConfig("fashion_mnist"),
        training=TrainingConfig(epochs=5, batch_size=60, learning_rate=1e-3, importance_samples=5),
        graph=GraphConfig(num_nodes=10_000),
        notes=_IMAGES,
    ),
    _entry(
        _MNIST,
        "chairs",
        "rendered chairs of your own copy: paths through a graph of the images",
        data=DataConfig("chairs", size=64),
        network=dataclasses.replace(_MNIST.network, data_dim=64 * 64),
        training=TrainingConfig(epochs=20, batch_size=60, learning_rate=1e-3, importance_samples=5),
        graph=GraphConfig(num_nodes=10_000),
        notes=(*_IMAGES, NO_WEIGHTS),
    ),
)
