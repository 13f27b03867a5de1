"""Opens the latent space of an entry in the browser: geodesics that follow the pointer, decoded as they go.

python -m launch.explore --entry=yang2018/mnist_012 --static=out/explore.html
python -m launch.explore --entry=yang2018/mnist_012

With --static one HTML file is written that needs neither Python nor a network: it holds a table of each metric, the
decoder's weights and some samples, and finds the geodesics itself. Without, Bokeh (pip install "tfgeo[explore]")
serves a page to this machine alone, whose geodesics are those of `tfgeo.geodesics.connect` on the decoder itself.
Of a latent space of more than two dimensions it shows the plane of the codes' first two principal axes.
"""

from __future__ import annotations

import sys

from absl import flags

from launch import program


def main(values: program.Flags) -> None:
    """Runs the program that the module describes."""
    from launch.experiments.exploration import check_flags, explore

    check_flags(values)
    program.start_tensorflow()
    explore(values)


def program_flags() -> program.Flags:
    """The program's flags."""
    values = program.base_flags()
    program.define_entry(values)
    program.define_weights(values, "pretrained")
    flags.DEFINE_string("static", None, "write one HTML file of this name, and serve nothing", flag_values=values)
    flags.DEFINE_integer(
        "port", 5006, "port of the page on this machine", lower_bound=1, upper_bound=65535, flag_values=values
    )
    program.define_data_dir(values)
    flags.DEFINE_integer("seed", 0, "seed of the samples that are shown", lower_bound=0, flag_values=values)
    return values


if __name__ == "__main__":
    sys.exit(program.run(main, program_flags(), __doc__, configurable=False))
