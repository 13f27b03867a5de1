"""Curve families and random members of them, for the tests of all families."""

import numpy as np
import tensorflow as tf

from tfgeo import curves
from tfgeo.curves import Bezier, CubicSpline, LinearCurve, Neural, Polyline

T = np.linspace(0.0, 1.0, 11)

# Every registered family by default settings, and settings that take other paths through the code.
FAMILIES = [
    *[curves.from_name(name) for name in curves.names()],
    CubicSpline(2),
    CubicSpline(7, "natural"),
    Bezier(2),
    Polyline(1),
    Neural((5,)),
    Neural((5, 4, 3), seed=1),
    Neural((5, 4), "paper"),
]
LINEAR = [curve for curve in FAMILIES if isinstance(curve, LinearCurve)]
# Networks small enough for derivatives by brute force.
SMALL = [curve for curve in FAMILIES if curve.num_parameters(3) < 100]


def random_curve(curve, dtype=np.float64, latent_dim=3, shape=(4,)):
    """Parameters `[..., P]` and ends `[..., d]` of random curves."""
    generator = np.random.default_rng(2)
    ends = generator.normal(size=(2, *shape, latent_dim)).astype(dtype)
    parameters = generator.normal(size=(*shape, curve.num_parameters(latent_dim))).astype(dtype)
    return tf.constant(parameters), tf.constant(ends[0]), tf.constant(ends[1])
