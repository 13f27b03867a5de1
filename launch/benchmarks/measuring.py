"""Clocks and yardsticks: seconds, memory, the machine's matrix rate, what a method needs, and the judge."""

from __future__ import annotations

import dataclasses
import functools
import importlib.metadata
import os
import platform
import resource
import sys
import time
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import numpy as np
import tensorflow as tf

from launch.benchmarks.convolutional import CHANNELS, SIDE, ConvolutionalProblem, transposed_convolution
from launch.benchmarks.problem import DecoderProblem
from tfgeo.geodesics.solvers.sampled import NUM_SAMPLES
from tfgeo.manifolds.distillation import NUM_PILOTS, NUM_TRAINING_POINTS

__all__ = [
    "Judge",
    "MatrixRates",
    "Timing",
    "describe_machine",
    "distillation_flops",
    "length_errors",
    "needed_flops",
    "peak_bytes",
    "table_flops",
    "timed",
]

PACKAGES = ("tensorflow", "tensorflow-probability", "keras", "numpy", "scipy", "scikit-learn")

# Side of the square matrices and rows of the decoder-shaped ones: large enough to reach the machine's rate.
SQUARE_SIZE = 2048
DECODER_ROWS = 4096

# Curves that are judged together: 4 x 1001 decoded points of 2 x 784 float64 values take 50 MB.
JUDGED_TOGETHER = 4

Result = TypeVar("Result")


@dataclasses.dataclass(frozen=True)
class Timing(Generic[Result]):
    """Seconds of a function that is compiled by its first call.

    Attributes:
      result: what the last run returned.
      compile_seconds: what the first call takes longer than another one, at least 0.
      seconds: median of the runs after the first call.
      runs: seconds of each of them.
    """

    result: Result
    compile_seconds: float
    seconds: float
    runs: list[float]

    def summary(self) -> dict[str, Any]:
        """What benchmark.json says of it."""
        return {"compile_seconds": self.compile_seconds, "seconds": self.seconds, "run_seconds": self.runs}


def timed(
    function: Callable[[], Result],
    repeats: int,
    max_seconds: float,
    compile_function: Callable[[], object] | None = None,
) -> Timing[Result]:
    """Times a function, its first call apart.

    Args:
      function: what is timed; it returns when its work is done.
      repeats: runs after the first call, of which the median counts.
      max_seconds: no further run begins once so many seconds are spent on them; there is at least one.
      compile_function: what compiles it in the place of a first call, where that would take long; a second call
        of it tells how long it takes once compiled.
    """
    first = _seconds(compile_function or function)[0]
    second = None if compile_function is None else _seconds(compile_function)[0]
    runs: list[float] = []
    while not runs or (len(runs) < repeats and sum(runs) < max_seconds):
        seconds, result = _seconds(function)
        runs.append(seconds)
    median = float(np.median(runs))
    return Timing(result, max(0.0, first - (median if second is None else second)), median, runs)


class MatrixRates:
    """The machine's float32 matrix rate in TensorFlow, sampled again and again, as other load comes and goes."""

    def __init__(self, hidden: int, data_dim: int) -> None:
        self._shapes = {
            "square": (SQUARE_SIZE, SQUARE_SIZE, SQUARE_SIZE),
            "decoder": (DECODER_ROWS, hidden, data_dim),
        }
        self._samples: dict[str, list[float]] = {name: [] for name in self._shapes}

    def sample(self, num: int = 1) -> None:
        """Measures each product `num` times."""
        for name, (rows, inner, columns) in self._shapes.items():
            first, second = tf.ones([rows, inner]), tf.ones([inner, columns])
            self._multiply(first, second)  # allocates
            for _ in range(num):
                seconds, _ = _seconds(functools.partial(self._multiply, first, second))
                self._samples[name].append(2.0 * rows * inner * columns / seconds)

    def median(self, name: str) -> float:
        """Operations per second."""
        return float(np.median(self._samples[name]))

    def summary(self) -> dict[str, Any]:
        """Shapes, and the rates in GFLOP/s."""
        return {
            name: {
                "shape": shape,
                "gflops_median": 1e-9 * self.median(name),
                "gflops_min": 1e-9 * min(self._samples[name]),
                "gflops_max": 1e-9 * max(self._samples[name]),
                "num_samples": len(self._samples[name]),
            }
            for name, shape in self._shapes.items()
        }

    def _multiply(self, first: tf.Tensor, second: tf.Tensor) -> None:
        # One element is fetched, so that the product is finished.
        tf.matmul(first, second)[0, 0].numpy()


