"""The geometry of a manifold as a SavedModel, which solves pairs in processes that have TensorFlow alone."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from tfgeo.checkpoints import whole_folder
from tfgeo.curves import Curve
from tfgeo.errors import UserError, check_count, check_writable_folder
from tfgeo.geodesics.defaults import curve_and_solver, default_block_size, default_num_points
from tfgeo.geodesics.latents import check_manifold
from tfgeo.geodesics.problem import Problem, solve_batch
from tfgeo.geodesics.solvers.solver import Reason, Solver
from tfgeo.geodesics.starts.warm_start import WarmStart
from tfgeo.manifolds import Manifold

__all__ = ["check_export_folder", "export_manifold", "geodesic_signature", "problem_to_export"]

# Pairs of random ends between which a solver looks at the manifold: those that will be asked are not known.
TRIAL_PAIRS = 4
# What a SavedModel is made of, which a new one replaces.
SAVED_MODEL = "saved_model.pb"
PARTS = {SAVED_MODEL, "variables", "assets", "assets.extra", "fingerprint.pb", "keras_metadata.pb"}


def export_manifold(
    manifold: Manifold,
    latent_dim: int,
    folder: str | os.PathLike[str],
    curve: str | Curve = "quadratic",
    solver: str | Solver | None = None,
    warm_start: WarmStart | None = None,
    num_points: int | None = None,
) -> pathlib.Path:
    """Writes the geometry of any decoder as a SavedModel: what `export` does, without a model of this package.

    Signatures, all float32, B free:
      metric(z `[B, d]`) -> metric `[B, d, d]`
      geodesic(start `[B, d]`, end `[B, d]`) -> points `[B, T, d]`, length `[B]`, energy `[B]`, converged `[B]`
      distance(start `[B, d]`, end `[B, d]`) -> length `[B]`

    Args:
      manifold: whose geodesics.
      latent_dim: d.
      folder: where to write, a new folder; an export that is there is replaced once the new one is whole.
      curve: one of `tfgeo.curves.names()`, such as "quadratic" or "cubic_spline", or a `Curve`, as for
        `tfgeo.geodesics.connect`.
      solver: as for `tfgeo.geodesics.connect`.
      warm_start: a `WarmStart`, or None.
      num_points: T, points on each curve; by default 20, for a polyline its nodes.

    Returns:
      The folder.

    Raises:
      UserError: if `manifold` is none or does not fit the latent dimension, a name is not known, the solver
        cannot take the curve or the manifold, or `folder` holds anything but an export.
    """
    check_manifold(manifold)
    latent_dim = check_count("latent_dim", latent_dim)
    problem = problem_to_export(manifold, latent_dim, curve, solver, warm_start, num_points)
    folder = check_export_folder(folder)
    points = tf.TensorSpec([None, latent_dim], tf.float32)
    geodesic = geodesic_signature(problem, latent_dim)
    functions = {
        "metric": tf.function(lambda z: {"metric": manifold.metric_tensor(z)}, autograph=False),
        "geodesic": geodesic,
        "distance": tf.function(lambda start, end: {"length": geodesic(start, end)["length"]}, autograph=False),
    }
    concrete = {
        name: function.get_concrete_function(*[points] * (1 if name == "metric" else 2))
        for name, function in functions.items()
    }
    module = tf.Module()
    # The decoder's weights, wherever it keeps them.
    module.weights = [variable for function in concrete.values() for variable in function.graph.variables]
    return whole_folder(folder, lambda partial: tf.saved_model.save(module, partial, concrete))


def check_export_folder(folder: str | os.PathLike[str]) -> pathlib.Path:
    """Where an export can be written: nothing is there, or an export and nothing else, which it replaces.

    Raises:
      UserError: if a file is there, a folder of other files, or it cannot be written.
    """
    try:
        folder = pathlib.Path(os.path.abspath(pathlib.Path(folder).expanduser()))
    except (RuntimeError, ValueError) as error:  # unknown `~user`, null byte
        raise UserError(f"cannot write to the folder `{folder}`: {error}; give another folder") from error
    check_writable_folder(folder.parent)
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise UserError(f"`{folder}` is a link or a file; move it away or give another place for the export")
    if folder == pathlib.Path.cwd():
        raise UserError(f"`{folder}` is the folder that this program runs in; give a new folder in it")
    names = set(os.listdir(folder)) if folder.exists() else set()
    others = sorted(names - PARTS) or sorted(names if SAVED_MODEL not in names else ())
    if others:
        raise UserError(
            f"the folder `{folder}` holds {others[0]}, which is part of no export and would be lost; give a new "
            "folder"
        )
    return folder


def problem_to_export(
    manifold: Manifold,
    latent_dim: int,
    curve: str | Curve,
    solver: str | Solver | None,
    warm_start: WarmStart | None,
    num_points: int | None,
) -> Problem:
    """What `connect` would solve with these settings."""
    curve, solver = curve_and_solver(curve, solver, manifold, latent_dim)
    solver.check(curve, latent_dim)
    ends = np.random.default_rng(0).normal(size=[2, TRIAL_PAIRS, latent_dim]).astype(np.float32)
    solver.check_manifold(manifold, *ends)
    if not isinstance(warm_start, (WarmStart, type(None))):
        raise UserError(
            f"`warm_start` is {type(warm_start).__name__}, which belongs to pairs that are known; give a "
            "`WarmStart`, which makes one for any pair, or None"
        )
    num_points = default_num_points(curve) if num_points is None else check_count("num_points", num_points, 3)
    return Problem(manifold, curve, solver, warm_start, num_points)


def geodesic_signature(problem: Problem, latent_dim: int) -> Callable[[tf.Tensor, tf.Tensor], dict[str, tf.Tensor]]:
    """The signature of that name; a graph of its own, which that of distances calls."""
    block_size = default_block_size(problem.manifold, latent_dim, tf.float32, problem.num_points, problem.solver)

    points = tf.TensorSpec([None, latent_dim], tf.float32)

    @tf.function(input_signature=[points, points], autograph=False)
    def geodesic(start: tf.Tensor, end: tf.Tensor) -> dict[str, tf.Tensor]:
        parameters, length, energy, reason = solve_batch(problem, start, end, block_size)
        t = tf.linspace(tf.constant(0.0, start.dtype), 1.0, problem.num_points)
        return {
            "points": problem.curve.points(parameters, start, end, t),
            "length": length,
            "energy": energy,
            "converged": tf.reduce_any([tf.equal(reason, int(one)) for one in Reason if one.is_converged], axis=0),
        }

    return geodesic
