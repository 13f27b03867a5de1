"""Second derivatives of curve energies from few points of the curve, between which they are interpolated."""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tfgeo.curves import LinearCurve
from tfgeo.manifolds import Manifold
from tfgeo.manifolds.calculus.omitted_curvature import difference_step

__all__ = ["MIN_SAMPLED_DIM", "NUM_SAMPLES", "Samples", "sampled_matrix", "sampled_omitted", "samples_of"]

# Points at which Jacobians are taken. Measured on decoders of 784 outputs, d = 10 and 16: with three BFGS takes a
# tenth to a fifth more steps than with four, five or six, and each of them costs a tenth of what a geodesic does.
NUM_SAMPLES = 4
# From this dimension on a minimum is told from a saddle by them at less cost than along low frequencies.
MIN_SAMPLED_DIM = 4


class Samples(NamedTuple):
    """Which of T points of a curve are looked at, and how what is seen there makes the whole, all in float64.

    With polynomials `l_r` that are 1 at sample r and 0 at the other S, and basis functions `b_k` of the curve:

    Attributes:
      indices: `[S]` points, none of them an end.
      differences: `[S, S, K, K]` `sum_i D_i(l_r b_k) D_i(l_s b_m)` over the differences D_i of neighbours.
      chords: `[S, K, K]` `sum_i h_r(t_i') D_i(b_k) D_i(b_m)` with hat functions h_r at the middles t_i'.
      places: `[S, K, K]` `sum_i l_r(t_i) b_k(t_i) b_m(t_i)` over the points.
    """

    indices: np.ndarray
    differences: np.ndarray
    chords: np.ndarray
    places: np.ndarray


@functools.lru_cache(maxsize=64)
def samples_of(curve: LinearCurve, num_points: int) -> Samples:
    """Samples of curves of a family at T equal steps of the parameter: Chebyshev's points, rounded to these."""
    last = num_points - 1
    count = min(NUM_SAMPLES, num_points - 2)
    places = 0.5 - 0.5 * np.cos(np.pi * (np.arange(count) + 0.5) / count)
    # A neighbour on each side, and none of them twice.
    indices = np.unique(np.clip(np.rint(places * last), 1, last - 1).astype(int))
    t = np.linspace(0.0, 1.0, num_points)
    with tf.init_scope():  # values, also while a graph is traced
        basis = curve.basis(tf.constant(t)).numpy()
    nodes = t[indices]
    others = ~np.eye(len(nodes), dtype=bool)
    weights = np.stack(
        [
            np.prod((t[:, None] - nodes[o]) / (node - nodes[o]), axis=-1)
            for node, o in zip(nodes, others, strict=True)
        ]
    )
    middles = 0.5 * (t[1:] + t[:-1])
    hats = np.stack([np.interp(middles, nodes, unit) for unit in np.eye(len(nodes))])
    products = np.diff(weights[:, :, None] * basis, axis=1)
    chords = np.diff(basis, axis=0)
    return Samples(
        indices,
        np.einsum("rik,sim->rskm", products, products),
        np.einsum("ri,ik,im->rkm", hats, chords, chords),
        np.einsum("ri,ik,im->rkm", weights, basis, basis),
    )


def sampled_matrix(manifold: Manifold, curve: LinearCurve, points: tf.Tensor) -> tf.Tensor:
    """Gauss-Newton's matrix `[B, P, P]` of the energy of curves through `points` `[B, T, d]`.

    Where the manifold gives inner products of the columns of its Jacobian, the columns are interpolated along the
    curve as polynomials: the second derivatives are those of `Manifold.quadratic_model` but for the interpolation,
    at S (1 + d) decoded points in place of T (1 + d). Of any other manifold they are those of a metric that does
    not change where the curve moves, positive semi-definite too.
    """
    samples = samples_of(curve, points.shape[1])
    chosen = tf.gather(points, samples.indices, axis=1)
    count, latent_dim = chosen.shape[1:]
    scale = 2.0 * manifold.energy_scale(points.shape[1])
    products = manifold.jacobian_products(chosen)
    if products is None:
        metric = tf.reshape(manifold.metric_tensor(chosen), [-1, count, latent_dim**2])
        weights = samples.chords.reshape(count, -1)
    else:
        metric = tf.reshape(products, [-1, count, latent_dim, count, latent_dim])
        metric = tf.reshape(tf.transpose(metric, [0, 1, 3, 2, 4]), [-1, count**2, latent_dim**2])
        weights = samples.differences.reshape(count**2, -1)
    return _combine(metric, scale * weights, curve.num_nodes, latent_dim)


def sampled_omitted(manifold: Manifold, curve: LinearCurve, points: tf.Tensor) -> tf.Tensor | None:
    """What `sampled_matrix` leaves out, `[B, P, P]`, from S points; None where it is not known."""
    num_points, latent_dim = points.shape[1:]
    samples = samples_of(curve, num_points)
    # Each sample with its neighbours is a curve of three points.
    neighbours = tf.gather(points, samples.indices[:, None] + np.arange(-1, 2), axis=1)
    triples = tf.reshape(neighbours, [-1, 3, latent_dim])
    # Steps that fit the whole: of shorter ones rounding is the error, and they miss the kinks of a ReLU decoder.
    step = tf.repeat(difference_step(points), len(samples.indices))
    blocks = manifold.omitted_curvature(triples, None, step)
    if blocks is None:
        return None
    scale = manifold.energy_scale(num_points) / manifold.energy_scale(3)
    count = len(samples.indices)
    blocks = tf.reshape(blocks, [-1, count, latent_dim**2])
    return _combine(blocks, scale * samples.places.reshape(count, -1), curve.num_nodes, latent_dim)


def _combine(blocks: tf.Tensor, weights: np.ndarray, num_nodes: int, latent_dim: int) -> tf.Tensor:
    """`sum_n weights_n blocks_n`: `[B, n, d^2]` and `[n, K^2]` to `[B, P, P]`, symmetric."""
    size = num_nodes * latent_dim
    joined = tf.matmul(blocks, tf.constant(weights, blocks.dtype), transpose_a=True)
    joined = tf.reshape(joined, [-1, latent_dim, latent_dim, num_nodes, num_nodes])
    matrix = tf.reshape(tf.transpose(joined, [0, 3, 1, 4, 2]), [-1, size, size])
    return 0.5 * (matrix + tf.linalg.matrix_transpose(matrix))
