"""Processes of tests, forked from one that has imported TensorFlow and computed nothing.

Each is a process of its own, with its own runtime of TensorFlow, environment, output and death, which no handler
sees if it comes by SIGKILL. Only the seconds of the imports are shared.
"""

import contextlib
import multiprocessing
import os
import pathlib
import runpy
import subprocess
import sys
import tempfile

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["tests.preload"])


class Program:
    """`python -m MODULE ARGUMENT ...`, as far as it matters with the interface of `subprocess.Popen`.

    Args:
      module: run as `__main__`.
      arguments: of its command line.
      env: variables of the environment beside those of this process.
    """

    def __init__(self, module, *arguments, env=None):
        self._folder = tempfile.TemporaryDirectory()
        self._files = [pathlib.Path(self._folder.name, name) for name in ("stdout", "stderr")]
        for file in self._files:
            file.touch()
        environment = dict(os.environ) | (env or {})
        process = CONTEXT.Process(
            target=_run,
            args=(module, list(map(str, arguments)), environment, os.getcwd(), self._files),
            daemon=True,
        )
        process.start()
        self._process = process

    def poll(self):
        """The exit code, None while it runs."""
        return self._process.exitcode

    @property
    def returncode(self):
        return self._process.exitcode

    def send_signal(self, number):
        # It may end between the two.
        with contextlib.suppress(ProcessLookupError):
            if self._process.exitcode is None:
                os.kill(self._process.pid, number)

    def communicate(self, timeout):
        """What it said, once it has ended."""
        self._process.join(timeout)
        if self._process.exitcode is None:
            self._process.kill()
            raise subprocess.TimeoutExpired(self._process.name, timeout)
        return tuple(file.read_text(encoding="utf-8") for file in self._files)


def _run(module, arguments, environment, folder, files):
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    for number, file in enumerate(files, 1):
        with open(file, "ab") as opened:
            os.dup2(opened.fileno(), number)
    # Open for as long as the process lives; what Python had here may be closed.
    sys.stdout, sys.stderr = (open(number, "w", encoding="utf-8", closefd=False) for number in (1, 2))  # noqa: SIM115
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
