"""Kinematics of an arm with six joints: the KUKA KR 6 R900 sixx."""

from __future__ import annotations

import itertools

import numpy as np

from tfgeo.errors import UserError

__all__ = ["LIMITS", "forward_kinematics", "inverse_kinematics", "joint_path"]

# Modified (Craig) Denavit-Hartenberg parameters: T_i = Rx(alpha) Tx(a) Rz(theta) Tz(d), theta = sign q + offset.
# From the arm's published description (ros-industrial/kuka_experimental, kr6r900sixx), in metres and degrees.
ALPHA = np.deg2rad([0.0, -90.0, 0.0, -90.0, 90.0, -90.0])
A = np.array([0.0, 0.025, 0.455, 0.035, 0.0, 0.0])
D = np.array([0.400, 0.0, 0.0, 0.420, 0.0, 0.080])
OFFSET = np.deg2rad([0.0, 0.0, -90.0, 0.0, 0.0, 180.0])
SIGN = np.array([-1.0, 1.0, 1.0, -1.0, 1.0, -1.0])

# `[6, 2]` lowest and highest joint angles, in radians.
LIMITS = np.deg2rad(
    [[-170.0, 170.0], [-190.0, 45.0], [-120.0, 156.0], [-185.0, 185.0], [-120.0, 120.0], [-350.0, 350.0]]
)

# A wrist that is bent less than this, in radians, turns about two joints at once, and only their sum is known.
SINGULAR = 1e-7


def forward_kinematics(angles: np.ndarray) -> np.ndarray:
    """Joint angles `[..., 6]` in radians to the flange's poses `[..., 4, 4]`, in metres; its z axis points out.

    With all angles 0 the arm is stretched forwards, the flange at (0.980, 0, 0.435).
    """
    theta = SIGN * np.asarray(angles, np.float64) + OFFSET
    pose = np.broadcast_to(np.eye(4), (*theta.shape[:-1], 4, 4))
    for joint in range(6):
        pose = pose @ _link(joint, theta[..., joint])
    return pose


def inverse_kinematics(pose: np.ndarray) -> np.ndarray:
    """All joint angles that give one pose `[4, 4]`, within the arm's limits: `[m, 6]` in radians.

    In closed form, as the axes of the last three joints meet in the wrist: at most two ways for each of shoulder,
    elbow and wrist, each with turns by 360 degrees where limits leave room for them.

    Raises:
      UserError: if the pose is out of reach: says how far away the wrist is and how far the arm reaches, or that
        all ways to it leave the limits.
    """
    pose = np.asarray(pose, np.float64)
    # The wrist lies behind the flange, along its z axis.
    wrist = pose[:3, 3] - D[5] * pose[:3, 2]
    solutions = []
    for base, around in ((np.arctan2(wrist[1], wrist[0]), 1.0), (np.arctan2(-wrist[1], -wrist[0]), -1.0)):
        # In the plane of the upper arm: from the shoulder, forwards and up.
        forwards = around * np.hypot(wrist[0], wrist[1]) - A[1]
        up = wrist[2] - D[0]
        fore, bend = np.hypot(A[3], D[3]), np.arctan2(D[3], A[3])
        cosine = (forwards**2 + up**2 - A[2] ** 2 - fore**2) / (2.0 * A[2] * fore)
        if abs(cosine) > 1.0:
            continue
        for elbow in (np.arccos(cosine), -np.arccos(cosine)):
            # theta_3 turns the forearm, whose end lies at angle `bend` in the elbow's frame.
            second = -np.arctan2(up, forwards) - np.arctan2(fore * np.sin(elbow), A[2] + fore * np.cos(elbow))
            third = elbow - bend
            arm = np.eye(4)
            for joint, theta in enumerate((base, second, third)):
                arm = arm @ _link(joint, theta)
            for last in _wrist_angles(arm[:3, :3].T @ pose[:3, :3]):
                solutions.append([base, second, third, *last])
    if not solutions:
        shoulder = np.hypot(np.hypot(wrist[0], wrist[1]) - A[1], wrist[2] - D[0])
        raise UserError(
            f"the pose with the flange at {np.round(pose[:3, 3], 4).tolist()} m is out of reach: its wrist is "
            f"{shoulder:.3f} m from the shoulder, which reaches {A[2] + np.hypot(A[3], D[3]):.3f} m; move it nearer"
        )
    angles = (np.array(solutions) - OFFSET) / SIGN
    whole = [_within_limits(one) for one in (angles + np.pi) % (2.0 * np.pi) - np.pi]
    found = np.array([turned for one in whole for turned in one])
    if not len(found):
        raise UserError(
            f"the pose with the flange at {np.round(pose[:3, 3], 4).tolist()} m is out of reach: all {len(angles)} "
            "ways to it leave the joints' limits; move or turn it"
        )
    return found


