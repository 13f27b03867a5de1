"""Trains an entry's VAE and its variance, and writes the weights.

python -m launch.train --entry=yang2018/two_moons --output_dir=out

Writes model.weights.h5 and metrics.json to the output folder. A run that was stopped continues with the same
command; zoo.load("out") loads the result.
"""

from __future__ import annotations

import sys

from launch import program
from tfgeo.errors import UserError


def main(values: program.Flags) -> None:
    """Runs the program that the module describes."""
    if values.weights != "train":
        raise UserError(f"--weights={values.weights} has no use here, weights are trained anew; leave it out")
    program.start_tensorflow()
    import numpy as np

    from launch.reporting import report
    from launch.running import training
    from launch.running.results import check_results
    from launch.running.run import run_from_flags, say

    run = run_from_flags(values, compares=False)
    check_results(run, values)
    with run.timed("total"):
        training.train(run, "train", values.tensorboard)
    path = training.save_weights(run)
    elbo = float(np.mean(run.entry.model.elbo(run.samples.inputs)))
    report.write_metrics(run, {"elbo": elbo}, {})
    run.finish()
    say(f"evidence lower bound {elbo:.2f} nats; weights: {path}")


if __name__ == "__main__":
    sys.exit(program.run(main, program.entry_flags(), __doc__))
