"""Figures of shortest paths: decoded samples and velocities, the latent plane, equidistance lines, an animation."""

from __future__ import annotations

import pathlib

import numpy as np

from launch.experiments.path_results import NUM_POINTS, Paths
from launch.reporting import figures
from tfgeo import plots
from tfgeo.batches import batched
from tfgeo.geodesics import distance_map
from tfgeo.randomness import generator

__all__ = ["NUM_POINTS", "animate", "draw"]

# Samples that are drawn, and up to how many classes have colours of their own.
SHOWN_SAMPLES = 2000
MAX_CLASSES = 16
# Samples around which equidistance lines are drawn, and frames of an animation, there and back.
SOURCES = 2
FRAMES = 30


def draw(paths: Paths) -> dict[str, plots.style.Figure]:
    """The figures that all data have."""
    drawn = {"velocity": _draw_velocity(paths)}
    if figures.has_images(paths.run.training):
        num = paths.run.config.interpolation.num_frames
        drawn["strip"] = figures.strip_figure(paths.run, paths.curves(num), num, paths.shown())
    if figures.is_plane(paths.run):
        drawn["latent"] = _draw_plane(paths)
        if paths.run.config.data.name in ("binarized_mnist", "fashion_mnist"):
            drawn["equidistance"] = _draw_equidistance(paths)
    return drawn


def animate(paths: Paths) -> list[pathlib.Path]:
    """A GIF of one interpolation along the geodesic and, beside it, the straight line; none without images."""
    run = paths.run
    if not figures.has_images(run.training):
        return []
    shown = paths.shown()[0]
    curves = [points[shown] for points in paths.curves(FRAMES).values()]
    shape = run.training.image_shape
    assert shape is not None
    frames = [np.clip(_decode(paths, curve), 0.0, 1.0).reshape(-1, *shape) for curve in curves]
    film = np.concatenate([frames[0], np.zeros_like(frames[0][:, :, :2]), frames[1]], axis=2)
    dark_on_white = figures.color_map(run) == "gray_r"
    path = run.folder / "figures" / "interpolation.gif"
    plots.save_animation(1.0 - film if dark_on_white else film, path)
    return [path]


def _decode(paths: Paths, points: np.ndarray) -> np.ndarray:
    return batched(lambda z: paths.run.entry.model.decode(z).mean(), points.astype(np.float32))


def _draw_velocity(paths: Paths) -> plots.style.Figure:
    """phi(t) of Eq. 11 along both curves of the pair that is shown (Fig. 1, 5, 10 and 11, at the bottom)."""
    figure = plots.new_figure(3.6, 2.2)
    plots.velocity(paths.curves(NUM_POINTS), paths.decoded_manifold, figure.subplots(), pairs=paths.shown()[:1])
    return figure


def _draw_plane(paths: Paths) -> plots.style.Figure:
    """Samples, magnification factor and both curves (Fig. 2, 7, 8 and 12)."""
    run = paths.run
    rows = _some_rows(paths)
    latents, labels = paths.latents[rows], run.training.labels
    curves = {name: points[paths.shown()] for name, points in paths.curves(50).items()}
    # Under a smoothed metric curves may leave the data: the field is drawn there too.
    reached = np.concatenate([latents, curves["geodesic"].reshape(-1, latents.shape[1])])
    grid = plots.grid_points(reached, run.config.figures.resolution)
    volume = plots.on_grid(paths.decoded_manifold.volume, grid)
    few = labels is not None and len(np.unique(labels)) <= MAX_CLASSES
    panel = plots.Panel(
        run.config.name,
        labels[rows] if few and labels is not None else None,
        plots.logarithm(volume),
        plots.VOLUME_LABEL,
        curves["geodesic"],
        dashed=curves["straight"],
        numbers=paths.shown().tolist(),
        metrics=_ellipses(paths, grid),
        values=None if few or labels is None else labels[rows],
        values_label="angle, degrees" if run.config.data.name == "pendulum" else "label",
    )
    names = figures.class_names(run, run.training) if few else ()
    return plots.latent_panels(latents, [panel], grid, names)


def _ellipses(paths: Paths, grid: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Tissot's indicatrices on a coarse grid, where the entry asks for them."""
    num = paths.run.config.figures.tissot
    if not num:
        return None
    step = max(1, len(grid) // num)
    centers = grid[step // 2 :: step, step // 2 :: step].reshape(-1, 2)
    return centers, batched(paths.decoded_manifold.metric_tensor, centers)


def _draw_equidistance(paths: Paths) -> plots.style.Figure:
    """Lines of equal distance from two samples (Fig. 6)."""
    run = paths.run
    rows = _some_rows(paths)
    latents, labels = paths.latents[rows], run.training.labels
    grid = plots.grid_points(latents, 2)
    bounds = [(grid[..., axis].min(), grid[..., axis].max()) for axis in range(2)]
    resolution = run.config.figures.distance_map_resolution
    sources = [paths.latents[side[paths.shown()[0]]] for side in paths.rows][:SOURCES]
    maps = [distance_map(paths.manifold, source, bounds, resolution, progress=False) for source in sources]
    return plots.equidistance_lines(latents, None if labels is None else labels[rows], maps, sources)


def _some_rows(paths: Paths) -> np.ndarray:
    num = len(paths.latents)
    chosen = generator(paths.run.seed, "drawn").choice(num, min(num, SHOWN_SAMPLES), replace=False)
    return np.sort(chosen)
