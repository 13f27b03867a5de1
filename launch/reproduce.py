"""Reproduces a paper's tables: every entry over several seeds, measured beside reported.

python -m launch.reproduce --paper=yang2018 --data_dir=DATA --output_dir=out
python -m launch.reproduce --paper=yang2018 --table=III --output_dir=out
python -m launch.reproduce --paper=yang2018 --study --output_dir=out      the settings that the paper leaves free
python -m launch.reproduce --paper=chadebec2020 --table=5-released --num_seeds=3 --output_dir=out    a table of ours

Each run is a folder ENTRY/seed_N of the output folder, as its own program writes it; runs that are finished are
not repeated, so that the same command continues where it was stopped. The result is PAPER.txt, PAPER.csv and
PAPER.html, a page that also leads to the reports and figures of all runs and shows the main ones. Of clusters
there are PAPER_gains.txt, .csv and .html too, what each distance gains over straight ones on the same codes and
how sure that is, and PAPER_runs.csv, the scores of each run. --publish also copies the weights of seed 0 and a
card with all figures into the zoo.
"""

from __future__ import annotations

import sys

from absl import flags

from launch import program


def main(values: program.Flags) -> None:
    """Runs the program that the module describes."""
    from launch.reproduction.rows import rows_of_paper

    rows_of_paper(values.paper, values.table)  # refuses what is not there while that is fast
    program.start_tensorflow()
    from launch.reproduction.sweep import reproduce

    reproduce(values)


def program_flags() -> program.Flags:
    """The program's flags."""
    values = program.output_flags()
    flags.DEFINE_string("paper", None, "paper, the part of its entries' names before the /", flag_values=values)
    flags.DEFINE_string("table", None, "only the entries of this table, such as III", flag_values=values)
    flags.DEFINE_integer("num_seeds", 5, "seeds: --seed and those after it", lower_bound=1, flag_values=values)
    flags.DEFINE_boolean("study", False, "run the paper's studies of free settings instead", flag_values=values)
    flags.DEFINE_boolean("publish", False, "write weights and cards into the zoo", flag_values=values)
    flags.DEFINE_boolean(
        "quantize",
        False,
        "with --publish: store weights in the fewest bits with which log p(x) and distances stay what they are",
        flag_values=values,
    )
    return values


if __name__ == "__main__":
    sys.exit(program.run(main, program_flags(), __doc__, configurable=False))
