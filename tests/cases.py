"""Analytic cases that several tests share: surfaces with known metrics, and small stochastic decoders."""

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

tfd = tfp.distributions

# Columns of the linear embedding of R^2 in R^3: neither orthogonal nor of equal length.
FLAT_MATRIX = np.array([[1.0, 0.5], [-0.3, 2.0], [0.2, 0.1]])


def sphere(z):
    """Polar angle and longitude `[..., 2]` to the unit sphere `[..., 3]`."""
    theta, phi = tf.unstack(z, axis=-1)
    return tf.stack([tf.sin(theta) * tf.cos(phi), tf.sin(theta) * tf.sin(phi), tf.cos(theta)], axis=-1)


def sphere_metric(z):
    theta = np.asarray(z)[..., 0]
    return np.stack([np.ones_like(theta), np.sin(theta) ** 2], axis=-1)[..., None] * np.eye(2)


def great_circle(start, end):
    """Angles `[B]` between points of the unit sphere given as (polar angle, longitude) `[B, 2]`."""
    a, b = (np.asarray(sphere(tf.constant(ends, tf.float64))) for ends in (start, end))
    return 2.0 * np.arcsin(0.5 * np.linalg.norm(a - b, axis=-1))


def paraboloid(z):
    """`(u, v)` to `(u, v, u^2 + v^2)`."""
    return tf.concat([z, tf.reduce_sum(tf.square(z), axis=-1, keepdims=True)], axis=-1)


def paraboloid_metric(z):
    z = np.asarray(z)
    return np.eye(z.shape[-1]) + 4.0 * z[..., :, None] * z[..., None, :]


def flat(z):
    """The linear embedding of `FLAT_MATRIX`."""
    return tf.linalg.matvec(tf.constant(FLAT_MATRIX, z.dtype), z)


def flat_metric(z):
    return np.broadcast_to(FLAT_MATRIX.T @ FLAT_MATRIX, (*np.shape(z)[:-1], 2, 2))


# Radius of the circle along which the tube of `torus` runs; the tube's own radius is 1.
TORUS_RADIUS = 2.0


def torus(z):
    """Angles along the circle and around the tube `[..., 2]` to the torus `[..., 3]`."""
    along, around = tf.unstack(z, axis=-1)
    radius = TORUS_RADIUS + tf.cos(around)
    return tf.stack([radius * tf.cos(along), radius * tf.sin(along), tf.sin(around)], axis=-1)


def torus_metric(z):
    around = np.asarray(z)[..., 1]
    return np.stack([(TORUS_RADIUS + np.cos(around)) ** 2, np.ones_like(around)], axis=-1)[..., None] * np.eye(2)


# name -> (embedding, closed-form metric); each takes latent points [..., 2] with coordinates in (0.2, 1.4).
SURFACES = {
    "sphere": (sphere, sphere_metric),
    "paraboloid": (paraboloid, paraboloid_metric),
    "flat": (flat, flat_metric),
    "torus": (torus, torus_metric),
}


# The hyperbolic plane in two charts, and in the chart of normal distributions: metrics that no embedding
# gives, as TensorFlow functions [..., 2] -> [..., 2, 2] of any float dtype, with their distances in NumPy.


def half_plane_metric(z):
    """`I / y^2` at (x, y) with y > 0: curvature -1."""
    z = tf.convert_to_tensor(z)
    return tf.eye(2, dtype=z.dtype) / tf.square(z[..., 1])[..., None, None]


def half_plane_distance(start, end):
    """`[B, 2]` pairs of points to `[B]` distances."""
    start, end = np.asarray(start), np.asarray(end)
    chord = np.linalg.norm(end - start, axis=-1)
    return 2.0 * np.arcsinh(0.5 * chord / np.sqrt(start[..., 1] * end[..., 1]))


def poincare_disc_metric(z):
    """`4 I / (1 - |z|^2)^2` for |z| < 1: curvature -1."""
    z = tf.convert_to_tensor(z)
    factor = 2.0 / (1.0 - tf.reduce_sum(tf.square(z), axis=-1))
    return tf.eye(2, dtype=z.dtype) * tf.square(factor)[..., None, None]


