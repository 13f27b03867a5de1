"""Generation: images from the prior and, for an RHVAE, along its learned metric, beside other entries' models.

python -m launch.generate --entry=chadebec2020/rhvae_generation_mnist_5 --data_dir=DATA --output_dir=out

Along the metric, one chain of Hamiltonian Monte Carlo for each sample follows the density 1 / sqrt(det G), high
near the data. Writes metrics.json, report.md, generation.npz, model.weights.h5 and figures/ to the output folder,
and the models of other entries to beside/. A run that was stopped continues with the same command.
"""

from __future__ import annotations

import sys

from launch import program


def main(values: program.Flags) -> None:
    """Runs the program that the module describes."""
    program.start_tensorflow()
    from launch.experiments.generation import run_generation

    run_generation(values)


if __name__ == "__main__":
    sys.exit(program.run(main, program.entry_flags(), __doc__))
