"""Readers refuse what strangers send in one line: no crash, no hang, bounded memory, no file outside.

1,000 altered files for each reader; `make fuzz` tries 100,000, chosen by the lines they reach.
"""

import json
import subprocess
import sys

import pytest

from tests.fuzz.parsers import PARSERS

INPUTS = 1000
# Some readers import TensorFlow or read larger files.
SLOW = {"mat", "weights"}
MOST_MB = 1500


def report_of(parser, inputs, *options):
    command = [sys.executable, "-m", "tests.fuzz.run", parser, f"--inputs={inputs}", *options]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr[-2000:]
    return json.loads(finished.stdout.splitlines()[-1])


@pytest.mark.parametrize("parser", PARSERS)
def test_altered_files(parser):
    report = report_of(parser, INPUTS)
    assert report["inputs"] == INPUTS and report["crashed"] == 0, report["crashes"]
    assert report["files_outside"] == [] and report["peak_mb"] < MOST_MB
    # Right files are read, and alterations do reach what refuses them.
    assert report["refused"] > INPUTS // 10 and (report["read"] > 0 or parser == "card")
