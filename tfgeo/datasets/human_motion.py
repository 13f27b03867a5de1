"""Walking: subject 35 of the CMU motion capture database."""

from __future__ import annotations

import dataclasses
import os

import numpy as np

from tfgeo.datasets import files
from tfgeo.datasets.dataset import Dataset
from tfgeo.datasets.mocap import Motion, Skeleton, read_amc, read_asf
from tfgeo.errors import UserError, check_at_least, check_count
from tfgeo.randomness import generator

__all__ = ["Walking", "human_motion", "load_walking"]

SUBJECT = "35"
TRIALS = range(1, 17)
_PAGE = "http://mocap.cs.cmu.edu (subject 35)"

# What does not change in any frame of the 16 trials, beside the root, which says where on the floor the walker is.
_CONSTANT = ("rfingers", "lfingers", "rclavicle", "lclavicle")
# The root's height in the figures of poses, in units of the skeleton.
_HEIGHT = 17.9


@dataclasses.dataclass(frozen=True)
class Walking:
    """All frames of the 16 trials.

    Attributes:
      skeleton: the walker's.
      motion: the 6616 frames with their 62 values.
      trials: `[n]` the trial of each frame, 1 to 16.
      chosen: `[50]` columns of the motion that a model sees.
      low: `[50]` the smallest angle of each, in degrees.
      high: `[50]` the largest.
    """

    skeleton: Skeleton
    motion: Motion
    trials: np.ndarray
    chosen: np.ndarray
    low: np.ndarray
    high: np.ndarray

    @property
    def inputs(self) -> np.ndarray:
        """`[n, 50]` angles, each brought to [0, 1]."""
        return (self.motion.frames[:, self.chosen] - self.low) / (self.high - self.low)

    def poses(self, inputs: np.ndarray) -> np.ndarray:
        """Scaled angles `[m, 50]` to the skeleton's positions `[m, bones, 3]`, with the root upright."""
        frames = np.repeat(self.motion.frames[:1], len(inputs), axis=0)
        root = [index for index, (bone, _) in enumerate(self.motion.columns) if bone == "root"]
        frames[:, root] = (0.0, _HEIGHT, 0.0, 0.0, 0.0, 0.0)
        frames[:, self.chosen] = self.low + (self.high - self.low) * np.asarray(inputs, np.float64)
        return self.skeleton.positions(Motion(self.motion.columns, frames))


def human_motion(
    seed: int = 0, data_dir: str | os.PathLike[str] | None = None, noise: float = 0.03, copies: int = 4
) -> Dataset:
    """CMU subject 35, trials 1 to 16, as Sec. 4.6 of Chen et al. (2018), arXiv:1711.01204, has them.

    The 62 values of a frame without the six of the root and six that are constant are 50 angles. Each is brought to
    [0, 1]: the paper does not give its scale, in which the noise is. "Four times the size of the original" are the
    frames as they are and three noisy copies.

    Args:
      seed: integer of at least 0, of the noise.
      data_dir: see `files.data_folder`; its sub-folder is `cmu_mocap/35`, as the database has it.
      noise: standard deviation of the Gaussian noise of a copy, in the scaled unit; 0 makes no copies.
      copies: how many times the frames are there, those without noise included.

    Returns:
      `[4 * 6616, 50]` samples; labels are the trials, 1 to 16.

    Raises:
      UserError: if a file is missing or malformed, or trials have different columns.
    """
    noise, copies = check_at_least("noise", noise, 0.0), check_count("copies", copies)
    walking = load_walking(data_dir)
    inputs = walking.inputs
    draw = generator(seed, "human_motion", "noise")
    noisy = [inputs + noise * draw.standard_normal(inputs.shape) for _ in range(copies - 1 if noise else 0)]
    whole = np.concatenate([inputs, *noisy])
    return Dataset(whole.astype(np.float32), np.tile(walking.trials, len(noisy) + 1), None, "human_motion")


def load_walking(data_dir: str | os.PathLike[str] | None = None) -> Walking:
    """All frames with their skeleton; raises as `human_motion` does."""
    skeleton = read_asf(files.find(_data_file(f"{SUBJECT}.asf"), data_dir))
    motions: list[Motion] = []
    for trial in TRIALS:
        path = files.find(_data_file(f"{SUBJECT}_{trial:02d}.amc"), data_dir)
        motions.append(read_amc(path))
        if motions[-1].columns != motions[0].columns:
            differing = sorted(set(motions[-1].columns) ^ set(motions[0].columns)) or [("their order", 0)]
            raise UserError(
                f"{path} has other columns than trial 1: {len(motions[-1].columns)} against "
                f"{len(motions[0].columns)}, {differing[0][0]!r} differs; get the trials of one subject"
            )
    columns = motions[0].columns
    frames = np.concatenate([motion.frames for motion in motions])
    trials = np.repeat(np.array(TRIALS), [len(motion.frames) for motion in motions])
    chosen = np.array([index for index, (bone, _) in enumerate(columns) if bone not in ("root", *_CONSTANT)])
    low, high = frames[:, chosen].min(axis=0), frames[:, chosen].max(axis=0)
    if (low == high).any():
        name = columns[chosen[np.argmax(low == high)]][0]
        raise UserError(
            f"an angle of {name!r} is the same in all frames, so that it has no scale; get the trials again"
        )
    return Walking(skeleton, Motion(columns, frames), trials, chosen, low, high)


def _data_file(filename: str) -> files.DataFile:
    return files.DataFile(f"cmu_mocap/{SUBJECT}", filename, page=_PAGE)