def needed_flops(
    problem: DecoderProblem, metric: str, solver: str, num_points: int, iterations: np.ndarray, warm: bool
) -> float:
    """Floating-point operations of the decoder's matrix products that a method needs on decoded differences.

    For each pair: `iterations + 1` evaluations of the energy with derivatives at the T - 2 inner points, the
    start of the solver being the one more. With derivatives a point costs 1 + d passes for Gauss-Newton's model
    (`levenberg_marquardt`: values and d columns of the Jacobian), and 2 for a gradient (forward and back), which is
    all that `bfgs` and `preconditioned` steps take. To
    that come passes without derivatives over all T points: the straight line, the length at the end, and the
    energy of the warm start if there is one. A pass costs 2 x inputs x outputs for each matrix. What is
    computed beyond that, such as for pairs that fill up a block, is not needed and does not count; nor do
    activations.

    Args:
      problem: the decoder.
      metric: "mean" or "expected".
      solver: name of the solver, or "preconditioned".
      num_points: T.
      iterations: `[B]` iterations of each pair.
      warm: whether there is a warm start.

    Returns:
      NaN for a solver whose count is not known.
    """
    passes = {
        "levenberg_marquardt": 1.0 + problem.sizes["latent_dim"],
        "bfgs": 2.0,
        "adam": 2.0,
        "gradient_descent": 2.0,
        "preconditioned": 2.0,
    }.get(solver, float("nan"))
    steps = np.sum(iterations.astype(np.float64) + 1.0)
    values = (3 if warm else 2) * len(iterations) * num_points
    # Jacobians at the samples: for the first matrix, and for the check of what was found.
    samples = NUM_SAMPLES * (1 + problem.sizes["latent_dim"]) * len(iterations) if solver == "bfgs" else 0
    return float(steps * (num_points - 2) * passes + values + samples) * problem.flops_per_point(metric)


def table_flops(problem: DecoderProblem, metric: str, resolution: int) -> float:
    """As `needed_flops`, of the metric at all nodes of a table and, for its error, at the centres between."""
    points = resolution**2 + (resolution - 1) ** 2
    return points * (1.0 + problem.sizes["latent_dim"]) * problem.flops_per_point(metric)


def distillation_flops(problem: DecoderProblem, metric: str) -> float:
    """As `needed_flops`, of the values and pushed vectors that a `Distilled` of default settings is trained on."""
    # Forward, and two passes for a derivative along a vector.
    return 3.0 * (NUM_TRAINING_POINTS + NUM_PILOTS) * problem.flops_per_point(metric)


def length_errors(found: np.ndarray, right: np.ndarray) -> dict[str, float]:
    """How far lengths `[B]` are from the right ones, relative to these; pairs that failed do not count."""
    errors = np.abs(found - right) / right
    return {
        "length_error_median": float(np.nanmedian(errors)),
        "length_error_p99": float(np.nanquantile(errors, 0.99)),
        "length_error_max": float(np.nanmax(errors)),
    }


