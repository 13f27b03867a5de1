"""Joint angles of an arm whose hand draws a circle."""

from __future__ import annotations

import functools

import numpy as np

from tfgeo.datasets.dataset import Dataset
from tfgeo.datasets.kuka import joint_path
from tfgeo.errors import check_at_least, check_count
from tfgeo.randomness import generator

__all__ = ["CENTER", "RADIUS", "circle_poses", "joint_angles", "robot_arm"]

NUM_STEPS = 6284
# The circle stands upright before the arm: metres, in the frame of the arm's base.
RADIUS = 0.4
CENTER = (0.55, 0.0, 0.55)
# The hand points down, turned by these degrees to the front and to the side: all six joints have to move, and the
# wrist stays bent by 30 degrees and more, away from where it turns about two joints at once.
TILT = (0.0, 30.0)


def robot_arm(seed: int = 0, noise: float = 0.03, num_steps: int = NUM_STEPS) -> Dataset:
    """A KUKA KR 6 R900 along a circle of 0.4 m, by inverse kinematics: Sec. 4.5 of Chen et al. (2018).

    The paper names neither the arm's type nor the circle's place and the hand's direction, which are ours. Angles
    are in radians, each moved so that the smallest is 0, as softplus means ask for; `joint_angles` moves them back.

    Args:
      seed: integer of at least 0, of the noise.
      noise: standard deviation of the Gaussian noise added to each angle, in radians.
      num_steps: steps around the circle.

    Returns:
      `[6284, 6]` samples in the order of the steps; no labels.
    """
    noise, num_steps = check_at_least("noise", noise, 0.0), check_count("num_steps", num_steps, 150)
    path = _circle_angles(num_steps)
    inputs = path - _lowest() + noise * generator(seed, "robot_arm", "noise").standard_normal(path.shape)
    return Dataset(inputs.astype(np.float32), None, None, "robot_arm")


def joint_angles(inputs: np.ndarray) -> np.ndarray:
    """Samples `[..., 6]`, as decoders give them, to joint angles in radians."""
    return np.asarray(inputs, np.float64) + _lowest()


def circle_poses(num_steps: int) -> np.ndarray:
    """Poses of the flange at equal steps around the circle: `[num_steps, 4, 4]`."""
    angle = 2.0 * np.pi * np.arange(num_steps) / num_steps
    forwards, aside = np.deg2rad(TILT)
    pose = np.tile(np.eye(4), (num_steps, 1, 1))
    # The flange's z axis points down, tilted; its x axis to the front.
    down = np.array([np.sin(forwards), np.cos(forwards) * np.sin(aside), -np.cos(forwards) * np.cos(aside)])
    front = np.array([1.0, 0.0, 0.0]) - down[0] * down
    front /= np.linalg.norm(front)
    pose[:, :3, :3] = np.stack([front, np.cross(down, front), down], axis=1)
    pose[:, :3, 3] = CENTER
    pose[:, 1, 3] += RADIUS * np.cos(angle)
    pose[:, 2, 3] += RADIUS * np.sin(angle)
    return pose


@functools.lru_cache(maxsize=2)
def _circle_angles(num_steps: int) -> np.ndarray:
    return joint_path(circle_poses(num_steps))


@functools.lru_cache(maxsize=1)
def _lowest() -> np.ndarray:
    """The smallest angle of each joint on the circle, in radians, whatever the steps of a data set."""
    return _circle_angles(NUM_STEPS).min(axis=0)
