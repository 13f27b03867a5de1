"""Tests of the arm: its kinematics against the published chain of joints, inverse against forward, the circle."""

import numpy as np
import pytest

from tfgeo import datasets
from tfgeo.datasets.kuka import LIMITS, forward_kinematics, inverse_kinematics, joint_path
from tfgeo.datasets.robot_arm import CENTER, RADIUS, circle_poses, joint_angles
from tfgeo.errors import UserError

# The arm's description as it is published: where each joint lies from the one before it, and its axis; all frames
# are parallel to the base's with angles 0, and the flange's z axis points to the front.
ORIGINS = [(0, 0, 0.4), (0.025, 0, 0), (0.455, 0, 0), (0, 0, 0.035), (0.42, 0, 0), (0.08, 0, 0)]
AXES = [(0, 0, -1), (0, 1, 0), (0, 1, 0), (-1, 0, 0), (0, 1, 0), (-1, 0, 0)]
FLANGE = np.array([[0, 0, 1, 0], [0, 1, 0, 0], [-1, 0, 0, 0], [0, 0, 0, 1]], float)


def turn(axis, angle):
    """Rodrigues' formula."""
    x, y, z = axis
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]], float)
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


def chain(angles):
    pose = np.eye(4)
    for origin, axis, angle in zip(ORIGINS, AXES, angles, strict=True):
        link = np.eye(4)
        link[:3, :3], link[:3, 3] = turn(axis, angle), origin
        pose = pose @ link
    return pose @ FLANGE


def random_angles(num, seed=0):
    return np.random.default_rng(seed).uniform(LIMITS[:, 0], LIMITS[:, 1], (num, 6))


def test_forward_kinematics_is_the_published_chain():
    angles = random_angles(50)
    expected = np.array([chain(one) for one in angles])
    np.testing.assert_allclose(forward_kinematics(angles), expected, atol=1e-14)


@pytest.mark.parametrize(
    ("degrees", "place"),
    [
        ((0, 0, 0, 0, 0, 0), (0.980, 0.0, 0.435)),
        # Upper arm and forearm up: 0.4 + 0.455 + 0.42 + 0.08 high, the elbow's offset behind.
        ((0, -90, 0, 0, 0, 0), (-0.010, 0.0, 1.355)),
        # The same as the first, a quarter to the arm's right: its first axis points down.
        ((90, 0, 0, 0, 0, 0), (0.0, -0.980, 0.435)),
    ],
)
def test_poses_by_hand(degrees, place):
    np.testing.assert_allclose(forward_kinematics(np.deg2rad(degrees))[:3, 3], place, atol=1e-12)


def test_inverse_then_forward_returns_the_pose_and_finds_the_angles():
    for angles in random_angles(100, seed=1):
        pose = forward_kinematics(angles)
        found = inverse_kinematics(pose)
        assert np.max(np.abs(forward_kinematics(found) - pose)) < 1e-9
        assert np.min(np.max(np.abs(found - angles), axis=1)) < 1e-6
        assert (found >= LIMITS[:, 0]).all() and (found <= LIMITS[:, 1]).all()


def test_a_stretched_wrist_is_solved_too():
    angles = np.deg2rad([20.0, -60.0, 50.0, 0.0, 0.0, 30.0])
    found = inverse_kinematics(forward_kinematics(angles))
    assert np.max(np.abs(forward_kinematics(found) - forward_kinematics(angles))) < 1e-9


def test_the_circle_is_followed_continuously_within_the_limits():
    data = datasets.load("robot_arm", noise=0.0)
    assert data.inputs.shape == (6284, 6) and data.labels is None
    angles = joint_angles(data.inputs)
    poses = forward_kinematics(angles)
    # Inputs are float32: 2.5 radians to 1e-7, at 1 m.
    np.testing.assert_allclose(poses, circle_poses(6284), atol=1e-6)
    from_center = poses[:, :3, 3] - CENTER
    np.testing.assert_allclose(np.linalg.norm(from_center, axis=-1), RADIUS, atol=1e-6)
    np.testing.assert_allclose(from_center[:, 0], 0.0, atol=1e-6)
    assert (angles >= LIMITS[:, 0]).all() and (angles <= LIMITS[:, 1]).all()
    # Closed, with steps of 2 pi 0.4 m / 6284 = 0.4 mm.
    steps = np.abs(np.diff(np.concatenate([angles, angles[:1]]), axis=0))
    assert steps.max() < 2.5e-3
    assert np.ptp(angles, axis=0).min() > 0.5  # no joint stands still
    assert data.inputs.min() == 0.0


def test_noise_and_seed():
    clean, one, again, other = (
        datasets.load("robot_arm", seed=seed, noise=noise)
        for seed, noise in ((0, 0.0), (1, 0.03), (1, 0.03), (2, 0.03))
    )
    assert one.checksum() == again.checksum() != other.checksum()
    assert abs((one.inputs - clean.inputs).std() - 0.03) < 3e-4


def test_targets_out_of_reach_say_how_far():
    pose = forward_kinematics(np.zeros(6))
    pose[:3, 3] = (1.4, 0.0, 0.435)
    with pytest.raises(
        UserError, match=r"out of reach: its wrist is 1\.295 m from the shoulder, which reaches 0\.876"
    ):
        inverse_kinematics(pose)
    poses = circle_poses(150)
    poses[70:, 0, 3] += 1.0
    with pytest.raises(UserError, match=r"pose 70 of 150: .*out of reach"):
        joint_path(poses)


def test_a_path_that_jumps_is_refused():
    poses = circle_poses(150)
    with pytest.raises(UserError, match="a joint would jump"):
        joint_path(poses[[0, 75]])
