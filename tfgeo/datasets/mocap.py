"""Acclaim motion capture files: the frames of an .amc, and the skeleton of an .asf that they move."""

from __future__ import annotations

import dataclasses
import math
import os
import pathlib
from collections.abc import Iterator

import numpy as np

from tfgeo.errors import UserError

__all__ = ["Bone", "Motion", "Skeleton", "read_amc", "read_asf"]

ROOT = "root"
ROOT_ORDER = ("tx", "ty", "tz", "rx", "ry", "rz")
ROTATIONS = ("rx", "ry", "rz")


@dataclasses.dataclass(frozen=True)
class Motion:
    """A recording.

    Attributes:
      columns: the bone that each of C values belongs to, and its number among that bone's; in the file's order.
      frames: `[n, C]` float64; angles in degrees, the root's position in the skeleton's unit of length.
    """

    columns: tuple[tuple[str, int], ...]
    frames: np.ndarray


@dataclasses.dataclass(frozen=True)
class Bone:
    """One bone; its joint is where it begins.

    Attributes:
      parent: the bone that it is joined to; "" for the root.
      offset: `[3]` from its joint to its end, in the coordinates of the skeleton at rest.
      axis: `[3, 3]` rotation of its joint's own axes.
      rotations: which of "rx", "ry" and "rz" the joint can do, in the order of the values in a motion.
    """

    parent: str
    offset: np.ndarray
    axis: np.ndarray
    rotations: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Skeleton:
    """Bones by name, each after its parent; the first is the root.

    Attributes:
      bones: the bones.
    """

    bones: dict[str, Bone]

    def positions(self, motion: Motion) -> np.ndarray:
        """Where the bones end: `[n, bones, 3]`, in the skeleton's unit of length; the root is a point.

        Forward kinematics of the Acclaim format: with C the rotation of a joint's axes and M that of the frame's
        angles, about x, then y, then z, a bone is turned by its parent's rotation times `C M C^-1`.

        Raises:
          UserError: if the motion has a bone that the skeleton has not, or another number of values for it.
        """
        values = self._values_by_bone(motion)
        turned: dict[str, np.ndarray] = {}
        ends: dict[str, np.ndarray] = {}
        for name, bone in self.bones.items():
            degrees = np.zeros([len(motion.frames), 3])
            place = np.zeros([len(motion.frames), 3])
            for column, kind in zip(values[name].T, bone.rotations, strict=True):
                target = degrees if kind in ROTATIONS else place
                target[:, "xyz".index(kind[1])] = column
            turned[name] = bone.axis @ _rotation(degrees) @ bone.axis.T
            if bone.parent:
                turned[name] = turned[bone.parent] @ turned[name]
                place = ends[bone.parent]
            ends[name] = place + turned[name] @ bone.offset
        return np.stack(list(ends.values()), axis=1)

    def _values_by_bone(self, motion: Motion) -> dict[str, np.ndarray]:
        columns: dict[str, list[int]] = {name: [] for name in self.bones}
        for index, (name, _) in enumerate(motion.columns):
            if name not in columns:
                raise UserError(
                    f"the motion has a bone {name!r} that the skeleton has not; give the motion's own .asf"
                )
            columns[name].append(index)
        for name, bone in self.bones.items():
            if len(columns[name]) not in (0, len(bone.rotations)):
                raise UserError(
                    f"the motion has {len(columns[name])} values for {name!r}, but its joint in the skeleton takes "
                    f"{len(bone.rotations)}; give the motion's own .asf"
                )
        # A joint that the motion leaves out keeps its rest.
        return {
            name: motion.frames[:, columns[name]]
            if columns[name]
            else np.zeros([len(motion.frames), len(bone.rotations)])
            for name, bone in self.bones.items()
        }


def read_amc(path: str | os.PathLike[str]) -> Motion:
    """Reads an .amc file.

    Raises:
      UserError: if it is missing, or not what it should be; names the line and what was expected there.
    """
    lines = _Lines(path)
    columns: list[tuple[str, int]] = []
    frames: list[list[float]] = []
    values: list[float] | None = None
    for words in lines:
        if len(words) == 1 and words[0].isdigit():
            if values is not None:
                frames.append(_whole_frame(lines, values, columns, len(frames)))
            if int(words[0]) != len(frames) + 1:
                raise lines.error(f"frame {len(frames) + 1}", words)
            values = []
        elif words[0].startswith(":"):
            if values is not None:
                raise lines.error("a frame's number or a bone", words)
            if words[0] == ":RADIANS":
                raise lines.error(":DEGREES", words)
        elif values is None:
            raise lines.error("a section such as :DEGREES, or frame 1", words)
        else:
            numbers = lines.numbers(words[1:], f"numbers after bone {words[0]!r}")
            names = [(words[0], index) for index in range(len(numbers))]
            if frames:
                expected = columns[len(values) : len(values) + len(numbers)]
                if expected != names or columns[len(values) + len(numbers) :][:1] == [(words[0], len(numbers))]:
                    bone = columns[len(values)][0] if len(values) < len(columns) else "the next frame's number"
                    count = sum(name == bone for name, _ in columns)
                    raise lines.error(f"{bone} with {count} values, as in frame 1" if count else bone, words)
            else:
                columns += names
            values += numbers
    if values is None:
        raise lines.error("frame 1", None)
    frames.append(_whole_frame(lines, values, columns, len(frames)))
    return Motion(tuple(columns), np.array(frames))


