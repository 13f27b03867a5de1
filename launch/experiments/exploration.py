"""The explorer of an entry: what of its model, data and metrics is shown."""

from __future__ import annotations

import pathlib
import socket
from typing import TYPE_CHECKING, Any

import zoo
from launch import program
from tfgeo.errors import UserError, check_writable_folder
from zoo import folders

if TYPE_CHECKING:
    import numpy as np

    from tfgeo.datasets import Dataset
    from tfgeo.explorer import Scene, SceneMetric
    from zoo.entry import Entry

__all__ = ["check_flags", "entry_scene", "explore"]

# The unit of each metric's lengths, and what it measures.
_METRICS = {
    "pull-back": ("data units", "How far the decoded mean moves."),
    "expected": (
        "data units",
        "How far decoded mean and standard deviation move: leaving the data, where the decoder is unsure, costs.",
    ),
    "Fisher-Rao": (
        "standard deviations",
        "How well samples tell two points apart: a difference counts by the noise that it stands out of.",
    ),
    "learned": ("metric units", "The metric that the model learned: ways through gaps in the data are long."),
    "smoothed": ("data units", "The pull-back metric with its small eigenvalues shrunk (Chen et al. 2018)."),
}
_IN_PLANE = (
    "The latent space has {d} dimensions. The page shows the plane of the first two principal axes of the codes, "
    "which holds {share:.0%} of their variance; geodesics stay in it, and codes are projected to it."
)


def check_flags(values: program.Flags) -> None:
    """Refuses what is wrong with the flags before TensorFlow is loaded."""
    if values.entry is None:
        raise UserError("--entry is missing; give for example --entry=yang2018/mnist_012")
    if not folders.is_folder(values.entry):
        zoo.config(values.entry)
    if values.static is None:
        _check_port(values.port)
        return
    path = pathlib.Path(values.static).expanduser()
    if path.suffix.lower() not in (".html", ".htm"):
        raise UserError(f"--static={values.static} must end in .html, such as --static=out/explore.html")
    if path.is_dir():
        raise UserError(f"--static={values.static} is a folder; give the name of a file in it")
    check_writable_folder(path.parent)


def _check_port(port: int) -> None:
    """Refuses a port that is taken, before everything is loaded; the server itself looks once more."""
    with socket.socket() as tried:
        # As servers do: a connection that was closed a moment ago keeps no port.
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind(("127.0.0.1", port))
        except OSError as error:
            raise UserError(
                f"port {port} cannot be used on this machine ({error.strerror}); give another one, such as "
                f"--port={port % 65535 + 1}"
            ) from error


def explore(values: program.Flags) -> None:
    """Writes or serves the explorer that the flags name."""
    from launch.running.run import say

    entry = zoo.load(values.entry, values.weights, values.data_dir)
    scene = entry_scene(entry, entry.dataset(values.seed), values.seed)
    say(f"{values.entry}: {len(scene.latents)} codes, {len(scene.shown)} of them shown")
    if values.static is not None:
        from tfgeo.explorer import write_page

        path = write_page(scene, values.static, say=say)
        say(f"{path}: {path.stat().st_size / 1e6:.1f} MB; open it in a browser")
        return
    from tfgeo.explorer.served import serve

    serve(scene, values.port, say)


def entry_scene(entry: Entry, dataset: Dataset, seed: int = 0) -> Scene:
    """The scene of an entry and its data set, with all metrics that its model has."""
    import numpy as np
    import tensorflow as tf

    from tfgeo.batches import batched
    from tfgeo.explorer import Plane, Scene, SceneMetric, dense_layers
    from zoo.metrics import metric_names

    model, config = entry.model, entry.config
    latents = batched(lambda x: model.encoder(x)[0], dataset.inputs)
    plane, summary = None, f"{config.summary} · {config.reference}"
    axes = Scene.axes
    if latents.shape[1] != 2:
        plane = Plane.principal(latents)
        latents = plane.project(latents).astype(np.float32)
        summary += ". " + _IN_PLANE.format(d=config.network.latent_dim, share=plane.share)
        axes = ("u₁, first principal axis", "u₂, second principal axis")

    @tf.function(autograph=False, input_signature=[tf.TensorSpec([None, 2], tf.float32)])
    def mean(u: tf.Tensor) -> tf.Tensor:
        return model.decoder(u if plane is None else plane.lift(u))[0]

    def decode(points: np.ndarray) -> np.ndarray:
        return np.asarray(mean(tf.constant(points, tf.float32)))

    metrics = [_scene_metric(entry, name, plane) for name in metric_names(entry)]
    tried = latents[:: max(1, len(latents) // 64)]
    names = dataset.class_names or {}
    labels = dataset.labels
    return Scene(
        title=config.name,
        latents=latents,
        decode=decode,
        metrics=[*metrics, SceneMetric.straight()],
        summary=summary,
        labels=labels,
        class_names=[]
        if labels is None
        else [names.get(label, str(label)) for label in np.unique(labels).tolist()],
        samples=dataset.inputs,
        image_shape=dataset.image_shape,
        layers=dense_layers(model.decoder, tried, decode(tried), plane),
        axes=axes,
    )


def _scene_metric(entry: Entry, name: str, plane: Any) -> SceneMetric:
    from tfgeo.explorer import SceneMetric
    from zoo.metrics import metric_title

    manifold, title = entry.manifold(name), metric_title(entry, name)
    unit, text = _METRICS[title]
    key = "smoothed" if title == "smoothed" else name
    lines = ["import tfgeo", "import zoo", "", f'entry = zoo.load("{entry.config.name}")']
    if plane is None:
        lines.append(
            f'geodesic = tfgeo.geodesics.connect(entry.manifold("{name}"), [{{a}}], [{{b}}], curve="cubic_spline")'
        )
        lines.append("print(geodesic.length, geodesic.converged)")
        return SceneMetric(key, title, manifold, unit, text, "\n".join(lines))
    lines += [
        "plane = tfgeo.explorer.Plane.principal(entry.model.encode(entry.dataset().inputs).mean().numpy())",
        f'manifold = plane.restrict(entry.manifold("{name}"))',
        'geodesic = tfgeo.geodesics.connect(manifold, [{a}], [{b}], curve="cubic_spline")',
    ]
    return SceneMetric(key, title, plane.restrict(manifold), unit, text, "\n".join(lines))