def joint_path(poses: np.ndarray, largest_step: float = 0.2) -> np.ndarray:
    """Continuous joint angles along poses: `[n, 4, 4]` to `[n, 6]` in radians.

    Of the ways to the first pose that is taken for which the whole path is continuous, and of several the one
    whose joints are nearest to the middle of their limits.

    Args:
      poses: poses of the flange, near one another.
      largest_step: how far a joint may turn from one pose to the next, in radians.

    Raises:
      UserError: if a pose is out of reach, naming which, or the path cannot be followed without a jump.
    """
    ways = []
    for index, pose in enumerate(poses):
        try:
            ways.append(inverse_kinematics(pose))
        except UserError as error:
            raise UserError(f"pose {index} of {len(poses)}: {error}") from error
    middle, span = LIMITS.mean(axis=1), np.ptp(LIMITS, axis=1)
    broken = 0
    for begin in ways[0][np.argsort(np.max(np.abs(ways[0] - middle) / span, axis=1))]:
        path = [begin]
        for way in ways[1:]:
            nearest = way[np.argmin(np.max(np.abs(way - path[-1]), axis=1))]
            if np.max(np.abs(nearest - path[-1])) > largest_step:
                break
            path.append(nearest)
        if len(path) == len(poses):
            return np.array(path)
        broken = max(broken, len(path))
    raise UserError(
        f"no continuous way leads past pose {broken} of {len(poses)}: a joint would jump there; give more "
        "poses, or a path away from the wrist's singular positions"
    )


def _link(joint: int, theta: np.ndarray) -> np.ndarray:
    """`[..., 4, 4]` from joint `joint` to the one before it."""
    theta = np.asarray(theta, np.float64)
    cosine, sine = np.cos(theta), np.sin(theta)
    tilt, lean = np.cos(ALPHA[joint]), np.sin(ALPHA[joint])
    zeros, ones = np.zeros_like(theta), np.ones_like(theta)
    rows = [
        [cosine, -sine, zeros, A[joint] * ones],
        [sine * tilt, cosine * tilt, -lean * ones, -lean * D[joint] * ones],
        [sine * lean, cosine * lean, tilt * ones, tilt * D[joint] * ones],
        [zeros, zeros, zeros, ones],
    ]
    return np.moveaxis(np.array(rows), (0, 1), (-2, -1))


def _wrist_angles(rotation: np.ndarray) -> list[tuple[float, float, float]]:
    """The last three thetas whose links together rotate by `rotation` `[3, 3]`.

    Rx(-90) Rz(t4) Rx(90) Rz(t5) Rx(-90) Rz(t6): the middle column of Rx(90) R, and its middle row, give t4 and t6.
    """
    turned = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]]) @ rotation
    # turned = Rz(t4) Rx(90) Rz(t5) Rx(-90) Rz(t6), with (x, y, z) of its last column (-c4 s5, -s4 s5, c5).
    bent = np.hypot(turned[0, 2], turned[1, 2])
    if bent < SINGULAR:
        sign = np.sign(turned[2, 2])
        return [(0.0, 0.0 if sign > 0 else np.pi, float(np.arctan2(turned[1, 0], turned[1, 1])))]
    angles = []
    for side in (1.0, -1.0):
        fourth = np.arctan2(-side * turned[1, 2], -side * turned[0, 2])
        fifth = np.arctan2(side * bent, turned[2, 2])
        sixth = np.arctan2(-side * turned[2, 1], side * turned[2, 0])
        angles.append((float(fourth), float(fifth), float(sixth)))
    return angles


def _within_limits(angles: np.ndarray) -> list[np.ndarray]:
    """The angles `[6]`, each with all its whole turns, that keep to the limits."""
    choices = []
    for angle, (low, high) in zip(angles, LIMITS, strict=True):
        turns = [angle + 2.0 * np.pi * turn for turn in (-1, 0, 1)]
        choices.append([turn for turn in turns if low <= turn <= high])
    return [np.array(one) for one in itertools.product(*choices)]
