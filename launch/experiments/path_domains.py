"""What is known of the data beside the model: the pendulum's angle, the arm's circle, the walker's body."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from launch.experiments.path_results import NUM_POINTS, Paths, over_draws
from launch.running.run import Run
from tfgeo import plots
from tfgeo.batches import batched
from tfgeo.datasets.human_motion import load_walking
from tfgeo.datasets.kuka import forward_kinematics
from tfgeo.datasets.pendulum import DEGREES, draw_rods
from tfgeo.datasets.robot_arm import CENTER, RADIUS, joint_angles
from tfgeo.manifolds import Manifold, Smoothed

__all__ = ["draw", "measure"]

# Points on the path along the data, and strengths of smoothing between these powers of ten (Fig. 3).
DATA_POINTS = 100
SMOOTHING_POWERS = np.arange(-2, 7)
# Poses shown of a walk, and steps of the cycle around the latent circle (Fig. 13: 40 degrees).
POSES = 9
CIRCLE_RADIUS = 1.5


def measure(run: Run, paths: Paths) -> dict[str, Any]:
    """What metrics.json says of them; nothing for other data."""
    if run.config.data.name == "pendulum":
        return _measure_pendulum(paths)
    if run.config.data.name == "robot_arm":
        return {
            "circle": {
                name: _distance_from_circle(run, points) for name, points in paths.curves(NUM_POINTS).items()
            }
        }
    if run.config.data.name == "human_motion":
        return {"walk_cycle": _measure_cycle(run)}
    return {}


def draw(run: Run, paths: Paths) -> dict[str, plots.style.Figure]:
    """The figures that only these data have."""
    if run.config.data.name == "pendulum":
        return _draw_pendulum(paths)
    if run.config.data.name == "robot_arm":
        return {"hand_paths": _draw_hand(run, paths)}
    if run.config.data.name == "human_motion":
        return _draw_walk(run, paths)
    return {}


def _decode(run: Run, points: np.ndarray) -> np.ndarray:
    """`[..., d]` to `[..., D]` means."""
    flat = batched(
        lambda z: run.entry.model.decode(z).mean(), points.reshape(-1, points.shape[-1]).astype(np.float32)
    )
    return flat.reshape(*points.shape[:-1], -1)


def _measure_pendulum(paths: Paths) -> dict[str, Any]:
    """Lengths against the angle between the ends (Fig. 4), and along the data."""
    angles, along = _data_paths(paths)
    lengths = {name: paths.lengths(points) for name, points in paths.curves(NUM_POINTS).items()}
    lengths["along data"] = paths.lengths(along)
    return {
        "linear_in_angle": {name: _share_explained(angles, one) for name, one in lengths.items()},
        "linear_in_angle_over_draws": {
            name: over_draws(paths, _share_explained, angles, one) for name, one in lengths.items()
        },
        "length_along_data": float(np.mean(lengths["along data"])),
        "geodesic_over_along_data": float(np.sum(lengths["geodesic"]) / np.sum(lengths["along data"])),
    }


def _share_explained(x: np.ndarray, y: np.ndarray) -> float:
    """R^2 of the straight line through `y` against `x`."""
    return float(np.corrcoef(x, y)[0, 1] ** 2)


def _data_paths(paths: Paths) -> tuple[np.ndarray, np.ndarray]:
    """Angles between the pairs' ends, and paths along the data.

    Returns:
      `[B]` in (0, 180] degrees, and the latent points of rods turned from one angle to the other
      `[B, DATA_POINTS, d]`, with the ends of the geodesics.
    """
    labels = paths.run.training.labels
    assert labels is not None
    # Labels are rounded down: half a degree more is the middle of where the angle was.
    first, last = (labels[rows] + 0.5 for rows in paths.rows)
    turn = (last - first + DEGREES / 2) % DEGREES - DEGREES / 2
    t = np.linspace(0.0, 1.0, DATA_POINTS)
    rods = draw_rods((first[:, None] + t * turn[:, None]).ravel()).reshape(-1, draw_rods(np.zeros(1)).size)
    along = batched(lambda x: paths.run.entry.model.encoder(x)[0], rods).reshape(len(turn), DATA_POINTS, -1)
    start, end = (paths.latents[rows] for rows in paths.rows)
    return np.abs(turn), np.concatenate([start[:, None], along[:, 1:-1], end[:, None]], axis=1)


def _draw_pendulum(paths: Paths) -> dict[str, plots.style.Figure]:
    angles, along = _data_paths(paths)
    curves = paths.curves(NUM_POINTS) | {"along data": along}
    lengths = {name: paths.lengths(points) for name, points in curves.items()}
    figure = plots.scatter_lines(
        angles, lengths, "angle between the ends, degrees", "length" if paths.decoded_manifold is paths.manifold
        else "smoothed length",
    )  # fmt: skip
    return {"length_against_angle": figure, "smoothing": _draw_smoothing(paths, along)}


def _draw_smoothing(paths: Paths, along: np.ndarray) -> plots.style.Figure:
    """Lengths of straight lines and along the data, against lambda_s (Fig. 3), the straight ones' mean being 1."""
    eigenvalues = np.linalg.eigvalsh(_metric_near_data(paths))
    scale = float(np.median(eigenvalues[:, -1])) ** 2
    strengths = scale * 10.0**SMOOTHING_POWERS
    straight, data = [], []
    for strength in strengths:
        manifold: Manifold = Smoothed(paths.decoded_manifold, float(strength))
        one, other = paths.lengths(paths.straight, manifold), paths.lengths(along, manifold)
        straight.append(one / np.mean(one))
        data.append(other / np.mean(one))
    lines = {"straight": np.array(straight), "along data": np.array(data)}
    return plots.bands(strengths, lines, r"$\lambda_s$", "length, straight = 1")


