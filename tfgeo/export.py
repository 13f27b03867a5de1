"""SavedModel export: a model with its geometry, for processes that have TensorFlow alone."""

from __future__ import annotations

import os
import pathlib
import tempfile
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from tfgeo.curves import Curve
from tfgeo.errors import UserError, check_count
from tfgeo.geodesics import Solver, WarmStart
from tfgeo.geodesics.connect import curve_and_solver, default_block_size, default_num_points
from tfgeo.geodesics.latents import check_manifold
from tfgeo.geodesics.problem import Problem, solve_batch
from tfgeo.geodesics.solvers.solver import Reason
from tfgeo.manifolds import Manifold
from tfgeo.models import VAE

__all__ = ["export", "export_manifold"]

# Pairs of random ends between which a solver looks at the manifold: those that will be asked are not known.
TRIAL_PAIRS = 4


def export(
    model: VAE,
    manifold: Manifold,
    curve: str | Curve | None,
    solver: str | Solver | None,
    warm_start: WarmStart | None,
    num_points: int,
    folder: str | os.PathLike[str],
) -> pathlib.Path:
    """Writes a SavedModel whose signatures take any batch size and need neither this package nor TFP.

    Signatures, all float32, B free:
      encode(x `[B, D]`) -> mean `[B, d]`, stddev `[B, d]`
      decode(z `[B, d]`) -> mean `[B, D]`, stddev `[B, D]`
      metric(z `[B, d]`) -> metric `[B, d, d]`: that of `manifold`
      geodesic(start `[B, d]`, end `[B, d]`) -> points `[B, T, d]`, length `[B]`, energy `[B]`, converged `[B]`
      distance(start `[B, d]`, end `[B, d]`) -> length `[B]`

    The last two only with a curve and a solver.

    Args:
      model: the model.
      manifold: whose geodesics; it must be built on `model`.
      curve: as for `tfgeo.geodesics.connect`, or None.
      solver: as for `connect`, or None.
      warm_start: a `WarmStart`, or None.
      num_points: T, points on each curve.
      folder: where to write; an export that is there is replaced once the new one is whole.

    Returns:
      The folder.

    Raises:
      UserError: if a name is not known, or the solver cannot take the curve or the manifold.
    """
    latent = [None, model.latent_dim]
    data = [None, model.decoder(tf.zeros([1, model.latent_dim]))[0].shape[-1]]

    def encode(x: tf.Tensor) -> dict[str, tf.Tensor]:
        mean, stddev = model.encoder(x)
        return {"mean": mean, "stddev": stddev}

    def decode(z: tf.Tensor) -> dict[str, tf.Tensor]:
        mean, stddev = model.decoder(z)
        return {"mean": mean, "stddev": stddev}

    def metric(z: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"metric": manifold.metric_tensor(z)}

    archive = keras.export.ExportArchive()
    archive.track(model)
    z = tf.TensorSpec(latent, tf.float32, "z")
    archive.add_endpoint("encode", encode, [tf.TensorSpec(data, tf.float32, "x")])
    archive.add_endpoint("decode", decode, [z])
    archive.add_endpoint("metric", metric, [z])
    if curve is not None and solver is not None:
        problem = _problem(manifold, model.latent_dim, curve, solver, warm_start, num_points)
        geodesic = _geodesic(problem, model.latent_dim)
        ends = [tf.TensorSpec(latent, tf.float32, name) for name in ("start", "end")]
        archive.add_endpoint("geodesic", geodesic, ends)
        archive.add_endpoint("distance", lambda start, end: {"length": geodesic(start, end)["length"]}, ends)

    return _write_whole(folder, lambda partial: archive.write_out(partial, verbose=False))


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
      folder: where to write; an export that is there is replaced once the new one is whole.
      curve: one of `tfgeo.curves.names()`, such as "quadratic" or "cubic_spline", or a `Curve`, as for
        `tfgeo.geodesics.connect`.
      solver: as for `tfgeo.geodesics.connect`.
      warm_start: a `WarmStart`, or None.
      num_points: T, points on each curve; by default 20, for a polyline its nodes.

    Returns:
      The folder.

    Raises:
      UserError: if `manifold` is none or does not fit the latent dimension, a name is not known, or the solver
        cannot take the curve or the manifold.
    """
    check_manifold(manifold)
    latent_dim = check_count("latent_dim", latent_dim)
    problem = _problem(manifold, latent_dim, curve, solver, warm_start, num_points)
    points = tf.TensorSpec([None, latent_dim], tf.float32)
    geodesic = _geodesic(problem, latent_dim)
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
    return _write_whole(folder, lambda partial: tf.saved_model.save(module, partial, concrete))


def _problem(
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


def _write_whole(folder: str | os.PathLike[str], write: Callable[[str], object]) -> pathlib.Path:
    """Writes a folder beside its place and renames it into it, so that it is whole or not there."""
    folder = pathlib.Path(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".partial-", dir=folder.parent) as partial:
        write(os.path.join(partial, "new"))
        if folder.exists():
            os.replace(folder, os.path.join(partial, "old"))
        os.replace(os.path.join(partial, "new"), folder)
    return folder


def _geodesic(problem: Problem, latent_dim: int) -> Callable[[tf.Tensor, tf.Tensor], dict[str, tf.Tensor]]:
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
