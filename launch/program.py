"""What all programs share: flags, configuration overrides, and errors as one line."""

from __future__ import annotations

import contextlib
import dataclasses
import pathlib
import re
import shlex
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from absl import flags

from tfgeo import quiet
from tfgeo.errors import UserError, nearest_names
from zoo import registry
from zoo.config import EntryConfig, follow_likelihood, from_dict, open_fields, to_dict

__all__ = [
    "Command",
    "Finished",
    "Flags",
    "base_flags",
    "command",
    "entry_flags",
    "given",
    "output_flags",
    "read_config",
    "run",
    "start_tensorflow",
]

Flags: TypeAlias = flags.FlagValues


class Finished(Exception):
    """Nothing is left to do; the message says why. The program ends as if it had done it."""


@dataclasses.dataclass(frozen=True)
class Command:
    """What was typed.

    Attributes:
      program: the module, such as "launch.cluster".
      arguments: what follows it.
    """

    program: str
    arguments: tuple[str, ...]

    def __str__(self) -> str:
        return shlex.join(["python", "-m", self.program, *self.arguments])


_running: list[Command] = []


def command() -> Command | None:
    """The command that runs, or None where a program's parts are called from Python."""
    return _running[-1] if _running else None


def base_flags() -> Flags:
    """The flag that every program has."""
    values = flags.FlagValues()
    flags.DEFINE_boolean("debug", False, "show the traceback of errors", flag_values=values)
    return values


def output_flags() -> Flags:
    """Flags of a program that reads data and writes results."""
    values = base_flags()
    define_output(values)
    define_data_dir(values)
    flags.DEFINE_integer("seed", 0, "seed of data, weights and sampling", lower_bound=0, flag_values=values)
    return values


def define_output(values: Flags) -> None:
    """Adds --output_dir."""
    flags.DEFINE_string("output_dir", None, "folder for all results; made if missing", flag_values=values)


def define_data_dir(values: Flags) -> None:
    """Adds --data_dir."""
    flags.DEFINE_string(
        "data_dir",
        None,
        "folder of the original data files (default: TFGEO_DATA_DIR, else the cache)",
        flag_values=values,
    )


def define_entry(values: Flags) -> None:
    """Adds --entry."""
    flags.DEFINE_string(
        "entry", None, "zoo entry, PAPER/NAME; `python -m launch.catalogue` lists all", flag_values=values
    )


def define_weights(values: Flags, default: str) -> None:
    """Adds --weights."""
    flags.DEFINE_string(
        "weights",
        default,
        "'train' trains, 'pretrained' takes the zoo's weights, else a file that launch.train wrote",
        flag_values=values,
    )


def entry_flags() -> Flags:
    """Flags of a program that runs an entry."""
    values = output_flags()
    define_entry(values)
    flags.DEFINE_string(
        "data",
        None,
        "your own data in place of the entry's: .npz with x, [n, D] or images [n, height, width], and optionally "
        "labels y, [n]; .npy of x; .csv, whose labels --config.data.label_column=NAME names; or a folder of "
        "images, with sub-folders as labels. Counts take --config.network.likelihood=negative_binomial or poisson",
        flag_values=values,
    )
    define_weights(values, "train")
    flags.DEFINE_boolean(
        "overwrite",
        False,
        "replace what another run left in --output_dir, or make the same again",
        flag_values=values,
    )
    flags.DEFINE_boolean(
        "tensorboard", False, "write TensorBoard logs to OUTPUT_DIR/tensorboard", flag_values=values
    )
    return values


def run(
    main: Callable[[Flags], None],
    values: Flags,
    doc: str | None,
    argv: Sequence[str] | None = None,
    configurable: bool = True,
) -> int:
    """Parses flags and calls `main`, with what goes wrong on the user's side as one line.

    Args:
      main: the program.
      values: its flags.
      doc: its docstring, for --help.
      configurable: whether the entry's configuration can be overridden by --config.x=y.
      argv: the command line, program name first; `sys.argv` by default.

    Returns:
      The exit code: 0, 2 for a user's mistake, 130 where interrupted.
    """
    argv = list(sys.argv if argv is None else argv)
    if any(word in ("--help", "-help", "-h", "--helpfull", "--helpshort") for word in argv[1:]):
        print(_help(values, doc or "", configurable))
        return 0
    debug = "--debug" in argv
    made: list[pathlib.Path] = []
    _running.append(Command(_module_of(main), tuple(argv[1:])))
    try:
        _parse(values, argv, configurable)
        made = _absent_folders(values)
        main(values)
    except Finished as finished:
        print(finished)
    except (UserError, flags.Error) as error:
        if debug:
            traceback.print_exc()
        for folder in made:
            with contextlib.suppress(OSError):  # not there, or with results in it
                folder.rmdir()
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted: the same command continues where it was stopped", file=sys.stderr)
        return 130
    finally:
        _running.pop()
    return 0


def _module_of(main: Callable[[Flags], None]) -> str:
    """The module of a program, also where it is run as `python -m` and calls itself `__main__`."""
    spec = getattr(main, "__globals__", {}).get("__spec__")
    return getattr(spec, "name", None) or main.__module__


