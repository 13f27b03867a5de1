"""Builds wheel and source distribution, installs them into clean environments and tries them: `make wheel`.

    python -m tests.packaging.run dist [PYTHON ...]

The wheel for each Python, the source distribution for the first. Without Pythons they are built alone.
"""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

from tests.packaging.build import ROOT, build

SMOKE = pathlib.Path(__file__).with_name("smoke.py")


def main(arguments: list[str]) -> int:
    """Returns the exit code: 1 where one of the environments does not work."""
    folder, *pythons = arguments
    dist = pathlib.Path(folder)
    shutil.rmtree(dist, ignore_errors=True)
    dist.mkdir(parents=True)
    sdist, wheel = (path.resolve() for path in build(dist))
    for path in (sdist, wheel):
        print(f"{path}: {path.stat().st_size / 2**20:.1f} MB")
    tries = [(python, wheel) for python in pythons] + [(python, sdist) for python in pythons[:1]]
    failed = [f"{python} {package.name}" for python, package in tries if not _try(python, package)]
    for each in failed:
        print(f"failed: {each}", file=sys.stderr)
    return 1 if failed else 0


def _try(python: str, package: pathlib.Path) -> bool:
    """Installs a package into a fresh environment of a Python, and runs the smoke test there."""
    with tempfile.TemporaryDirectory() as folder:
        environment, inside = pathlib.Path(folder) / "env", pathlib.Path(folder) / "env" / "bin" / "python"
        print(f"== {python}: {package.name}", flush=True)
        shutil.copy(SMOKE, folder)
        # The tested versions, for the Pythons that they are of; the newest ones that fit, for others.
        tested = subprocess.run([python, "-c", "import sys; sys.exit(sys.version_info >= (3, 13))"], check=False)
        constraints = ["-c", str(ROOT / "constraints.txt")] if tested.returncode == 0 else []
        # Nothing but what was installed: a path of the caller's would bring the repository in.
        clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        steps = (
            [python, "-m", "venv", str(environment)],
            [str(inside), "-m", "pip", "install", "--quiet", *constraints, str(package)],
            [str(inside), "smoke.py"],
        )
        return all(subprocess.run(step, cwd=folder, env=clean, check=False).returncode == 0 for step in steps)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
