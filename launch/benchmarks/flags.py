"""What `launch.benchmark` can be asked: its flags, and the text of --help.

Suite geodesics runs each method on the same pairs; pairwise takes all distances between some samples, and then
10^3, 10^4, 10^5 pairs by the interpolated metric, or for d other than 2 by a distilled network; graph builds a
nearest-neighbour graph and queries it; training trains models of the zoo on random data of their shape; scale finds
all distances among 10^3, 10^4 and 10^5 points by every method of `tfgeo.geodesics.pairwise`, the solver's by
workers too, and clusters them by landmarks.

Seconds are medians of the runs after the first call; what the first call takes longer is compile seconds, 0 where
an earlier row has compiled the same. Where a method starts from another one's geodesics, "total" has the seconds of
both; "per s" is pairs per total second. A table or a network is in "total" of suite pairwise only.
Energy and length are judged in float64, apart from the solver, on T - 1 = --num_segments equal steps:
E = (T - 1) sum |f(z') - f(z)|^2, L = sum |f(z') - f(z)|, with f the decoder's mean (metric "mean") or mean and
standard deviation (metric "expected"). "of rate" is the share of the float32 matrix rate, measured by a
decoder-shaped product between the runs, at which the decoder operations that the method needs were done (for a
table or a network: while it was made); the share of a square product's rate is in benchmark.json.

A problem file is an npz of float32 arrays: W1 [d, H], b1 [H], W2 [H, D], b2 [D] for the mean
output_activation(hidden_activation(z W1 + b1) W2 + b2); rbf_centers [K, d], rbf_gamma [K], rbf_W [K, D],
rbf_floor [] for the precision exp(-gamma |z - c|^2) W + floor; pairs200_start and pairs200_end [B, d]; latents
[n, d]; optionally pairs1000_start and pairs1000_end, more pairs, and the strings hidden_activation (tanh),
output_activation (sigmoid) and source. Without a file a decoder of random weights with the shapes of MNIST's
serves, so that the program runs anywhere; --problem=random:d=10 says its latent dimension, and
--problem=random:d=10,conv makes it convolutional. Tables are for d = 2.

Peers are measured beside it in environments of their own, on the same problem file. For StochMan:
`python -m venv peer`, `peer/bin/pip install torch`, `peer/bin/pip install --no-deps stochman==0.3.0`; an
EmbeddedManifold whose `embed` decodes, its `connecting_geodesic(start, end)`, and its curves judged as above.
Nothing of them is installed or imported here.

Writes benchmark.json, after every row, and benchmark.txt and benchmark.md to the output folder. A method that fails
leaves its error in its row.
"""

from __future__ import annotations

import importlib.metadata
import os

from absl import flags

from launch import program
from launch.benchmarks.methods import METHODS, METRICS

__all__ = ["SUITES", "describe", "program_flags"]

SUITES = ("geodesics", "pairwise", "graph", "training", "scale")
# VAE, HVAE and RHVAE of 784-400-10.
TRAINED = ("vae_mnist_012", "hvae_mnist_012", "rhvae_fashion_tsb")


def program_flags() -> program.Flags:
    """The program's flags."""
    values = program.base_flags()
    program.define_output(values)

    def integer(name: str, default: int | None, help_text: str, lower_bound: int = 1) -> None:
        flags.DEFINE_integer(name, default, help_text, lower_bound=lower_bound, flag_values=values)

    flags.DEFINE_enum("suite", None, SUITES, f"what is measured: {', '.join(SUITES)}", flag_values=values)
    flags.DEFINE_string(
        "problem",
        None,
        "problem file, or random:d=10 or random:d=10,conv for random weights; without it random:d=2",
        flag_values=values,
    )
    flags.DEFINE_list("metrics", list(METRICS), f"of {', '.join(METRICS)}", flag_values=values)
    integer("repeats", 3, "runs after the first call, of which the median counts")
    flags.DEFINE_float(
        "max_seconds",
        60.0,
        "no repeat begins once so many seconds are spent on those before it",
        lower_bound=0.0,
        flag_values=values,
    )
    integer(
        "block_size",
        None,
        "pairs solved (default: what fits the cache) or edges measured (512) together",
    )
    integer("resolution", 64, "nodes per axis of the interpolated metric's table", 4)
    integer("seed", 0, "seed of random weights, samples and queries", 0)
    integer("num_pairs", 200, "geodesics: pairs of the problem; graph: queries")
    flags.DEFINE_list(
        "methods", ["*"], "geodesics: patterns of method names, such as 'exact/*'", flag_values=values
    )
    integer("num_segments", 1000, "geodesics, pairwise: equal steps on which curves are judged")
    flags.DEFINE_string(
        "reference",
        None,
        "geodesics: npz with energy_mean and energy_expected [B], the lowest energies known, to compare with",
        flag_values=values,
    )
    integer("num_samples", 100, "pairwise: latent points of the distance matrix", 2)
    flags.DEFINE_string("curve", "quadratic", "pairwise: curve family", flag_values=values)
    flags.DEFINE_boolean("xla", False, "pairwise: compile steps on the table by XLA", flag_values=values)
    flags.DEFINE_list("scaling_pairs", ["1000", "10000", "100000"], "pairwise: pairs", flag_values=values)
    flags.DEFINE_list("scaling_points", ["10", "20", "40"], "pairwise: points T", flag_values=values)
    integer("num_nodes", 0, "graph: nodes, latents repeated with noise where there are fewer; 0 for all latents", 0)
    integer("num_neighbours", 10, "graph: neighbours k of each node")
    flags.DEFINE_list("sizes", ["1000", "10000", "100000"], "scale: points n", flag_values=values)
    flags.DEFINE_list(
        "workers", ["1", "2"], "scale: workers of the solver, each on a core of this machine", flag_values=values
    )
    flags.DEFINE_list(
        "entries",
        [f"chadebec2020/{name}" for name in TRAINED],
        "training: entries whose models are trained",
        flag_values=values,
    )
    integer(
        "importance_samples",
        None,
        "training: samples K of the bound, an IWAE's, in place of each entry's own",
    )
    return values


def describe(usage: str) -> str:
    """The text of --help: how the program is called, what it measures, the methods, and what runs here."""
    names = "\n".join(f"  {method.name}" for method in METHODS)
    packages = ("tensorflow", "tensorflow-probability", "numpy", "scipy", "scikit-learn")
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in packages)
    details = (__doc__ or "").split("\n\n", 1)[1].strip()
    return f"{usage.strip()}\n\n{details}\n\nMethods:\n{names}\n\nHere: {os.cpu_count()} cores, {versions}"
