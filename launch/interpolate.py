"""Interpolation: geodesics between random pairs of samples, beside the straight line, with and without warm start.

python -m launch.interpolate --entry=gimli2018/two_moons --output_dir=out
python -m launch.interpolate --entry=yang2018/mnist_012 --weights=pretrained --output_dir=out

Writes metrics.json, report.md, interpolation.npz and figures/ to the output folder: the curves in latent space,
and for images what the decoder makes of them.
"""

from __future__ import annotations

import sys

from absl import flags

from launch import common


def main(values: common.Flags) -> None:
    """Runs the program that the module describes."""
    common.start_tensorflow()
    from launch.interpolation import run_interpolation

    run_interpolation(values)


def program_flags() -> common.Flags:
    """The program's flags."""
    values = common.entry_flags()
    flags.DEFINE_integer("num_pairs", 200, "pairs of samples to connect", lower_bound=1, flag_values=values)
    return values


if __name__ == "__main__":
    sys.exit(common.run(main, program_flags(), __doc__))