def poincare_disc_distance(start, end):
    """`[B, 2]` pairs of points to `[B]` distances."""
    start, end = np.asarray(start), np.asarray(end)
    room = [1.0 - np.sum(ends**2, axis=-1) for ends in (start, end)]
    return 2.0 * np.arcsinh(np.linalg.norm(end - start, axis=-1) / np.sqrt(room[0] * room[1]))


def gaussian_fisher_metric(z):
    """Fisher information `diag(1, 2) / sigma^2` of N(mu, sigma^2) at (mu, sigma): curvature -1/2."""
    z = tf.convert_to_tensor(z)
    return tf.linalg.diag(tf.constant([1.0, 2.0], z.dtype)) / tf.square(z[..., 1])[..., None, None]


def gaussian_fisher_distance(start, end):
    """`[B, 2]` pairs (mu, sigma) to `[B]` distances: sqrt(2) times the half plane's at (mu / sqrt(2), sigma)."""
    scale = np.array([np.sqrt(0.5), 1.0])
    return np.sqrt(2.0) * half_plane_distance(np.asarray(start) * scale, np.asarray(end) * scale)


class SmallDecoder:
    """A random two-layer network `[..., 2]` to a normal distribution over `[..., 6]`, in any float dtype.

    The standard deviation is 0.1 at the origin, where the data would be, and grows with the squared distance
    from it, differently for each output.

    Args:
      activation: of the hidden layer.
      spread: growth of the standard deviation; 0 makes it a constant.
      seed: seed of the weights.
    """

    def __init__(self, activation=tf.tanh, spread=0.3, seed=0):
        generator = np.random.default_rng(seed)
        self.activation = activation
        self.spread = spread
        self.hidden = generator.normal(size=[2, 12])
        self.shift = generator.normal(size=[12])
        self.output = generator.normal(size=[12, 6]) / np.sqrt(12.0)
        self.growth = generator.uniform(0.5, 1.5, size=[6])
        self.num_calls = 0

    def __call__(self, z):
        self.num_calls += 1
        hidden, shift, output, growth = (
            tf.constant(weights, z.dtype) for weights in (self.hidden, self.shift, self.output, self.growth)
        )
        mean = tf.tensordot(self.activation(tf.tensordot(z, hidden, 1) + shift), output, 1)
        radius = tf.reduce_sum(tf.square(z), axis=-1, keepdims=True)
        return tfd.Independent(tfd.Normal(mean, 0.1 + self.spread * radius * growth), 1)


class TwoComponents:
    """Log density of two wide components beside the straight path between the ends `GAP_ENDS`.

    The straight line between the ends leaves the data; a curve that bends up stays on them.
    """

    centers = np.array([[-0.6, 0.9], [0.6, 0.9]])
    stddev = 0.45

    def __call__(self, z):
        centers = tf.constant(self.centers, z.dtype)
        squared = tf.reduce_sum(tf.square(z[..., None, :] - centers), axis=-1)
        return tf.reduce_logsumexp(-0.5 * squared / self.stddev**2, axis=-1)


# [B, 2] each: ends whose straight line passes below both components of `TwoComponents`.
GAP_ENDS = (np.array([[-1.2, 0.0], [-1.0, 0.2]]), np.array([[1.2, 0.0], [1.1, 0.1]]))


def random_points(*shape, low=0.2, high=1.4, seed=0, dtype=np.float64):
    """Uniform points in a box in which all surfaces are regular."""
    return np.random.default_rng(seed).uniform(low, high, size=shape).astype(dtype)


def random_ends(num, seed=0, dtype=np.float32):
    """`num` pairs of ends `[num, 2]` around the origin, in the range of `SmallDecoder`."""
    ends = random_points(2, num, 2, low=-1.2, high=1.2, seed=seed, dtype=dtype)
    return ends[0], ends[1]
