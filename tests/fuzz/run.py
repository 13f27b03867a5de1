"""Tries one parser on altered files, in a process of its own with bounded memory.

    python -m tests.fuzz.run npz --inputs=2000

Prints one line of JSON: inputs tried, how many were read, refused and crashed, the slowest in seconds, peak memory
in MB, and files that appeared outside.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import io
import json
import os
import pathlib
import re
import resource
import shutil
import sys
import tempfile
import time
import traceback
import warnings

import numpy as np

from tests.fuzz.parsers import PARSERS, Parser
from tfgeo.errors import UserError

# What a parser may take above what the process has when it starts: its files are some kilobytes.
MEMORY_BYTES = 1 << 30
# Longest time for a file, after which it counts as hanging.
HANG_SECONDS = 5.0
# What headers and fields are overwritten with.
NUMBERS = [value.to_bytes(size, order) for size in (1, 2, 4, 8) for order in ("little", "big")
           for value in (0, 1, 2 ** (8 * size - 1), 2 ** (8 * size) - 1)]  # fmt: skip
WORDS = [b"-1", b"0", b"1e308", b"nan", b"inf", b"99999999999999999999", b"", b"null", b"{}", b"[]", b'"', b"\0",
         b"\n", b"root", b"end", b"begin", b":bonedata", "\u0660".encode(), b"True", b"1e-320"]  # fmt: skip


class Trial:
    """Reads altered files and counts what happens."""

    def __init__(self, parser: Parser, folder: pathlib.Path) -> None:
        self.parser, self.folder = parser, folder
        self.path = folder / parser.filename
        self.counts: collections.Counter[str] = collections.Counter()
        self.crashes: list[str] = []
        self.slowest = 0.0
        for name, content in parser.beside().items():
            with (folder / name).open("wb") as file:
                file.truncate(content) if isinstance(content, int) else file.write(content)
        self.path.touch()
        self.files = self._list()

    def read(self, content: bytes) -> None:
        """One file."""
        self.path.write_bytes(content)
        begin = time.perf_counter()
        try:
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                self.parser.read(self.path)
            self.counts["read"] += 1
        except UserError as error:
            self.counts["refused"] += 1
            if "\n" in str(error):
                self._note(content, "a message of several lines")
        except BaseException:
            self._note(content, traceback.format_exc(limit=-3))
        seconds = time.perf_counter() - begin
        self.slowest = max(self.slowest, seconds)
        if seconds > HANG_SECONDS:
            self._note(content, f"took {seconds:.1f} s")

    def _note(self, content: bytes, what: str) -> None:
        self.counts["crashed"] += 1
        if len(self.crashes) < 5:
            self.crashes.append(f"{what} on {content[:200]!r}")

    def report(self) -> dict:
        """All counts."""
        return {
            "inputs": sum(self.counts[kind] for kind in ("read", "refused", "crashed")),
            "read": self.counts["read"],
            "refused": self.counts["refused"],
            "crashed": self.counts["crashed"],
            "crashes": self.crashes,
            "slowest_seconds": round(self.slowest, 3),
            "peak_mb": _peak_mb(),
            "files_outside": sorted(self._list() - self.files),
        }

    def _list(self) -> set[str]:
        # What the file's own name could reach: its folder and the one above.
        return {str(path) for place in (self.folder, self.folder.parent) for path in place.iterdir()}


def _peak_mb() -> int:
    """Peak of this program's own memory: `getrusage` would count that of the process which started it."""
    status = pathlib.Path("/proc/self/status").read_text()
    return round(int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1e3)


def altered(content: bytes, random: np.random.Generator) -> bytes:
    """The content with some edits: bytes flipped, numbers and words put in, parts cut, doubled or moved."""
    for _ in range(random.integers(1, 6)):
        place = int(random.integers(len(content) + 1))
        end = min(len(content), place + int(random.geometric(0.1)))
        kind = random.integers(7)
        if kind == 0 and content:
            place %= len(content)
            content = (
                content[:place] + bytes([content[place] ^ 1 << int(random.integers(8))]) + content[place + 1 :]
            )
        elif kind == 1:
            number = NUMBERS[random.integers(len(NUMBERS))]
            content = content[:place] + number + content[place + len(number) :]
        elif kind == 2:
            content = content[:place] + WORDS[random.integers(len(WORDS))] + content[place:]
        elif kind == 3:
            content = content[:place] + WORDS[random.integers(len(WORDS))] + content[end:]
        elif kind == 4:
            content = content[:place] + content[end:]
        elif kind == 5:
            content = content[:end] + content[place:end] * int(random.integers(1, 4)) + content[end:]
        else:
            content = content[:place]
    return content


def try_random(trial: Trial, seeds: list[bytes], num_inputs: int, seed: int) -> None:
    """Files that a generator alters, where they are packed on both sides of the packing."""
    random = np.random.default_rng(seed)
    pack = trial.parser.pack
    for content in seeds:
        trial.read(content if pack is None else pack(content))
    for _ in range(num_inputs - len(seeds)):
        content = seeds[random.integers(len(seeds))]
        if pack is None:
            content = altered(content, random)
        elif random.integers(2):
            content = pack(altered(content, random))
        else:
            content = altered(pack(content), random)
        trial.read(content)


def try_guided(trial: Trial, seeds: list[bytes], num_inputs: int, seed: int) -> None:
    """Files that atheris alters so as to reach new lines of the readers; it ends the process when it is done."""
    import atheris

    corpus = tempfile.mkdtemp()
    for index, content in enumerate(seeds):
        (pathlib.Path(corpus) / str(index)).write_bytes(content)
    pack = trial.parser.pack

    def one(content: bytes) -> None:
        trial.read(content if pack is None else pack(content))
        if sum(trial.counts.values()) == num_inputs:  # atheris itself would end without a word
            print(json.dumps(trial.report()), flush=True)
            shutil.rmtree(corpus)
            shutil.rmtree(trial.folder.parent)
            os._exit(0)

    options = ["-runs=-1", f"-seed={seed + 1}", "-max_len=65536", "-verbosity=0"]
    atheris.Setup([sys.argv[0], corpus, *options], one)
    atheris.Fuzz()


def main() -> None:
    """Runs the trial that the command line names."""
    flags = argparse.ArgumentParser(description=__doc__)
    flags.add_argument("parser", choices=PARSERS)
    flags.add_argument("--inputs", type=int, default=2000)
    flags.add_argument("--seed", type=int, default=0)
    flags.add_argument(
        "--guided", action="store_true", help="let atheris choose the inputs by the lines they reach"
    )
    values = flags.parse_args()
    warnings.simplefilter("ignore")
    parser = PARSERS[values.parser]
    if values.guided:
        import atheris

        with atheris.instrument_imports(include=["tfgeo.datasets", "zoo.folders", "zoo.config"]):
            import tfgeo.datasets  # noqa: F401
            import zoo.folders  # noqa: F401 (instrumented by being imported here)
    with tempfile.TemporaryDirectory() as above:
        folder = pathlib.Path(above) / "inside"
        folder.mkdir()
        os.chdir(above)
        trial = Trial(parser, folder)
        seeds = parser.seeds()
        Trial(parser, folder).read(b"")  # what is imported late is imported now
        used = int(pathlib.Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY_BYTES, used + MEMORY_BYTES))
        if values.guided:
            try_guided(trial, seeds, values.inputs, values.seed)
        else:
            try_random(trial, seeds, values.inputs, values.seed)
            print(json.dumps(trial.report()), flush=True)


if __name__ == "__main__":
    main()
