"""Results that the output folder has already: the same run's, which is done then, or another's, which are kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

from launch import program
from launch.running.run import Run
from tfgeo.errors import UserError
from zoo.config import to_dict
from zoo.folders import CARD_FILE

__all__ = ["check_results", "fingerprint_of"]

# Flags that say where things are or are done, not what is computed.
_PLACES = (
    "config", "data", "data_dir", "debug", "output_dir", "overwrite", "scheduler", "strategy", "tensorboard",
    "weights",
)  # fmt: skip
# Sections that only describe.
_DESCRIPTIONS = ("reported", "summary", "notes", "model_of")
# Differences that a message names.
MAX_DIFFERENCES = 3


def fingerprint_of(run: Run, values: program.Flags) -> str:
    """sha256 in hex over all that decides a program's results: two runs with the same one make the same."""
    flags = {name: values[name].value for name in values if name.partition(".")[0] not in _PLACES}
    if "scheduler" in values and values.scheduler:
        # Wherever the workers are, they find the same bits, but others than this process does.
        flags["scheduler"] = True
    if not flags.get("mixed_precision"):  # as if there were no such flag, as in other programs
        flags.pop("mixed_precision", None)
    command = program.command()
    facts = ["" if command is None else command.program, flags, _settings(run), run.origin()]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def check_results(run: Run, values: program.Flags) -> None:
    """Looks for results in the run's folder, before anything is trained; gives the run its fingerprint.

    Raises:
      Finished: if they are those of this run.
      UserError: if they are of another one, or a report is there that is no run's, and --overwrite was not given.
    """
    run.fingerprint = fingerprint_of(run, values)
    path = run.folder / CARD_FILE
    if values.overwrite:
        return
    if not path.exists():
        # A run that was stopped while it wrote its results has state beside its report.
        if (run.folder / "report.md").exists() and not run.unfinished.is_dir():
            raise UserError(
                f"{run.folder} holds a report.md without the {CARD_FILE} of a run; move it away, give another "
                "--output_dir, or --overwrite to replace it"
            )
        return
    try:
        before = json.loads(path.read_text(encoding="utf-8"))
        found = before.get("fingerprint")
    except (AttributeError, ValueError):
        before, found = {}, None
    if found == run.fingerprint:
        raise program.Finished(
            f"done before, nothing is left to do: the results are in {run.folder} (--overwrite makes them again)"
        )
    differences = list(_differences(before, run))
    shown = ", ".join(differences[:MAX_DIFFERENCES]) + (", ..." if len(differences) > MAX_DIFFERENCES else "")
    raise UserError(
        f"{run.folder} holds results of {before.get('command') or before.get('entry') or 'another run'}"
        f"{f' ({shown})' if shown else ''}; give another --output_dir, or --overwrite to replace them"
    )


def _settings(run: Run) -> dict[str, Any]:
    settings = to_dict(run.config)
    for name in _DESCRIPTIONS:
        del settings[name]
    return settings


def _differences(before: dict[str, Any], run: Run) -> Iterator[str]:
    """What was different then, each a clause."""
    if before.get("seed", run.seed) != run.seed:
        yield f"seed {before['seed']}"
    then, now = before.get("config"), json.loads(json.dumps(to_dict(run.config)))
    if not isinstance(then, dict) or then.get("name") != now["name"]:
        return
    for section, fields in now.items():
        other = then.get(section)
        if section in _DESCRIPTIONS or not isinstance(fields, dict) or not isinstance(other, dict):
            continue
        for field, value in fields.items():
            if other.get(field, value) != value:
                yield f"{section}.{field}={other[field]}"
