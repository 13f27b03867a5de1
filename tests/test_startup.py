"""`tfgeo.quiet` mutes TensorFlow's start, and nothing else."""

import pathlib
import subprocess
import sys

import tfgeo


def stderr_of(code):
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return finished.stderr


def test_quiet_start():
    after = "import sys; print('kept', file=sys.stderr)"
    assert stderr_of(f"import tfgeo; tfgeo.quiet(); import tensorflow; {after}") == "kept\n"


def test_one_version():
    import importlib.metadata

    assert importlib.metadata.version("tfgeo") == tfgeo.__version__
    citation = (pathlib.Path(__file__).parents[1] / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {tfgeo.__version__}\n" in citation
