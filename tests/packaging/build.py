"""Builds the source distribution from the tracked files, and the wheel from that."""

from __future__ import annotations

import pathlib
import shutil
import subprocess
import sys
import tarfile

ROOT = pathlib.Path(__file__).resolve().parents[2]

_SDIST = "import sys; from setuptools import build_meta; build_meta.build_sdist(sys.argv[1])"


def source_files() -> list[str]:
    """Files of the repository that git does not ignore, as paths below its root."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    return [name for name in listed if (ROOT / name).is_file()]


def build(folder: pathlib.Path) -> tuple[pathlib.Path, pathlib.Path]:
    """Builds both into a folder; returns the paths of the source distribution and of the wheel.

    The wheel is built from the source distribution: what that lacks is missing in both. Nothing is fetched, and
    nothing written beside the folder.
    """
    folder = folder.resolve()  # the source distribution is built from a folder of its own
    work = folder / "work"
    for name in source_files():
        (work / "source" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, work / "source" / name)
    subprocess.run(
        [sys.executable, "-c", _SDIST, str(folder)], cwd=work / "source", capture_output=True, check=True
    )
    (sdist,) = folder.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(work / "unpacked", filter="data")
    (unpacked,) = (work / "unpacked").iterdir()
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-index", "--no-build-isolation"]
    subprocess.run([*pip, "--wheel-dir", str(folder), str(unpacked)], capture_output=True, check=True)
    shutil.rmtree(work)
    (wheel,) = folder.glob("*.whl")
    return sdist, wheel
