"""Manifolds whose exponential and logarithm maps are known, shared so that each is compiled once."""

import numpy as np
import pytest
import tensorflow as tf

from tests.cases import SmallDecoder, flat, random_ends, sphere
from tfgeo.manifolds import ExpectedPullback, Manifold, Pullback


class HalfPlane(Manifold):
    """The hyperbolic half-plane y > 0 with `(dx^2 + dy^2) / y^2`, as a metric alone, without an embedding."""

    def metric_tensor(self, z):
        return tf.eye(2, dtype=z.dtype) / tf.square(z[..., 1])[..., None, None]

    def residuals(self, points):
        # Differences over the height of the midpoint.
        steps = points[..., 1:, :] - points[..., :-1, :]
        heights = 0.5 * (points[..., 1:, 1:] + points[..., :-1, 1:])
        return tf.reshape(steps / heights, [tf.shape(points)[0], -1])

    def segment_energies(self, points):
        residuals = self.residuals(points)
        return tf.reduce_sum(tf.square(tf.reshape(residuals, [tf.shape(points)[0], -1, 2])), axis=-1)


class MetricOnly(Manifold):
    """A manifold that shows only the metric tensor of another."""

    def __init__(self, manifold):
        self.manifold = manifold

    def metric_tensor(self, z):
        return self.manifold.metric_tensor(z)

    def segment_energies(self, points):
        return self.manifold.segment_energies(points)


SPHERE = Pullback(sphere)
FLAT = Pullback(flat)
HALF_PLANE = HalfPlane()
DECODER = ExpectedPullback(SmallDecoder())
RELU = ExpectedPullback(SmallDecoder(tf.nn.relu))


def ends(name, dtype=np.float64):
    """Start and end `[4, 2]` of pairs on the manifold named."""
    if name in ("flat", "decoder"):
        return random_ends(4, dtype=dtype)
    # Polar angles away from the poles; heights away from 0.
    start = np.array([[0.5, 0.0], [0.7, 0.4], [1.2, 0.3], [0.9, 1.0]])
    end = np.array([[0.6, 0.8], [1.1, 0.9], [1.3, 1.0], [0.5, 0.6]])
    if name == "half_plane":
        start, end = start[:, ::-1], end[:, ::-1]
    return start.astype(dtype), end.astype(dtype)


MANIFOLDS = {"sphere": SPHERE, "flat": FLAT, "half_plane": HALF_PLANE, "decoder": DECODER}


def names_and_dtypes(names):
    """Parameters: each in float64, of which graphs are shared, and the first in float32; other float32 are slow."""
    return [
        pytest.param(name, dtype, marks=pytest.mark.slow if dtype == np.float32 and name != names[0] else ())
        for name in names
        for dtype in (np.float32, np.float64)
    ]


def push(z, v):
    """Vectors `[B, 2]` at points of the sphere as vectors `[B, 3]` of the space around it."""
    theta, phi = np.asarray(z, np.float64).T
    along = np.stack([np.cos(theta) * np.cos(phi), np.cos(theta) * np.sin(phi), -np.sin(theta)], axis=-1)
    across = np.stack([-np.sin(theta) * np.sin(phi), np.sin(theta) * np.cos(phi), 0.0 * phi], axis=-1)
    return v[:, :1] * along + v[:, 1:] * across


def half_plane_exponential(z, v):
    """Closed form: a rotation about i, a dilation along the imaginary axis, and the way back."""
    speed = np.linalg.norm(v, axis=-1) / z[:, 1]
    angle = 0.5 * (np.arctan2(v[:, 1], v[:, 0]) - 0.5 * np.pi)
    up = 1j * np.exp(speed)
    turned = (np.cos(angle) * up + np.sin(angle)) / (np.cos(angle) - np.sin(angle) * up)
    point = z[:, 1] * turned + z[:, 0]
    return np.stack([point.real, point.imag], axis=-1)


def half_plane_distance(start, end):
    squared = np.sum((end - start) ** 2, axis=-1)
    return np.arccosh(1.0 + squared / (2.0 * start[:, 1] * end[:, 1]))
