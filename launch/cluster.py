"""Geodesic clustering: trains an entry's VAE, connects its samples by geodesics, and clusters them.

python -m launch.cluster --entry=yang2018/mnist_012 --data_dir=DATA --output_dir=out
python -m launch.cluster --entry=yang2018/two_moons --data=my.npz --output_dir=out
python -m launch.cluster --entry=yang2018/mnist_012 --scheduler=tcp://10.0.0.1:8786 --output_dir=out
python -m launch.cluster --entry=yang2018/mnist_012 --config.geodesics.method=graph --output_dir=out

Writes metrics.json, report.md, clusters.csv, clustering.npz, model.weights.h5 and figures/ to the output folder,
which zoo.load takes as an entry. A run that was stopped continues with the same command; one that is done does
nothing more.

With --scheduler the geodesics between all pairs of samples are found by the workers of a Dask cluster. Without a
solver, by a grid, a graph or landmarks, distances among thousands of samples take minutes; how far off they are is
measured.
"""

from __future__ import annotations

import sys

from absl import flags

from launch import program


def main(values: program.Flags) -> None:
    """Runs the program that the module describes."""
    program.start_tensorflow()
    from launch.experiments.clustering import run_clustering

    run_clustering(values)


def program_flags() -> program.Flags:
    """The program's flags."""
    values = program.entry_flags()
    flags.DEFINE_string(
        "scheduler",
        None,
        "address of a Dask scheduler, such as tcp://10.0.0.1:8786, whose workers find the geodesics between "
        "samples; needs `pip install tfgeo[distributed]`",
        flag_values=values,
    )
    return values


if __name__ == "__main__":
    sys.exit(program.run(main, program_flags(), __doc__))
