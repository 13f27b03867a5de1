"""SavedModel export: a model with its geometry, for processes that have TensorFlow alone."""

from __future__ import annotations

import os
import pathlib

import keras
import tensorflow as tf

from tfgeo.checkpoints import whole_folder
from tfgeo.curves import Curve
from tfgeo.geodesics import Solver, WarmStart
from tfgeo.geodesics.saved_model import check_export_folder, export_manifold, geodesic_signature, problem_to_export
from tfgeo.manifolds import Manifold
from tfgeo.models import VAE

__all__ = ["export", "export_manifold"]


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
      folder: where to write, a new folder; an export that is there is replaced once the new one is whole.

    Returns:
      The folder.

    Raises:
      UserError: if a name is not known, the solver cannot take the curve or the manifold, or `folder` holds
        anything but an export.
    """
    folder = check_export_folder(folder)
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
        problem = problem_to_export(manifold, model.latent_dim, curve, solver, warm_start, num_points)
        geodesic = geodesic_signature(problem, model.latent_dim)
        ends = [tf.TensorSpec(latent, tf.float32, name) for name in ("start", "end")]
        archive.add_endpoint("geodesic", geodesic, ends)
        archive.add_endpoint("distance", lambda start, end: {"length": geodesic(start, end)["length"]}, ends)

    return whole_folder(folder, lambda partial: archive.write_out(partial, verbose=False))
