"""Geodesic clustering: trains an entry's VAE, connects its samples by geodesics, and clusters them.

python -m launch.cluster --entry=yang2018/mnist_012 --data_dir=DATA --output_dir=out
python -m launch.cluster --entry=yang2018/two_moons --data=my.npz --output_dir=out

Writes metrics.json, report.md, clusters.csv, clustering.npz, model.weights.h5 and figures/ to the output folder,
which zoo.load takes as an entry. A run that was stopped continues with the same command; one that is done does
nothing more.
"""

from __future__ import annotations

import sys

from launch import program


def main(values: program.Flags) -> None:
    """Runs the program that the module describes."""
    program.start_tensorflow()
    from launch.experiments.clustering import run_clustering

    run_clustering(values)


if __name__ == "__main__":
    sys.exit(program.run(main, program.entry_flags(), __doc__))
