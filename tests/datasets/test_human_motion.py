"""Tests of motion capture: parser, forward kinematics, and the walk of subject 35 where its files are."""

import os
import pathlib

import numpy as np
import pytest

from tfgeo import datasets
from tfgeo.datasets import human_motion
from tfgeo.datasets.human_motion import load_walking
from tfgeo.datasets.mocap import read_amc, read_asf
from tfgeo.errors import UserError

DATA_DIR = pathlib.Path(os.environ.get("TFGEO_DATA_DIR") or pathlib.Path(__file__).parents[3] / "shared" / "data")
needs_files = pytest.mark.skipif(
    not (DATA_DIR / "cmu_mocap/35/35.asf").is_file(), reason="TFGEO_DATA_DIR has no cmu_mocap/35"
)

ASF = """# made by a test
:version 1.10
:units
  mass 1.0
  length 0.45
  angle deg
:root
  order TX TY TZ RX RY RZ
  axis XYZ
  position 0 0 0
  orientation 0 0 0
:bonedata
  begin
    id 1
    name upper
    direction 0 -1 0
    length 2
    axis 0 0 20 XYZ
    dof rx ry rz
    limits (-160.0 20.0)
           (-70.0 70.0)
           (-60.0 70.0)
  end
  begin
    id 2
    name lower
    direction 0 -1 0
    length 3
    axis 0 0 0 XYZ
    dof rx
    limits (-10.0 170.0)
  end
:hierarchy
  begin
    root upper
    upper lower
  end
"""
FRAMES = [(1.0, 2.0, 3.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0), (0, 0, 0, 0, 90.0, 0, 0, 0, 0, 90.0)]


def amc(frames=FRAMES):
    lines = ["#!OML:ASF", ":FULLY-SPECIFIED", ":DEGREES"]
    for number, frame in enumerate(frames, 1):
        lines += [
            str(number),
            "root " + " ".join(map(str, frame[:6])),
            "upper " + " ".join(map(str, frame[6:9])),
            f"lower {frame[9]}",
        ]
    return "\n".join(lines) + "\n"


def write(folder, name, text):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)
    return folder / name


def test_a_file_is_read_whatever_its_line_ends(tmp_path):
    for text in (amc(), amc().replace("\n", "\r\n"), amc().rstrip("\n")):
        motion = read_amc(write(tmp_path, "a.amc", text))
        assert motion.columns == (
            *(("root", index) for index in range(6)), *(("upper", index) for index in range(3)), ("lower", 0)
        )  # fmt: skip
        np.testing.assert_array_equal(motion.frames, FRAMES)


def test_forward_kinematics_by_hand(tmp_path):
    skeleton = read_asf(write(tmp_path, "a.asf", ASF))
    assert list(skeleton.bones) == ["root", "upper", "lower"]
    motion = read_amc(write(tmp_path, "a.amc", amc()))
    places = skeleton.positions(motion)
    assert places.shape == (2, 3, 3)
    # Rest: straight down from where the root is.
    np.testing.assert_allclose(places[0], [(1, 2, 3), (1, 0, 3), (1, -3, 3)], atol=1e-12)
    # The root turned by 90 degrees about y sends z to x; the knee bent by 90 about x sends -y to -z, and so to -x.
    np.testing.assert_allclose(places[1], [(0, 0, 0), (0, -2, 0), (-3, -2, 0)], atol=1e-12)


def test_a_joint_turns_about_its_own_axes(tmp_path):
    skeleton = read_asf(write(tmp_path, "a.asf", ASF))
    frame = (0, 0, 0, 0, 0, 0, 35.0, 0, 0, 0)
    place = skeleton.positions(read_amc(write(tmp_path, "a.amc", amc([frame]))))[0, 1]
    # Rodrigues: about the x axis turned by 20 degrees about z.
    axis = np.array([np.cos(np.deg2rad(20)), np.sin(np.deg2rad(20)), 0.0])
    offset, angle = np.array([0.0, -2.0, 0.0]), np.deg2rad(35)
    expected = offset * np.cos(angle) + np.cross(axis, offset) * np.sin(angle)
    expected += axis * (axis @ offset) * (1 - np.cos(angle))
    np.testing.assert_allclose(place, expected, atol=1e-12)


