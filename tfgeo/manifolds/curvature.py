"""Curvature of a manifold, from its Christoffel symbols."""

from __future__ import annotations

import tensorflow as tf

from tfgeo.errors import UserError
from tfgeo.manifolds.calculus.jacobian import jacobian_columns
from tfgeo.manifolds.manifold import Manifold

__all__ = ["gaussian_curvature", "riemann_tensor", "sectional_curvature"]


def gaussian_curvature(manifold: Manifold, z: tf.Tensor) -> tf.Tensor:
    """Gaussian curvature of a surface at `z`: `[..., 2]` to `[...]`, in one over squared length.

    `R(u, v, v, u) / det G` for the coordinate vectors u and v: 1 on the unit sphere, 0 where the surface can be
    unrolled, -1 in the hyperbolic plane. It needs second derivatives of the metric, third ones of an embedding.

    Raises:
      UserError: if the manifold's dimension is not 2.
    """
    z = tf.convert_to_tensor(z)
    if z.shape[-1] != 2:
        raise UserError(
            f"the Gaussian curvature is that of a surface, but `z` has {z.shape[-1]} coordinates; "
            "use `sectional_curvature`, which takes the plane to measure in."
        )
    first, second = (tf.broadcast_to(tf.constant(unit, z.dtype), tf.shape(z)) for unit in ([1.0, 0.0], [0.0, 1.0]))
    return sectional_curvature(manifold, z, first, second)


def sectional_curvature(manifold: Manifold, z: tf.Tensor, u: tf.Tensor, v: tf.Tensor) -> tf.Tensor:
    """Curvature of the surface of geodesics from `z` in the plane of `u` and `v`: each `[..., d]`, to `[...]`.

    `<R(u, v) v, u> / (|u|^2 |v|^2 - <u, v>^2)`. NaN where u and v are parallel.
    """
    z, u, v = (tf.convert_to_tensor(value) for value in (z, u, v))
    turned = tf.einsum("...lkij,...k,...i,...j->...l", riemann_tensor(manifold, z), v, u, v)
    metric = manifold.metric_tensor(z)
    uu, uv, vv, numerator = (
        tf.einsum("...i,...ij,...j->...", a, metric, b) for a, b in ((u, u), (u, v), (v, v), (turned, u))
    )
    return numerator / (uu * vv - tf.square(uv))


def riemann_tensor(manifold: Manifold, z: tf.Tensor) -> tf.Tensor:
    """Riemann's curvature tensor at `z`: `[..., d]` to `[..., d, d, d, d]`.

    `R^l_kij = d_i Gamma^l_jk - d_j Gamma^l_ik + Gamma^l_im Gamma^m_jk - Gamma^l_jm Gamma^m_ik`, indices in the
    order l, k, i, j, so that `R(u, v) w` is `R^l_kij w^k u^i v^j`: how w turns when carried around a small
    parallelogram of u and v, per area.
    """
    z = tf.convert_to_tensor(z)
    gamma = manifold.christoffels(z)
    derivative = jacobian_columns(manifold.christoffels, z)  # [l, j, k, i]
    half = tf.einsum("...ljki->...lkij", derivative) + tf.einsum("...lim,...mjk->...lkij", gamma, gamma)
    return half - tf.einsum("...lkij->...lkji", half)