class Judge:
    """Energies and lengths of latent curves in float64, whatever solver and manifold they come from.

    `E = (T - 1) sum_i |f(z_{i+1}) - f(z_i)|^2` and `L = sum_i |f(z_{i+1}) - f(z_i)|` over T - 1 equal steps of
    the curve's parameter, where f is the mean, or mean and standard deviation; `L^2 <= E`. It is written in NumPy
    and knows weights alone, so that no mistake of a manifold's can hide.

    Args:
      problem: the decoder; its weights are used in float64.
      num_segments: T - 1.
    """

    def __init__(self, problem: DecoderProblem, num_segments: int) -> None:
        self._convolutional = isinstance(problem, ConvolutionalProblem)
        self._weights = {name: np.asarray(value, np.float64) for name, value in problem.arrays.items()}
        self._hidden = ACTIVATIONS[problem.hidden_activation]
        self._output = ACTIVATIONS[problem.output_activation]
        self.num_segments = num_segments

    def __call__(self, curves: np.ndarray, metric: str) -> tuple[np.ndarray, np.ndarray]:
        """Energy `[B]` and length `[B]` of curves `[B, T, d]`."""
        blocks = []
        for first in range(0, len(curves), JUDGED_TOGETHER):
            z = np.asarray(curves[first : first + JUDGED_TOGETHER], np.float64)
            squares = _squared_steps(self._mean(z))
            if metric == "expected":
                squares += _squared_steps(self._stddev(z))
            blocks.append((self.num_segments * squares.sum(axis=-1), np.sqrt(squares).sum(axis=-1)))
        energy, length = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
        return energy, length

    def straight_lines(self, start: np.ndarray, end: np.ndarray) -> np.ndarray:
        """`[B, T, d]` points at equal steps."""
        t = np.linspace(0.0, 1.0, self.num_segments + 1)[:, None]
        return (1.0 - t) * start[:, None].astype(np.float64) + t * end[:, None].astype(np.float64)

    def _mean(self, z: np.ndarray) -> np.ndarray:
        hidden = self._hidden(z @ self._weights["W1"] + self._weights["b1"])
        if not self._convolutional:
            return self._output(hidden @ self._weights["W2"] + self._weights["b2"])
        images = hidden.reshape(-1, SIDE, SIDE, CHANNELS)
        images = self._hidden(transposed_convolution(images, self._weights["K1"]) + self._weights["c1"])
        images = self._output(transposed_convolution(images, self._weights["K2"]) + self._weights["c2"])
        return images.reshape(*z.shape[:-1], -1)

    def _stddev(self, z: np.ndarray) -> np.ndarray:
        squared = np.sum(np.square(z[..., None, :] - self._weights["rbf_centers"]), axis=-1)
        features = np.exp(-self._weights["rbf_gamma"] * squared)
        return 1.0 / np.sqrt(features @ self._weights["rbf_W"] + self._weights["rbf_floor"])


# In NumPy those that a problem may name; a test holds them to the ones that manifolds use.
ACTIVATIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "tanh": np.tanh,
    "relu": lambda values: np.maximum(values, 0.0),
    "softplus": lambda values: np.logaddexp(values, 0.0),
    "elu": lambda values: np.where(values > 0.0, values, np.expm1(np.minimum(values, 0.0))),
    "sigmoid": lambda values: 0.5 + 0.5 * np.tanh(0.5 * values),
    "linear": lambda values: values,
}


def _squared_steps(decoded: np.ndarray) -> np.ndarray:
    return np.sum(np.square(np.diff(decoded, axis=1)), axis=-1)


def peak_bytes() -> int:
    """The most memory that this process has held so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak  # bytes there, KiB elsewhere


def describe_machine() -> dict[str, Any]:
    """Versions, cores and load."""
    return {
        "python": platform.python_version(),
        "versions": {name: importlib.metadata.version(name) for name in PACKAGES},
        "platform": platform.platform(),
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "load_average": os.getloadavg(),
    }


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()


def _seconds(function: Callable[[], Result]) -> tuple[float, Result]:
    begin = time.perf_counter()
    result = function()
    return time.perf_counter() - begin, result