def test_bones_keep_their_length(tmp_path):
    skeleton = read_asf(write(tmp_path, "a.asf", ASF))
    frames = np.random.default_rng(0).uniform(-90, 90, (20, 10))
    places = skeleton.positions(read_amc(write(tmp_path, "a.amc", amc(frames))))
    np.testing.assert_allclose(np.linalg.norm(np.diff(places, axis=1), axis=-1), [[2.0, 3.0]] * 20, atol=1e-9)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "line 1: expected frame 1, but the file ends"),
        (amc()[:90], "line 7: expected numbers after bone 'lower', but it has ''"),
        (amc().replace("lower 90.0\n", ""), "line 10: expected lower in frame 2, which has 9 of 10 values"),
        (amc().replace("\n2\n", "\n3\n"), "line 8: expected frame 2, but it has '3'"),
        (
            amc().replace("lower 90.0", "lower 90.x"),
            "line 11: expected numbers after bone 'lower', but it has '90.x'",
        ),
        (amc().replace("lower 90.0", "lower nan"), "line 11: expected numbers after bone 'lower'"),
        (amc().replace("lower 90.0", "lower"), "line 11: expected numbers after bone 'lower'"),
        (amc().replace("lower 90.0", "ankle 90.0"), "line 11: expected lower with 1 values, as in frame 1"),
        (amc().replace("lower 90.0", "lower 90.0 1.0"), "line 11: expected lower with 1 values, as in frame 1"),
        (amc().replace(":DEGREES", ":RADIANS"), "line 3: expected :DEGREES"),
    ],
)
def test_malformed_motions_name_the_line_and_what_was_expected(text, words, tmp_path):
    with pytest.raises(UserError, match=words):
        read_amc(write(tmp_path, "bad.amc", text))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (ASF, "", "the end of :bonedata, but the file ends"),
        (
            "direction 0 -1 0\n    length 2",
            "direction 0 -1\n    length 2",
            "direction with 3 numbers for bone 'upper'",
        ),
        ("name upper", "name", "a bone with a name before its end"),
        ("length 3", "length x", "numbers after length of bone 'lower'"),
        ("dof rx\n", "dof rx l\n", "dof of rx, ry and rz for bone 'lower'"),
        ("    upper lower\n", "", "a parent of 'lower'"),
        ("    upper lower\n", "    upper foot\n", "line 36: expected bones of :bonedata"),
        ("angle deg", "angle rad", "line 6: expected angle deg"),
        ("axis 0 0 20 XYZ", "axis 0 0 20 ZYX", "axis .. XYZ"),
        ("    id 2", "", None),
    ],
)
def test_malformed_skeletons_name_the_line_and_what_was_expected(old, new, words, tmp_path):
    path = write(tmp_path, "a.asf", ASF.replace(old, new))
    if words is None:  # numbers of bones are not needed
        assert len(read_asf(path).bones) == 3
        return
    with pytest.raises(UserError, match=words):
        read_asf(path)


def test_binary_and_missing_files(tmp_path):
    (tmp_path / "a.amc").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match="no text file"):
        read_amc(tmp_path / "a.amc")
    with pytest.raises(UserError, match="cannot be read"):
        read_amc(tmp_path / "b.amc")
    with pytest.raises(UserError, match=r"35\.asf is missing"):
        datasets.load("human_motion", tmp_path)


def test_trials_with_different_columns_name_the_trial(tmp_path, monkeypatch):
    monkeypatch.setattr(human_motion, "TRIALS", range(1, 3))
    folder = tmp_path / "cmu_mocap" / "35"
    write(folder, "35.asf", ASF)
    write(folder, "35_01.amc", amc())
    write(folder, "35_02.amc", amc().replace("lower 0.0\n", "").replace("lower 90.0\n", ""))
    with pytest.raises(
        UserError, match=r"35_02\.amc has other columns than trial 1: 9 against 10, 'lower' differs"
    ):
        datasets.load("human_motion", tmp_path)


@needs_files
def test_the_walk_has_its_frames_values_and_copies():
    walking = load_walking(DATA_DIR)
    counts = [358, 406, 427, 433, 427, 438, 360, 455, 384, 432, 385, 397, 454, 411, 406, 443]
    assert np.bincount(walking.trials)[1:].tolist() == counts and sum(counts) == 6616
    assert walking.motion.frames.shape == (6616, 62) and len(walking.chosen) == 50
    data = datasets.load("human_motion", DATA_DIR, noise=0.03)
    assert data.inputs.shape == (4 * 6616, 50)
    assert data.inputs[:6616].min() == 0.0 and data.inputs[:6616].max() == 1.0
    noise = data.inputs.reshape(4, 6616, 50) - data.inputs[:6616]
    np.testing.assert_allclose(noise.std(axis=(1, 2)), [0.0, 0.03, 0.03, 0.03], atol=2e-4)
    assert np.array_equal(data.labels[:6616], data.labels[6616 : 2 * 6616])


@needs_files
def test_poses_stand_upright_and_keep_the_bones():
    walking = load_walking(DATA_DIR)
    places = walking.poses(walking.inputs[::500])
    names = list(walking.skeleton.bones)
    height = places[:, :, 1]
    # The head above the root, the root above the feet, whatever the step.
    assert (height[:, names.index("head")] > height[:, 0] + 5.0).all()
    assert (height[:, names.index("lfoot")] < height[:, 0] - 8.0).all()
    for name, bone in walking.skeleton.bones.items():
        if bone.parent:
            vector = places[:, names.index(name)] - places[:, names.index(bone.parent)]
            np.testing.assert_allclose(np.linalg.norm(vector, axis=-1), np.linalg.norm(bone.offset), rtol=1e-9)