def read_config(values: Flags) -> EntryConfig:
    """The entry's configuration with the --config.x=y overrides of the command line, and what follows from them."""
    original = registry.config(values.entry).network.likelihood
    return from_dict(follow_likelihood(_plain(values.config), original, given(values)))


def given(values: Flags) -> frozenset[str]:
    """The fields that the command line overrides, as "section.field"."""
    from ml_collections import config_flags

    return frozenset(config_flags.get_override_values(values["config"]))


def start_tensorflow(begin: Callable[[], None] | None = None) -> None:
    """Imports TensorFlow and says so: it takes seconds. `begin` is as for `tfgeo.quiet`."""
    print("starting TensorFlow", flush=True)
    quiet(begin)


def _parse(values: Flags, argv: list[str], configurable: bool) -> Flags:
    """Parses the command line; the entry that it names decides what --config.x=y may override."""
    try:
        if configurable:
            _define_config(values, argv)
        rest = values(argv)[1:]
    except UserError:
        raise
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        # What the flag library says of a wrong --config.x=y.
        words = " ".join(str(error).replace("\\n", " ").split())
        raise UserError(f"a --config value is wrong: {words} (python -m launch.catalogue --entry=NAME)") from error
    if rest:
        raise UserError(f"{rest[0]!r} is not a flag; flags are written --name=value (--help lists all)")
    if "output_dir" in values and not values.output_dir:
        raise UserError("--output_dir is missing; give a folder for the results, such as --output_dir=out")
    return values


def _absent_folders(values: Flags) -> list[pathlib.Path]:
    """Those folders of --output_dir that are still to be made, the innermost first."""
    if "output_dir" not in values:
        return []
    folder = pathlib.Path(values.output_dir).expanduser().absolute()
    return [place for place in (folder, *folder.parents) if not place.exists()]


def _define_config(values: Flags, argv: list[str]) -> None:
    """Adds --config.x=y for the entry that the command line names."""
    from ml_collections import config_dict, config_flags

    name = _value_of("entry", argv)
    if name is None:
        raise UserError(
            "--entry is missing; give for example --entry=yang2018/two_moons "
            "(`python -m launch.catalogue` lists all)"
        )
    fields = to_dict(registry.config(name))
    for word in argv[1:]:
        named = re.match(r"--?config\.([^=\[]+)(\[?)", word)
        if named is None:
            continue
        _check_field(fields, named[1].split("."), name)
        if named[2]:
            raise UserError(f"{word} sets a part of a value; give the whole one, --config.{named[1]}=VALUE")
    config = config_dict.ConfigDict(_open_fields(fields))
    config_flags.DEFINE_config_dict("config", config, flag_values=values, sys_argv=argv)


def _check_field(fields: dict[str, Any], path: Sequence[str], entry: str) -> None:
    """Refuses the name of a field that an entry does not have, and says which it has."""
    value: Any = fields
    place, flag = "--config", ".".join(("--config", *path))
    for name in path:
        if value is None:
            raise UserError(f"`{place}` is none in {entry}, it has no field {name!r}; leave {flag} out")
        if not isinstance(value, dict):
            raise UserError(f"`{place}` is one value and has no field {name!r}; give {place}=VALUE")
        if name not in value:
            close = " or ".join(map(repr, nearest_names(name, value)))
            hint = f"did you mean {close}? It" if close else "it"
            raise UserError(f"`{place}` has no field {name!r}; {hint} has {', '.join(value)}")
        value, place = value[name], f"{place}.{name}"


def _open_fields(values: dict[str, Any]) -> dict[str, Any]:
    """Fields that may hold values of several types, or none, as fields of any type: `EntryConfig` checks them."""
    from ml_collections import config_dict

    def opened(section: str, values: dict[str, Any]) -> dict[str, Any]:
        is_open = open_fields(section)
        return {
            name: config_dict.FieldReference(value, field_type=object) if name in is_open else value
            for name, value in values.items()
        }

    return {name: opened(name, value) if isinstance(value, dict) else value for name, value in values.items()}


def _value_of(name: str, argv: list[str]) -> str | None:
    """The last value of --name in the command line, before the rest of it can be parsed."""
    value = None
    for word, following in zip(argv, [*argv[1:], None], strict=True):
        if word in (f"--{name}", f"-{name}"):
            value = following
        elif word.startswith((f"--{name}=", f"-{name}=")):
            value = word.split("=", 1)[1]
    return value


def _plain(value: Any) -> Any:
    """ConfigDicts as dictionaries."""
    if hasattr(value, "items"):
        return {key: _plain(part) for key, part in value.items()}
    return value


def _help(values: Flags, doc: str, configurable: bool) -> str:
    lines = [doc.strip(), "", "Flags:"]
    for name in values:
        flag = values[name]
        default = "" if flag.default is None else f" (default: {flag.default})"
        lines.append(f"  --{name}: {flag.help}{default}")
    if configurable:
        lines.append("  --config.SECTION.FIELD: any value of the entry's configuration, such as")
        lines.append("    --config.training.epochs=5; `python -m launch.catalogue --entry=NAME` prints all")
    return "\n".join(lines)
