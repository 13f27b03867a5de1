"""Images and settings small enough to train every model of Chadebec et al. (2020) in a test."""

import json
import pathlib

import numpy as np

from launch import program

SIDE = 6
SMALL = [
    "--config.network.encoder_units=(8,)",
    "--config.network.decoder_units=(8,)",
    "--config.network.latent_dim=2",
    "--config.training.epochs=6",
    "--config.training.batch_size=10",
    "--config.evaluation.num_samples=20",
    "--config.evaluation.repeats=2",
    "--config.figures.resolution=6",
    "--config.figures.distance_map_resolution=6",
    "--config.generation.num_samples=12",
    "--config.generation.num_steps=20",
]
SMALL_FLOW = ["--config.flow.num_steps=1"]
SMALL_METRIC = [*SMALL_FLOW, "--config.metric.hidden_units=(6,)"]


def write_images(folder: pathlib.Path, num_per_class: int = 15) -> str:
    """The flag of a file with two classes of 6 x 6 images, bars across and bars down, in places of their own."""
    random = np.random.default_rng(0)
    images = 0.1 * random.uniform(size=(2 * num_per_class, SIDE, SIDE))
    for index, image in enumerate(images):
        place = random.integers(SIDE)
        (image if index < num_per_class else image.T)[place] = 0.9
    path = folder / "images.npz"
    np.savez(path, x=images.astype(np.float32), y=np.repeat([0, 1], num_per_class))
    return f"--data={path}"


def launch(door, flags, *arguments) -> int:
    return program.run(door.main, flags(), door.__doc__, ["launch", *map(str, arguments)])


def metrics_of(folder: pathlib.Path) -> dict:
    return json.loads((folder / "metrics.json").read_text())


def check_results(folder: pathlib.Path) -> dict:
    """The files that every program writes; returns metrics.json."""
    metrics = metrics_of(folder)
    assert set(metrics) >= {"entry", "seed", "config", "versions", "measured", "reported", "seconds"}
    assert (folder / "model.weights.h5").exists() and not list(folder.rglob("unfinished"))
    report = (folder / "report.md").read_text()
    pictures = list((folder / "figures").glob("*.png"))
    assert all(path.with_suffix(".pdf").exists() and path.name in report for path in pictures)
    return metrics