def _metric_near_data(paths: Paths) -> np.ndarray:
    rows = paths.latents[:: max(1, len(paths.latents) // 500)]
    return batched(tf.function(paths.decoded_manifold.metric_tensor, autograph=False), rows)


def _hand(run: Run, points: np.ndarray) -> np.ndarray:
    """`[..., d]` to `[..., 3]`: where the hand is, in metres."""
    return forward_kinematics(joint_angles(_decode(run, points)))[..., :3, 3]


def _distance_from_circle(run: Run, points: np.ndarray) -> dict[str, float]:
    """Distance of the decoded hand from the circle, in metres."""
    place = _hand(run, points) - CENTER
    away = np.hypot(np.linalg.norm(place[..., 1:], axis=-1) - RADIUS, place[..., 0])
    return {
        "mean_of_largest": float(np.mean(away.max(axis=1))),
        "largest": float(np.max(away)),
        "mean": float(np.mean(away)),
    }


def _draw_hand(run: Run, paths: Paths) -> plots.style.Figure:
    """Paths of the hand in the circle's plane (Fig. 9)."""
    shown = paths.shown()[0]
    angle = np.linspace(0.0, 2.0 * np.pi, 200)
    lines = {"circle": np.stack([CENTER[1] + RADIUS * np.cos(angle), CENTER[2] + RADIUS * np.sin(angle)], axis=-1)}
    for name, points in paths.curves(NUM_POINTS).items():
        lines[name] = _hand(run, points[shown])[:, 1:]
    return plots.plane_lines(lines, "across, m", "up, m")


def _circle(run: Run, num: int) -> np.ndarray:
    """`[num, 2]` points once around the circle of Fig. 12, counter-clockwise from the top, the first again."""
    angle = 0.5 * np.pi + np.linspace(0.0, 2.0 * np.pi, num)
    return (CIRCLE_RADIUS * np.stack([np.cos(angle), np.sin(angle)], axis=-1)).astype(np.float32)


def _measure_cycle(run: Run) -> dict[str, float]:
    """Whether the decoded walk closes on the latent circle, and moves in between; angles scaled to [0, 1]."""
    decoded = _decode(run, _circle(run, 361))
    steps = np.linalg.norm(np.diff(decoded, axis=0), axis=-1)
    return {
        "gap": float(np.linalg.norm(decoded[-1] - decoded[0])),
        "length": float(steps.sum()),
        "largest_step": float(steps.max()),
        "largest_distance": float(np.max(np.linalg.norm(decoded - decoded[0], axis=-1))),
    }


def _draw_walk(run: Run, paths: Paths) -> dict[str, plots.style.Figure]:
    """Stick figures along both curves (Fig. 11) and around the circle (Fig. 13), by the skeleton's kinematics."""
    walking, shown = load_walking(run.entry.data_dir), paths.shown()[0]
    names = list(walking.skeleton.bones)
    bones = [
        (names.index(bone.parent), names.index(name))
        for name, bone in walking.skeleton.bones.items()
        if bone.parent
    ]

    def poses(points: np.ndarray) -> np.ndarray:
        return walking.poses(_decode(run, points))

    rows = {
        name: poses(points[shown, np.linspace(0, points.shape[1] - 1, POSES).astype(int)])
        for name, points in paths.curves(NUM_POINTS).items()
    }
    return {
        "stick_figures": plots.stick_figures(rows, bones),
        "walk_cycle": plots.stick_figures({"circle": poses(_circle(run, POSES + 1))}, bones),
    }
