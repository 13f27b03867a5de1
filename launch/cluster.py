"""Geodesic clustering: trains an entry's VAE, connects its samples by geodesics, and clusters them.

python -m launch.cluster --entry=yang2018/mnist_012 --data_dir=DATA --output_dir=out
python -m launch.cluster --entry=yang2018/two_moons --data=my.npz --output_dir=out

Writes metrics.json, report.md, clustering.npz, model.weights.h5 and figures/ to the output folder. A run that
was stopped continues with the same command.
"""

from __future__ import annotations

import sys

from launch import common


def main(values: common.Flags) -> None:
    """Runs the program that the module describes."""
    common.start_tensorflow()
    from launch.clustering import run_clustering

    run_clustering(values)


if __name__ == "__main__":
    sys.exit(common.run(main, common.entry_flags(), __doc__))