def read_asf(path: str | os.PathLike[str]) -> Skeleton:
    """Reads an .asf file.

    Raises:
      UserError: if it is missing, or not what it should be; names the line and what was expected there.
    """
    lines = _Lines(path)
    section = ""
    root_order: tuple[str, ...] = ROOT_ORDER
    found: dict[str, dict[str, list[str]]] = {}
    parents: dict[str, str] = {}
    block: dict[str, list[str]] | None = None
    for words in lines:
        if words[0].startswith(":"):
            section = words[0]
        elif section == ":units" and words[0] == "angle" and words[1:] != ["deg"]:
            raise lines.error("angle deg", words)
        elif section == ":root" and words[0] == "order":
            root_order = tuple(word.lower() for word in words[1:])
            if sorted(root_order) != sorted(ROOT_ORDER):
                raise lines.error("order with TX TY TZ RX RY RZ", words)
        elif section == ":bonedata":
            if words[0] == "begin":
                block = {}
            elif words[0] == "end":
                if block is None or not block.get("name"):
                    raise lines.error("a bone with a name before its end", words)
                found[block["name"][0]] = _checked_bone(lines, block)
                block = None
            elif block is None:
                raise lines.error("begin", words)
            elif not words[0].startswith("("):  # a further line of limits
                block[words[0]] = words[1:]
        elif section == ":hierarchy" and words[0] not in ("begin", "end"):
            for child in words[1:]:
                if child not in found or (words[0] != ROOT and words[0] not in found):
                    raise lines.error("bones of :bonedata", words)
                parents[child] = words[0]
    if block is not None or not found:
        raise lines.error("the end of :bonedata", None)
    orphans = [name for name in found if name not in parents]
    if orphans:
        raise lines.error(f"a parent of {orphans[0]!r} in :hierarchy", None)
    bones = {ROOT: Bone("", np.zeros(3), np.eye(3), root_order)}
    for name in _after_parents(parents):
        bones[name] = _make_bone(parents[name], found[name])
    return Skeleton(bones)


def _whole_frame(lines: _Lines, values: list[float], columns: list[tuple[str, int]], number: int) -> list[float]:
    if not values or len(values) != len(columns):
        missing = columns[len(values)][0] if columns else "bones"
        raise lines.error(
            f"{missing} in frame {number + 1}, which has {len(values)} of {len(columns)} values", None
        )
    return values


def _checked_bone(lines: _Lines, block: dict[str, list[str]]) -> dict[str, list[str]]:
    name = block["name"][0]
    for key, count in (("direction", 3), ("length", 1), ("axis", 3)):
        given = block.get(key, [])
        if len(given) < count:
            raise lines.error(f"{key} with {count} numbers for bone {name!r}", [key, *given])
        lines.numbers(given[:count], f"numbers after {key} of bone {name!r}")
    if block["axis"][3:] not in ([], ["XYZ"]):
        raise lines.error(f"axis .. XYZ for bone {name!r}", ["axis", *block["axis"]])
    if any(kind not in ROTATIONS for kind in block.get("dof", [])):
        raise lines.error(f"dof of rx, ry and rz for bone {name!r}", ["dof", *block["dof"]])
    return block


def _make_bone(parent: str, block: dict[str, list[str]]) -> Bone:
    direction, axis = (np.array([float(word) for word in block[key][:3]]) for key in ("direction", "axis"))
    offset = float(block["length"][0]) * direction
    return Bone(parent, offset, _rotation(axis[None])[0], tuple(block.get("dof", [])))


def _after_parents(parents: dict[str, str]) -> Iterator[str]:
    """The bones' names, each after its parent."""
    done, waiting = {ROOT}, list(parents)
    while waiting:
        ready = [name for name in waiting if parents[name] in done]
        if not ready:
            raise UserError(
                f"the bones {', '.join(waiting)} are no children of the root in :hierarchy; mend the .asf"
            )
        yield from ready
        done |= set(ready)
        waiting = [name for name in waiting if name not in done]


def _rotation(degrees: np.ndarray) -> np.ndarray:
    """`[n, 3]` angles to `[n, 3, 3]`: about x first, then y, then z."""
    (cx, cy, cz), (sx, sy, sz) = (function(np.deg2rad(degrees)).T for function in (np.cos, np.sin))
    rows = [
        [cy * cz, sx * sy * cz - cx * sz, cx * sy * cz + sx * sz],
        [cy * sz, sx * sy * sz + cx * cz, cx * sy * sz - sx * cz],
        [-sy, sx * cy, cx * cy],
    ]
    return np.moveaxis(np.array(rows), -1, 0)


class _Lines:
    """The words of a file's lines, without comments and empty lines; knows where it is."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = pathlib.Path(path)
        self._number = 0
        try:
            self._lines = self.path.read_text(encoding="ascii").splitlines()
        except UnicodeDecodeError as error:
            raise UserError(f"{path} is no text file ({error}); get it again") from error
        except OSError as error:
            raise UserError(f"{path} cannot be read: {error.strerror or error}; put it there") from error

    def __iter__(self) -> Iterator[list[str]]:
        for line in self._lines:
            self._number += 1
            words = line.split("#")[0].split()
            if words:
                yield words

    def numbers(self, words: list[str], expected: str) -> list[float]:
        """The words as finite numbers."""
        try:
            numbers = [float(word) for word in words]
        except ValueError:
            numbers = []
        if not numbers or not all(math.isfinite(number) for number in numbers):
            raise self.error(expected, words)
        return numbers

    def error(self, expected: str, words: list[str] | None) -> UserError:
        """The error for a line, or for the end of the file where `words` is None."""
        found = "the file ends" if words is None else f"it has {' '.join(words)[:60]!r}"
        return UserError(
            f"{self.path}, line {max(self._number, 1)}: expected {expected}, but {found}; get the file again"
        )
