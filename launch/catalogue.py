"""Lists what the zoo holds, or prints one entry's configuration and card.

python -m launch.catalogue
python -m launch.catalogue --entry=yang2018/two_moons

--write makes zoo/CATALOGUE.md and its pictures anew, where the data are there.
"""

from __future__ import annotations

import json
import sys

from absl import flags

import zoo
from launch import program
from zoo.config import to_dict


def main(values: program.Flags) -> None:
    """Runs the program that the module describes."""
    if values.write:
        program.start_tensorflow()
        from launch.reproduction.thumbnails import write_catalogue

        print(write_catalogue(values.data_dir))
        return
    if values.entry is not None:
        print(json.dumps({"config": to_dict(zoo.config(values.entry)), "card": zoo.card(values.entry)}, indent=2))
        return
    width = max(map(len, zoo.names()))
    print(f"{'entry':<{width}}  {'program':<11}  {'weights':<7}  what")
    for name in zoo.names(values.pattern):
        config = zoo.config(name)
        weights = "no" if zoo.card(name) is None else "yes"
        print(
            f"{name:<{width}}  {config.program:<11}  {weights:<7}  {config.summary} ({config.paper or 'no paper'})"
        )
    print("\n`python -m launch.PROGRAM --entry=NAME --output_dir=DIR` runs one; zoo.load(NAME) loads one.")


def program_flags() -> program.Flags:
    """The program's flags."""
    values = program.base_flags()
    flags.DEFINE_string("entry", None, "print this entry's configuration and card", flag_values=values)
    flags.DEFINE_string("pattern", "*", "list the names that match, such as 'yang2018/*'", flag_values=values)
    flags.DEFINE_boolean("write", False, "make zoo/CATALOGUE.md anew", flag_values=values)
    program.define_data_dir(values)
    return values


if __name__ == "__main__":
    sys.exit(program.run(main, program_flags(), __doc__, configurable=False))
