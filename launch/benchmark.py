"""Benchmarks: how fast geodesics are found, how good they are, and what the machine could do at most.

python -m launch.benchmark --suite=geodesics --problem=FILE.npz --output_dir=out
python -m launch.benchmark --suite=geodesics --methods='interpolated/*' --metrics=mean --output_dir=out
python -m launch.benchmark --suite=pairwise --output_dir=out
python -m launch.benchmark --suite=graph --num_nodes=60000 --output_dir=out
python -m launch.benchmark --suite=training --output_dir=out
python -m launch.benchmark --suite=scale --metrics=expected --output_dir=out
"""

from __future__ import annotations

import sys

from launch import program
from launch.benchmarks.flags import SUITES, describe, program_flags
from tfgeo.errors import UserError


def main(values: program.Flags) -> None:
    """Runs the program that the module describes."""
    if values.suite is None:
        raise UserError(f"--suite is missing; give one of {', '.join(SUITES)}, such as --suite=geodesics")
    program.start_tensorflow()
    from launch.benchmarks.run import run_benchmark

    run_benchmark(values)


if __name__ == "__main__":
    sys.exit(program.run(main, program_flags(), describe(__doc__), configurable=False))
