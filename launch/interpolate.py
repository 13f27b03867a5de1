"""Interpolation: geodesics between random pairs of samples, beside the straight line.

python -m launch.interpolate --entry=chadebec2020/rhvae_mnist_interpolation --data_dir=DATA --output_dir=out
python -m launch.interpolate --entry=chen2018/pendulum --output_dir=out
python -m launch.interpolate --entry=gimli2018/two_moons --output_dir=out
python -m launch.interpolate --entry=yang2018/mnist_012 --weights=pretrained --output_dir=out

Entries with neural curves or a graph of samples (Chen et al. 2018, 2019) find paths between the same pairs by
these and by the fast solver, which also refines the graph's. Entries that search for curves on the ridges of the
decoder's precision show what that warm start saves. All others are trained together with the entries that their
configuration names beside them, and interpolate between the same training images, each under its own metric.

Writes metrics.json, report.md, interpolation.npz, model.weights.h5 and figures/ to the output folder: the curves
in latent space, and for images what the decoder makes of them. Where the latent space is a plane, figures/metrics
has the same pairs under every metric of the model, side by side, those of paths and graphs excepted. A run that was
stopped continues with the same command.
"""

from __future__ import annotations

import sys

from absl import flags

from launch import program


def main(values: program.Flags) -> None:
    """Runs the program that the module describes."""
    program.start_tensorflow()
    from launch.experiments.comparison import run_comparison
    from launch.experiments.interpolation import run_interpolation
    from launch.experiments.shortest_paths import run_shortest_paths

    config = program.read_config(values)
    geodesics = config.geodesics
    if config.neural is not None or config.graph is not None:
        run_shortest_paths(values)
        return
    on_ridges = geodesics is not None and geodesics.warm_start in ("cross_entropy", "ridge_climb")
    run = run_interpolation if on_ridges else run_comparison
    run(values)


def program_flags() -> program.Flags:
    """The program's flags."""
    values = program.entry_flags()
    flags.DEFINE_integer("num_pairs", 200, "pairs of samples to connect", lower_bound=1, flag_values=values)
    return values


if __name__ == "__main__":
    sys.exit(program.run(main, program_flags(), __doc__))
