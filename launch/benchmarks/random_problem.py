"""Problems of random weights, which any machine makes: what --problem=random:d=10,conv asks for."""

from __future__ import annotations

from launch.benchmarks.convolutional import make_convolutional
from launch.benchmarks.problem import DecoderProblem, make_problem
from tfgeo.errors import UserError, check_count

__all__ = ["is_random", "make_random_problem"]

RANDOM, CONVOLUTIONAL = "random", "conv"


def is_random(problem: str) -> bool:
    """Whether --problem asks for random weights and no file."""
    return problem.partition(":")[0] == RANDOM


def make_random_problem(problem: str | None, seed: int) -> DecoderProblem:
    """The problem that "random:d=10" or "random:d=10,conv" asks for; "random", and None, have d = 2.

    Raises:
      UserError: if it asks for something else.
    """
    words = (problem or RANDOM).partition(":")[2].split(",")
    convolutional = CONVOLUTIONAL in words
    words = [word for word in words if word not in ("", CONVOLUTIONAL)] or ["d=2"]
    name, _, number = words[0].partition("=")
    if len(words) > 1 or name != "d" or not number.isdecimal():
        raise UserError(
            f"--problem={problem} is not known; give {RANDOM}:d=10, for a latent dimension of 10, "
            f"{RANDOM}:d=10,{CONVOLUTIONAL} for a convolutional decoder, or a file"
        )
    dense = make_problem(seed, latent_dim=check_count("d of --problem", int(number)))
    return make_convolutional(dense, seed) if convolutional else dense
