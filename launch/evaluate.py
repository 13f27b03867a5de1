"""Evaluation: trains an entry's model and measures how well it explains held-out samples.

python -m launch.evaluate --entry=chadebec2020/rhvae_mnist_012 --data_dir=DATA --output_dir=out
python -m launch.evaluate --entry=chadebec2020/vae_mnist_012 --weights=out/model.weights.h5 --output_dir=again

Prints the evidence lower bound, log p(x) by importance sampling and the relative error of reconstructions, beside
what the paper reports. A model with a flow has two unbiased estimates of p(x): from samples of its Gaussian
encoder, and from those that its flow has moved, with the momenta's densities and the tempering's volume accounted
for.

Writes metrics.json, report.md, evaluation.npz, model.weights.h5 and figures/ to the output folder. A run that was
stopped continues with the same command.
"""

from __future__ import annotations

import sys

from launch import program


def main(values: program.Flags) -> None:
    """Runs the program that the module describes."""
    program.start_tensorflow()
    from launch.experiments.evaluation import run_evaluation

    run_evaluation(values)


if __name__ == "__main__":
    sys.exit(program.run(main, program.entry_flags(), __doc__))
