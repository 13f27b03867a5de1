"""Runs the suite that the flags name."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from launch import program
from launch.benchmarks.geodesics import measure_geodesics
from launch.benchmarks.graph import measure_graph
from launch.benchmarks.methods import choose_methods, choose_metrics
from launch.benchmarks.pairwise import measure_pairwise
from launch.benchmarks.problem import load_problem
from launch.benchmarks.random_problem import is_random, make_random_problem
from launch.benchmarks.record import Record, Settings, say
from launch.benchmarks.scale import measure_scale
from launch.benchmarks.training import measure_training, trained_config
from tfgeo.errors import UserError, check_count, check_writable_folder

__all__ = ["run_benchmark"]

SUITES: dict[str, Callable[[Record], None]] = {
    "geodesics": measure_geodesics,
    "pairwise": measure_pairwise,
    "graph": measure_graph,
    "training": measure_training,
    "scale": measure_scale,
}


def run_benchmark(values: program.Flags) -> None:
    """Measures what the flags name and writes benchmark.json, .txt and .md."""
    settings = _settings(values)
    # A mistake shows now, not when the suite is done loading.
    choose_methods(settings.methods)
    if settings.suite == "training":
        for name in settings.entries:
            trained_config(settings, name)
    if settings.problem is None or is_random(settings.problem):
        problem = make_random_problem(settings.problem, settings.seed)
    else:
        problem = load_problem(settings.problem, settings.metrics)
    if settings.suite == "geodesics":
        problem.pairs(settings.num_pairs)
    folder = check_writable_folder(settings.output_dir)
    sizes = ", ".join(f"{name} {size}" for name, size in problem.sizes.items())
    say(f"suite {settings.suite}; problem {problem.source}: {sizes}")
    # Each method is another function to trace, of which TensorFlow would warn; its time is measured.
    tf.get_logger().setLevel("ERROR")
    record = Record(settings, problem, folder)
    record.rates.sample(5)
    SUITES[settings.suite](record)


def _settings(values: program.Flags) -> Settings:
    sizes = {}
    for name, minimum in (("scaling_pairs", 1), ("scaling_points", 3), ("sizes", 40), ("workers", 1)):
        try:
            numbers = tuple(int(word) for word in values[name].value)
        except ValueError as error:
            raise UserError(f"--{name} must be integers with commas between them ({error})") from error
        sizes[name] = tuple(check_count(name, size, minimum) for size in numbers)
    words = {name: values[name].value for name in Settings.__dataclass_fields__}
    lists = {
        "metrics": choose_metrics(values.metrics),
        "methods": tuple(values.methods),
        "entries": tuple(values.entries),
    }
    return Settings(**(words | sizes | lists))
