"""Trains an entry's VAE and its variance, and writes the weights.

python -m launch.train --entry=yang2018/two_moons --output_dir=out
python -m launch.train --entry=yang2018/mnist_012 --output_dir=out --strategy=mirrored

Writes model.weights.h5 and metrics.json to the output folder. A run that was stopped continues with the same
command; zoo.load("out") loads the result.

With --strategy=mirrored the GPUs of this machine share each batch; with --strategy=multi_worker the processes that
the environment variable TF_CONFIG lists do, whose chief writes the results.
"""

from __future__ import annotations

import sys

from absl import flags

from launch import program
from launch.running.workers import define_strategy, start_workers
from tfgeo.errors import UserError


def main(values: program.Flags) -> None:
    """Runs the program that the module describes."""
    if values.weights != "train":
        raise UserError(f"--weights={values.weights} has no use here, weights are trained anew; leave it out")
    workers = start_workers(values.strategy if "strategy" in values else None)
    from launch.experiments.training import run_training

    run_training(values, workers)


def program_flags() -> program.Flags:
    """The program's flags."""
    values = program.entry_flags()
    define_strategy(values)
    flags.DEFINE_boolean(
        "mixed_precision",
        False,
        "compute the networks in bfloat16 while they are trained, on GPUs that are faster so; all else is float32",
        flag_values=values,
    )
    return values


if __name__ == "__main__":
    sys.exit(program.run(main, program_flags(), __doc__))
